/* SPDX-License-Identifier: GPL-2.0 */
/* What the JSON document says of the allocators of devices. */
#include <jansson.h>

#include "render/json_parts.h"
#include "render/value.h"

static json_t *moment_value(const struct allocator_moment *m)
{
	return json_pack(
	    "{s:o,s:o,s:o,s:o,s:o,s:o,s:o}", "reserved_bytes", value_number(m->reserved_bytes),
	    "allocated_bytes", value_number(m->allocated_bytes), "untold_bytes",
	    value_number(m->untold_bytes), "requested_bytes", value_number(m->requested_bytes),
	    "rounding_bytes", value_number(m->rounding_bytes), "unused_bytes",
	    value_number(m->unused_bytes), "fragmentation_bytes",
	    value_number(m->rounding_bytes + m->unused_bytes));
}

static json_t *segments_value(const struct allocator *a)
{
	if (!a->segments_known)
		return json_null();
	return json_pack("{s:o,s:o,s:o,s:o,s:o}", "held", value_number(a->held_segments),
			 "stranded_bytes", value_number(a->stranded_bytes), "sparse",
			 value_number(a->sparse_segments), "sparse_bytes",
			 value_number(a->sparse_bytes), "cached_bytes",
			 value_number(a->cached_bytes));
}

static json_t *allocator_element(const struct snapshot *s, size_t index)
{
	const struct allocator *a = &s->allocators[index];

	return json_pack("{s:i,s:i,s:o,s:o,s:o,s:o,s:o}", "pid", json_pid(s, a->process), "process",
			 json_process(s, a->process), "device", value_text(a->device),
			 "reserved_peak_bytes", value_number(a->reserved_peak_bytes), "at_peak",
			 moment_value(&a->at_peak), "at_end", moment_value(&a->now), "segments",
			 segments_value(a));
}

int json_allocators(FILE *out, const struct snapshot *s)
{
	return json_elements(out, "allocators", s, s->allocator_count, allocator_element);
}

static json_t *holder_element(const struct snapshot *s, size_t index)
{
	const struct stack *t = &s->holder_stacks[index];

	return json_pack("{s:i,s:i,s:o,s:o,s:o,s:o}", "pid", json_pid(s, t->process), "process",
			 json_process(s, t->process), "device", value_text(t->device),
			 "holds_bytes", value_number(s->holders[index].holds_bytes), "live",
			 value_number(t->live), "live_bytes", value_number(t->live_bytes));
}

int json_holders(FILE *out, const struct snapshot *s, struct frame_texts *texts)
{
	return json_framed(out, "segment_holders", s, s->holder_stacks, s->holder_count,
			   holder_element, texts);
}
