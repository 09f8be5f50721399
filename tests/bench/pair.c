/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The cost of a malloc/free pair, some frames deep.
 *
 *   pair PAIRS [DEPTH]
 *                 says `ready`, waits for a line, makes the pairs with DEPTH frames
 *                 (default 10) from main to their caller, says how many ns each took, holds 100
 * blocks, waits for another line
 *
 * The blocks that are held are there for a tracer to report: one that does not
 * has not traced.
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define DEPTH 10
#define DEPTH_MIN 3 /* main, deep, make_pairs */
#define HELD 100

static void *held[HELD];

static double now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1e9 + t.tv_nsec;
}

static void make_pairs(unsigned long pairs)
{
	for (unsigned long i = 0; i < pairs; i++)
		free(malloc(64));
}

static void hold(void)
{
	for (int i = 0; i < HELD; i++)
		held[i] = malloc(1000);
}

/* The sum keeps the call from becoming a jump. */
static double deep(int depth, unsigned long pairs)
{
	if (depth)
		return deep(depth - 1, pairs) + 0.0;
	double start = now_ns();
	make_pairs(pairs);
	double end = now_ns();
	hold();
	return (end - start) / pairs;
}

static void wait_for_line(void)
{
	int c;

	do
		c = getchar();
	while (c != '\n' && c != EOF);
}

int main(int argc, char **argv)
{
	unsigned long pairs = argc > 1 ? strtoul(argv[1], NULL, 10) : 0;
	int depth = argc > 2 ? atoi(argv[2]) : DEPTH;

	if (!pairs || depth < DEPTH_MIN)
		return 2;
	setvbuf(stdout, NULL, _IOLBF, 0);
	puts("ready");
	wait_for_line();
	printf("pair %.1f ns\n", deep(depth - DEPTH_MIN, pairs));
	wait_for_line();
	for (int i = 0; i < HELD; i++)
		free(held[i]);
	return 0;
}
