/* SPDX-License-Identifier: GPL-2.0 */
/* Fixture of the symboliser's test: C functions, inlined and not. */
#include "symbol_report.h"

__attribute__((noinline)) void exported(void)
{
	REPORT("exported");
}

__attribute__((noinline)) static void hidden(void)
{
	REPORT("hidden");
}

/* The way of C libraries: people know it by the other name. */
__attribute__((noinline)) void __internal(void)
{
	REPORT("public");
}

void public(void) __attribute__((alias("__internal")));

static char rest[256];

/* The lines of the callers are not known here: they are passed on. */
__attribute__((always_inline)) static inline void innermost(unsigned middle, unsigned outer)
{
	snprintf(rest, sizeof(rest), ";middle:%u;outer:%u", middle, outer);
	report("innermost", __LINE__, rest);
	STAY();
}

__attribute__((always_inline)) static inline void middle(unsigned outer)
{
	if (outer)
		innermost(__LINE__, outer);
}

__attribute__((noinline)) void outer(void)
{
	STAY();
	middle(__LINE__);
	STAY();
}

int main(void)
{
	exported();
	hidden();
	outer();
	public();
	REPORT("main");
	return 0;
}
