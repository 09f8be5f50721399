/* SPDX-License-Identifier: GPL-2.0 */
/*
 * target -> probe -> kernel -> collect -> symbol -> analyse -> render, for one
 * run.  Everything that is opened here is closed here, in one place.
 */
#include "session.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "analyse/insights.h"
#include "base/log.h"
#include "base/phase.h"
#include "checks.h"
#include "collect/collect.h"
#include "loop.h"
#include "probe/attach.h"
#include "render/render.h"
#include "render/screen.h"
#include "report.h"
#include "target/launch.h"
#include "target/process.h"
#include "target/target.h"

#define STATUS_ENVIRONMENT 1
#define TABLE_TERMINAL_S 1
#define TABLE_PLAIN_S 5
#define MAKE_ROOM_S 1

/* A short run still gets a readable plot: ticks are dense first. */
static const struct pace {
	double until_s, tick_s;
} paces[] = {{1, 0.005}, {10, 0.02}};

struct session {
	const struct options *options;
	struct kernel *kernel;
	struct modules *modules;
	struct target *target;
	struct symbols *symbols;
	struct collect *collect;
	struct launch *launch; /* NULL with -p */
	struct loop *loop;
	struct screen *screen; /* NULL where the table is plain or off */
	char *title;
	double tick_s;
	bool over;
	bool interrupted; /* by a signal: the next one ends us at once */
};

/* The table and the summary go where the command's output does not. */
static FILE *text_out(const struct session *s)
{
	return s->launch ? stderr : stdout;
}

/* ---- while it runs ------------------------------------------------------ */

static void on_event(const struct ms_event *event, void *context)
{
	struct session *s = context;

	if (event->kind == MS_EVENT_LIBS && event->flags & MS_PROC_HOLD && s->launch)
		launch_expect(s->launch, event->tid, event->tgid);
	target_event(s->target, event);
	collect_event(s->collect, event);
}

static void on_code(const struct ms_code_event *event, void *context)
{
	struct session *s = context;

	codes_add_event(target_codes(s->target), event);
}

static void on_vm(const struct ms_vm_event *event, void *context)
{
	struct session *s = context;

	collect_vm(s->collect, event);
}

static void on_oom(const struct ms_oom_event *event, void *context)
{
	struct session *s = context;

	collect_oom(s->collect, event);
}

static void on_tensor(const struct ms_tensor_event *event, void *context)
{
	struct session *s = context;

	collect_tensor(s->collect, event);
}

static void on_gpu(const struct ms_gpu_event *event, void *context)
{
	struct session *s = context;

	collect_gpu(s->collect, event);
}

static void drain(void *context)
{
	static const struct kernel_events events = {on_event, on_code,   on_vm,
						    on_oom,   on_tensor, on_gpu};
	struct session *s = context;

	kernel_events_read(s->kernel, &events, s);
}

static void on_stopped(pid_t pid, void *context)
{
	struct session *s = context;
	int err = target_sync(s->target, pid);

	/* Threads and vfork children stop too; they are no processes of the target. */
	if (err && err != -ESRCH && err != -EPERM)
		log_warn("pid %d: cannot follow it: %s", pid, strerror(-err));
	collect_follow(s->collect);
}

/* The last look at a process's memory, when its first thread is about to end. */
static void on_exiting(pid_t tid, void *context)
{
	struct session *s = context;

	drain(s);
	collect_exiting(s->collect, tid);
}

static void show_table(struct session *s)
{
	struct render_options options = report_options(s->options, text_out(s));
	struct snapshot *snapshot;
	size_t top = options.top ? options.top : 50;

	collect_settle(s->collect, false, drain, s);
	if (collect_snapshot(s->collect, s->title, top, &snapshot))
		return;
	if (s->screen) {
		screen_draw(s->screen, snapshot, &options);
	} else {
		render_table(text_out(s), snapshot, &options);
		fflush(text_out(s));
	}
	snapshot_free(snapshot);
}

static void pace(struct session *s)
{
	double now = collect_seconds(s->collect), tick_s = s->options->tick_s;
	size_t i;

	for (i = 0; i < sizeof(paces) / sizeof(paces[0]); i++)
		if (now < paces[i].until_s && paces[i].tick_s < tick_s) {
			tick_s = paces[i].tick_s;
			break;
		}
	if (tick_s != s->tick_s) {
		s->tick_s = tick_s;
		loop_timer(s->loop, LOOP_TICK, tick_s, true);
	}
}

static void on_signals(struct session *s)
{
	int signal, wait_status, exec_errno;

	while ((signal = loop_signal(s->loop)))
		if (signal != SIGCHLD)
			s->over = s->interrupted = true;
	if (!s->launch || s->over)
		return;
	launch_reap(s->launch);
	if (launch_ended(s->launch, &wait_status, &exec_errno))
		s->over = true;
}

static void on_source(enum loop_source source, void *context)
{
	struct session *s = context;

	drain(s);
	switch (source) {
	case LOOP_SIGNAL:
		on_signals(s);
		break;
	case LOOP_TICK:
		collect_tick(s->collect);
		pace(s);
		break;
	case LOOP_TABLE:
		show_table(s);
		break;
	case LOOP_ROOM:
		collect_make_room(s->collect);
		target_make_room(s->target);
		break;
	case LOOP_END:
		s->over = true;
		break;
	case LOOP_KEYS:
		s->over |= s->screen && screen_quit_wanted(s->screen);
		break;
	default:
		break;
	}
	if (!s->launch && !target_running(s->target))
		s->over = true;
}

/* ---- before ------------------------------------------------------------- */

static char *make_title(const struct options *o)
{
	char *title = NULL, *text;
	size_t i, length = 0;
	FILE *out = open_memstream(&title, &length);

	if (!out)
		return NULL;
	for (i = 0; i < o->pid_count; i++) {
		text = process_comm(o->pids[i]);
		fprintf(out, "%spid %d (%s)", i ? ", " : "", o->pids[i], text ? text : "?");
		free(text);
	}
	for (i = 0; o->command && o->command[i]; i++)
		fprintf(out, "%s%s", i ? " " : "", o->command[i]);
	return fclose(out) ? NULL : title;
}

static int session_open(struct session *s)
{
	const struct options *o = s->options;
	int err = attach_ladder(&o->kernel, &o->table, &s->kernel);

	if (err)
		return err;
	s->title = make_title(o);
	s->modules = modules_new(&o->table);
	s->target = s->modules ? target_new(s->kernel, s->modules, &o->table,
					    o->no_unwind ? 0 : o->max_unwind)
			       : NULL;
	s->symbols = symbols_new();
	s->collect = s->target && s->symbols ? collect_new(s->kernel, s->target, &o->table,
							   s->symbols, &o->kernel, &o->rules)
					     : NULL;
	err = s->title && s->collect ? loop_new(on_source, s, &s->loop) : -ENOMEM;
	if (!err)
		err = loop_watch(s->loop, LOOP_KERNEL, kernel_events_fd(s->kernel));
	return err ? log_error(err, "cannot start: %s", strerror(-err)) : 0;
}

static int add_pids(struct session *s)
{
	const struct options *o = s->options;
	size_t i;

	for (i = 0; i < o->pid_count; i++) {
		int err = target_add(s->target, o->pids[i], false);

		if (err == -ESRCH || err == -ENOENT)
			return log_error(err, "pid %d exited while its probes were being put in",
					 o->pids[i]);
		if (err == -EPERM)
			return err; /* said by the target */
		if (err)
			return log_error(err, "pid %d: cannot trace it: %s", o->pids[i],
					 strerror(-err));
	}
	return 0;
}

/* Forks the command's process early: it is a copy of us, and we are small yet. */
static int fork_command(struct session *s)
{
	const struct launch_ops ops = {drain, on_stopped, on_exiting, s};
	int err = s->options->command ? launch_start(s->options->command, &ops, &s->launch) : 0;

	return err ? log_error(err, "cannot start %s under ptrace: %s", s->options->command[0],
			       strerror(-err))
		   : 0;
}

static int add_command(struct session *s)
{
	int err = target_add(s->target, launch_pid(s->launch), true);

	return err ? log_error(err, "%s: cannot trace it: %s", s->options->command[0],
			       strerror(-err))
		   : 0;
}

static int begin(struct session *s)
{
	const struct options *o = s->options;
	int err = s->launch ? add_command(s) : add_pids(s);
	bool table;

	if (err)
		return err;
	collect_follow(s->collect);
	if (!s->launch) {
		err = check_probes(s->target, &o->table, false);
		if (err)
			return err;
		check_functions(s->target, &o->table);
	}
	/* With a command the screen is the command's: a table only if asked for. */
	table = !o->quiet && !o->json && (!s->launch || o->interval_s > 0);
	if (table && !s->launch)
		s->screen = screen_open();
	if (s->screen)
		err = loop_watch(s->loop, LOOP_KEYS, STDIN_FILENO);
	if (!err && table)
		err = loop_timer(s->loop, LOOP_TABLE,
				 o->interval_s > 0 ? o->interval_s
				 : s->screen       ? TABLE_TERMINAL_S
						   : TABLE_PLAIN_S,
				 true);
	if (!err && o->duration_s > 0)
		err = loop_timer(s->loop, LOOP_END, o->duration_s, false);
	if (!err)
		err = loop_timer(s->loop, LOOP_ROOM, MAKE_ROOM_S, true);
	if (err)
		return log_error(err, "cannot start: %s", strerror(-err));
	collect_tick(s->collect);
	pace(s);
	if (s->screen)
		show_table(s);
	if (s->launch)
		launch_go(s->launch);
	return 0;
}

/* ---- after -------------------------------------------------------------- */

static void note_signal(int signal)
{
	(void)signal;
}

/*
 * From here on signals are the kernel's to handle: the second one ends us.  If
 * tracing ended by itself, one that comes while we report is only the first.
 */
static void give_signals_back(struct session *s)
{
	const struct sigaction once = {.sa_handler = note_signal,
				       .sa_flags = SA_RESETHAND | SA_RESTART};

	if (!s->interrupted) {
		sigaction(SIGINT, &once, NULL);
		sigaction(SIGTERM, &once, NULL);
	}
	loop_free(s->loop);
	s->loop = NULL;
}

static void say_walks(const struct session *s)
{
	struct ms_walks w;

	kernel_walks(s->kernel, &w);
	if (w.walks && w.lookups)
		log_verbose("stacks: %" PRIu64 " walks of %.1f frames; %.1f %% of the addresses "
			    "were known from walks before",
			    (uint64_t)w.walks, (double)w.frames / (double)w.walks,
			    100.0 * (double)w.memo_hits / (double)w.lookups);
}

/* Stops counting, takes every probe out, lets the command go. */
static void detach(struct session *s)
{
	drain(s);
	collect_settle(s->collect, true, drain, s);
	kernel_stop(s->kernel);
	screen_close(s->screen);
	s->screen = NULL;
	give_signals_back(s);
	drain(s);
	collect_tick(s->collect);
	if (s->launch)
		launch_detach(s->launch);
	target_detach(s->target);
	say_walks(s);
}

static int report(struct session *s)
{
	struct snapshot *snapshot;
	uint64_t time = 0;
	int err;

	phase_ms(&time);
	err = collect_snapshot(s->collect, s->title, 0, &snapshot);
	if (err)
		return log_error(err, "cannot make the report: %s", strerror(-err));
	if (insights_find(snapshot))
		log_warn("no memory to say what stands out");
	log_verbose("report: put together in %.0f ms", phase_ms(&time));
	err = report_write(s->options, snapshot, text_out(s));
	snapshot_free(snapshot);
	return err;
}

/* The status to leave with once the command has ended or been let go. */
static int command_status(const struct session *s)
{
	int wait_status, exec_errno;

	if (!launch_ended(s->launch, &wait_status, &exec_errno))
		return 0;
	return WIFSIGNALED(wait_status) ? 128 + WTERMSIG(wait_status) : WEXITSTATUS(wait_status);
}

static bool exec_failed(const struct session *s)
{
	int wait_status, exec_errno = 0;

	if (!s->launch || !launch_ended(s->launch, &wait_status, &exec_errno) || !exec_errno)
		return false;
	log_error(-exec_errno, "cannot run %s: %s", s->options->command[0], strerror(exec_errno));
	return true;
}

static void session_close(struct session *s)
{
	screen_close(s->screen);
	collect_free(s->collect);
	target_free(s->target);
	modules_free(s->modules);
	symbols_free(s->symbols);
	launch_free(s->launch);
	loop_free(s->loop);
	kernel_close(s->kernel);
	free(s->title);
}

int session_run(const struct options *options)
{
	struct session s = {.options = options};
	int err, status = STATUS_ENVIRONMENT;

	err = kernel_check_privileges();
	if (!err)
		err = check_files(options);
	if (!err)
		err = check_targets(options);
	if (!err)
		err = fork_command(&s);
	if (!err)
		err = session_open(&s);
	if (!err)
		err = begin(&s);
	if (err)
		goto out;
	while (!s.over && !err)
		err = loop_wait(s.loop);
	detach(&s);
	if (exec_failed(&s))
		goto out;
	if (s.launch) {
		check_probes(s.target, &options->table, true);
		check_functions(s.target, &options->table);
	}
	err = report(&s);
	if (err)
		goto out;
	status = s.launch ? command_status(&s) : 0;
out:
	session_close(&s);
	return status;
}
