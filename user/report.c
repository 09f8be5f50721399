/* SPDX-License-Identifier: GPL-2.0 */
/* Writes a snapshot to all that was asked for. */
#include "report.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "base/phase.h"
#include "render/by_category.h"

struct render_options report_options(const struct options *o, FILE *out)
{
	return (struct render_options){
	    .metric = o->metric,
	    .top = o->top,
	    .colour = isatty(fileno(out)),
	    .verbose = o->verbose,
	};
}

/*
 * Layers overlap, so a flame graph shows one: what its name says, else the heap, or of the
 * kernel its objects.
 */
static unsigned flame_layers(const struct options *o, const struct snapshot *snapshot,
			     const char *path)
{
	static const enum layer first[] = {LAYER_HEAP, LAYER_SLAB};
	enum layer named = output_layer(path);
	size_t i;

	if (named != LAYER_NR)
		return 1u << named;
	if (o->by_category)
		return 1u << LAYER_TENSOR;
	for (i = 0; i < sizeof(first) / sizeof(first[0]); i++)
		if (snapshot->layer_on[first[i]])
			return 1u << first[i];
	return 0;
}

/* A file that is named after another layer shows that one as ever. */
static bool is_by_category(const struct options *o, const char *path, render_fn *render)
{
	enum layer named = output_layer(path);

	return o->by_category && (render == render_flame || render == render_folded) &&
	       (named == LAYER_NR || named == LAYER_TENSOR);
}

static int write_file(const struct options *o, const struct snapshot *snapshot, const char *path,
		      render_fn *render)
{
	struct render_options options = {
	    .metric = o->metric,
	    .top = o->top,
	    .layers = flame_layers(o, snapshot, path),
	    .by_category = is_by_category(o, path, render),
	};
	uint64_t time = 0;
	int err;

	if (options.by_category && !by_category_any(snapshot))
		log_warn("%s: --by category: no tensors were seen, so there is nothing in it",
			 path);
	phase_ms(&time);
	err = output_write(path, render, snapshot, &options);
	if (!err)
		log_verbose("report: wrote %s in %.0f ms", path, phase_ms(&time));
	return err ? log_error(err, "cannot write %s: %s", path, strerror(-err)) : 0;
}

int report_write(const struct options *o, const struct snapshot *snapshot, FILE *text)
{
	struct render_options options = report_options(o, text);
	size_t i;
	int err, result = 0;

	for (i = 0; i < o->output_count; i++) {
		err = write_file(o, snapshot, o->outputs[i], output_find(o->outputs[i])->render);
		result = err ? err : result;
	}
	if (o->plot) {
		err = write_file(o, snapshot, o->plot, render_timeline);
		result = err ? err : result;
	}
	err = 0;
	if (o->json)
		err = render_json(stdout, snapshot, &options);
	else if (!o->quiet)
		err = render_summary(text, snapshot, &options);
	if (!err && fflush(text))
		err = -errno;
	if (err)
		result = log_error(err, "cannot write the report: %s", strerror(-err));
	return result;
}
