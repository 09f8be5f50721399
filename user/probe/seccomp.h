/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Return probes and seccomp.  Since 6.11 a return probe on x86-64 is a system
 * call (commit 190fec72df4a); a filter that does not know it kills the process
 * (CVE-2025-21834), until the kernel lets that call pass (commit cf6cb56ef244).
 */
#ifndef MS_SECCOMP_H
#define MS_SECCOMP_H

#include "collect/kernel.h"

/*
 * Whether a process with a seccomp filter lives through a return probe on this
 * kernel: found out once, with a child of ours.  False also if that cannot be
 * tried.
 */
bool seccomp_spares_returns(struct kernel *kernel);

#endif
