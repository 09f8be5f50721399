/* SPDX-License-Identifier: GPL-2.0 */
/* What a session does while it runs: events, ticks, signals, the live table. */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "render/render.h"
#include "report.h"
#include "session_inside.h"

/* A short run still gets a readable plot: ticks are dense first. */
static const struct pace {
	double until_s, tick_s;
} paces[] = {{1, 0.005}, {10, 0.02}};

FILE *session_text_out(const struct session *s)
{
	return s->launch ? stderr : stdout;
}

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

void session_drain(void *context)
{
	static const struct kernel_events events = {on_event, on_code,   on_vm,
						    on_oom,   on_tensor, on_gpu};
	struct session *s = context;

	kernel_events_read(s->kernel, &events, s);
}

void session_stopped(pid_t pid, void *context)
{
	struct session *s = context;
	int err = target_sync(s->target, pid);

	/* Threads and vfork children stop too; they are no processes of the target. */
	if (err && err != -ESRCH && err != -EPERM)
		log_warn("pid %d: cannot follow it: %s", pid, strerror(-err));
	collect_follow(s->collect);
}

/* The last look at a process's memory, when its first thread is about to end. */
void session_exiting(pid_t tid, void *context)
{
	struct session *s = context;

	session_drain(s);
	collect_exiting(s->collect, tid);
}

void session_show_table(struct session *s)
{
	struct render_options options = report_options(s->options, session_text_out(s));
	struct snapshot *snapshot;
	size_t top = options.top ? options.top : 50;

	collect_settle(s->collect, false, session_drain, s);
	if (collect_snapshot(s->collect, s->title, top, &snapshot))
		return;
	if (s->screen) {
		screen_draw(s->screen, snapshot, &options);
	} else {
		render_table(session_text_out(s), snapshot, &options);
		fflush(session_text_out(s));
	}
	snapshot_free(snapshot);
}

void session_pace(struct session *s)
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

void session_source(enum loop_source source, void *context)
{
	struct session *s = context;

	session_drain(s);
	switch (source) {
	case LOOP_SIGNAL:
		on_signals(s);
		break;
	case LOOP_TICK:
		collect_tick(s->collect);
		session_pace(s);
		break;
	case LOOP_TABLE:
		session_show_table(s);
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
