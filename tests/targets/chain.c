/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Call chains of every kind, each with an allocation at its end: see chain.h.
 *
 *   chain SCENARIO...       those (`all`: all but deep); prints its records
 *   chain wait SCENARIO...  the same after a line on stdin; says `ready` on stderr first
 *
 * The functions are not inlined unless their chain says so.  Half of the frames
 * are those of chain_half.c, which some builds compile in another way.
 */
#include "chain_parts.h"

#include <dlfcn.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static FN void alloc_here(void)
{
	ENTER();
	ALLOC();
	LEAVE();
}

/* ---- plain calls ------------------------------------------------------------------ */

static FN void plain_inner(long a, long b, long c, long d, long e, long f, long on_stack, long too)
{
	volatile long sum = a + b + c + d + e + f + on_stack + too;

	(void)sum;
	ENTER();
	ALLOC();
	LEAVE();
}

static FN void plain_middle(void)
{
	ENTER();
	plain_inner(1, 2, 3, 4, 5, 6, 7, 8);
	LEAVE();
}

FN void plain(void)
{
	ENTER();
	half_plain(plain_middle);
	LEAVE();
}

/* The other allocation functions, as the last frame names them. */
FN void others(void)
{
	struct chain_note note = {.call = "calloc"};
	void *volatile none = NULL; /* a compiler would make it malloc */

	ENTER();
	KEEP(calloc(1, chain_note(&note)));
	note.call = "realloc";
	KEEP(realloc(none, chain_note(&note)));
	LEAVE();
}

INLINED void inlined_inner(void)
{
	ENTER_AS("~inlined_inner");
	ALLOC();
	LEAVE();
}

INLINED void inlined_outer(void)
{
	ENTER_AS("~inlined_outer");
	inlined_inner();
	LEAVE();
}

FN void inlined(void)
{
	ENTER();
	inlined_outer();
	half_plain(alloc_here);
	LEAVE();
}

/* ---- recursion ---------------------------------------------------------------------- */

static FN void recurse(int depth)
{
	ENTER();
	if (depth > 1)
		recurse(depth - 1);
	else
		ALLOC();
	LEAVE();
}

FN void recursion(void)
{
	ENTER();
	recurse(5);
	recurse(60);
	LEAVE();
}

FN void deep(void)
{
	ENTER();
	recurse(300);
	LEAVE();
}

static FN long ping(int depth)
{
	long sum = 0;

	ENTER();
	if (depth > 0)
		sum = half_pong(depth, ping) + 1;
	else
		ALLOC();
	LEAVE();
	return sum;
}

FN void mutual(void)
{
	ENTER();
	ping(10);
	LEAVE();
}

/* ---- layouts of frames ----------------------------------------------------------------- */

static FN void through_pressure(void)
{
	ENTER();
	half_pressure(alloc_here);
	LEAVE();
}

static FN void through_aligned(void)
{
	ENTER();
	half_aligned(through_pressure);
	LEAVE();
}

FN void variable(void)
{
	volatile size_t bytes = 1000;

	ENTER();
	half_alloca(through_pressure, bytes);
	half_alloca(through_aligned, bytes * 3 + 1);
	LEAVE();
}

FN void aligned(void)
{
	_Alignas(128) char array[128];

	ENTER();
	USE(array);
	half_aligned(alloc_here);
	half_aligned(through_pressure);
	LEAVE();
}

FN void large(void)
{
	char array[300000];

	ENTER();
	USE(array);
	half_plain(through_pressure);
	LEAVE();
}

/* ---- what was walked last is nearly right ------------------------------------------------ */

#define SWAPS 40

static size_t swap_size[4];
static int swap_at;

static FN void swap_alloc(void)
{
	ENTER();
	if (!swap_size[swap_at]) {
		struct chain_note note = {.allocs = SWAPS};

		swap_size[swap_at] = chain_note(&note);
	}
	KEEP(malloc(swap_size[swap_at]));
	LEAVE();
}

static FN void swap_left(void (*half)(callback *))
{
	ENTER();
	half(swap_alloc);
	LEAVE();
}

static FN void swap_right(void (*half)(callback *))
{
	ENTER();
	half(swap_alloc);
	LEAVE();
}

/* By turns, at the same stack addresses: chains that differ in one frame. */
FN void swaps(void)
{
	ENTER();
	for (int i = 0; i < 4 * SWAPS; i++) {
		swap_at = i % 4;
		(swap_at & 1 ? swap_left : swap_right)(swap_at & 2 ? half_plain : half_pressure);
	}
	LEAVE();
}

/* ---- calls that do not return here --------------------------------------------------------- */

static jmp_buf after_leaving;

static FN __attribute__((noreturn)) void leave(void)
{
	ENTER();
	ALLOC();
	longjmp(after_leaving, 1);
}

/* Its last instruction is the call: the return address is the next function's. */
static FN void leaving(void)
{
	ENTER();
	leave();
}

FN void noreturn(void)
{
	int depth = chain.nr;

	ENTER();
	if (!setjmp(after_leaving))
		leaving();
	chain.nr = depth;
}

/* ---- callbacks ------------------------------------------------------------------------------ */

static FN void back_again(void)
{
	ENTER();
	lib_alloc();
	LEAVE();
}

FN void library(void)
{
	ENTER();
	lib_call(alloc_here);
	lib_call(back_again);
	LEAVE();
}

static FN void compare_alloc(void)
{
	ENTER();
	ALLOC();
	LEAVE();
}

static FN int compare(const void *a, const void *b)
{
	ENTER_AS("+libc");
	ENTER();
	compare_alloc();
	LEAVE();
	LEAVE();
	return *(const int *)a - *(const int *)b;
}

/* bsearch is inlined from a header in some builds. */
static FN int compare_key(const void *a, const void *b)
{
	ENTER_AS("*libc");
	ENTER();
	compare_alloc();
	LEAVE();
	LEAVE();
	return *(const int *)a - *(const int *)b;
}

/* One comparison each, so one stack each. */
FN void sorting(void)
{
	int two[] = {2, 1}, key = 1;
	void *volatile found;

	ENTER();
	qsort(two, 2, sizeof(*two), compare);
	found = bsearch(&key, two, 1, sizeof(*two), compare_key);
	(void)found;
	LEAVE();
}

#ifdef __x86_64__

/* ---- assembly ----------------------------------------------------------------------------------
 */

/* A caller whose own frame is found by RBP, through frames that change it. */
static FN void asm_caller(const char *name, void (*function)(callback *), callback *next)
{
	volatile size_t bytes = 100;
	char array[bytes];

	ENTER();
	USE(array);
	ENTER_AS(name);
	function(next);
	LEAVE();
	LEAVE();
}

static FN void pointer_alloc(void)
{
	ENTER();
	ALLOC_NOTED(.by_pointer = 1);
	LEAVE();
}

static FN void odd_alloc(void)
{
	ENTER();
	ALLOC_NOTED(.ends = "root,unsupported", .least = 2);
	LEAVE();
}

static FN void blind_alloc(void)
{
	ENTER();
	ALLOC_NOTED(.ends = "any", .least = 2, .wild = 1);
	LEAVE();
}

FN void assembly(void)
{
	ENTER();
	asm_caller("asm_pointer", asm_pointer, pointer_alloc);
	asm_caller("asm_rbx", asm_rbx, through_pressure);
	asm_caller("asm_deref", asm_deref, through_pressure);
	asm_caller("asm_clobber", asm_clobber, through_pressure);
	asm_caller("asm_odd", asm_odd, odd_alloc);
	asm_caller("asm_blind", asm_blind, blind_alloc);
	LEAVE();
}

#endif

/* ---- a library that is gone
 * ------------------------------------------------------------------------ */

#ifndef CHAIN_STATIC
FN void unloaded(void)
{
	void *library = dlopen(getenv("CHAIN_GONE"), RTLD_NOW);
	callback *outer;

	ENTER();
	if (!library) {
		fprintf(stderr, "chain: %s\n", dlerror());
		exit(6);
	}
	*(void **)&outer = dlsym(library, "gone_outer");
	outer();
	dlclose(library);
	LEAVE();
}
#endif

/* ---- outside of main
 * -------------------------------------------------------------------------------- */

/* Called by the libc; main is not on this chain. */
static __attribute__((constructor)) FN void before_main(void)
{
	chain_scenario = "constructor";
	ENTER();
	ALLOC();
	LEAVE();
}

static FN void after_main(void)
{
	chain_scenario = "atexit";
	ENTER_AS("+libc");
	ENTER();
	ALLOC();
	LEAVE();
	LEAVE();
	chain_flush();
}

/* ---- the run
 * ------------------------------------------------------------------------------------------ */

static const struct scenario {
	const char *name;
	callback *run;
	int apart; /* not one of `all` */
} scenarios[] = {
    {"plain", plain, 0},
    {"others", others, 0},
    {"inlined", inlined, 0},
    {"recursion", recursion, 0},
    {"deep", deep, 1},
    {"mutual", mutual, 0},
    {"variable", variable, 0},
    {"aligned", aligned, 0},
    {"large", large, 0},
    {"swaps", swaps, 0},
    {"noreturn", noreturn, 0},
    {"library", library, 0},
    {"sorting", sorting, 0},
#ifdef __x86_64__
    {"assembly", assembly, 0},
#endif
    {"signal_normal", signal_normal, 0},
    {"signal_alternate", signal_alternate, 0},
    {"signal_fault", signal_fault, 0},
#ifdef __x86_64__
    {"signal_steps", signal_steps, 0},
#endif
#ifndef CHAIN_STATIC
    {"unloaded", unloaded, 0},
#ifdef __x86_64__
    {"signal_resolver", signal_resolver, 1},
#endif
#endif
    {"threads", switch_threads, 0},
    {"reuse", switch_reuse, 0},
    {"storm", switch_storm, 0},
#ifdef __GLIBC__
    {"coroutine", switch_coroutine, 0},
#endif
    {"fork", switch_fork, 0},
};

#define SCENARIOS (int)(sizeof(scenarios) / sizeof(*scenarios))

static FN int run(const char *name)
{
	int found = 0;

	ENTER();
	for (int i = 0; i < SCENARIOS; i++) {
		if (strcmp(name, scenarios[i].name) && (scenarios[i].apart || strcmp(name, "all")))
			continue;
		chain_scenario = scenarios[i].name;
		scenarios[i].run();
		found++;
	}
	LEAVE();
	return found;
}

static void wait_for_line(void)
{
	int c;

	fputs("ready\n", stderr);
	do
		c = getchar();
	while (c != '\n' && c != EOF);
}

int main(int argc, char **argv)
{
	int first = 1;

	if (argc > 1 && !strcmp(argv[1], "wait")) {
		wait_for_line();
		first++;
	}
	ENTER();
	atexit(after_main);
	for (int i = first; i < argc; i++) {
		if (!run(argv[i])) {
			fprintf(stderr, "chain: no scenario %s\n", argv[i]);
			return 2;
		}
	}
	/* exit, and so after_main, is called with this chain */
	exit(0);
}
