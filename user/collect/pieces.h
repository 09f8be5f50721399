/* SPDX-License-Identifier: GPL-2.0 */
/* Stacks put together from the pieces that the kernel side keeps. */
#ifndef MS_PIECES_H
#define MS_PIECES_H

#include "collect/kernel.h"
#include "symbol/intern.h"

struct pieces {
	struct pair_map by_name; /* -> place in items + 1 */
	struct ms_piece *items;
	size_t count, room;
};

/* Reads the map `fd` of pieces.  0 or a negative errno; pieces_free() in every case. */
int pieces_read(int fd, struct pieces *out);
void pieces_free(struct pieces *pieces);

/*
 * The stack named `name`: from `pieces`, and what is not there from the kernel.
 * 0; -ENOENT if it is not there, -EBADMSG if its chain has no end.
 */
int pieces_stack(const struct pieces *pieces, const struct kernel *kernel, uint64_t name,
		 struct ms_stack *out);

/* Takes one more frame, towards the root: a frame, or a note (MS_MODULE_NOTE). */
void pieces_take(struct ms_stack *stack, uint64_t frame);

#endif
