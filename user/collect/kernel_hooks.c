/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The programs that are attached to the kernel itself.  A row is a program: for which
 * hook, on which rung of its ladder (probe/hooks.h), and on what.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <bpf/libbpf.h>

#include "base/log.h"
#include "collect/kernel_inside.h"
#include "probe/preempt.h"

struct hook_program {
	const char *name;
	enum hook hook;
	enum hook_rung rung;
	const char *function; /* fentry, kprobe; NULL: each system call's */
	bool returns;
};

/* Of no layer; a kernel without it is traced all the same. */
#define ALWAYS HOOK_NR

static const struct hook_program programs[] = {
#define X(name)                                                                                    \
	{"vm_enter_fentry_" #name, HOOK_SYSCALLS, HOOK_FENTRY, HOOK_SYSCALL(#name), false},        \
	    {"vm_exit_fentry_" #name, HOOK_SYSCALLS, HOOK_FENTRY, HOOK_SYSCALL(#name), true},
    MS_VM_CALLS(X)
#undef X
	{"vm_enter_kprobe", HOOK_SYSCALLS, HOOK_KPROBE, NULL, false},
    {"vm_exit_kprobe", HOOK_SYSCALLS, HOOK_KPROBE, NULL, true},
    {"vm_enter_tracepoint", HOOK_SYSCALLS, HOOK_TRACEPOINT, NULL, false},
    {"vm_exit_tracepoint", HOOK_SYSCALLS, HOOK_TRACEPOINT, NULL, false},
    {"vm_enter_raw_tracepoint", HOOK_SYSCALLS, HOOK_RAW_TRACEPOINT, NULL, false},
    {"vm_exit_raw_tracepoint", HOOK_SYSCALLS, HOOK_RAW_TRACEPOINT, NULL, false},
    {"fault_fentry", HOOK_FAULTS, HOOK_FENTRY, "handle_mm_fault", false},
    {"fault_kprobe", HOOK_FAULTS, HOOK_KPROBE, "handle_mm_fault", false},
    {"fault_user_tracepoint", HOOK_FAULTS, HOOK_TRACEPOINT, NULL, false},
    {"fault_kernel_tracepoint", HOOK_FAULTS, HOOK_TRACEPOINT, NULL, false},
    {"fault_user_raw_tracepoint", HOOK_FAULTS, HOOK_RAW_TRACEPOINT, NULL, false},
    {"fault_kernel_raw_tracepoint", HOOK_FAULTS, HOOK_RAW_TRACEPOINT, NULL, false},
    {"rss_fentry", HOOK_RSS, HOOK_FENTRY, "mm_trace_rss_stat", false},
    {"rss_kprobe", HOOK_RSS, HOOK_KPROBE, "mm_trace_rss_stat", false},
    {"rss_tracepoint", HOOK_RSS, HOOK_TRACEPOINT, NULL, false},
    {"rss_raw_tracepoint", HOOK_RSS, HOOK_RAW_TRACEPOINT, NULL, false},
    {"oom_marked", ALWAYS, HOOK_RAW_TRACEPOINT, NULL, false},
};

#define PROGRAMS (sizeof(programs) / sizeof(programs[0]))

/* The functions of the system calls, by enum ms_vm_call, which is their cookie. */
static const char *const calls[MS_VM_NR] = {
#define X(name) HOOK_SYSCALL(#name),
    MS_VM_CALLS(X)
#undef X
};

static const enum ms_layer layers[HOOK_NR] = {
    [HOOK_SYSCALLS] = MS_LAYER_VM, [HOOK_FAULTS] = MS_LAYER_RSS, [HOOK_RSS] = MS_LAYER_RSS};

static struct bpf_program *find(const struct kernel *k, size_t i)
{
	return bpf_object__find_program_by_name(k->skel->obj, programs[i].name);
}

/* Whose a resident page is depends on what was mapped, populated, unmapped or moved. */
static bool is_needed(const struct kernel_options *options, enum ms_layer layer)
{
	return options->layers[layer] || (layer == MS_LAYER_VM && options->layers[MS_LAYER_RSS]);
}

int hooks_choose(struct kernel *k, const struct kernel_options *options)
{
	struct hook_choice choices[HOOK_NR];
	size_t i;
	int err = 0;

	for (i = 0; i < PROGRAMS; i++)
		bpf_program__set_autoload(find(k, i), programs[i].hook == ALWAYS);
	if (!options->layers[MS_LAYER_VM] && !options->layers[MS_LAYER_RSS])
		return 0;
	err = hooks_find(options->refused_hooks, choices);
	for (i = 0; i < PROGRAMS && !err; i++) {
		const struct hook_program *p = &programs[i];

		if (p->hook == ALWAYS || !is_needed(options, layers[p->hook]) ||
		    choices[p->hook].rung != p->rung)
			continue;
		bpf_program__set_autoload(find(k, i), true);
		if (p->rung == HOOK_FENTRY)
			err = bpf_program__set_attach_target(find(k, i), 0, p->function);
	}
	return err;
}

static int keep(struct kernel *k, struct bpf_link *link)
{
	if (!link)
		return -errno;
	if (k->hook_count == HOOKS_MAX) {
		bpf_link__destroy(link);
		return -E2BIG;
	}
	k->hooks[k->hook_count++] = link;
	return 0;
}

static int attach_kprobe(struct kernel *k, size_t i, const char *function, uint64_t cookie)
{
	LIBBPF_OPTS(bpf_kprobe_opts, options, .bpf_cookie = cookie,
		    .retprobe = programs[i].returns);

	return keep(k, bpf_program__attach_kprobe_opts(find(k, i), function, &options));
}

static int attach(struct kernel *k, size_t i)
{
	size_t call;
	int err = 0;

	if (programs[i].rung != HOOK_KPROBE)
		return keep(k, bpf_program__attach(find(k, i)));
	if (programs[i].function)
		return attach_kprobe(k, i, programs[i].function, 0);
	for (call = 0; call < MS_VM_NR && !err; call++)
		err = attach_kprobe(k, i, calls[call], call);
	return err;
}

int hooks_attach(struct kernel *k)
{
	size_t i;
	int err = 0;

	for (i = 0; i < PROGRAMS && !err; i++) {
		if (!bpf_program__autoload(find(k, i)))
			continue;
		err = attach(k, i);
		if (err)
			log_verbose("hook: %s: cannot be attached: %s", programs[i].name,
				    strerror(-err));
		if (programs[i].hook == ALWAYS)
			err = 0;
	}
	return err;
}

void hooks_detach(struct kernel *k)
{
	while (k->hook_count)
		bpf_link__destroy(k->hooks[--k->hook_count]);
}

/*
 * The reads of a walk fault where memory is not there: in a page fault's program that is one
 * more run of it, which the kernel rightly passes over.
 */
static bool nests(const struct bpf_program *program)
{
	const char *name = bpf_program__name(program);

	return !strcmp(name, "fault_kernel_tracepoint") ||
	       !strcmp(name, "fault_kernel_raw_tracepoint");
}

uint64_t hooks_passed_over(const struct kernel *k)
{
	struct bpf_program *program;
	uint64_t sum = 0;

	bpf_object__for_each_program(program, k->skel->obj)
	{
		if (bpf_program__autoload(program) && !nests(program))
			sum += preempt_passed_over(program);
	}
	return sum;
}
