/* SPDX-License-Identifier: GPL-2.0 */
/* Where the arguments of a tracepoint (USDT) are, as <sys/sdt.h> has the compiler write it. */
#ifndef MS_OPERANDS_H
#define MS_OPERANDS_H

#include "usdt.h"

/*
 * Reads "-8@%rax -1@%dl 8@$16 -8@-104(%rbp) 4@(%rax,%rcx,4)": for each argument its bytes,
 * negative if it is signed, and an operand as the assembler of x86-64 has it.  What is of
 * another form (a symbol, a vector register), or comes after the last one that there is room
 * for, is MS_USDT_NONE.
 */
void operands_parse(const char *text, struct ms_usdt *out);

#endif
