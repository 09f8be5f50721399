/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Kernel memory by call site, from the first program attached to the report.  Everything
 * that is opened here is closed here, in one place.
 */
#include "slab/run.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "base/phase.h"
#include "checks.h"
#include "collect/kernel.h"
#include "loop.h"
#include "render/screen.h"
#include "report.h"
#include "slab/collect.h"

#define STATUS_ENVIRONMENT 1
#define TABLE_TERMINAL_S 1
#define TABLE_PLAIN_S 5
#define TABLE_STACKS 50
#define KALLSYMS "/proc/kallsyms"

struct run {
	const struct options *options;
	struct slab *slab;
	struct kallsyms *symbols;
	struct slab_collect *collect;
	struct loop *loop;
	struct screen *screen; /* NULL where the table is plain or off */
	bool over;
};

/* ---- while it runs ---------------------------------------------------------- */

static void show_table(struct run *r)
{
	struct render_options options = report_options(r->options, stdout);
	struct snapshot *snapshot;

	if (slab_collect_snapshot(r->collect, options.top ? options.top : TABLE_STACKS, &snapshot))
		return;
	if (r->screen) {
		screen_draw(r->screen, snapshot, &options);
	} else {
		render_table(stdout, snapshot, &options);
		fflush(stdout);
	}
	snapshot_free(snapshot);
}

static void on_source(enum loop_source source, void *context)
{
	struct run *r = context;
	int signal;

	switch (source) {
	case LOOP_SIGNAL:
		while ((signal = loop_signal(r->loop)))
			r->over |= signal != SIGCHLD;
		break;
	case LOOP_TICK:
		slab_collect_tick(r->collect);
		slab_keep_up(r->slab);
		break;
	case LOOP_TABLE:
		show_table(r);
		break;
	case LOOP_END:
		r->over = true;
		break;
	case LOOP_KEYS:
		r->over |= r->screen && screen_quit_wanted(r->screen);
		break;
	default:
		break;
	}
}

/* ---- before ------------------------------------------------------------------ */

/* After the programs are loaded: they are in it too. */
static int read_symbols(struct run *r)
{
	uint64_t time = 0;
	int err;

	phase_ms(&time);
	err = kallsyms_read(KALLSYMS, &r->symbols);
	if (err)
		return log_error(err, "--slab: cannot read %s: %s", KALLSYMS, strerror(-err));
	if (kallsyms_hidden(r->symbols))
		log_warn("kernel functions have no names, frames are addresses: %s hides them "
			 "(sysctl kernel.kptr_restrict=1 shows them to root)",
			 KALLSYMS);
	log_verbose("slab: read %zu kernel functions in %.0f ms", kallsyms_count(r->symbols),
		    phase_ms(&time));
	return 0;
}

static int open_all(struct run *r)
{
	const struct options *o = r->options;
	const struct slab_limits limits = {o->kernel.max_blocks, o->kernel.max_stacks};
	int err = kernel_check_privileges();

	if (!err)
		err = check_files(o);
	if (!err)
		err = slab_open(&limits, &r->slab);
	if (!err)
		err = read_symbols(r);
	if (err)
		return err;
	r->collect = slab_collect_new(r->slab, r->symbols);
	err = r->collect ? loop_new(on_source, r, &r->loop) : -ENOMEM;
	return err ? log_error(err, "cannot start: %s", strerror(-err)) : 0;
}

static int begin(struct run *r)
{
	const struct options *o = r->options;
	bool table = !o->quiet && !o->json;
	double interval_s = o->interval_s;
	int err = 0;

	if (table)
		r->screen = screen_open();
	if (!interval_s)
		interval_s = r->screen ? TABLE_TERMINAL_S : TABLE_PLAIN_S;
	if (r->screen)
		err = loop_watch(r->loop, LOOP_KEYS, STDIN_FILENO);
	if (!err && table)
		err = loop_timer(r->loop, LOOP_TABLE, interval_s, true);
	if (!err)
		err = loop_timer(r->loop, LOOP_TICK, o->tick_s, true);
	if (!err && o->duration_s > 0)
		err = loop_timer(r->loop, LOOP_END, o->duration_s, false);
	if (err)
		return log_error(err, "cannot start: %s", strerror(-err));
	slab_collect_tick(r->collect);
	log_verbose("tracing the kernel");
	if (r->screen)
		show_table(r);
	return 0;
}

/* ---- after ------------------------------------------------------------------- */

static int report(struct run *r)
{
	struct snapshot *snapshot;
	int err = slab_collect_snapshot(r->collect, 0, &snapshot);

	if (err)
		return log_error(err, "cannot make the report: %s", strerror(-err));
	err = report_write(r->options, snapshot, stdout);
	snapshot_free(snapshot);
	return err;
}

static void close_all(struct run *r)
{
	screen_close(r->screen);
	slab_collect_free(r->collect);
	kallsyms_free(r->symbols);
	loop_free(r->loop);
	slab_close(r->slab);
}

int slab_run(const struct options *options)
{
	struct run r = {.options = options};
	int err = open_all(&r);

	if (!err)
		err = begin(&r);
	while (!r.over && !err)
		err = loop_wait(r.loop);
	if (!err) {
		slab_stop(r.slab);
		slab_collect_tick(r.collect);
		screen_close(r.screen);
		r.screen = NULL;
		/* The next signal ends us at once. */
		loop_free(r.loop);
		r.loop = NULL;
		err = report(&r);
	}
	close_all(&r);
	return err ? STATUS_ENVIRONMENT : 0;
}
