/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Folded stacks, "comm;root;…;leaf value": what flamegraph.pl, speedscope and
 * grep read.  Lines that read the same are one line; the order is strcmp()'s.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"
#include "render/by_category.h"
#include "render/frametree.h"
#include "render/render.h"

struct entry {
	size_t offset; /* into the text, while that still grows */
	const char *text;
	uint64_t value;
};

struct folded {
	const struct snapshot *s;
	struct entry *entries;
	size_t count;
	char *text; /* all lines' texts, each with its NUL */
	size_t length, room;
	bool failed;  /* no memory */
	bool several; /* layers: never summed, so each is a frame of its own */
};

/* What a separator, the end of a line or something a terminal obeys is replaced with, or NULL. */
static const char *replacement(int32_t code)
{
	if (code == ';')
		return ":";
	if (code == '\n' || code == '\r' || code == '\t')
		return " ";
	return code == UTF8_INVALID || utf8_is_unsafe(code) ? "\xef\xbf\xbd" : NULL;
}

/* Appends to the text; a stream in memory would clear and copy it again and again. */
static void append(struct folded *f, const char *bytes, size_t length)
{
	if (f->failed || !length)
		return;
	if (length > f->room - f->length) {
		size_t room = f->room + f->room / 2 + length + 65536;
		char *text = realloc(f->text, room);

		if (!text) {
			f->failed = true;
			return;
		}
		f->text = text;
		f->room = room;
	}
	memcpy(f->text + f->length, bytes, length);
	f->length += length;
}

static void append_text(struct folded *f, const char *text)
{
	append(f, text, strlen(text));
}

/* A name as one field of a line. */
static void append_name(struct folded *f, const char *name)
{
	const char *plain = name, *start, *other;
	int32_t code;

	if (!name || !*name) {
		append(f, "?", 1);
		return;
	}
	for (;;) {
		while (*name >= 0x20 && *name < 0x7f && *name != ';')
			name++;
		start = name;
		code = utf8_next(&name);
		other = code ? replacement(code) : "";
		if (!other)
			continue;
		append(f, plain, (size_t)(start - plain));
		if (!code)
			break;
		append_text(f, other);
		plain = name;
	}
}

/* One line: a stack, or the remark for what was in flight if `stack` is NULL. */
static void fold(struct folded *f, const struct process *process, int layer,
		 const struct stack *stack, uint64_t value)
{
	struct entry *entry = &f->entries[f->count++];

	entry->offset = f->length;
	entry->value = value;
	append_name(f, process->comm);
	if (f->several) {
		append(f, ";[", 2);
		append_text(f, layer_names[layer]);
		append(f, "]", 1);
	}
	if (!stack)
		append_text(f, ";[in flight at the peak]");
	for (size_t i = 0; stack && i < stack->frame_count; i++) {
		append(f, ";", 1);
		append_name(f, stack->frames[i].function);
	}
	append(f, "", 1);
}

static void fold_all(struct folded *f, enum metric metric, unsigned wanted)
{
	const struct snapshot *s = f->s;
	unsigned layers = frametree_layers(s, metric, wanted);

	f->several = layers & (layers - 1);
	for (size_t i = 0; i < s->stack_count; i++) {
		const struct stack *stack = &s->stacks[i];
		uint64_t value = snapshot_metric(stack, metric);

		if (value && layers >> stack->layer & 1 && stack->process < s->process_count)
			fold(f, &s->processes[stack->process], stack->layer, stack, value);
	}
	for (size_t i = 0; metric == METRIC_PEAK && i < s->process_count; i++)
		for (int layer = 0; layer < LAYER_NR; layer++) {
			int64_t bytes = s->processes[i].layers[layer].in_flight_bytes;

			if (bytes > 0 && layers >> layer & 1)
				fold(f, &s->processes[i], layer, NULL, bytes);
		}
}

static int compare_entries(const void *a, const void *b)
{
	return strcmp(((const struct entry *)a)->text, ((const struct entry *)b)->text);
}

/* Sorted, and lines that read the same as one. */
static void put_lines(FILE *out, const struct entry *entries, size_t count)
{
	for (size_t i = 0; i < count;) {
		const char *text = entries[i].text;
		uint64_t sum = 0;

		for (; i < count && !strcmp(entries[i].text, text); i++)
			if (__builtin_add_overflow(sum, entries[i].value, &sum))
				sum = UINT64_MAX;
		fprintf(out, "%s %" PRIu64 "\n", text, sum);
	}
}

static int put_folded(FILE *out, const struct snapshot *s, const struct render_options *o)
{
	struct folded f = {.s = s};
	int error = -ENOMEM;

	f.entries = calloc(s->stack_count + s->process_count * LAYER_NR + 1, sizeof(*f.entries));
	if (!f.entries)
		return error;
	fold_all(&f, o->metric, o->layers);
	if (f.failed)
		goto out;
	for (size_t i = 0; i < f.count; i++)
		f.entries[i].text = f.text + f.entries[i].offset;
	qsort(f.entries, f.count, sizeof(*f.entries), compare_entries);
	put_lines(out, f.entries, f.count);
	error = ferror(out) ? -EIO : 0;
out:
	free(f.text);
	free(f.entries);
	return error;
}

int render_folded(FILE *out, const struct snapshot *s, const struct render_options *o)
{
	return by_category_render(out, s, o, put_folded);
}
