/* SPDX-License-Identifier: GPL-2.0 */
/* What several outputs say in the same way. */
#include "render/parts.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "render/lines.h"

const char *part_basename(const char *path)
{
	const char *slash = path ? strrchr(path, '/') : NULL;

	return slash ? slash + 1 : path ? path : "";
}

const char *part_tail(const char *path)
{
	const char *base = part_basename(path);

	if (!path || base - path < 2)
		return base;
	/* base[-1] is the last slash; look for the one before */
	for (base -= 2; base > path && base[-1] != '/';)
		base--;
	return base;
}

/* ---- short names of functions --------------------------------------------- */

/* Characters of an operator's own name at `p`, just behind "operator". */
static size_t operator_length(const char *p)
{
	if (!strncmp(p, "()", 2) || !strncmp(p, "[]", 2))
		return 2;
	return strspn(p, "<>=!+-*/%&|^~,");
}

static bool at_operator(const char *name, const char *p)
{
	return *p == 'o' && !strncmp(p, "operator", 8) && !isalnum((unsigned char)p[8]) &&
	       p[8] != '_' && (p == name || !(isalnum((unsigned char)p[-1]) || p[-1] == '_'));
}

/* Copies `name` without what stands in () and <>; false if they do not match up. */
static bool strip_arguments(char buffer[NAME_LEN], const char *name)
{
	static const char anonymous[] = "(anonymous namespace)";
	size_t used = 0, skip;
	int depth = 0;

	for (const char *p = name; *p; p++) {
		skip = 0;
		if (!depth && at_operator(name, p))
			skip = 8 + operator_length(p + 8);
		else if (!depth && *p == '(' && !strncmp(p, anonymous, sizeof(anonymous) - 1))
			skip = sizeof(anonymous) - 1;
		if (skip) {
			if (used + skip >= NAME_LEN)
				return false;
			memcpy(buffer + used, p, skip);
			used += skip;
			p += skip - 1;
			continue;
		}
		if (*p == '(' || *p == '<')
			depth++;
		else if ((*p == ')' || (*p == '>' && p[-1] != '-')) && --depth < 0)
			return false;
		else if (!depth && *p != ')' && *p != '>') {
			if (used + 1 >= NAME_LEN)
				return false;
			buffer[used++] = *p;
		}
	}
	buffer[used] = 0;
	return !depth && used;
}

/* Drops "void " in front and " const" behind; "operator new" keeps its blank. */
static void strip_qualifiers(char *name)
{
	char *end = strstr(name, "operator"), *blank = NULL;
	char *tail = strstr(name, " const");

	if (tail && !tail[6])
		*tail = 0;
	tail = strstr(name, " [clone");
	if (tail)
		*tail = 0;
	for (char *p = name; *p && p != end; p++)
		if (*p == ' ' && (p - name < 10 || strncmp(p - 10, "(anonymous", 10)))
			blank = p;
	/* "operator<< <char>" has lost what came behind the blank */
	for (size_t n = strlen(name); n > 0 && name[n - 1] == ' '; n--)
		name[n - 1] = 0;
	if (blank && blank[1])
		memmove(name, blank + 1, strlen(blank + 1) + 1);
}

const char *part_short_name(char buffer[NAME_LEN], const struct frame *frame)
{
	const char *name = frame->function;

	if (frame->kind != FRAME_NATIVE || name[0] == '[' || name[0] == '<' ||
	    !strpbrk(name, "(<") || !strip_arguments(buffer, name))
		return name;
	strip_qualifiers(buffer);
	return buffer[0] ? buffer : name;
}

const char *part_place(char buffer[NAME_LEN], const struct frame *frame)
{
	if (frame->file && frame->line)
		snprintf(buffer, NAME_LEN, "%s:%u", part_tail(frame->file), frame->line);
	else if (frame->file)
		snprintf(buffer, NAME_LEN, "%s", part_tail(frame->file));
	else if (frame->function[0] != '[')
		snprintf(buffer, NAME_LEN, "%s", part_basename(frame->module));
	else
		buffer[0] = 0;
	return buffer;
}

char *part_stack_line(const struct stack *stack, size_t cells)
{
	char name[NAME_LEN], place[NAME_LEN], *text = NULL;
	size_t length = 0, used = 0;
	FILE *out = open_memstream(&text, &length);

	if (!out)
		return NULL;
	if (!stack->frame_count)
		fputs("[no frames]", out);
	for (size_t i = stack->frame_count; i-- > 0;) {
		const struct frame *frame = &stack->frames[i];
		const char *function = part_short_name(name, frame);

		if (i + 1 < stack->frame_count)
			fputs(" < ", out);
		if (used > cells) {
			fputs("…", out);
			break;
		}
		fputs(function, out);
		used += 3 + lines_width(function);
		if (frame->kind == FRAME_PYTHON && frame->file) {
			part_place(place, frame);
			fprintf(out, " (%s)", place);
			used += 3 + lines_width(place);
		}
	}
	if (fclose(out)) {
		free(text);
		return NULL;
	}
	return text;
}

/* ---- values, processes, losses --------------------------------------------- */

const char *part_value(char buffer[HUMAN_LEN], enum metric metric, uint64_t value)
{
	return metric == METRIC_COUNT ? text_count(buffer, value) : text_bytes(buffer, value);
}

const char *part_exact(char buffer[HUMAN_LEN + 16], enum metric metric, uint64_t value)
{
	char number[HUMAN_LEN];
	const char *unit = metric == METRIC_COUNT ? "allocation" : "byte";

	text_count(number, value);
	snprintf(buffer, HUMAN_LEN + 16, "%s %s%s", number, unit, value == 1 ? "" : "s");
	return buffer;
}

const char *part_process(char buffer[NAME_LEN], const struct process *process)
{
	snprintf(buffer, NAME_LEN, "%s (pid %d%s)", process->comm ? process->comm : "?",
		 process->pid, process->execed ? ", before exec" : "");
	return buffer;
}

size_t part_losses(const struct snapshot *s)
{
	size_t count = 0;

	for (size_t i = 0; i < s->loss_count; i++)
		count += s->losses[i].count != 0;
	return count;
}

/* ---- the largest stacks ----------------------------------------------------- */

struct ranking {
	const struct snapshot *s;
	part_value_fn *value;
};

static int compare_rank(const void *a, const void *b, void *context)
{
	const struct ranking *r = context;
	size_t x = *(const size_t *)a, y = *(const size_t *)b;
	uint64_t u = r->value(&r->s->stacks[x]), v = r->value(&r->s->stacks[y]);

	if (u != v)
		return u > v ? -1 : 1;
	return x < y ? -1 : x > y;
}

size_t *part_top(const struct snapshot *s, enum layer layer, part_value_fn *value, size_t *count)
{
	struct ranking ranking = {.s = s, .value = value};
	size_t *indices = calloc(s->stack_count + 1, sizeof(*indices));

	*count = 0;
	if (!indices)
		return NULL;
	for (size_t i = 0; i < s->stack_count; i++)
		if ((layer == LAYER_NR || s->stacks[i].layer == layer) && value(&s->stacks[i]))
			indices[(*count)++] = i;
	qsort_r(indices, *count, sizeof(*indices), compare_rank, &ranking);
	return indices;
}
