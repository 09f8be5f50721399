/* SPDX-License-Identifier: GPL-2.0 */
/* The kernel's counters of what is resident, without what each CPU has not added yet. */
#ifndef MS_RSS_BPF_H
#define MS_RSS_BPF_H

#include <bpf/bpf_core_read.h>

#include "vmlinux.h"

/* A macro: CO-RE finds the elements of an array by numbers that the compiler knows. */
#define RSS_PAGES(mm, member)                                                                      \
	(bpf_core_field_exists(((struct mm_struct___atomic *)(mm))->rss_stat.count)                \
	     ? BPF_CORE_READ((struct mm_struct___atomic *)(mm), rss_stat.count[member].counter)    \
	     : BPF_CORE_READ(mm, rss_stat[member].count))

#endif
