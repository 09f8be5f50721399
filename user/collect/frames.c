/* SPDX-License-Identifier: GPL-2.0 */
/* Reads a stack from the kernel side and names its frames. */
#include "collect/frames.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "collect/jitted.h"

struct list {
	struct frame *items; /* innermost first, until they are turned round */
	size_t count, room;
};

static int list_add(struct list *list, const struct frame *frame)
{
	if (list->count == list->room) {
		size_t more = list->room ? 2 * list->room : 16;
		void *items = realloc(list->items, more * sizeof(*list->items));

		if (!items)
			return -ENOMEM;
		list->items = items;
		list->room = more;
	}
	list->items[list->count++] = *frame;
	return 0;
}

static int add_note(struct list *list, const char *text)
{
	struct frame note = {.function = text, .kind = FRAME_NOTE};

	return list_add(list, &note);
}

/* The allocation function itself: known by its row, not by an address. */
static int add_call(const struct frames_source *s, struct list *list, uint64_t frame)
{
	uint32_t row = MS_FRAME_OFFSET(frame) & ~MS_FRAME_ROW;
	const struct module *module = modules_find(s->modules, MS_FRAME_MODULE(frame));
	struct frame call = {.kind = FRAME_NATIVE};

	if (row >= s->table->count)
		return -EINVAL;
	call.function = symbols_demangle(s->symbols, s->table->rows[row].symbol);
	if (module)
		call.module = symbols_intern(s->symbols, module->path);
	return list_add(list, &call);
}

/*
 * An address the kernel side had no mapping for yet, because a library had only
 * just been mapped: the image's last table may know it.
 */
static uint64_t place_late(const struct image *image, uint64_t frame)
{
	uint64_t address = MS_FRAME_OFFSET(frame);
	uint32_t i;

	for (i = 0; image->table && i < image->table->nr; i++) {
		const struct ms_mapping *m = &image->table->map[i];

		if (address >= m->start && address < m->end)
			return MS_FRAME(m->module, address - m->start + m->offset);
	}
	return frame;
}

static int add_code(const struct frames_source *s, struct list *list, const struct image *image,
		    uint64_t frame)
{
	struct frame frames[SYMBOL_INLINE_MAX];
	const struct frame *jitted;
	const struct module *module;
	size_t i, n;
	int err = 0;

	if (!MS_FRAME_MODULE(frame) && image)
		frame = place_late(image, frame);
	jitted = MS_FRAME_MODULE(frame) ? NULL : jitted_find(s->jit, image, MS_FRAME_OFFSET(frame));
	if (jitted)
		return list_add(list, jitted);
	module = modules_find(s->modules, MS_FRAME_MODULE(frame));
	if (module)
		err = symbols_add_module(s->symbols, module->id, module->fd, module->path);
	if (err)
		return err;
	n = symbols_resolve(s->symbols, MS_FRAME_MODULE(frame), MS_FRAME_OFFSET(frame), frames,
			    SYMBOL_INLINE_MAX);
	for (i = 0; i < n && !err; i++)
		err = list_add(list, &frames[i]);
	return err;
}

static void turn_round(struct list *list)
{
	size_t i, j;

	for (i = 0, j = list->count; i + 1 < j; i++) {
		struct frame frame = list->items[i];

		list->items[i] = list->items[--j];
		list->items[j] = frame;
	}
}

int frames_of(const struct frames_source *s, const struct image *image, uint64_t hash,
	      struct frame **frames, size_t *count, bool *truncated)
{
	struct list list = {0};
	struct ms_stack stack;
	uint32_t i;
	int err = 0;

	*truncated = false;
	if (hash == MS_STACK_OTHER) {
		err = add_note(&list, "[stack table full]");
	} else if (kernel_stack(s->kernel, hash, &stack)) {
		err = add_note(&list, "[stack lost]");
	} else {
		for (i = 0; i < stack.nr && i <= MS_STACK_DEPTH && !err; i++)
			err = MS_FRAME_IS_ROW(stack.frames[i])
				  ? add_call(s, &list, stack.frames[i])
				  : add_code(s, &list, image, stack.frames[i]);
		*truncated = stack.end == MS_END_TRUNCATED;
		if (!err && *truncated)
			err = add_note(&list, "[truncated]");
	}
	if (err) {
		free(list.items);
		return err;
	}
	turn_round(&list);
	*frames = list.items;
	*count = list.count;
	return 0;
}
