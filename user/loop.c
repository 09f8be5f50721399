/* SPDX-License-Identifier: GPL-2.0 */
/* epoll, signalfd, timerfd. */
#include "loop.h"

#include <errno.h>
#include <math.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>
#include <unistd.h>

static const int signals[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGCHLD};

struct loop {
	loop_fn *fn;
	void *context;
	int epoll, signal;
	int timers[LOOP_NR]; /* -1: none */
	sigset_t before;
};

int loop_new(loop_fn *fn, void *context, struct loop **out)
{
	struct loop *l = calloc(1, sizeof(*l));
	sigset_t set;
	size_t i;
	int err;

	if (!l)
		return -ENOMEM;
	l->fn = fn;
	l->context = context;
	for (i = 0; i < LOOP_NR; i++)
		l->timers[i] = -1;
	sigemptyset(&set);
	for (i = 0; i < sizeof(signals) / sizeof(signals[0]); i++)
		sigaddset(&set, signals[i]);
	sigprocmask(SIG_BLOCK, &set, &l->before);
	l->signal = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	l->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (l->signal < 0 || l->epoll < 0) {
		err = -errno;
		loop_free(l);
		return err;
	}
	err = loop_watch(l, LOOP_SIGNAL, l->signal);
	if (err)
		loop_free(l);
	else
		*out = l;
	return err;
}

void loop_free(struct loop *l)
{
	size_t i;

	if (!l)
		return;
	for (i = 0; i < LOOP_NR; i++)
		if (l->timers[i] >= 0)
			close(l->timers[i]);
	if (l->signal >= 0)
		close(l->signal);
	if (l->epoll >= 0)
		close(l->epoll);
	sigprocmask(SIG_SETMASK, &l->before, NULL);
	free(l);
}

int loop_watch(struct loop *l, enum loop_source source, int fd)
{
	struct epoll_event event = {.events = EPOLLIN, .data.u32 = source};

	return epoll_ctl(l->epoll, EPOLL_CTL_ADD, fd, &event) ? -errno : 0;
}

int loop_timer(struct loop *l, enum loop_source source, double seconds, bool repeat)
{
	struct itimerspec spec = {
	    .it_value = {.tv_sec = (time_t)seconds, .tv_nsec = (long)(fmod(seconds, 1) * 1e9) + 1},
	};
	int err;

	if (repeat)
		spec.it_interval = spec.it_value;
	if (l->timers[source] < 0) {
		l->timers[source] = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
		if (l->timers[source] < 0)
			return -errno;
		err = loop_watch(l, source, l->timers[source]);
		if (err)
			return err;
	}
	return timerfd_settime(l->timers[source], 0, &spec, NULL) ? -errno : 0;
}

int loop_signal(struct loop *l)
{
	struct signalfd_siginfo info;

	return read(l->signal, &info, sizeof(info)) == sizeof(info) ? (int)info.ssi_signo : 0;
}

int loop_wait(struct loop *l)
{
	struct epoll_event ready[LOOP_NR];
	int i, n = epoll_wait(l->epoll, ready, LOOP_NR, -1);

	if (n < 0)
		return errno == EINTR ? 0 : -errno;
	for (i = 0; i < n; i++) {
		enum loop_source source = ready[i].data.u32;
		uint64_t expired;

		if (l->timers[source] >= 0 &&
		    read(l->timers[source], &expired, sizeof(expired)) < 0)
			continue;
		l->fn(source, l->context);
	}
	return 0;
}
