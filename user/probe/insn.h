/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Where inside a function a uprobe is cheapest.  The kernel emulates push,
 * relative jumps and calls, conditional jumps and nop
 * (arch/x86/kernel/uprobes.c: branch_setup_xol_ops, push_setup_xol_ops); any
 * other instruction is copied out and single-stepped, which costs several
 * times as much.
 */
#ifndef MS_INSN_H
#define MS_INSN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Bytes from the entry among which a place is looked for. */
#define INSN_WINDOW 64
/* A longer function is probed at its entry: it is not searched for jumps. */
#define INSN_FUNCTION_MAX 16384

struct insn_place {
	unsigned offset;    /* from the function's first byte */
	const char *reason; /* static text */
	bool emulated;      /* by every kernel */
};

/*
 * Chooses among the first straight-line instructions of the function at `code`
 * (x86-64), of which `length` bytes are there to see.  `size` is the
 * function's size: all of it must be within `length`, so that no jump back
 * into its first instructions is overlooked, else only the entry will do; 0 if
 * it is unknown: then the bytes that are there must do.  `args` is a bit mask
 * of the argument registers that must still hold their values (bit 0: the
 * first), `entry_sp` says that the stack pointer must still have its entry
 * value (a return probe is set there).
 * Every call of the function executes the chosen instruction exactly as often
 * as its first one.  Never fails: offset 0 is always right.
 */
struct insn_place insn_choose(const uint8_t *code, size_t length, size_t size, unsigned args,
			      bool entry_sp);

/*
 * The same where a call with 0 in an argument is of no interest, and the stack pointer may be
 * anything: a place behind the function's own test of that argument, which such calls never
 * come to.  `zero` is the argument's bit.  `code` must be the whole function, of `size` bytes.
 * Every other call executes the place once.  offset 0: there is none.
 */
struct insn_place insn_choose_nonzero(const uint8_t *code, size_t size, unsigned args,
				      unsigned zero);

/*
 * Whether an instruction begins at `at` of the `length` bytes at `code` (x86-64), which begin
 * anywhere: decoders that begin in the middle of an instruction soon come to agree with the others,
 * so most of those that set out some way before come to a place where one does.
 */
bool insn_begins(const uint8_t *code, size_t length, size_t at);

/* Bytes before a place from which insn_begins() can tell. */
#define INSN_BEGINS_BYTES 96

#endif
