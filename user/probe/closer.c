/* SPDX-License-Identifier: GPL-2.0 */
/* A queue and the threads that empty it. */
#include "probe/closer.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>

#include "base/array.h"

#define THREADS 8

struct closer {
	pthread_t threads[THREADS];
	size_t thread_count;
	pthread_mutex_t lock;
	pthread_cond_t changed;
	struct attach **queue;
	size_t count, room;
	bool leave;
};

static void *closer_work(void *argument)
{
	struct closer *c = argument;

	pthread_mutex_lock(&c->lock);
	for (;;) {
		struct attach *next;

		while (!c->count && !c->leave)
			pthread_cond_wait(&c->changed, &c->lock);
		if (!c->count)
			break;
		next = c->queue[--c->count];
		pthread_mutex_unlock(&c->lock);
		attach_close(next);
		pthread_mutex_lock(&c->lock);
	}
	pthread_mutex_unlock(&c->lock);
	return NULL;
}

struct closer *closer_new(void)
{
	struct closer *c = calloc(1, sizeof(*c));
	sigset_t all, before;

	if (!c)
		return NULL;
	pthread_mutex_init(&c->lock, NULL);
	pthread_cond_init(&c->changed, NULL);
	/* Signals are the main thread's. */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	while (c->thread_count < THREADS &&
	       !pthread_create(&c->threads[c->thread_count], NULL, closer_work, c))
		c->thread_count++;
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (!c->thread_count) {
		closer_free(c);
		return NULL;
	}
	return c;
}

void closer_add(struct closer *c, struct attach *attach)
{
	if (!attach)
		return;
	pthread_mutex_lock(&c->lock);
	if (array_reserve(&c->queue, c->count, &c->room, sizeof(*c->queue))) {
		pthread_mutex_unlock(&c->lock);
		attach_close(attach);
		return;
	}
	c->queue[c->count++] = attach;
	pthread_cond_signal(&c->changed);
	pthread_mutex_unlock(&c->lock);
}

void closer_free(struct closer *c)
{
	if (!c)
		return;
	pthread_mutex_lock(&c->lock);
	c->leave = true;
	pthread_cond_broadcast(&c->changed);
	pthread_mutex_unlock(&c->lock);
	while (c->thread_count)
		pthread_join(c->threads[--c->thread_count], NULL);
	pthread_cond_destroy(&c->changed);
	pthread_mutex_destroy(&c->lock);
	free(c->queue);
	free(c);
}
