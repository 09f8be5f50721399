/* SPDX-License-Identifier: GPL-2.0 */
/*
 * How a fixture of the symboliser's test tells the truth about itself: each
 * report() prints the file offset of the call that made it and the functions
 * it is in, innermost first, as the source knows them.
 *
 *	OFFSET<tab>function:line[;function:line...]
 */
#ifndef SYMBOL_REPORT_H
#define SYMBOL_REPORT_H

#include <stdint.h>
#include <stdio.h>

/* The offset in its file of the code at `address`, from /proc/self/maps; 0: not found. */
static inline unsigned long file_offset(uintptr_t address)
{
	unsigned long start, end, offset, found = 0;
	FILE *maps = fopen("/proc/self/maps", "re");
	char line[4096];

	while (maps && fgets(line, sizeof(line), maps)) {
		if (sscanf(line, "%lx-%lx %*s %lx", &start, &end, &offset) == 3 &&
		    start <= address && address < end)
			found = address - start + offset;
	}
	if (maps)
		fclose(maps);
	return found;
}

/* The address that a stack walk would look up: inside the call instruction. */
#define CALL_ADDRESS() ((uintptr_t)__builtin_return_address(0) - 1)

__attribute__((noinline)) static void report(const char *function, unsigned line, const char *rest)
{
	printf("%lx\t%s:%u%s\n", file_offset(CALL_ADDRESS()), function, line, rest);
}

/* Keeps a call from becoming a jump: a jump leaves no return address. */
#define STAY() __asm__ volatile("")

#define REPORT(function)                                                                           \
	do {                                                                                       \
		report(function, __LINE__, "");                                                    \
		STAY();                                                                            \
	} while (0)

#endif
