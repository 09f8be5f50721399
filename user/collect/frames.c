/* SPDX-License-Identifier: GPL-2.0 */
/* Reads a stack from the kernel side and names its frames. */
#include "collect/frames.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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
	const struct module *module;
	size_t i, n;
	int err = 0;

	if (!MS_FRAME_MODULE(frame) && image)
		frame = place_late(image, frame);
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

static int add_python(const struct frames_source *s, struct list *list, uint64_t frame)
{
	struct frame call = {.kind = FRAME_PYTHON};

	codes_frame(s->codes, MS_FRAME_PYTHON_CODE(frame), MS_FRAME_PYTHON_UNIT(frame),
		    &call.function, &call.file, &call.line);
	if (!*call.file)
		call.file = NULL;
	return list_add(list, &call);
}

static int add_frame(const struct frames_source *s, struct list *list, const struct image *image,
		     uint64_t frame)
{
	if (MS_FRAME_MODULE(frame) == MS_MODULE_PYTHON)
		return add_python(s, list, frame);
	return MS_FRAME_IS_ROW(frame) ? add_call(s, list, frame) : add_code(s, list, image, frame);
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

/* ---- how a stack ends ------------------------------------------------------ */

static const struct {
	const char *name, *text; /* %s: the file of the last frame */
} ends[MS_END_NR] = {
#define X(id, name, text) [MS_END_##id] = {name, text},
    MS_ENDS(X)
#undef X
};

static const char *last_file(const struct frames_source *s, const struct ms_stack *stack)
{
	uint64_t last = stack->nr ? stack->frames[(stack->nr - 1) % (MS_STACK_DEPTH + 1)] : 0;
	const struct module *module = modules_find(s->modules, MS_FRAME_MODULE(last));
	const char *slash = module ? strrchr(module->path, '/') : NULL;

	return slash ? slash + 1 : module ? module->path : "unknown code";
}

/* A stack that does not reach its thread's start says so in place of a root. */
static int add_end(const struct frames_source *s, struct list *list, const struct ms_stack *kept,
		   struct stack *stack)
{
	unsigned end = kept->end < MS_END_NR ? kept->end : MS_END_UNREADABLE;
	char text[512], note[sizeof(text) + 32];

	stack->end = ends[end].name;
	stack->by_pointer = kept->by_pointer;
	if (end == MS_END_ROOT)
		return 0;
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
	snprintf(text, sizeof(text), ends[end].text, last_file(s, kept));
#pragma GCC diagnostic pop
	snprintf(note, sizeof(note), "[unwinding stopped: %s]", text);
	stack->end_text = symbols_intern(s->symbols, text);
	return add_note(list, symbols_intern(s->symbols, note));
}

static int add_stack(const struct frames_source *s, struct list *list, const struct image *image,
		     const struct ms_stack *kept, struct stack *stack)
{
	uint32_t i;
	int err = 0;

	for (i = 0; i < kept->nr && i <= MS_STACK_DEPTH && !err; i++)
		err = add_frame(s, list, image, kept->frames[i]);
	return err ? err : add_end(s, list, kept, stack);
}

int frames_of(const struct frames_source *s, const struct image *image, uint64_t hash,
	      struct stack *stack)
{
	struct list list = {0};
	struct ms_stack kept;
	int err;

	stack->end = "lost";
	if (hash == MS_STACK_OTHER)
		err = add_note(&list, stack->end_text = "[stack table full]");
	else if (kernel_stack(s->kernel, hash, &kept))
		err = add_note(&list, stack->end_text = "[stack lost]");
	else
		err = add_stack(s, &list, image, &kept, stack);
	if (err) {
		free(list.items);
		return err;
	}
	turn_round(&list);
	stack->frames = list.items;
	stack->frame_count = list.count;
	return 0;
}
