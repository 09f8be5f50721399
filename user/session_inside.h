/* SPDX-License-Identifier: GPL-2.0 */
/* Inside session.c and session_events.c: one run. */
#ifndef MS_SESSION_INSIDE_H
#define MS_SESSION_INSIDE_H

#include <stdio.h>

#include "collect/collect.h"
#include "loop.h"
#include "options.h"
#include "render/screen.h"
#include "target/launch.h"
#include "target/target.h"

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

/* session_events.c: what is done while it runs. */

/* The table and the summary go where the command's output does not. */
FILE *session_text_out(const struct session *s);
/* Takes what the kernel side has told; `context` is the session, as below. */
void session_drain(void *context);
void session_stopped(pid_t pid, void *context);
void session_exiting(pid_t tid, void *context);
void session_show_table(struct session *s);
/* Ticks get longer with the run. */
void session_pace(struct session *s);
void session_source(enum loop_source source, void *context);

#endif
