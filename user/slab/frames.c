/* SPDX-License-Identifier: GPL-2.0 */
/* Names frames of the kernel: functions, and what was called. */
#include "slab/frames.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "symbol/intern.h"

/* Frames of the tracing itself at most, innermost: the program, and what called it. */
#define OWN_FRAMES 6

struct slab_frames {
	const struct slab *slab;
	const struct kallsyms *symbols;
	struct intern *texts;
	struct pair_map caches; /* by number -> struct slab_cache */
};

struct slab_frames *slab_frames_new(const struct slab *slab, const struct kallsyms *symbols)
{
	struct slab_frames *f = calloc(1, sizeof(*f));

	if (!f)
		return NULL;
	f->slab = slab;
	f->symbols = symbols;
	f->texts = intern_new();
	if (!f->texts) {
		free(f);
		return NULL;
	}
	return f;
}

void slab_frames_free(struct slab_frames *f)
{
	if (!f)
		return;
	pair_map_free(&f->caches);
	intern_free(f->texts);
	free(f);
}

/* ---- what was called --------------------------------------------------------- */

/* Each cache is asked for once; NULL: nothing is known of it. */
static const struct slab_cache *cache_find(struct slab_frames *f, uint64_t number)
{
	struct slab_cache *cache = pair_map_find(&f->caches, number, 0), found;

	if (cache)
		return cache;
	if (slab_cache(f->slab, (uint32_t)number, &found))
		return NULL;
	found.name[sizeof(found.name) - 1] = '\0';
	cache = intern_alloc(f->texts, sizeof(*cache));
	if (!cache || pair_map_add(&f->caches, number, 0, cache))
		return NULL;
	*cache = found;
	return cache;
}

static const char *name_call(struct slab_frames *f, uint64_t frame)
{
	uint64_t value = SLAB_FRAME_VALUE(frame);
	const struct slab_cache *cache;
	char text[96];

	switch ((enum slab_call)SLAB_FRAME_CALL(frame)) {
	case SLAB_KMALLOC:
		snprintf(text, sizeof(text), "kmalloc %" PRIu64, value);
		break;
	case SLAB_CACHE:
		cache = cache_find(f, value);
		snprintf(text, sizeof(text), "kmem_cache_alloc %s", cache ? cache->name : "?");
		break;
	case SLAB_CACHE_SIZE:
		snprintf(text, sizeof(text), "kmem_cache_alloc %" PRIu64, value);
		break;
	case SLAB_PAGE_ORDER:
		snprintf(text, sizeof(text), "alloc_pages order %" PRIu64, value);
		break;
	default:
		snprintf(text, sizeof(text), "[unknown call]");
	}
	return intern_text(f->texts, text, sizeof(text));
}

uint64_t slab_frames_block(struct slab_frames *f, const struct ms_stack *stack)
{
	uint64_t frame = stack->nr ? stack->frames[0] : 0, value = SLAB_FRAME_VALUE(frame);
	const struct slab_cache *cache;

	switch ((enum slab_call)SLAB_FRAME_CALL(frame)) {
	case SLAB_KMALLOC:
	case SLAB_CACHE_SIZE:
		return value;
	case SLAB_CACHE:
		cache = cache_find(f, value);
		return cache ? cache->size : 0;
	case SLAB_PAGE_ORDER:
		break;
	}
	return 0;
}

/* ---- functions --------------------------------------------------------------- */

/* Of a return address: the call before it may be a function's last instruction. */
static struct frame name_code(struct slab_frames *f, uint64_t address)
{
	struct frame frame = {.kind = FRAME_KERNEL};
	char text[32];

	if (!kallsyms_find(f->symbols, address - 1, &frame.function, &frame.module)) {
		snprintf(text, sizeof(text), "[0x%" PRIx64 "]", address);
		frame.function = intern_text(f->texts, text, sizeof(text));
	}
	return frame;
}

/* These call a program at a tracepoint or a function; the program is further in. */
static const char *const tracers[] = {"bpf_trace_run", "__bpf_trace_", "__traceiter_",
				      "bpf_trampoline_", NULL};

/*
 * Where an interrupt of the timer or of a device comes in.  Whoever it interrupts has not
 * called it: each would be another stack, and none of them says anything.
 */
static const char *const interrupts[] = {"asm_sysvec_apic_timer_interrupt", "asm_common_interrupt",
					 "el1h_64_irq", NULL};

static bool begins_with(const struct frame *frame, const char *const *names)
{
	for (; *names; names++)
		if (!strncmp(frame->function, *names, strlen(*names)))
			return true;
	return false;
}

size_t slab_frames_name(struct slab_frames *f, const struct ms_stack *stack, struct frame *out)
{
	struct frame named[MS_STACK_DEPTH + 1] = {0};
	size_t i, count = 0, own = 1, nr = stack->nr;
	bool outermost = false;

	if (nr > MS_STACK_DEPTH + 1)
		nr = MS_STACK_DEPTH + 1;
	for (i = 0; i < nr && !outermost; i++) {
		if (i)
			named[i] = name_code(f, stack->frames[i]);
		else
			named[i] = (struct frame){.function = name_call(f, stack->frames[0]),
						  .kind = FRAME_KERNEL};
		if (!named[i].function)
			return 0;
		if (i <= OWN_FRAMES && begins_with(&named[i], tracers))
			own = i + 1;
		outermost = i && begins_with(&named[i], interrupts);
	}
	nr = i;
	while (i-- > own)
		out[count++] = named[i];
	if (nr)
		out[count++] = named[0];
	return count;
}
