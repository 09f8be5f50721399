/* SPDX-License-Identifier: GPL-2.0 */
/* Names frames, and puts stacks together from what is named. */
#include "collect/frames.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "collect/jitted.h"
#include "collect/special.h"
#include "mapping.h"
#include "symbol/intern.h"

/* What one frame of the kernel side reads as: inlined calls make it several. */
struct names {
	size_t count;
	struct frame frames[]; /* innermost first */
};

struct naming {
	const struct frames_source *source;
	const struct stack_set *stacks;
	const struct names **by_place; /* NULL where it depends on the process */
	struct pair_map of_images;     /* (image, frame) -> struct names */
	struct pair_map same;          /* content -> struct names */
	struct intern *memory;
	size_t count;
};

/* ---- one frame ---------------------------------------------------------- */

/* Code in no file is another in each process. */
static bool is_of_image(uint64_t frame)
{
	return !MS_FRAME_MODULE(frame);
}

/*
 * An address the kernel side had no mapping for yet, because a library had only
 * just been mapped: the image's last table may know it.
 */
static uint64_t place_late(const struct image *image, uint64_t frame)
{
	uint64_t address = MS_FRAME_OFFSET(frame);
	const struct ms_mapping *m = mapping_find(image->table, address);

	return m ? MS_FRAME(m->module, address - m->start + m->offset) : frame;
}

static size_t name_code(const struct frames_source *s, uint64_t frame, struct frame *out)
{
	const struct module *module = modules_find(s->modules, MS_FRAME_MODULE(frame));

	/* Without memory for the module its frames are shown by offset. */
	if (module)
		symbols_add_module(s->symbols, module->id, module->fd, module->path);
	return symbols_resolve(s->symbols, MS_FRAME_MODULE(frame), MS_FRAME_OFFSET(frame), out,
			       SYMBOL_INLINE_MAX);
}

/* Up to SYMBOL_INLINE_MAX frames, innermost first.  `image` counts only if is_of_image(). */
static size_t name_frame(const struct frames_source *s, const struct image *image, uint64_t frame,
			 struct frame *out)
{
	const struct frame *jitted;

	if (special_frame(s, frame, out))
		return 1;
	if (is_of_image(frame) && image)
		frame = place_late(image, frame);
	if (is_of_image(frame)) {
		jitted = jitted_find(s->jit, image, MS_FRAME_OFFSET(frame));
		if (jitted) {
			*out = *jitted;
			return 1;
		}
	}
	return name_code(s, frame, out);
}

size_t frames_name(const struct frames_source *s, uint64_t frame, struct frame *out)
{
	return name_frame(s, NULL, frame, out);
}

/* ---- all frames ---------------------------------------------------------- */

static void mix(uint64_t key[2], uint64_t value)
{
	key[0] = (key[0] ^ value) * 0x9e3779b97f4a7c15ULL;
	key[0] ^= key[0] >> 29;
	key[1] = (key[1] + value) * 0xff51afd7ed558ccdULL;
	key[1] ^= key[1] >> 33;
}

/* Texts are interned: the same text is the same pointer. */
static void mix_frame(uint64_t key[2], const struct frame *frame)
{
	mix(key, (uint64_t)(uintptr_t)frame->function);
	mix(key, (uint64_t)(uintptr_t)frame->file);
	mix(key, (uint64_t)(uintptr_t)frame->module);
	mix(key, (uint64_t)frame->line << 8 | (uint64_t)frame->kind << 1 | frame->inlined);
}

/* The names of a frame; frames that read the same share them. */
static struct names *make_names(struct naming *n, const struct image *image, uint64_t frame)
{
	struct frame frames[SYMBOL_INLINE_MAX];
	size_t i, count = name_frame(n->source, image, frame, frames);
	uint64_t key[2] = {count, 0};
	struct names *names;

	n->count++;
	for (i = 0; i < count; i++)
		mix_frame(key, &frames[i]);
	names = pair_map_find(&n->same, key[0], key[1]);
	if (names)
		return names;
	names = intern_alloc(n->memory, sizeof(*names) + count * sizeof(*names->frames));
	if (!names)
		return NULL;
	names->count = count;
	memcpy(names->frames, frames, count * sizeof(*frames));
	return pair_map_add(&n->same, key[0], key[1], names) ? NULL : names;
}

static int compare_frames(const void *a, const void *b, void *context)
{
	const uint64_t *frames = context;
	uint64_t x = frames[*(const uint32_t *)a], y = frames[*(const uint32_t *)b];

	return x < y ? -1 : x > y;
}

/* In the order of modules and offsets: what a file knows of neighbours is read together. */
static int name_all(struct naming *n)
{
	const struct stack_set *set = n->stacks;
	uint32_t *order = calloc(set->frame_count + 1, sizeof(*order));
	size_t i;
	int err = 0;

	n->by_place = calloc(set->frame_count + 1, sizeof(*n->by_place));
	if (!order || !n->by_place) {
		free(order);
		return -ENOMEM;
	}
	for (i = 0; i < set->frame_count; i++)
		order[i] = (uint32_t)i;
	qsort_r(order, set->frame_count, sizeof(*order), compare_frames, set->frames);
	for (i = 0; i < set->frame_count && !err; i++) {
		uint64_t frame = set->frames[order[i]];

		if (is_of_image(frame))
			continue;
		n->by_place[order[i]] = make_names(n, NULL, frame);
		err = n->by_place[order[i]] ? 0 : -ENOMEM;
	}
	free(order);
	return err;
}

int naming_new(const struct frames_source *source, const struct stack_set *stacks,
	       struct naming **out)
{
	struct naming *n = calloc(1, sizeof(*n));
	int err = -ENOMEM;

	if (!n)
		return err;
	n->source = source;
	n->stacks = stacks;
	n->memory = intern_new();
	if (n->memory)
		err = name_all(n);
	if (err) {
		naming_free(n);
		return err;
	}
	*out = n;
	return 0;
}

void naming_free(struct naming *n)
{
	if (!n)
		return;
	pair_map_free(&n->of_images);
	pair_map_free(&n->same);
	intern_free(n->memory);
	free(n->by_place);
	free(n);
}

size_t naming_count(const struct naming *n)
{
	return n->count;
}

static const struct names *names_at(struct naming *n, const struct image *image, uint32_t place)
{
	uint64_t frame = n->stacks->frames[place];
	struct names *names;

	if (n->by_place[place])
		return n->by_place[place];
	names = pair_map_find(&n->of_images, image ? image->id : 0, frame);
	if (names)
		return names;
	names = make_names(n, image, frame);
	if (names && pair_map_add(&n->of_images, image ? image->id : 0, frame, names))
		return NULL;
	return names;
}

/* ---- how a stack ends ----------------------------------------------------- */

static const struct {
	const char *name, *text; /* %s: the file of the last frame */
} ends[MS_END_NR] = {
#define X(id, name, text) [MS_END_##id] = {name, text},
    MS_ENDS(X)
#undef X
};

static const char *last_file(const struct naming *n, const struct stack_view *stack)
{
	const struct module *module = NULL;
	const char *slash;
	size_t i;

	/* Python may have gone on where the native walk ended. */
	for (i = stack->nr; i-- > 0 && !module;)
		module = modules_find(n->source->modules,
				      MS_FRAME_MODULE(n->stacks->frames[stack->places[i]]));
	slash = module ? strrchr(module->path, '/') : NULL;

	return slash ? slash + 1 : module ? module->path : "unknown code";
}

/*
 * A stack that does not reach its thread's start says so in place of a root:
 * true, and the remark.
 */
static bool name_end(const struct naming *n, const struct stack_view *view, struct stack *stack,
		     struct frame *note)
{
	unsigned end = view->end < MS_END_NR ? view->end : MS_END_UNREADABLE;
	char text[512], remark[sizeof(text) + 32];

	stack->end = ends[end].name;
	stack->by_pointer = view->by_pointer;
	if (end == MS_END_ROOT)
		return false;
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
	snprintf(text, sizeof(text), ends[end].text, last_file(n, view));
#pragma GCC diagnostic pop
	snprintf(remark, sizeof(remark), "[unwinding stopped: %s]", text);
	stack->end_text = symbols_intern(n->source->symbols, text);
	*note = (struct frame){.function = symbols_intern(n->source->symbols, remark),
			       .kind = FRAME_NOTE};
	return true;
}

/* ---- stacks --------------------------------------------------------------- */

/* A stack without frames of its own; `end` is NULL where nothing is missing. */
static int one_note(const char *text, const char *end, struct stack *stack)
{
	stack->frames = malloc(sizeof(*stack->frames));
	if (!stack->frames)
		return -ENOMEM;
	*stack->frames = (struct frame){.function = text, .kind = FRAME_NOTE};
	stack->frame_count = 1;
	stack->end = end ? end : ends[MS_END_ROOT].name;
	stack->end_text = end ? text : NULL;
	return 0;
}

/*
 * The Python frames of the stack that started the thread, from the root on, and a
 * remark that it did, into `out` if that is not NULL.  How many they are, 0 if
 * there is none; -ENOMEM.
 */
static ssize_t origin_frames(struct naming *n, const struct image *image, uint64_t origin,
			     struct frame *out)
{
	static const struct frame started = {.function = "[started this thread]",
					     .kind = FRAME_NOTE};
	struct stack_view view;
	ssize_t count = 0;
	size_t i;

	if (!origin || !stack_set_find(n->stacks, origin, &view))
		return 0;
	for (i = view.nr; i-- > 0;) {
		const struct names *names = names_at(n, image, view.places[i]);

		if (!names)
			return -ENOMEM;
		if (!names->count || names->frames[0].kind != FRAME_PYTHON)
			continue;
		if (out)
			out[count] = names->frames[0];
		count++;
	}
	if (count && out)
		out[count] = started;
	return count ? count + 1 : 0;
}

static int mix_origin(struct naming *n, const struct image *image, uint64_t origin, uint64_t key[2])
{
	struct frame frames[MS_STACK_DEPTH + 2];
	ssize_t i, count = origin_frames(n, image, origin, frames);

	for (i = 0; i < count; i++)
		mix_frame(key, &frames[i]);
	return count < 0 ? (int)count : 0;
}

int frames_key(struct naming *n, const struct image *image, uint64_t hash, uint64_t key[2])
{
	struct stack_view view;
	size_t i;

	key[0] = hash;
	key[1] = 0;
	if (hash <= MS_STACK_REMARKS || !stack_set_find(n->stacks, hash, &view))
		return 0;
	key[0] = view.end;
	key[1] = (uint64_t)view.by_pointer << 32 | view.nr;
	for (i = 0; i < view.nr; i++) {
		const struct names *names = names_at(n, image, view.places[i]);

		if (!names)
			return -ENOMEM;
		mix(key, (uint64_t)(uintptr_t)names);
	}
	return view.origin ? mix_origin(n, image, view.origin, key) : 0;
}

int frames_of(struct naming *n, const struct image *image, uint64_t hash, struct stack *stack)
{
	const struct names *names[MS_STACK_DEPTH + 1];
	struct stack_view view;
	struct frame note, *out;
	const char *remark, *end;
	size_t total = 0, i, j;
	ssize_t before;
	bool is_cut;

	remark = special_stack(hash, &end);
	if (remark)
		return one_note(remark, end, stack);
	if (!stack_set_find(n->stacks, hash, &view))
		return one_note("[stack lost]", "lost", stack);
	for (i = 0; i < view.nr; i++) {
		names[i] = names_at(n, image, view.places[i]);
		if (!names[i])
			return -ENOMEM;
		total += names[i]->count;
	}
	is_cut = name_end(n, &view, stack, &note);
	before = origin_frames(n, image, view.origin, NULL);
	if (before < 0)
		return (int)before;
	total += is_cut + (size_t)before;
	out = malloc((total + 1) * sizeof(*out));
	if (!out)
		return -ENOMEM;
	stack->frames = out;
	stack->frame_count = total;
	out += origin_frames(n, image, view.origin, out);
	if (is_cut)
		*out++ = note;
	for (i = view.nr; i-- > 0;)
		for (j = names[i]->count; j-- > 0;)
			*out++ = names[i]->frames[j];
	return 0;
}
