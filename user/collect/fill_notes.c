/* SPDX-License-Identifier: GPL-2.0 */
/* The notes of a snapshot: what a reader must know that is no loss. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "collect/fill.h"

static __attribute__((format(printf, 2, 3))) int add_note(struct snapshot *s, const char *format,
							  ...)
{
	char **notes = realloc(s->notes, (s->note_count + 1) * sizeof(char *));
	va_list args;
	int n;

	if (!notes)
		return -ENOMEM;
	s->notes = notes;
	va_start(args, format);
	n = vasprintf(&notes[s->note_count], format, args);
	va_end(args);
	if (n < 0)
		return -ENOMEM;
	s->note_count++;
	return 0;
}

/* What was born too fast to be seen from its first instruction. */
static int note_children(const struct collect *c, struct snapshot *s)
{
	struct image *const *images;
	size_t i, n = target_images(c->target, &images), unseen = 0, late = 0;
	double longest = 0;
	int err = 0;

	for (i = 0; i < n; i++) {
		double gap = ((double)images[i]->ready_ns - (double)images[i]->start_ns) / 1e9;

		if (!images[i]->ready_ns)
			unseen += images[i]->end_ns && !images[i]->execed;
		else if (images[i]->followed) {
			late++;
			longest = gap > longest ? gap : longest;
		}
	}
	if (unseen)
		err = add_note(s,
			       "children that ended before their probes were in, so that "
			       "nothing of them is counted: %zu",
			       unseen);
	if (!err && late)
		err = add_note(s,
			       "children found by fork or exec, so that what they did before "
			       "their probes were in (%.1f ms at most) is not counted: %zu",
			       longest * 1e3, late);
	return err;
}

/* What is not named. */
static int note_unnamed(const struct collect *c, struct snapshot *s)
{
	size_t unnamed = symbols_incomplete(c->source.symbols);
	size_t jitted = jit_incomplete(c->source.jit);
	int err = 0;

	if (unnamed)
		err = add_note(s,
			       "files with more debug information than is read, so that frames "
			       "in them may have no name or line: %zu",
			       unnamed);
	if (!err && jitted)
		err = add_note(s,
			       "processes whose JIT wrote down more code than is read, so that "
			       "frames in it may have no name: %zu",
			       jitted);
	return err;
}

static int note_devices(const struct collect *c, struct snapshot *s)
{
	uint64_t unplaced = gpus_counts(&c->gpus).unknown_device;
	char remark[256];
	int err = 0;

	if (unplaced)
		err = add_note(s,
			       "GPU blocks whose device is not known (its context was made "
			       "before tracing), so that they are counted under device 0: %llu",
			       (unsigned long long)unplaced);
	if (!err && drivers_remark(&c->drivers, remark, sizeof(remark)))
		err = add_note(s,
			       "what CUDA processes hold beside what was counted is not known, or "
			       "not of all: %s",
			       remark);
	return err;
}

static int note_stages(const struct collect *c, struct snapshot *s)
{
	char remark[256];
	size_t i;
	int err = 0;

	for (i = 0; i < c->tensors.rules->count && !err; i++)
		if (stage_remark(c, i, remark, sizeof(remark)))
			err = add_note(s, "%s", remark);
	return err;
}

/* How many stacks, and what share of the allocations, end too early; and why. */
static int note_ends(const struct collect *c, struct snapshot *s)
{
	uint64_t allocs = 0, cut_allocs = 0;
	size_t i, cut = 0, guessed = 0;
	int err = 0;

	(void)c;
	for (i = 0; i < s->stack_count; i++) {
		const struct stack *stack = &s->stacks[i];

		allocs += stack->allocs;
		guessed += stack->by_pointer != 0;
		if (!stack->end_text)
			continue;
		cut++;
		cut_allocs += stack->allocs;
	}
	if (cut)
		err = add_note(s,
			       "unwinding stopped before the thread's start in %zu of %zu "
			       "stacks, %.3g %% of the allocations; each says why",
			       cut, s->stack_count,
			       allocs ? 100.0 * (double)cut_allocs / (double)allocs : 0.0);
	if (!err && guessed)
		err = add_note(s,
			       "stacks that lead through code without unwind rows, by its frame "
			       "pointers: %zu of %zu",
			       guessed, s->stack_count);
	return err;
}

typedef int note_fn(const struct collect *c, struct snapshot *s);

/* In the order in which they are shown. */
static note_fn *const all[] = {note_children, note_unnamed, note_devices, note_stages, note_ends};

int notes_fill(const struct collect *c, struct snapshot *s)
{
	size_t i;
	int err = 0;

	for (i = 0; i < sizeof(all) / sizeof(all[0]) && !err; i++)
		err = all[i](c, s);
	return err;
}
