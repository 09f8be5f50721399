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
#include "probe/attach.h"
#include "render/render.h"
#include "report.h"
#include "session_inside.h"
#include "target/process.h"

#define STATUS_ENVIRONMENT 1
#define TABLE_TERMINAL_S 1
#define TABLE_PLAIN_S 5
#define MAKE_ROOM_S 1

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
	err = s->title && s->collect ? loop_new(session_source, s, &s->loop) : -ENOMEM;
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
	const struct launch_ops ops = {session_drain, session_stopped, session_exiting, s};
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
		check_functions(s->target, o);
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
	session_pace(s);
	if (s->screen)
		session_show_table(s);
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
	session_drain(s);
	collect_settle(s->collect, true, session_drain, s);
	kernel_stop(s->kernel);
	screen_close(s->screen);
	s->screen = NULL;
	give_signals_back(s);
	session_drain(s);
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
	err = report_write(s->options, snapshot, session_text_out(s));
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
		check_functions(s.target, options);
	}
	err = report(&s);
	if (err)
		goto out;
	status = s.launch ? command_status(&s) : 0;
out:
	session_close(&s);
	return status;
}
