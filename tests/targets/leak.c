/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Memory that runs out.  The ledger is a file, $LEDGER/leak.PID, written to with
 * write() after each step, so that it survives a kill; it is mapped by nobody.
 *
 *   leak kill SIZE [wait]   holds 8 MiB, waits for a byte on its standard input, then leaks
 *                           and touches blocks of SIZE bytes until it is killed
 *   leak calls COUNT        COUNT calls of each kind that cannot be given memory
 *   leak stacks COUNT       COUNT such calls of malloc(), each from a stack of its own
 */
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#define BASE (8 << 20)
/* Volatile, so that the compiler cannot tell. */
static volatile unsigned long too_much = 1UL << 50;

static int ledger;
static unsigned long base_bytes, leaked_bytes;

/* In one line, over and over: the last one counts. */
static void note(void)
{
	char text[96];
	int n = snprintf(text, sizeof(text), "base=%lu\nleaked=%lu\n", base_bytes, leaked_bytes);

	if (pwrite(ledger, text, (size_t)n, 0) != n)
		_exit(3);
}

void hold_base(void)
{
	char *block = malloc(BASE);

	if (!block)
		_exit(4);
	memset(block, 1, BASE);
	base_bytes += BASE;
	note();
}

/* Noted before it is touched: that is when the kill comes. */
void leak_block(size_t size)
{
	char *block = malloc(size);

	if (!block)
		_exit(4);
	leaked_bytes += size;
	note();
	memset(block, 2, size);
}

void fail_malloc(void)
{
	if (malloc(too_much))
		_exit(5);
}

void fail_calloc(void)
{
	/* the product overflows */
	if (calloc(too_much, too_much))
		_exit(5);
}

void fail_mmap(void)
{
	if (mmap(NULL, too_much, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) !=
		MAP_FAILED ||
	    errno != ENOMEM)
		_exit(5);
}

/* Not ENOMEM: no want of memory, and not to be told as one. */
void fail_otherwise(void)
{
	if (mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, -1, 0) != MAP_FAILED || errno == ENOMEM)
		_exit(5);
}

/* More than an address space is EINVAL to newer kernels: nearly as much as one. */
void fail_mremap(void)
{
	size_t size = (1UL << 47) - (1UL << 30);
	void *page = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (page == MAP_FAILED || mremap(page, 4096, size, MREMAP_MAYMOVE) != MAP_FAILED ||
	    errno != ENOMEM)
		_exit(5);
	munmap(page, 4096);
}

void fail_brk(void)
{
	uintptr_t now = (uintptr_t)syscall(SYS_brk, 0);

	if ((uintptr_t)syscall(SYS_brk, now + too_much) != now)
		_exit(5);
}

void fail_left(unsigned long path, int depth);
void fail_right(unsigned long path, int depth);

/* Left or right, by each bit of `path`. */
void fail_along(unsigned long path, int depth)
{
	if (!depth)
		fail_malloc();
	else if (path & 1)
		fail_left(path >> 1, depth - 1);
	else
		fail_right(path >> 1, depth - 1);
}

void fail_left(unsigned long path, int depth)
{
	fail_along(path, depth);
}

void fail_right(unsigned long path, int depth)
{
	fail_along(path, depth);
}

static void fail_calls(void)
{
	fail_malloc();
	fail_calloc();
	fail_mmap();
	fail_otherwise();
	fail_mremap();
	fail_brk();
}

int main(int argc, char **argv)
{
	char path[4096];
	long number = argc > 2 ? strtol(argv[2], NULL, 0) : 0;

	if (number <= 0 || !getenv("LEDGER"))
		return 2;
	snprintf(path, sizeof(path), "%s/leak.%d", getenv("LEDGER"), getpid());
	ledger = open(path, O_CREAT | O_TRUNC | O_WRONLY, 0644);
	if (ledger < 0)
		return 3;
	if (strcmp(argv[1], "kill")) {
		for (long i = 0; i < number; i++)
			if (!strcmp(argv[1], "calls"))
				fail_calls();
			else
				fail_along((unsigned long)i, 16);
		return 0;
	}
	hold_base();
	if (argc > 3 && read(STDIN_FILENO, path, 1) != 1)
		return 6;
	for (;;)
		leak_block((size_t)number);
}
