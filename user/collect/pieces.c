/* SPDX-License-Identifier: GPL-2.0 */
/* Stacks put together from the pieces that the kernel side keeps. */
#include "collect/pieces.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "collect/maps.h"

#define SLOTS (sizeof(((struct ms_stack *)0)->frames) / sizeof(uint64_t))
#define CHAIN_MAX (SLOTS / MS_PIECE + 1)

static int take_piece(struct pieces *p, uint64_t name, const struct ms_piece *piece)
{
	if (array_reserve(&p->items, p->count, &p->room, sizeof(*p->items)))
		return -ENOMEM;
	/* A map that changes meanwhile may give an entry twice. */
	if (pair_map_find(&p->by_name, name, 0))
		return 0;
	p->items[p->count++] = *piece;
	return pair_map_add(&p->by_name, name, 0, (void *)(uintptr_t)p->count);
}

static int take_pieces(const void *keys, const void *values, uint32_t n, void *context)
{
	const struct ms_piece *pieces = values;
	const uint64_t *names = keys;
	uint32_t i;
	int err = 0;

	for (i = 0; i < n && !err; i++)
		err = take_piece(context, names[i], &pieces[i]);
	return err;
}

int pieces_read(int fd, struct pieces *out)
{
	*out = (struct pieces){0};
	return maps_read(fd, sizeof(uint64_t), sizeof(struct ms_piece), take_pieces, out);
}

void pieces_free(struct pieces *p)
{
	pair_map_free(&p->by_name);
	free(p->items);
	*p = (struct pieces){0};
}

static int find(const struct pieces *p, const struct kernel *kernel, uint64_t name,
		struct ms_piece *out)
{
	size_t place = (size_t)(uintptr_t)pair_map_find(&p->by_name, name, 0);

	if (!place)
		return kernel ? kernel_piece(kernel, name, out) : -ENOENT;
	*out = p->items[place - 1];
	return 0;
}

void pieces_take(struct ms_stack *stack, uint64_t frame)
{
	uint64_t value = MS_FRAME_NOTE_VALUE(frame);

	if (MS_FRAME_MODULE(frame) != MS_MODULE_NOTE) {
		if (stack->nr < SLOTS)
			stack->frames[stack->nr++] = frame;
		return;
	}
	switch (MS_FRAME_NOTE(frame)) {
	case MS_NOTE_END:
		stack->end = (uint16_t)value;
		break;
	case MS_NOTE_BY_POINTER:
		stack->by_pointer = (uint16_t)value;
		break;
	case MS_NOTE_ORIGIN_LOW:
		stack->origin |= value;
		break;
	case MS_NOTE_ORIGIN_HIGH:
		stack->origin |= value << 32;
		break;
	}
}

int pieces_stack(const struct pieces *p, const struct kernel *kernel, uint64_t name,
		 struct ms_stack *out)
{
	struct ms_piece piece;
	size_t i, j;
	int err;

	*out = (struct ms_stack){.end = MS_END_ROOT};
	for (i = 0; name && i < CHAIN_MAX; i++) {
		err = find(p, kernel, name, &piece);
		if (err)
			return err;
		for (j = MS_PIECE; j-- > 0;)
			if (piece.frames[j])
				pieces_take(out, piece.frames[j]);
		name = piece.outer;
	}
	return name ? -EBADMSG : 0;
}
