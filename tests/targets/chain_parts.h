/* SPDX-License-Identifier: GPL-2.0 */
/* What the files of the chain target call of each other. */
#ifndef CHAIN_PARTS_H
#define CHAIN_PARTS_H

#include "chain.h"

/*
 * chain_half.c: compiled with other flags than the rest in some builds.  Each
 * calls `next`, from a frame of the kind in its name.
 */
typedef void callback(void);
void half_plain(callback *next);
void half_alloca(callback *next, size_t bytes);
void half_aligned(callback *next);
void half_pressure(callback *next);
long half_pong(int depth, long (*ping)(int depth));

/* chain_signal.c */
void signal_normal(void);
void signal_alternate(void);
void signal_fault(void);
void signal_steps(void);
void signal_resolver(void);

/* chain_switch.c: threads, coroutines, children */
void switch_threads(void);
void switch_storm(void);
void switch_reuse(void);
void switch_coroutine(void);
void switch_fork(void);

/* chain_lib.c: in a shared library, except in static builds. */
void lib_call(callback *next);
void lib_alloc(void);
void lib_stepped(void);
void lib_section(const char **start, const char **stop);

/* chain_asm.S: each calls `next`. */
void asm_pointer(callback *next);
void asm_rbx(callback *next);
void asm_deref(callback *next);
void asm_clobber(callback *next);
void asm_odd(callback *next);
void asm_blind(callback *next);

#endif
