/* SPDX-License-Identifier: GPL-2.0 */
/* The table of checks: one row is one check, made and printed in this order. */
#include "doctor/check.h"

const char *const verdict_names[VERDICT_NR] = {"ok", "slow", "warn", "missing", "unknown"};

#define RUN_AS_ROOT "run it as root: sudo memsnoop …"

const struct check checks[] = {
    {
	.group = "privilege",
	.name = "capabilities",
	.look = check_capabilities,
    },
    {
	.group = "privilege",
	.name = "lockdown",
	.look = check_lockdown,
	.needed = true,
	.without = "BPF programs may not read the kernel's memory",
	.remedy = "boot without lockdown=confidentiality (without Secure Boot, on some systems)",
    },
    {
	.group = "privilege",
	.name = "pid namespace",
	.look = check_pid_namespace,
	.needed = true,
	.without = "the kernel side knows processes by other numbers than this side: nothing is "
		   "counted",
	.remedy = "run it on the host, or in a container with --pid=host",
    },
    {
	.group = "privilege",
	.name = "ptrace",
	.look = check_ptrace,
	.without = "memsnoop -- CMD does not work; -p does",
	.remedy = "sysctl kernel.yama.ptrace_scope=1; in a container --cap-add=SYS_PTRACE",
    },
    {
	.group = "privilege",
	.name = "process memory",
	.look = check_process_memory,
	.without = "Python functions have no names",
	.remedy = RUN_AS_ROOT "; in a container --cap-add=SYS_PTRACE",
    },
    {
	.group = "privilege",
	.name = "perf_event_paranoid",
	.look = check_perf_paranoid,
	.without = "probes cannot be attached",
	.remedy = RUN_AS_ROOT,
    },
    {
	.group = "privilege",
	.name = "kernel symbols",
	.look = check_kallsyms,
	.without = "functions of the kernel have no names",
	.remedy = RUN_AS_ROOT "; sysctl kernel.kptr_restrict=1 if it is 2",
    },
    {
	.group = "kernel",
	.name = "version",
	.look = check_version,
	.without = "this kernel is older than any that memsnoop is tested with (5.17)",
	.remedy = "a newer kernel",
    },
    {
	.group = "kernel",
	.name = "BTF",
	.look = check_btf,
	.needed = true,
	.without = "the kernel side cannot find its way in the kernel's structures",
	.remedy = "a kernel built with CONFIG_DEBUG_INFO_BTF=y; in a container, "
		  "/sys/kernel/btf of the host",
    },
    {
	.group = "kernel",
	.name = "preemption",
	.look = check_preemption,
    },
    {
	.group = "kernel",
	.name = "BPF JIT",
	.look = check_jit,
	.without = "the kernel interprets BPF programs: each probe costs several times as much",
	.remedy = "sysctl net.core.bpf_jit_enable=1",
    },
    {
	.group = "kernel",
	.name = "bpf_loop",
	.look = check_loop,
	.needed = true,
	.without = "stacks cannot be walked",
	.remedy = "Linux 5.17 or later",
    },
    {
	.group = "kernel",
	.name = "ring buffer",
	.look = check_ring,
	.needed = true,
	.without = "events do not come through",
	.remedy = "Linux 5.8 or later",
    },
    {
	.group = "kernel",
	.name = "task iterator",
	.look = check_iterator,
	.without = "the whole system cannot be watched, only what is named: -p or a command",
	.remedy = "Linux 5.8 or later, with BTF",
    },
    {
	.group = "kernel",
	.name = "PAGEMAP_SCAN",
	.look = check_pagemap_scan,
	.without = "residence of blocks is read from pagemap, page by page",
	.remedy = "Linux 6.7 or later",
    },
    {
	.group = "kernel",
	.name = "locked memory",
	.look = check_memlock,
    },
    {
	.group = "probes",
	.name = "uprobes",
	.look = check_uprobes,
	.needed = true,
	.without = "no allocation is seen",
	.remedy = "what is missing above, or a kernel built with CONFIG_UPROBE_EVENTS=y and "
		  "CONFIG_BPF_EVENTS=y",
    },
    {
	.group = "probes",
	.name = "seccomp",
	.look = check_seccomp,
	.without = "processes under a seccomp filter (many containers, services, browsers) are not "
		   "probed",
	.remedy = "a kernel with the fix of CVE-2025-21834 (commit cf6cb56ef244, Linux 6.14)",
    },
    {
	.group = "probes",
	.name = "allocation functions",
	.look = check_places,
	.without = "these functions begin with instructions that the kernel single-steps, which "
		   "costs several times as much",
	.remedy = "another build of the C library",
    },
    {
	.group = "probes",
	.name = "hooks",
	.look = check_hooks,
    },
    {
	.group = "stacks and names",
	.name = "unwind tables",
	.look = check_cache,
	.without = "unwind tables are made anew in each run, 0.3 s for the largest files",
    },
    {
	.group = "stacks and names",
	.name = "debug information",
	.look = check_libc_symbols,
	.without = "functions that a library does not export read [libc.so.6+0x…], without file "
		   "and line",
	.remedy = "install debug packages (libc6-dbg, python3-dbg …), or set DEBUGINFOD_URLS",
    },
    {
	.group = "stacks and names",
	.name = "debuginfod",
	.look = check_debuginfod,
	.without = "DEBUGINFOD_URLS is of no use without its client library",
	.remedy = "install libdebuginfod1",
    },
    {
	.group = "stacks and names",
	.name = "perf maps",
	.look = check_perf_maps,
	.without = "functions that a JIT compiled have no names",
	.remedy = "a /tmp that JITs can write to",
    },
    {
	.group = "stacks and names",
	.name = "Python",
	.look = check_python,
	.without = "its stacks have C functions only",
    },
    {
	.group = "machine",
	.name = "/proc",
	.look = check_proc,
	.needed = true,
	.without = "processes cannot be looked at",
	.remedy = "mount -t proc proc /proc, without hidepid",
    },
    {
	.group = "machine",
	.name = "tracefs",
	.look = check_tracefs,
    },
    {
	.group = "machine",
	.name = "cgroups",
	.look = check_cgroup,
	.without = "containers cannot be compared with what their memory controller counts",
	.remedy = "mount cgroup2 with its memory controller, or version 1's",
    },
    {
	.group = "machine",
	.name = "GPU",
	.look = check_gpu,
	.without = "GPU memory is not traced yet: host memory of such programs is",
    },
    {
	.group = "cost",
	.name = "cost",
	.look = check_costs,
	.without = "single-stepping dominates; memsnoop probes other instructions where it can, "
		   "see allocation functions",
    },
};

const size_t check_count = sizeof(checks) / sizeof(checks[0]);
