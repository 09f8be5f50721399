/* SPDX-License-Identifier: GPL-2.0 */
/* A table of failed calls. */
#include "collect/failures.h"

#include <errno.h>
#include <stdlib.h>

#include "base/array.h"

static int add_item(struct failures *f, const struct ms_stack_key *key)
{
	if (f->count == MS_FAILURES_MAX)
		return -ENOMEM;
	if (array_reserve(&f->items, f->count, &f->room, sizeof(*f->items)))
		return -ENOMEM;
	if (pair_map_add(&f->places, (uint64_t)key->id << 32 | key->layer, key->hash,
			 (void *)(uintptr_t)(f->count + 1)))
		return -ENOMEM;
	f->items[f->count++] = (struct kernel_failure){.key = *key};
	return 0;
}

int failures_add(struct failures *f, const struct ms_stack_key *key, uint64_t bytes)
{
	size_t at = (size_t)(uintptr_t)pair_map_find(
	    &f->places, (uint64_t)key->id << 32 | key->layer, key->hash);
	int err = at ? 0 : add_item(f, key);
	struct ms_failures *value;

	if (err)
		return err;
	if (!at)
		at = f->count;
	value = &f->items[at - 1].value;
	value->count++;
	if (bytes > MS_FAILED_BYTES_MAX || value->bytes + bytes > MS_FAILED_BYTES_MAX)
		value->bytes = MS_FAILED_BYTES_MAX;
	else
		value->bytes += bytes;
	return 0;
}

void failures_free(struct failures *f)
{
	free(f->items);
	pair_map_free(&f->places);
	*f = (struct failures){0};
}
