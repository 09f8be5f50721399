/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The JSON document, schema 1.  jansson writes every value but the numbers of
 * a stack; the outermost arrays are streamed by hand, one element a line, so
 * that a report of a million frames needs memory for one stack.  A frame's text
 * is made once.
 */
#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "render/json_parts.h"
#include "render/render.h"
#include "render/value.h"

int json_pid(const struct snapshot *s, size_t process)
{
	return process < s->process_count ? s->processes[process].pid : 0;
}

int json_process(const struct snapshot *s, size_t process)
{
	return process < s->process_count ? (int)s->processes[process].id : 0;
}

/* ---- "key":[ element, element ] ---------------------------------------------- */

/* A whole object, given up here: its values, and behind them a stack's frames. */
static int put_with_frames(FILE *out, json_t *values, struct frame_texts *texts,
			   const struct stack *stack)
{
	int error;

	fputc('{', out);
	error = value_emit(out, values, JSON_EMBED);
	fputc(',', out);
	if (!error)
		error = frame_texts_stack(texts, out, stack);
	fputc('}', out);
	return error;
}

int json_elements(FILE *out, const char *key, const struct snapshot *s, size_t count,
		  json_element_fn *element)
{
	int error = 0;

	fprintf(out, ",\n\"%s\":[", key);
	for (size_t i = 0; i < count && !error; i++) {
		fputs(i ? ",\n" : "\n", out);
		error = value_emit(out, element(s, i), 0);
	}
	fputc(']', out);
	return error;
}

int json_framed(FILE *out, const char *key, const struct snapshot *s, const struct stack *stacks,
		size_t count, json_element_fn *element, struct frame_texts *texts)
{
	int error = 0;

	fprintf(out, ",\n\"%s\":[", key);
	for (size_t i = 0; i < count && !error; i++) {
		fputs(i ? ",\n" : "\n", out);
		error = put_with_frames(out, element(s, i), texts, &stacks[i]);
	}
	fputc(']', out);
	return error;
}

static bool is_kernels(int layer)
{
	return layer == LAYER_SLAB || layer == LAYER_PAGES;
}

/* json_pack() of what value_text() and others return fails, and frees, if one is NULL. */
static json_t *layer_element(const struct layer_totals *t)
{
	return json_pack("{s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o}", "allocs",
			 value_number(t->allocs), "alloc_bytes", value_number(t->alloc_bytes),
			 "frees", value_number(t->frees), "freed_bytes",
			 value_number(t->freed_bytes), "live", value_number(t->live), "live_bytes",
			 value_number(t->live_bytes), "peak_bytes", value_number(t->peak_bytes),
			 "peak_at_s", value_seconds(t->peak_at_s), "in_flight_bytes",
			 json_integer(t->in_flight_bytes), "unknown_frees",
			 value_number(t->unknown_frees), "failed", value_number(t->failed));
}

static json_t *number_or_null(bool known, uint64_t number)
{
	return known ? value_number(number) : json_null();
}

static json_t *device_element(const struct device_totals *d)
{
	const struct {
		const char *key;
		json_t *value;
	} more[] = {
	    {"device", json_string(d->name)},
	    {"shared_bytes", value_number(d->shared_bytes)},
	    {"driver_bytes", number_or_null(d->driver_known, d->driver_bytes)},
	    {"driver_peak_bytes", number_or_null(d->driver_known, d->driver_peak_bytes)},
	    {"driver_counted_bytes", number_or_null(d->driver_compared, d->driver_counted_bytes)},
	    {"other_bytes", number_or_null(d->driver_compared, snapshot_other(d))},
	};
	json_t *device = layer_element(&d->totals);
	int error = 0;

	for (size_t i = 0; i < sizeof(more) / sizeof(more[0]); i++)
		value_set(device, more[i].key, more[i].value, &error);
	if (!error)
		return device;
	json_decref(device);
	return NULL;
}

/* The gpu layer, by device. */
static json_t *devices_element(const struct process *p)
{
	json_t *devices = json_array();
	int error = 0;

	for (size_t i = 0; i < p->device_count && !error; i++)
		error |= json_array_append_new(devices, device_element(&p->devices[i]));
	if (!error)
		return devices;
	json_decref(devices);
	return NULL;
}

/* null: it was not looked at */
static json_t *resident_element(const struct process *p)
{
	json_t *object = p->part_count ? json_object() : json_null();
	int error = 0;

	for (size_t i = 0; i < p->part_count; i++)
		value_set(object, p->parts[i].name, json_integer(p->parts[i].bytes), &error);
	if (p->part_count)
		value_set(object, "rss_bytes", value_number(p->parts_rss_bytes), &error);
	return object;
}

static json_t *process_element(const struct snapshot *s, size_t index)
{
	const struct process *p = &s->processes[index];
	json_t *object, *layers = json_object(), *resident = resident_element(p);
	int error = 0;

	for (int i = 0; i < LAYER_NR; i++) {
		bool untraced = is_kernels(i) && !s->layer_on[i];

		value_set(layers, layer_names[i],
			  untraced ? json_null() : layer_element(&p->layers[i]), &error);
	}
	value_set(json_object_get(layers, layer_names[LAYER_GPU]), "devices", devices_element(p),
		  &error);
	if (s->layer_on[LAYER_SLAB])
		value_set(json_object_get(layers, layer_names[LAYER_SLAB]), "rounding_bytes",
			  value_number(p->layers[LAYER_SLAB].rounding_bytes), &error);
	if (error) {
		json_decref(layers);
		json_decref(resident);
		return NULL;
	}
	object =
	    json_pack("{s:i,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:i,s:o,s:o,s:b,s:b,s:o}", "pid",
		      p->pid, "comm", value_text(p->comm), "cmdline", value_text(p->cmdline),
		      "container", value_text(p->container), "exit_code",
		      p->exited ? json_integer(p->exit_code) : json_null(), "rss_bytes",
		      value_number(p->rss_bytes), "rss_peak_bytes", value_number(p->rss_peak_bytes),
		      "layers", layers, "id", value_number(p->id), "ppid", p->ppid, "start_s",
		      value_seconds(p->start_s), "end_s", value_seconds(p->end_s), "exited",
		      (int)p->exited, "execed", (int)p->execed, "resident", resident);
	return object;
}

/* The innermost stage of the point's process at its time. */
static const char *stage_at(const struct snapshot *s, const struct point *point)
{
	const struct stage *found = NULL;

	for (size_t i = 0; i < s->stage_count; i++) {
		const struct stage *stage = &s->stages[i];

		if (stage->process == point->process && stage->start_s <= point->t_s &&
		    point->t_s < stage->end_s && (!found || stage->start_s >= found->start_s))
			found = stage;
	}
	return found ? found->name : NULL;
}

static json_t *kernels_bytes(const struct snapshot *s, const struct point *p, enum layer layer)
{
	return s->layer_on[layer] ? value_number(p->layer_bytes[layer]) : json_null();
}

static json_t *point_element(const struct snapshot *s, size_t index)
{
	const struct point *p = &s->points[index];

	const struct memory *m = &p->memory;

	return json_pack(
	    "{s:o,s:i,s:i,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o}", "t_s",
	    value_seconds(p->t_s), "pid", json_pid(s, p->process), "process",
	    json_process(s, p->process), "rss_bytes", value_number(p->rss_bytes), "heap_bytes",
	    value_number(p->layer_bytes[LAYER_HEAP]), "tensor_bytes",
	    value_number(p->layer_bytes[LAYER_TENSOR]), "gpu_bytes",
	    value_number(p->layer_bytes[LAYER_GPU]), "vm_bytes",
	    value_number(p->layer_bytes[LAYER_VM]), "slab_bytes", kernels_bytes(s, p, LAYER_SLAB),
	    "pages_bytes", kernels_bytes(s, p, LAYER_PAGES), "stage", value_text(stage_at(s, p)),
	    "rss_high_bytes", value_number(p->rss_high_bytes), "anon_bytes",
	    value_number(m->anon_bytes), "file_bytes", value_number(m->file_bytes), "shmem_bytes",
	    value_number(m->shmem_bytes), "swap_bytes", value_number(m->swap_bytes),
	    "page_table_bytes", value_number(m->page_table_bytes), "mapped_bytes",
	    value_number(m->mapped_bytes));
}

static json_t *insight_element(const struct snapshot *s, size_t index)
{
	const struct insight *i = &s->insights[index];

	return json_pack("{s:i,s:i,s:o,s:o,s:o}", "pid", json_pid(s, i->process), "process",
			 json_process(s, i->process), "kind", value_text(i->kind), "bytes",
			 value_number(i->bytes), "text", value_text(i->text));
}

static json_t *note_element(const struct snapshot *s, size_t index)
{
	return value_text(s->notes[index]);
}

/* ---- stacks -------------------------------------------------------------------- */

static void put_totals(FILE *out, const struct stack *stack)
{
	const struct {
		const char *key;
		uint64_t value;
	} totals[] = {
	    {"\"allocs\":", stack->allocs},
	    {",\"alloc_bytes\":", stack->alloc_bytes},
	    {",\"frees\":", stack->frees},
	    {",\"freed_bytes\":", stack->freed_bytes},
	    {",\"live\":", stack->live},
	    {",\"live_bytes\":", stack->live_bytes},
	    {",\"peak_bytes\":", stack->peak_bytes},
	    {",\"temporary\":", stack->temporary},
	    {",\"major_faults\":", stack->major_faults},
	    {",\"untouched_bytes\":", stack->untouched_bytes},
	};
	int buckets = LIFETIME_BUCKETS; /* up to the last that is not 0 */

	if (stack->layer == LAYER_SLAB) {
		fputs("\"rounding_bytes\":", out);
		json_number(out, stack->rounding_bytes);
		fputc(',', out);
	}

	for (size_t i = 0; i < sizeof(totals) / sizeof(totals[0]); i++) {
		fputs(totals[i].key, out);
		json_number(out, totals[i].value);
	}
	fprintf(out, ",\"end\":\"%s\",\"by_pointer\":", stack->end);
	json_number(out, stack->by_pointer);
	fputs(",\"lifetime_log2_us\":[", out);
	while (buckets && !stack->lifetime[buckets - 1])
		buckets--;
	for (int i = 0; i < buckets; i++) {
		if (i)
			fputc(',', out);
		json_number(out, stack->lifetime[i]);
	}
	fputc(']', out);
}

static int put_stack(FILE *out, const struct snapshot *s, const struct stack *stack,
		     struct frame_texts *texts)
{
	int error;

	fputc('{', out);
	error =
	    value_emit(out,
		       json_pack("{s:i,s:i,s:s,s:o}", "pid", json_pid(s, stack->process), "process",
				 json_process(s, stack->process), "layer",
				 layer_names[stack->layer], "device", value_text(stack->device)),
		       JSON_EMBED);
	fputc(',', out);
	if (!error)
		error = frame_texts_stack(texts, out, stack);
	fputc(',', out);
	put_totals(out, stack);
	fputc('}', out);
	return error;
}

static int compare_stacks(const void *a, const void *b)
{
	const struct stack *x = *(const struct stack *const *)a;
	const struct stack *y = *(const struct stack *const *)b;

	if (x->live_bytes != y->live_bytes)
		return x->live_bytes > y->live_bytes ? -1 : 1;
	if (x->peak_bytes != y->peak_bytes)
		return x->peak_bytes > y->peak_bytes ? -1 : 1;
	return x < y ? -1 : x > y;
}

static int put_stacks(FILE *out, const struct snapshot *s, struct frame_texts *texts)
{
	const struct stack **sorted = calloc(s->stack_count + 1, sizeof(*sorted));
	int error = sorted ? 0 : -ENOMEM;

	for (size_t i = 0; i < s->stack_count && !error; i++)
		sorted[i] = &s->stacks[i];
	if (!error)
		qsort(sorted, s->stack_count, sizeof(*sorted), compare_stacks);
	fputs(",\n\"stacks\":[", out);
	for (size_t i = 0; i < s->stack_count && !error; i++) {
		fputs(i ? ",\n" : "\n", out);
		error = put_stack(out, s, sorted[i], texts);
	}
	fputc(']', out);
	free(sorted);
	return error;
}

/* All that has stacks, and the table of their frames. */
static int put_framed(FILE *out, const struct snapshot *s)
{
	struct frame_texts texts;
	int error = frame_texts_init(&texts);

	if (!error)
		error = put_stacks(out, s, &texts);
	if (!error)
		error = json_shortage(out, s, &texts);
	if (!error)
		error = json_tensor_stacks(out, s, &texts);
	if (!error)
		error = json_holders(out, s, &texts);
	if (!error)
		error = json_makers(out, s, &texts);
	fputs(",\n", out);
	frame_texts_put(&texts, out);
	frame_texts_free(&texts);
	return error;
}

/* ---- the document ---------------------------------------------------------------- */

static int put_head(FILE *out, const struct snapshot *s)
{
	int error;

	fputc('{', out);
	error = value_emit(out,
			   json_pack("{s:i,s:s,s:o,s:o,s:o}", "schema", 1, "tool",
				     "memsnoop " MEMSNOOP_VERSION, "title", value_text(s->title),
				     "duration_s", value_seconds(s->duration_s), "began_s",
				     value_seconds(s->began_s)),
			   JSON_EMBED);
	return error;
}

static int put_losses(FILE *out, const struct snapshot *s)
{
	json_t *lost = json_object();
	int error = 0;

	for (size_t i = 0; i < s->loss_count; i++)
		value_set(lost, s->losses[i].name, value_number(s->losses[i].count), &error);
	fputs(",\n\"lost\":", out);
	if (error) {
		json_decref(lost);
		return error;
	}
	return value_emit(out, lost, 0);
}

int render_json(FILE *out, const struct snapshot *s, const struct render_options *o)
{
	const struct {
		const char *key;
		size_t count;
		json_element_fn *element;
	} arrays[] = {
	    {"timeline", s->point_count, point_element},
	    {"insights", s->insight_count, insight_element},
	    {"notes", s->note_count, note_element},
	};
	int error;

	(void)o;
	error = put_head(out, s);
	if (!error)
		error = json_elements(out, "processes", s, s->process_count, process_element);
	if (!error)
		error = put_framed(out, s);
	for (size_t i = 0; i < sizeof(arrays) / sizeof(arrays[0]) && !error; i++)
		error = json_elements(out, arrays[i].key, s, arrays[i].count, arrays[i].element);
	if (!error)
		error = json_tensors(out, s);
	if (!error)
		error = json_allocators(out, s);
	if (!error)
		error = put_losses(out, s);
	fputs("}\n", out);
	if (!error && ferror(out))
		error = -EIO;
	return error;
}
