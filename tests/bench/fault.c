/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The cost of a page fault, some frames deep.
 *
 *   fault FAULTS [DEPTH]
 *                 says `ready`, waits for a line, touches pages that are not there with
 *                 DEPTH frames (default 10) from main to the toucher, gives them back
 *                 1,024 at a time, says how many ns each took, waits for another line
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <time.h>

#define DEPTH 10
#define DEPTH_MIN 3 /* main, deep, make_faults */
#define PAGE 4096UL
#define PAGES 1024UL

static volatile char *memory;

static double now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1e9 + t.tv_nsec;
}

static void make_faults(unsigned long faults)
{
	for (unsigned long i = 0; i < faults; i++) {
		memory[i % PAGES * PAGE] = 1;
		if (i % PAGES == PAGES - 1)
			madvise((void *)memory, PAGES * PAGE, MADV_DONTNEED);
	}
}

/* The sum keeps the call from becoming a jump. */
static double deep(int depth, unsigned long faults)
{
	if (depth)
		return deep(depth - 1, faults) + 0.0;
	double start = now_ns();
	make_faults(faults);
	return (now_ns() - start) / faults;
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
	unsigned long faults = argc > 1 ? strtoul(argv[1], NULL, 10) : 0;
	int depth = argc > 2 ? atoi(argv[2]) : DEPTH;

	if (!faults || depth < DEPTH_MIN)
		return 2;
	memory =
	    mmap(NULL, PAGES * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (memory == MAP_FAILED)
		return 1;
	madvise((void *)memory, PAGES * PAGE, MADV_NOHUGEPAGE);
	setvbuf(stdout, NULL, _IOLBF, 0);
	deep(depth - DEPTH_MIN, PAGES); /* its code and stack are there then */
	puts("ready");
	wait_for_line();
	printf("pair %.1f ns\n", deep(depth - DEPTH_MIN, faults));
	wait_for_line();
	return 0;
}
