/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the program waits for: kernel events, signals, timers, keys.  One
 * thread, one epoll; each source has a function.
 */
#ifndef MS_LOOP_H
#define MS_LOOP_H

#include <stdbool.h>

enum loop_source {
	LOOP_KERNEL,
	LOOP_SIGNAL,
	LOOP_TICK,
	LOOP_TABLE,
	LOOP_ROOM,
	LOOP_END,
	LOOP_KEYS,
	LOOP_NR,
};

struct loop;

typedef void loop_fn(enum loop_source source, void *context);

/* Blocks SIGINT, SIGTERM, SIGHUP, SIGQUIT and SIGCHLD; the loop reads them. */
int loop_new(loop_fn *fn, void *context, struct loop **out);
/* Gives the signals back: from here on SIGINT and SIGTERM end the program. */
void loop_free(struct loop *loop);

int loop_watch(struct loop *loop, enum loop_source source, int fd);
/* (Re)starts the timer of a source, repeating or once. */
int loop_timer(struct loop *loop, enum loop_source source, double seconds, bool repeat);
/* The next pending signal, 0 if none. */
int loop_signal(struct loop *loop);
/* Waits once and calls the functions of what is ready.  0 or a negative errno. */
int loop_wait(struct loop *loop);

#endif
