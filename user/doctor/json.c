/* SPDX-License-Identifier: GPL-2.0 */
/* The same as one JSON document. */
#include <errno.h>
#include <jansson.h>
#include <math.h>
#include <stdio.h>

#include "base/text.h"
#include "doctor/check.h"

#define TEXT_MAX 4096

/* null for NULL.  Paths may be of any bytes, which jansson refuses: they are escaped. */
static json_t *text(const char *value)
{
	char buffer[TEXT_MAX];

	return value ? json_string(text_safe(buffer, sizeof(buffer), value)) : json_null();
}

static json_t *finding_object(const struct finding *f)
{
	return json_pack("{s:s,s:o,s:s,s:b,s:o,s:o,s:o}", "group", f->group, "name", text(f->name),
			 "verdict", verdict_names[f->verdict], "needed", (int)f->needed, "text",
			 text(f->text), "without", text(f->without), "remedy", text(f->remedy));
}

/* {"name":…,"taken":"tracepoint","rungs":{"fentry":"Operation not permitted",…}} */
static json_t *hook_object(const struct hook_row *row, const struct hook_choice *choice)
{
	json_t *rungs = json_object();
	int i;

	for (i = 0; i < HOOK_RUNG_NR; i++)
		json_object_set_new(rungs, hook_rung_names[i],
				    choice->answers[i] == HOOK_ABSENT
					? json_null()
					: text(hook_answer_text(choice->answers[i])));
	return json_pack("{s:s,s:o,s:o}", "name", row->name, "taken",
			 choice->rung == HOOK_NONE ? json_null()
						   : text(hook_rung_names[choice->rung]),
			 "rungs", rungs);
}

static json_t *nanoseconds(const struct cost *cost, double value)
{
	/* a tenth is more than the measurement is good for */
	return cost->error ? json_null() : json_real(round(10 * value) / 10);
}

static json_t *cost_object(const struct cost *cost)
{
	return json_pack("{s:s,s:s,s:s,s:o,s:o,s:o}", "name", cost->name, "way", cost->way, "payer",
			 cost->payer, "plain_ns", nanoseconds(cost, cost->plain_ns), "added_ns",
			 nanoseconds(cost, cost->added_ns), "spread_ns",
			 nanoseconds(cost, cost->spread_ns));
}

int doctor_print_json(const struct doctor *d)
{
	json_t *findings = json_array(), *hooks = json_array(), *costs = json_array(), *document;
	int err = -ENOMEM;
	size_t i;

	for (i = 0; i < d->finding_count; i++)
		json_array_append_new(findings, finding_object(&d->findings[i]));
	for (i = 0; d->trials && i < HOOK_NR; i++)
		json_array_append_new(hooks, hook_object(&hook_rows[i], &d->hooks[i]));
	for (i = 0; i < d->cost_count; i++)
		json_array_append_new(costs, cost_object(&d->costs[i]));
	/* frees what it is given also when it fails */
	document = json_pack("{s:i,s:s,s:b,s:o,s:o,s:o}", "schema", 1, "tool",
			     "memsnoop " MEMSNOOP_VERSION, "can_trace", (int)doctor_can_trace(d),
			     "checks", findings, "hooks", hooks, "costs", costs);
	if (document)
		err = json_dumpf(document, stdout, JSON_INDENT(1) | JSON_REAL_PRECISION(12)) ? -EIO
											     : 0;
	json_decref(document);
	putchar('\n');
	return !err && ferror(stdout) ? -EIO : err;
}
