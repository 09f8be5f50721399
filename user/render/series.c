/* SPDX-License-Identifier: GPL-2.0 */
/* Ticks of several processes into one curve. */
#include "render/series.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct sample {
	double t_s;
	size_t process;
	uint64_t bytes;
	size_t order; /* among samples of the same time */
	bool end;     /* the process ended */
};

struct samples {
	struct sample *list;
	size_t count;
};

static int compare_samples(const void *a, const void *b)
{
	const struct sample *x = a, *y = b;

	if (x->t_s != y->t_s)
		return x->t_s < y->t_s ? -1 : 1;
	return x->order < y->order ? -1 : x->order > y->order;
}

static void add_sample(struct samples *samples, double t_s, size_t process, uint64_t bytes,
		       bool end)
{
	struct sample *sample = &samples->list[samples->count];

	/* a time that is no number would break the order */
	if (!(t_s >= 0 && t_s < 1e12))
		return;
	*sample = (struct sample){t_s, process, bytes, samples->count++, end};
}

/* What a curve is of. */
struct source {
	enum layer layer;
	bool by_category; /* of LAYER_TENSOR: by snapshot.category_points */
	size_t category;  /* or SERIES_ALL */
};

static uint64_t category_bytes(const struct snapshot *s, const struct category_point *p,
			       const struct source *source)
{
	uint64_t sum = 0;

	if (source->category != SERIES_ALL)
		return p->bytes[source->category];
	for (size_t i = 0; i < s->category_name_count; i++)
		sum += p->bytes[i];
	return sum;
}

/* What the categories had at the process's peak, all of them or the source's one. */
static uint64_t category_peak(const struct snapshot *s, size_t process, size_t category)
{
	const char *name = category == SERIES_ALL ? NULL : s->category_names[category];
	uint64_t sum = 0;

	for (size_t i = 0; i < s->category_count; i++)
		if (s->categories[i].process == process &&
		    (!name || !strcmp(s->categories[i].name, name)))
			sum += s->categories[i].bytes_at_peak;
	return sum;
}

static void gather_peak(struct samples *samples, const struct snapshot *s,
			const struct source *source, size_t process)
{
	const struct layer_totals *t = &s->processes[process].layers[source->layer];

	if (!t->peak_bytes || source->layer == LAYER_RSS)
		return;
	if (!source->by_category)
		add_sample(samples, t->peak_at_s, process, t->peak_bytes, false);
	/* devices that peak at different times have no such moment */
	else if (category_peak(s, process, SERIES_ALL) == t->peak_bytes)
		add_sample(samples, t->peak_at_s, process,
			   category_peak(s, process, source->category), false);
}

static void gather_points(struct samples *samples, const struct snapshot *s, enum layer layer)
{
	for (size_t i = 0; i < s->point_count; i++) {
		const struct point *p = &s->points[i];

		if (p->process < s->process_count)
			add_sample(samples, p->t_s, p->process,
				   layer == LAYER_RSS ? p->rss_bytes : p->layer_bytes[layer],
				   false);
	}
}

static void gather_categories(struct samples *samples, const struct snapshot *s,
			      const struct source *source)
{
	for (size_t i = 0; i < s->category_point_count; i++) {
		const struct category_point *p = &s->category_points[i];

		if (p->process < s->process_count)
			add_sample(samples, p->t_s, p->process, category_bytes(s, p, source),
				   false);
	}
}

/* Everything known about the source, sorted by time; 0 or -ENOMEM. */
static int gather(struct samples *samples, const struct snapshot *s, const struct source *source)
{
	size_t points = source->by_category ? s->category_point_count : s->point_count;
	double last = 0;

	samples->count = 0;
	samples->list = calloc(points + 2 * s->process_count + 1, sizeof(*samples->list));
	if (!samples->list)
		return -ENOMEM;
	for (size_t i = 0; i < s->process_count; i++)
		gather_peak(samples, s, source, i);
	if (source->by_category)
		gather_categories(samples, s, source);
	else
		gather_points(samples, s, source->layer);
	for (size_t i = 0; i < samples->count; i++)
		if (samples->list[i].t_s > last)
			last = samples->list[i].t_s;
	/* the last process to end leaves its curve as it is: the trace ends there */
	for (size_t i = 0; i < s->process_count; i++)
		if ((s->processes[i].exited || s->processes[i].execed) &&
		    s->processes[i].end_s < last)
			add_sample(samples, s->processes[i].end_s, i, 0, true);
	qsort(samples->list, samples->count, sizeof(*samples->list), compare_samples);
	return 0;
}

static void add_vertex(struct series *series, double t_s, uint64_t bytes)
{
	series->vertices[series->count] = (struct vertex){t_s, bytes};
	if (bytes > series->vertices[series->highest].bytes)
		series->highest = series->count;
	series->count++;
}

/* What is known of one process. */
struct state {
	uint64_t bytes;
	double seen_s; /* when it was last known */
	bool ended;
};

static void sum_up(struct series *series, const struct samples *samples, struct state *states)
{
	uint64_t sum = 0;
	double t_s = 0;
	bool pending = false;

	for (size_t i = 0; i < samples->count; i++) {
		const struct sample *sample = &samples->list[i];
		struct state *state = &states[sample->process];
		bool first = state->seen_s < sample->t_s;

		/* a tick that comes after the process's end is stale */
		if (state->ended)
			continue;
		/* two values of one process at one time are a step: both are drawn */
		if (pending && (sample->t_s != t_s || !first || sample->end))
			add_vertex(series, t_s, sum);
		/* so is its end: the sum stays until then */
		if (sample->end && series->count &&
		    series->vertices[series->count - 1].t_s < sample->t_s)
			add_vertex(series, sample->t_s, sum);
		sum = sum - state->bytes + sample->bytes;
		*state = (struct state){sample->bytes, sample->t_s, sample->end};
		t_s = sample->t_s;
		pending = true;
	}
	if (pending)
		add_vertex(series, t_s, sum);
}

static int build(struct series *series, const struct snapshot *s, const struct source *source)
{
	enum layer layer = source->layer;
	struct samples samples = {0};
	struct state *states = NULL;
	int error;

	memset(series, 0, sizeof(*series));
	series->layer = layer;
	error = gather(&samples, s, source);
	if (error)
		return error;
	states = calloc(s->process_count + 1, sizeof(*states));
	/* an end makes two vertices */
	series->vertices = calloc(2 * samples.count + 1, sizeof(*series->vertices));
	if (!states || !series->vertices) {
		error = -ENOMEM;
		goto out;
	}
	for (size_t i = 0; i < s->process_count; i++)
		states[i].seen_s = -1;
	sum_up(series, &samples, states);
	series->exact =
	    layer != LAYER_RSS && s->process_count == 1 && series->count &&
	    series->vertices[series->highest].bytes == s->processes[0].layers[layer].peak_bytes;
out:
	free(states);
	free(samples.list);
	return error;
}

int series_build(struct series *series, const struct snapshot *s, enum layer layer)
{
	return build(series, s, &(struct source){.layer = layer});
}

int series_build_category(struct series *series, const struct snapshot *s, size_t category)
{
	return build(series, s, &(struct source){LAYER_TENSOR, true, category});
}

void series_free(struct series *series)
{
	free(series->vertices);
	memset(series, 0, sizeof(*series));
}

size_t series_keep(const struct series *series, double end_s, unsigned columns, size_t *kept,
		   size_t *highest)
{
	const struct vertex *v = series->vertices;
	size_t count = 0, low, high, i = 0;

	*highest = 0;
	while (i < series->count) {
		long column = (long)(v[i].t_s / end_s * columns);

		for (low = high = i; i < series->count; i++) {
			if ((long)(v[i].t_s / end_s * columns) != column)
				break;
			low = v[i].bytes < v[low].bytes ? i : low;
			high = v[i].bytes > v[high].bytes ? i : high;
		}
		/* in order of time */
		kept[count++] = low < high ? low : high;
		if (low != high)
			kept[count++] = low < high ? high : low;
		if (high == series->highest)
			*highest = count - (low > high ? 2 : 1);
	}
	return count;
}

void series_pick(struct series *series, const size_t *kept, size_t count, size_t highest)
{
	for (size_t i = 0; i < count; i++)
		series->vertices[i] = series->vertices[kept[i]];
	series->count = count;
	series->highest = highest;
}

void series_thin(struct series *series, double end_s, unsigned columns)
{
	size_t *kept, count, highest;

	if (series->count <= 2 * (size_t)columns || end_s <= 0)
		return;
	kept = malloc(series->count * sizeof(*kept));
	/* without memory the curve is drawn whole */
	if (!kept)
		return;
	count = series_keep(series, end_s, columns, kept, &highest);
	series_pick(series, kept, count, highest);
	free(kept);
}
