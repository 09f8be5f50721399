/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Folded stacks, "comm;root;…;leaf value": what flamegraph.pl, speedscope and
 * grep read.  Lines that read the same are one line; the order is strcmp()'s.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"
#include "render/frametree.h"
#include "render/render.h"

struct entry {
	char *text;
	uint64_t value;
};

/*
 * A name as one field of a line.  The separator and whatever ends a line are
 * replaced, and so is what a terminal would obey: these files are also read by cat.
 */
static void put_name(FILE *out, const char *name)
{
	const char *start;
	int32_t code;

	if (!name || !*name) {
		fputc('?', out);
		return;
	}
	while (start = name, (code = utf8_next(&name)) != 0) {
		if (code == ';')
			fputc(':', out);
		else if (code == '\n' || code == '\r' || code == '\t')
			fputc(' ', out);
		else if (code == UTF8_INVALID || utf8_is_unsafe(code))
			fputs("\xef\xbf\xbd", out);
		else
			fwrite(start, 1, (size_t)(name - start), out);
	}
}

/* The frames of `stack`, or the remark for what was in flight if it is NULL; NULL: no memory. */
static char *fold(const struct process *process, const char *layer, const struct stack *stack)
{
	char *text = NULL;
	size_t length = 0;
	FILE *out = open_memstream(&text, &length);

	if (!out)
		return NULL;
	put_name(out, process->comm);
	if (layer)
		fprintf(out, ";[%s]", layer);
	if (!stack)
		fputs(";[in flight at the peak]", out);
	for (size_t i = 0; stack && i < stack->frame_count; i++) {
		fputc(';', out);
		put_name(out, stack->frames[i].function);
	}
	if (fclose(out)) {
		free(text);
		return NULL;
	}
	return text;
}

static int compare_entries(const void *a, const void *b)
{
	return strcmp(((const struct entry *)a)->text, ((const struct entry *)b)->text);
}

/* Fills `entries`, which has room for all; 0 or -ENOMEM. */
static int collect(struct entry *entries, size_t *count, const struct snapshot *s,
		   enum metric metric)
{
	unsigned layers = frametree_layers(s, metric);
	/* layers are never summed: with several, each is a frame of its own */
	bool several = layers & (layers - 1);

	for (size_t i = 0; i < s->stack_count; i++) {
		const struct stack *stack = &s->stacks[i];
		uint64_t value = snapshot_metric(stack, metric);

		if (!value || stack->process >= s->process_count)
			continue;
		entries[*count].text = fold(&s->processes[stack->process],
					    several ? layer_names[stack->layer] : NULL, stack);
		entries[*count].value = value;
		if (!entries[(*count)++].text)
			return -ENOMEM;
	}
	for (size_t i = 0; metric == METRIC_PEAK && i < s->process_count; i++) {
		for (int layer = 0; layer < LAYER_NR; layer++) {
			uint64_t bytes = s->processes[i].layers[layer].in_flight_bytes;

			if (!bytes)
				continue;
			entries[*count].text =
			    fold(&s->processes[i], several ? layer_names[layer] : NULL, NULL);
			entries[*count].value = bytes;
			if (!entries[(*count)++].text)
				return -ENOMEM;
		}
	}
	return 0;
}

int render_folded(FILE *out, const struct snapshot *s, const struct render_options *o)
{
	struct entry *entries;
	size_t count = 0;
	int error;

	entries = calloc(s->stack_count + s->process_count * LAYER_NR + 1, sizeof(*entries));
	if (!entries)
		return -ENOMEM;
	error = collect(entries, &count, s, o->metric);
	if (error)
		goto out;
	qsort(entries, count, sizeof(*entries), compare_entries);
	for (size_t i = 0; i < count;) {
		const char *text = entries[i].text;
		uint64_t sum = 0;

		for (; i < count && !strcmp(entries[i].text, text); i++)
			if (__builtin_add_overflow(sum, entries[i].value, &sum))
				sum = UINT64_MAX;
		fprintf(out, "%s %" PRIu64 "\n", text, sum);
	}
	if (ferror(out))
		error = -EIO;
out:
	for (size_t i = 0; i < count; i++)
		free(entries[i].text);
	free(entries);
	return error;
}
