/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What is known of images that ended, moved out of the kernel's tables to make
 * room there.  Their numbers stand still.
 */
#ifndef MS_KEPT_H
#define MS_KEPT_H

#include "collect/kernel.h"
#include "target/target.h"

struct kept {
	struct kernel_total *totals;
	size_t total_count;
	struct kept_image {
		uint32_t id;
		struct ms_image image;
	} * images; /* sorted by id */
	size_t image_count;
};

/*
 * Moves every ended image out of the kernel's tables.  0 or a negative errno;
 * on an error nothing is lost: what could not be moved stays there.
 */
int kept_move(struct kept *kept, struct kernel *kernel, const struct target *target);
/* The totals of a moved image, or NULL. */
const struct ms_image *kept_find(const struct kept *kept, uint32_t image);
void kept_free(struct kept *kept);

#endif
