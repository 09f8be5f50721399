/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The cost of a kmalloc/kfree pair in the kernel, in CPU time.
 *
 *   kernel_pair PAIRS    says `ready`, waits for a line, makes the pairs, says how many ns
 *                        each took, waits for another line
 *
 * A pair is a call of poll() with more files than the kernel has room for on its stack: it
 * then allocates room for the others, and frees it.  There is no file behind them.
 */
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define FILES 40 /* 30 fit on the stack */

static double now_ns(void)
{
	struct timespec t;

	/* of this process: the machine may have others */
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return t.tv_sec * 1e9 + t.tv_nsec;
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
	unsigned long i, pairs = argc > 1 ? strtoul(argv[1], NULL, 10) : 0;
	struct pollfd files[FILES];
	double start;

	if (!pairs)
		return 2;
	for (i = 0; i < FILES; i++)
		files[i] = (struct pollfd){.fd = -1};
	setvbuf(stdout, NULL, _IOLBF, 0);
	puts("ready");
	wait_for_line();
	start = now_ns();
	for (i = 0; i < pairs; i++)
		if (poll(files, FILES, 0))
			return 1;
	printf("pair %.1f ns\n", (now_ns() - start) / pairs);
	wait_for_line();
	return 0;
}
