/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Fixture of the symboliser's test: a library of functions that strip leaves
 * without a name, and (with -DPROGRAM) the program that runs it.  For each
 * offset it prints the name by which it must be known then, an offset as well:
 *
 *	OFFSET<tab>OFFSET
 */
#include "symbol_report.h"

void starts(void);

#ifdef PROGRAM

int main(void)
{
	starts();
	return 0;
}

#else

#define HERE(function) here((uintptr_t)(function))

__attribute__((noinline)) static void here(uintptr_t start)
{
	printf("%lx\t%lx\n", file_offset(CALL_ADDRESS()), file_offset(start));
}

__attribute__((noinline)) static void twice(void)
{
	HERE(twice);
	STAY();
	HERE(twice);
	STAY();
}

__attribute__((noinline)) static void once(void)
{
	HERE(once);
	STAY();
}

/* Nothing in the file says where this one starts. */
void bare(void) __attribute__((visibility("hidden")));
__asm__(".text\n"
	".type bare, @function\n"
	"bare:\n"
	"	nop\n"
	"	ret\n"
	".size bare, . - bare\n");

__attribute__((noinline)) static void last(void)
{
	HERE(last);
	STAY();
}

void starts(void)
{
	unsigned long offset = file_offset((uintptr_t)bare + 1);

	twice();
	once();
	last();
	printf("%lx\t%lx\n", offset, offset);
}

#endif
