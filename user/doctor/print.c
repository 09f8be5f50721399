/* SPDX-License-Identifier: GPL-2.0 */
/* The findings for people: a line for each, and under it what to do. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "doctor/check.h"
#include "render/lines.h"

#define INDENT 11 /* where names begin: two blanks, the verdict */

static const enum style styles[VERDICT_NR] = {
    [VERDICT_OK] = STYLE_SHRINK,    [VERDICT_SLOW] = STYLE_WARN,   [VERDICT_WARN] = STYLE_WARN,
    [VERDICT_MISSING] = STYLE_LOSS, [VERDICT_UNKNOWN] = STYLE_DIM,
};

static int widest_name(const struct doctor *d)
{
	unsigned width = 0;
	size_t i;

	for (i = 0; i < d->finding_count; i++)
		if (lines_width(d->findings[i].name) > width)
			width = lines_width(d->findings[i].name);
	return (int)width;
}

static void put_more(struct lines *l, const char *label, const char *text)
{
	if (!text)
		return;
	lines_put(l, STYLE_PLAIN, "%*s", INDENT + 2, "");
	lines_put(l, STYLE_DIM, "%s", label);
	lines_put(l, STYLE_PLAIN, "%s", text);
	lines_end(l);
}

static void put_finding(struct lines *l, const struct finding *f, int width)
{
	lines_put(l, STYLE_PLAIN, "  ");
	lines_cell(l, styles[f->verdict], 2 - INDENT, verdict_names[f->verdict]);
	lines_cell(l, STYLE_PLAIN, -width, f->name);
	lines_put(l, STYLE_PLAIN, "  %s", f->text);
	lines_end(l);
	put_more(l, "so: ", f->without);
	put_more(l, "to get it: ", f->remedy);
}

/* What is needed and missing, by name; how many others are not well. */
static void put_sum(struct lines *l, const struct doctor *d)
{
	size_t i, counts[VERDICT_NR] = {0};
	const char *separator = "memsnoop cannot trace here; missing: ";
	int verdict;

	for (i = 0; i < d->finding_count; i++) {
		const struct finding *f = &d->findings[i];

		counts[f->verdict]++;
		if (!f->needed || f->verdict != VERDICT_MISSING)
			continue;
		lines_put(l, STYLE_LOSS, "%s%s", separator, f->name);
		separator = ", ";
	}
	if (doctor_can_trace(d))
		lines_put(l, STYLE_STRONG, "memsnoop can trace here");
	separator = " (";
	for (verdict = 0; verdict < VERDICT_NR; verdict++) {
		if (!counts[verdict])
			continue;
		lines_put(l, STYLE_PLAIN, "%s%zu %s", separator, counts[verdict],
			  verdict_names[verdict]);
		separator = ", ";
	}
	lines_put(l, STYLE_PLAIN, ")");
	lines_end(l);
}

int doctor_print(const struct doctor *d)
{
	struct lines l = {.out = stdout, .colour = isatty(STDOUT_FILENO)};
	int width = widest_name(d);
	const char *group = "";
	size_t i;

	for (i = 0; i < d->finding_count; i++) {
		const struct finding *f = &d->findings[i];

		if (strcmp(f->group, group) != 0) {
			if (i)
				lines_end(&l);
			group = f->group;
			lines_put(&l, STYLE_STRONG, "%s", group);
			lines_end(&l);
		}
		put_finding(&l, f, width);
	}
	lines_end(&l);
	put_sum(&l, d);
	return ferror(stdout) ? -EIO : 0;
}
