/* SPDX-License-Identifier: GPL-2.0 */
/* Images that ended, moved out of the kernel's tables. */
#include "collect/kept.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static int compare_images(const void *a, const void *b)
{
	const struct kept_image *x = a, *y = b;

	return x->id < y->id ? -1 : x->id > y->id;
}

const struct ms_image *kept_find(const struct kept *kept, uint32_t image)
{
	const struct kept_image key = {.id = image}, *found;

	found = kept->image_count ? bsearch(&key, kept->images, kept->image_count,
					    sizeof(*kept->images), compare_images)
				  : NULL;
	return found ? &found->image : NULL;
}

static int add_images(struct kept *kept, const struct kernel *kernel, const struct target *target)
{
	struct image *const *images;
	size_t i, n = target_images(target, &images);
	struct kept_image *all = realloc(kept->images, n * sizeof(*all)), *next;

	if (!all)
		return -ENOMEM;
	kept->images = all;
	next = all + kept->image_count;
	for (i = 0; i < n; i++)
		if (images[i]->end_ns && !kept_find(kept, images[i]->id) &&
		    !kernel_image(kernel, images[i]->id, &next->image))
			(next++)->id = images[i]->id;
	kept->image_count = next - all;
	qsort(all, kept->image_count, sizeof(*all), compare_images);
	return 0;
}

static bool is_kept(uint32_t image, void *context)
{
	return kept_find(context, image);
}

int kept_move(struct kept *kept, struct kernel *kernel, const struct target *target)
{
	struct kernel_total *totals = NULL, *room;
	size_t i, n = 0, before = kept->image_count;
	int err = kernel_totals(kernel, &totals, &n);

	if (err)
		return err;
	room = realloc(kept->totals, (kept->total_count + n + 1) * sizeof(*room));
	if (!room) {
		err = -ENOMEM;
		goto out;
	}
	kept->totals = room;
	err = add_images(kept, kernel, target);
	if (err || kept->image_count == before)
		goto out;
	for (i = 0; i < n; i++)
		if (kept_find(kept, totals[i].key.id))
			kept->totals[kept->total_count++] = totals[i];
	err = kernel_forget(kernel, is_kept, kept);
out:
	free(totals);
	return err;
}

void kept_free(struct kept *kept)
{
	free(kept->totals);
	free(kept->images);
	*kept = (struct kept){0};
}
