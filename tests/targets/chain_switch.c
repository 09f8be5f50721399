/* SPDX-License-Identifier: GPL-2.0 */
/* Chains that do not begin in main: threads, coroutines; and those of a child. */
#include "chain_parts.h"

#include <pthread.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>
#ifdef __GLIBC__
#include <ucontext.h>
#endif

#define STORM_THREADS 8
#define STORM_ALLOCS 300
#define REUSES 6

static void run_thread(void *(*routine)(void *), void *argument)
{
	pthread_t thread;

	if (pthread_create(&thread, NULL, routine, argument))
		exit(5);
	pthread_join(thread, NULL);
}

/* ---- threads --------------------------------------------------------------------- */

static FN void thread_alloc(void)
{
	ENTER();
	ALLOC();
	LEAVE();
}

static FN void *thread_entry(void *argument)
{
	ENTER();
	half_pressure(thread_alloc);
	LEAVE();
	return argument;
}

FN void switch_threads(void)
{
	run_thread(thread_entry, NULL);
}

/*
 * One thread after the other, each on the stack of the one before: the same
 * functions at the same addresses, below two different ones.
 */
static __thread size_t *reuse_size;

static FN void reuse_alloc(void)
{
	ENTER();
	if (!*reuse_size) {
		struct chain_note note = {.allocs = REUSES};

		*reuse_size = chain_note(&note);
	}
	KEEP(malloc(*reuse_size));
	LEAVE();
}

static FN void *reuse_odd(void *size)
{
	ENTER();
	reuse_size = size;
	half_plain(reuse_alloc);
	LEAVE();
	return size;
}

static FN void *reuse_even(void *size)
{
	ENTER();
	reuse_size = size;
	half_plain(reuse_alloc);
	LEAVE();
	return size;
}

FN void switch_reuse(void)
{
	size_t odd = 0, even = 0;

	for (int i = 0; i < REUSES; i++) {
		run_thread(reuse_odd, &odd);
		run_thread(reuse_even, &even);
	}
}

/* ---- all at once ------------------------------------------------------------------- */

static pthread_barrier_t barrier;

static FN void storm_down(int depth, size_t *size)
{
	ENTER();
	if (depth) {
		storm_down(depth - 1, size);
	} else {
		struct chain_note note = {.allocs = STORM_ALLOCS};

		*size = *size ? *size : chain_note(&note);
		KEEP(malloc(*size));
	}
	LEAVE();
}

static FN void *storm_entry(void *argument)
{
	int depth = (int)(long)argument * 5;
	size_t size = 0;

	ENTER();
	pthread_barrier_wait(&barrier);
	for (int i = 0; i < STORM_ALLOCS; i++)
		storm_down(depth, &size);
	LEAVE();
	return NULL;
}

FN void switch_storm(void)
{
	pthread_t threads[STORM_THREADS];

	pthread_barrier_init(&barrier, NULL, STORM_THREADS);
	for (long i = 0; i < STORM_THREADS; i++)
		if (pthread_create(&threads[i], NULL, storm_entry, (void *)(i + 1)))
			exit(5);
	for (int i = 0; i < STORM_THREADS; i++)
		pthread_join(threads[i], NULL);
	pthread_barrier_destroy(&barrier);
}

/* ---- a coroutine ------------------------------------------------------------------- */

#ifdef __GLIBC__
/* Its first function was called by nobody: any end is right, once that is there. */
#define CORO_NOTE .ends = "root,no_rows,backwards,unreadable,no_module", .least = 2

static ucontext_t caller, coroutine;
static char coro_stack[131072];

static FN void coro_resumed(void)
{
	ENTER();
	ALLOC_NOTED(CORO_NOTE);
	LEAVE();
}

static FN void coro_inner(void)
{
	ENTER();
	ALLOC_NOTED(CORO_NOTE);
	swapcontext(&coroutine, &caller);
	coro_resumed();
	LEAVE();
}

static FN void coro_entry(void)
{
	int depth = chain.nr;

	chain.nr = 0;
	ENTER_AS("*context");
	ENTER();
	coro_inner();
	chain.nr = depth;
}

/* A coroutine's chain is its own: only what is entered meanwhile is on it. */
FN void switch_coroutine(void)
{
	struct chain saved = chain;

	getcontext(&coroutine);
	coroutine.uc_stack.ss_sp = coro_stack;
	coroutine.uc_stack.ss_size = sizeof(coro_stack);
	coroutine.uc_link = &caller;
	makecontext(&coroutine, coro_entry, 0);
	swapcontext(&caller, &coroutine);
	swapcontext(&caller, &coroutine);
	chain = saved;
}
#endif

/* ---- a child ------------------------------------------------------------------------- */

static FN void child_alloc(void)
{
	ENTER();
	ALLOC();
	LEAVE();
}

FN void switch_fork(void)
{
	pid_t child;

	ENTER();
	chain_flush();
	child = fork();
	if (!child) {
		half_plain(child_alloc);
		chain_flush();
		_exit(0);
	}
	waitpid(child, NULL, 0);
	LEAVE();
}
