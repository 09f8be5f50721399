/* SPDX-License-Identifier: GPL-2.0 */
/* The JSON document's part about when memory ran out. */
#include <errno.h>

#include "render/json_parts.h"
#include "render/value.h"

void json_number(FILE *out, uint64_t value)
{
	char text[20], *p = text + sizeof(text);

	if (value > INT64_MAX)
		value = INT64_MAX;
	do
		*--p = (char)('0' + value % 10);
	while (value /= 10);
	fwrite(p, 1, (size_t)(text + sizeof(text) - p), out);
}

/* ---- victims ---------------------------------------------------------------------- */

static json_t *layers_of(const struct victim *v)
{
	json_t *layers = json_object();
	int error = 0;

	for (int i = 0; i < LAYER_RSS; i++)
		value_set(layers, layer_names[i], value_number(v->layer_bytes[i]), &error);
	if (!error)
		return layers;
	json_decref(layers);
	return NULL;
}

static int put_victim(FILE *out, const struct snapshot *s, const struct victim *v)
{
	const struct memory *m = &v->memory;

	return value_emit(
	    out,
	    json_pack("{s:i,s:i,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:i,s:o,s:o,s:o,s:o}", "pid",
		      json_pid(s, v->process), "process", json_process(s, v->process), "comm",
		      value_text(s->processes[v->process].comm), "at_s", value_seconds(v->at_s),
		      "rss_bytes", value_number(v->rss_bytes), "anon_bytes",
		      value_number(m->anon_bytes), "file_bytes", value_number(m->file_bytes),
		      "shmem_bytes", value_number(m->shmem_bytes), "swap_bytes",
		      value_number(m->swap_bytes), "page_table_bytes",
		      value_number(m->page_table_bytes), "mapped_bytes",
		      value_number(m->mapped_bytes), "oom_score_adj", v->oom_score_adj, "cgroup",
		      value_text(v->cgroup), "limit_bytes", value_number(v->limit_bytes),
		      "held_bytes", layers_of(v), "growth_s",
		      v->growth_known ? value_seconds(v->growth_s) : json_null()),
	    JSON_EMBED);
}

static int put_victim_stacks(FILE *out, const struct victim *v, struct frame_texts *texts)
{
	int error = 0;

	fputs(",\"stacks\":[", out);
	for (size_t i = 0; i < v->stack_count && !error; i++) {
		const struct stack *stack = &v->stacks[i];

		fprintf(out, "%s{\"layer\":\"%s\",", i ? ",\n" : "\n", layer_names[stack->layer]);
		error = frame_texts_stack(texts, out, stack);
		fputs(",\"held_bytes\":", out);
		json_number(out, stack->live_bytes);
		if (v->growth_known)
			fprintf(out, ",\"growth_bytes\":%lld}", (long long)stack->delta_bytes);
		else
			fputs(",\"growth_bytes\":null}", out);
	}
	fputc(']', out);
	return error;
}

/* ---- failures and limits ------------------------------------------------------------ */

static int put_failure(FILE *out, const struct snapshot *s, const struct stack *stack,
		       struct frame_texts *texts)
{
	int error;

	fprintf(out, "{\"pid\":%d,\"process\":%d,\"layer\":\"%s\",", json_pid(s, stack->process),
		json_process(s, stack->process), layer_names[stack->layer]);
	error = frame_texts_stack(texts, out, stack);
	fputs(",\"count\":", out);
	json_number(out, stack->allocs);
	fputs(",\"bytes\":", out);
	json_number(out, stack->alloc_bytes);
	fputc('}', out);
	return error;
}

static json_t *limit_of(const struct memory_limit *m)
{
	return json_pack("{s:o,s:i,s:o,s:o,s:o,s:o,s:o,s:o}", "cgroup", value_text(m->cgroup),
			 "version", m->v1 ? 1 : 2, "since_s", value_seconds(m->since_s),
			 "limit_bytes", value_number(m->limit_bytes), "usage_bytes",
			 value_number(m->usage_bytes), "peak_bytes", value_number(m->peak_bytes),
			 "hits", value_number(m->hits), "oom_kills", value_number(m->kills));
}

int json_shortage(FILE *out, const struct snapshot *s, struct frame_texts *texts)
{
	int error = 0;

	fputs(",\n\"ooms\":[", out);
	for (size_t i = 0; i < s->victim_count && !error; i++) {
		fputs(i ? ",\n{" : "\n{", out);
		error = put_victim(out, s, &s->victims[i]);
		if (!error)
			error = put_victim_stacks(out, &s->victims[i], texts);
		fputc('}', out);
	}
	fputs("],\n\"failures\":[", out);
	for (size_t i = 0; i < s->failure_count && !error; i++) {
		fputs(i ? ",\n" : "\n", out);
		error = put_failure(out, s, &s->failures[i], texts);
	}
	fputs("],\n\"limits\":[", out);
	for (size_t i = 0; i < s->limit_count && !error; i++) {
		fputs(i ? ",\n" : "\n", out);
		error = value_emit(out, limit_of(&s->limits[i]), 0);
	}
	fputc(']', out);
	return error;
}
