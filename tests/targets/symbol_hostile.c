/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Fixture of the symboliser's test: DWARF made to lead a reader astray.  Built
 * without -g, it has only what is written here: a function that is its own
 * origin, two that are each other's, a sibling link that leads back, and NEST
 * blocks, one inside the other.  Prints "OFFSET<tab>function:0".
 */
#include "symbol_report.h"

#ifndef NEST
#define NEST 100000
#endif

/* A call in a few blocks is to be seen; nobody has to look into all the others. */
#if NEST < 50
#define TRUTH "guest:0;victim:0"
#else
#define TRUTH "victim:0"
#endif

#define TEXT_OF(x) #x
#define TEXT(x) TEXT_OF(x)

int victim(int value);

__attribute__((noinline)) int victim(int value)
{
	return value + 1;
}

int main(void)
{
	printf("%lx\t" TRUTH "\n", file_offset((uintptr_t)victim));
	printf("%lx\t" TRUTH "\n", file_offset((uintptr_t)victim) + 2);
	return victim(-1);
}

/* clang-format off */
__asm__(
	".section .debug_abbrev,\"\",@progbits\n"
	".Labbrev:\n"
	".uleb128 1, 0x11\n .byte 1\n"		/* compile unit, children */
	".uleb128 0x11, 0x01, 0x12, 0x06\n"	/* low_pc addr, high_pc data4 */
	".uleb128 0, 0\n"
	".uleb128 2, 0x2e\n .byte 1\n"		/* subprogram, children */
	".uleb128 0x31, 0x13, 0x11, 0x01, 0x12, 0x06\n"	/* abstract_origin ref4 */
	".uleb128 0, 0\n"
	".uleb128 3, 0x0b\n .byte 1\n"		/* lexical block, children */
	".uleb128 0, 0\n"
	".uleb128 4, 0x1d\n .byte 0\n"		/* inlined subroutine */
	".uleb128 0x31, 0x13, 0x11, 0x01, 0x12, 0x06\n"
	".uleb128 0, 0\n"
	".uleb128 5, 0x34\n .byte 0\n"		/* variable with a sibling link */
	".uleb128 0x01, 0x13\n"
	".uleb128 0, 0\n"
	".uleb128 6, 0x2e\n .byte 0\n"		/* subprogram declaration */
	".uleb128 0x47, 0x13\n"			/* specification ref4 */
	".uleb128 0, 0\n"
	".uleb128 7, 0x2e\n .byte 0\n"		/* subprogram with a name */
	".uleb128 0x03, 0x08\n"			/* name string */
	".uleb128 0, 0\n"
	".byte 0\n"
	".section .debug_info,\"\",@progbits\n"
	".Lunit:\n"
	".long .Lend - .Lversion\n"
	".Lversion:\n"
	".short 4\n .long .Labbrev\n .byte 8\n"
	".uleb128 1\n .quad victim\n .long 64\n"
	".Lself:\n"
	".uleb128 2\n .long .Lself - .Lunit\n .quad victim\n .long 4\n"
	".rept " TEXT(NEST) "\n .uleb128 3\n .endr\n"
	".uleb128 4\n .long .Lguest - .Lunit\n .quad victim\n .long 4\n"
	".fill " TEXT(NEST) "\n"
	".uleb128 4\n .long .Lping - .Lunit\n .quad victim\n .long 4\n"
	".byte 0\n"
	".Lguest:\n"
	".uleb128 7\n .asciz \"guest\"\n"
	".Lping:\n"
	".uleb128 6\n .long .Lpong - .Lunit\n"
	".Lpong:\n"
	".uleb128 6\n .long .Lping - .Lunit\n"
	".uleb128 5\n .long .Lself - .Lunit\n"
	".byte 0\n"
	".Lend:\n"
	".text\n");
