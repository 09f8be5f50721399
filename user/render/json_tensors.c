/* SPDX-License-Identifier: GPL-2.0 */
/* What the JSON document says of tensors. */
#include <jansson.h>

#include "render/json_parts.h"
#include "render/value.h"

static json_t *stage_element(const struct snapshot *s, size_t index)
{
	const struct stage *stage = &s->stages[index];

	return json_pack(
	    "{s:i,s:i,s:o,s:o,s:o,s:i,s:i,s:o,s:o,s:o,s:o}", "pid", json_pid(s, stage->process),
	    "process", json_process(s, stage->process), "name", value_text(stage->name), "start_s",
	    value_seconds(stage->start_s), "end_s", value_seconds(stage->end_s), "iteration",
	    (int)stage->iteration, "depth", (int)stage->depth, "entry_bytes",
	    value_number(stage->entry_bytes), "exit_bytes", value_number(stage->exit_bytes),
	    "peak_bytes", value_number(stage->peak_bytes), "growth_bytes",
	    json_integer(stage->growth_bytes));
}

static json_t *category_element(const struct snapshot *s, size_t index)
{
	const struct category *c = &s->categories[index];

	return json_pack(
	    "{s:i,s:i,s:o,s:o,s:o,s:o,s:o,s:o}", "pid", json_pid(s, c->process), "process",
	    json_process(s, c->process), "device", value_text(c->device), "name",
	    value_text(c->name), "bytes_at_peak", value_number(c->bytes_at_peak),
	    "bytes_before_backward", value_number(c->bytes_before_backward), "bytes_after_step",
	    value_number(c->bytes_after_step), "bytes_at_end", value_number(c->bytes_at_end));
}

static json_t *point_element(const struct snapshot *s, size_t index)
{
	const struct category_point *p = &s->category_points[index];
	json_t *bytes = json_object();
	int error = 0;

	for (size_t i = 0; i < s->category_name_count; i++)
		if (p->bytes[i])
			value_set(bytes, s->category_names[i], value_number(p->bytes[i]), &error);
	if (error) {
		json_decref(bytes);
		return NULL;
	}
	return json_pack("{s:i,s:i,s:o,s:o}", "pid", json_pid(s, p->process), "process",
			 json_process(s, p->process), "t_s", value_seconds(p->t_s), "bytes", bytes);
}

int json_tensors(FILE *out, const struct snapshot *s)
{
	int error = json_elements(out, "stages", s, s->stage_count, stage_element);

	if (!error)
		error = json_elements(out, "categories", s, s->category_count, category_element);
	if (!error)
		error = json_elements(out, "category_timeline", s, s->category_point_count,
				      point_element);
	return error;
}

static json_t *tensor_element(const struct snapshot *s, size_t index)
{
	const struct stack *t = &s->tensors[index];

	return json_pack(
	    "{s:i,s:i,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o}", "pid", json_pid(s, t->process),
	    "process", json_process(s, t->process), "device", value_text(t->device), "category",
	    value_text(t->category), "shape", value_text(t->shape), "live", value_number(t->live),
	    "live_bytes", value_number(t->live_bytes), "at_peak", value_number(t->at_peak),
	    "peak_bytes", value_number(t->peak_bytes), "block_bytes", value_number(t->block_bytes),
	    "requested_bytes", t->told ? value_number(t->requested_bytes) : json_null(), "stream",
	    t->told ? json_integer(t->stream) : json_null());
}

int json_tensor_stacks(FILE *out, const struct snapshot *s, struct frame_texts *texts)
{
	return json_framed(out, "tensors", s, s->tensors, s->tensor_count, tensor_element, texts);
}

static json_t *maker_element(const struct snapshot *s, size_t index)
{
	const struct stack *t = &s->maker_stacks[index];

	return json_pack("{s:i,s:i,s:o,s:o,s:o}", "pid", json_pid(s, t->process), "process",
			 json_process(s, t->process), "stage", value_text(s->makers[index].stage),
			 "allocs", value_number(t->allocs), "alloc_bytes",
			 value_number(t->alloc_bytes));
}

int json_makers(FILE *out, const struct snapshot *s, struct frame_texts *texts)
{
	return json_framed(out, "stage_makers", s, s->maker_stacks, s->maker_count, maker_element,
			   texts);
}
