/* SPDX-License-Identifier: GPL-2.0 */
/* An image's files, given to the symboliser; a forked child's are its parent's too. */
#include "collect/jitted.h"

#define GENERATIONS 16 /* a child may have forked in turn */

const struct frame *jitted_find(struct jit *jit, const struct image *image, uint64_t address)
{
	const struct frame *frame = NULL;
	int i;

	for (i = 0; image && !frame && i < GENERATIONS; i++, image = image->parent) {
		if (jit_is_due(jit, image->id)) {
			jit_read(jit, image->id, JIT_DUMP, jit_files_open_dump(&image->jit));
			jit_read(jit, image->id, JIT_MAP, jit_files_open_map(&image->jit));
		}
		frame = jit_find(jit, image->id, address);
	}
	return frame;
}
