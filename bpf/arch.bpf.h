/* SPDX-License-Identifier: GPL-2.0 */
/* What a program reads of a thread's registers and code, on each processor. */
#ifndef MS_ARCH_BPF_H
#define MS_ARCH_BPF_H

#include <bpf/bpf_core_read.h>

#include "arch.h"

/* Where the thread stands: the registers its caller has after the call. */
struct position {
	__u64 ip, sp, fp, third;
	__u32 exact; /* ip is the instruction itself, no call returned to it */
};

#ifdef MS_ARM64
#include "arch_arm64.bpf.h"
#else
#include "arch_x86.bpf.h"
#endif

#endif
