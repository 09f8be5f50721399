/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * What differs between processors, for both sides: a file for each, which one is said by
 * the compiler, in BPF programs by -D__TARGET_ARCH_….  Their functions for BPF programs are
 * in arch.bpf.h.
 */
#ifndef MS_ARCH_H
#define MS_ARCH_H

#if defined(__TARGET_ARCH_arm64) || (!defined(__TARGET_ARCH_x86) && defined(__aarch64__))
#define MS_ARM64 1
#include "arch_arm64.h"
#elif defined(__TARGET_ARCH_x86) || defined(__x86_64__)
#include "arch_x86.h"
#else
#error "an unknown processor"
#endif

#endif
