/* SPDX-License-Identifier: GPL-2.0 */
/* kernel and /proc -> watch -> render.  What is opened here is closed here. */
#include "system/run.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "checks.h"
#include "collect/kernel.h"
#include "loop.h"
#include "render/screen.h"
#include "render/system_columns.h"
#include "render/system_render.h"
#include "system/watch.h"

#define STATUS_ENVIRONMENT 1
#define TABLE_TERMINAL_S 1
#define TABLE_PLAIN_S 5

struct run {
	const struct options *options;
	struct watch *watch;
	struct loop *loop;
	struct screen *screen; /* NULL where the table is plain or off */
	int sort;
	bool table; /* there is one */
	bool over;
};

static struct system_look look_of(const struct run *r)
{
	return (struct system_look){
	    .options = {.top = r->options->top, .colour = isatty(STDOUT_FILENO)},
	    .sort = r->sort,
	};
}

static void draw(struct run *r, const struct system_view *view, struct system_look *look)
{
	char *text = NULL;
	size_t length;
	FILE *out = open_memstream(&text, &length);
	int err;

	if (!out)
		return;
	screen_fit(r->screen, &look->options);
	err = render_system_table(out, view, look);
	if (!fclose(out) && !err)
		screen_show(r->screen, text);
	free(text);
}

static void show(struct run *r)
{
	struct system_look look = look_of(r);
	struct system_view view;

	if (!r->table)
		return;
	watch_view(r->watch, &view);
	if (r->screen) {
		draw(r, &view, &look);
	} else {
		render_system_table(stdout, &view, &look);
		fflush(stdout);
	}
}

static void on_keys(struct run *r)
{
	int key, sort;

	while ((key = screen_key(r->screen))) {
		if (key == 'q' || key == 'Q')
			r->over = true;
		sort = system_sort_by_key(key);
		if (sort >= 0)
			r->sort = sort;
	}
	show(r);
}

static void on_source(enum loop_source source, void *context)
{
	struct run *r = context;
	int signal;

	switch (source) {
	case LOOP_KERNEL:
		watch_drain(r->watch);
		break;
	case LOOP_SIGNAL:
		while ((signal = loop_signal(r->loop)))
			r->over |= signal != SIGCHLD;
		break;
	case LOOP_TABLE:
		watch_refresh(r->watch);
		show(r);
		break;
	case LOOP_END:
		r->over = true;
		break;
	case LOOP_KEYS:
		on_keys(r);
		break;
	default:
		break;
	}
}

static int begin(struct run *r)
{
	const struct options *o = r->options;
	double interval_s = o->interval_s;
	int err;

	r->sort = o->sort >= 0 ? o->sort : system_sort_default();
	r->table = !o->quiet && !o->json;
	if (r->table)
		r->screen = screen_open();
	if (interval_s <= 0)
		interval_s = r->table && !r->screen ? TABLE_PLAIN_S : TABLE_TERMINAL_S;
	err = watch_open(interval_s, &r->watch);
	if (err)
		return err;
	err = loop_new(on_source, r, &r->loop);
	if (!err)
		err = loop_watch(r->loop, LOOP_KERNEL, watch_fd(r->watch));
	if (!err && r->screen)
		err = loop_watch(r->loop, LOOP_KEYS, STDIN_FILENO);
	if (!err)
		err = loop_timer(r->loop, LOOP_TABLE, interval_s, true);
	if (!err && o->duration_s > 0)
		err = loop_timer(r->loop, LOOP_END, o->duration_s, false);
	if (err)
		return log_error(err, "cannot start: %s", strerror(-err));
	watch_refresh(r->watch);
	log_verbose("watching the whole system");
	if (r->screen)
		show(r);
	return 0;
}

static int write_json(FILE *out, const void *view)
{
	return render_system_json(out, view);
}

/* Every output is tried, whatever became of the others. */
static int report(struct run *r)
{
	const struct options *o = r->options;
	struct system_look look = look_of(r);
	struct system_view view;
	int err, result = 0;

	watch_refresh(r->watch);
	if (o->json || o->output_count)
		watch_complete(r->watch);
	watch_view(r->watch, &view);
	for (size_t i = 0; i < o->output_count; i++) {
		err = output_write_by(o->outputs[i], write_json, &view);
		if (err)
			result =
			    log_error(err, "cannot write %s: %s", o->outputs[i], strerror(-err));
	}
	err = 0;
	if (o->json)
		err = render_system_json(stdout, &view);
	else if (!o->quiet)
		err = render_system_summary(stdout, &view, &look);
	if (!err && fflush(stdout))
		err = -errno;
	if (err)
		result = log_error(err, "cannot write the report: %s", strerror(-err));
	return result;
}

int system_run(const struct options *options)
{
	struct run r = {.options = options};
	int err = kernel_check_privileges();

	if (!err)
		err = check_files(options);
	if (!err)
		err = begin(&r);
	while (!r.over && !err)
		err = loop_wait(r.loop);
	screen_close(r.screen);
	r.screen = NULL;
	/* a second signal ends us while we report */
	loop_free(r.loop);
	if (!err)
		err = report(&r);
	watch_close(r.watch);
	return err ? STATUS_ENVIRONMENT : 0;
}
