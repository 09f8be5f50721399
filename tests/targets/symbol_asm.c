/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Fixture of the symboliser's test: what only a symbol table tells.  Prints
 * "OFFSET<tab>name:0", or "?" for code that no symbol covers.
 */
#include "symbol_report.h"

void bare(void);
void sized(void);
void _pub(void);
void public(void);
void __public(void);
void outside(void);
void lonely(void);

/* clang-format off */
__asm__(
	".text\n"
	".globl bare\n"				/* no type, no size: up to what follows */
	"bare: nop\n nop\n nop\n ret\n"
	".globl sized\n .type sized, @function\n"
	"sized: nop\n"
	"label_inside: nop\n nop\n ret\n"	/* a label is no function of its own */
	".size sized, . - sized\n"
	".globl hole\n hole = .\n .hidden hole\n .type hole, @object\n"
	".skip 16, 0x90\n"
	/* One function, five names. */
	".globl public, _pub, __public\n"
	".type public, @function\n .type _pub, @function\n .type __public, @function\n"
	".type a_local, @function\n"
	"public: _pub: __public: a_local: no_type: nop\n ret\n"
	".size public, 2\n .size _pub, 2\n .size __public, 2\n .size a_local, 2\n"
	/* A function inside another one. */
	".globl outside\n .type outside, @function\n .type inside, @function\n"
	"outside: nop\n nop\n inside: nop\n nop\n ret\n"
	".size inside, 2\n"
	".size outside, . - outside\n"
	/* The last of its section covers nothing of what follows that. */
	".section section_lonely, \"ax\"\n"
	".globl lonely\n"
	"lonely: nop\n nop\n ret\n"
	".section section_next, \"ax\"\n .p2align 4\n"
	"next: ret\n"
	".text\n");
/* clang-format on */

static void tell(void (*function)(void), unsigned more, const char *name)
{
	printf("%lx\t%s\n", file_offset((uintptr_t)function + more), name);
}

int main(void)
{
	tell(bare, 0, "bare:0");
	tell(bare, 3, "bare:0");
	tell(sized, 0, "sized:0");
	tell(sized, 2, "sized:0");
	tell(sized, 4, "?");
	tell(sized, 4 + 15, "?");
	tell(public, 1, "public:0");
	tell(outside, 1, "outside:0");
	tell(outside, 2, "inside:0");
	tell(outside, 4, "outside:0");
	tell(lonely, 2, "lonely:0");
	tell(lonely, 3, "?");
	return 0;
}
