/* SPDX-License-Identifier: GPL-2.0 */
/* The ladder for kernel functions. */
#include "probe/hooks.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "probe/preempt.h"
#include "probe/trial.h"

#define ENOTSUPP 524 /* the kernel's own, which is said to user space in places */

const char *const hook_rung_names[HOOK_RUNG_NR] = {"fentry", "kprobe", "tracepoint",
						   "raw_tracepoint"};

const struct hook_row hook_rows[HOOK_NR] = {
    [HOOK_SYSCALLS] = {.name = "system calls",
		       .function = HOOK_SYSCALL("mmap"),
		       .returns = true,
		       .tracepoints = {"sys_enter", "sys_exit"},
		       .btf = true,
		       .raw = true,
		       .without = "mapped memory is not seen"},
    [HOOK_FAULTS] = {.name = "page faults",
		     .function = "handle_mm_fault",
		     .returns = true,
		     /* of the exceptions group, which not every architecture has */
		     .tracepoints = {"page_fault_user", "page_fault_kernel"},
		     .btf = true,
		     .raw = true,
		     .without = "it is not seen who touched memory first"},
    /* The function's arguments differ between versions (6.2, commit f1a7941243c1). */
    [HOOK_RSS] = {.name = "RSS counters",
		  .function = "mm_trace_rss_stat",
		  .tracepoints = {"rss_stat"},
		  .btf = true,
		  .raw = true,
		  .without = "resident memory is only known from tick to tick"},
    [HOOK_OOM] = {.name = "OOM kills",
		  .function = "mark_oom_victim",
		  .tracepoints = {"mark_victim"},
		  .btf = true,
		  .raw = true,
		  .without = "it is not seen whom the kernel kills for want of memory"},
    /* bpf_task_pt_regs() wants a task that BTF vouches for: no raw tracepoint. */
    [HOOK_FORK] = {.name = "fork",
		   .tracepoints = {"sched_process_fork"},
		   .btf = true,
		   .without = "processes cannot be followed",
		   .needed = true},
    [HOOK_EXEC] = {.name = "exec",
		   .tracepoints = {"sched_process_exec"},
		   .btf = true,
		   .without = "processes cannot be followed",
		   .needed = true},
    [HOOK_EXIT] = {.name = "exit",
		   .tracepoints = {"sched_process_exit"},
		   .btf = true,
		   .without = "processes cannot be followed",
		   .needed = true},
    [HOOK_SLAB] = {.name = "kernel memory",
		   .tracepoints = {"kmalloc", "mm_page_alloc"},
		   .raw = true,
		   .without = "--slab does not work"},
};

static bool has_rung(const struct hook_row *row, enum hook_rung rung)
{
	switch (rung) {
	case HOOK_FENTRY:
	case HOOK_KPROBE:
		return row->function;
	case HOOK_TRACEPOINT:
		return row->btf;
	default:
		return row->raw;
	}
}

static const enum hook_rung orders[2][HOOK_RUNG_NR] = {
    {HOOK_FENTRY, HOOK_KPROBE, HOOK_TRACEPOINT, HOOK_RAW_TRACEPOINT},
    {HOOK_KPROBE, HOOK_FENTRY, HOOK_TRACEPOINT, HOOK_RAW_TRACEPOINT}, /* preempted */
};

static void choose(const struct hook_row *row, const bool *refused, const enum hook_rung *order,
		   bool all, hook_try_fn *try, void *context, struct hook_choice *choice)
{
	int i, rung, rungs = 0;

	choice->rung = HOOK_NONE;
	for (rung = 0; rung < HOOK_RUNG_NR; rung++)
		rungs += has_rung(row, rung);
	for (i = 0; i < HOOK_RUNG_NR; i++) {
		int *answer;

		rung = order[i];
		answer = &choice->answers[rung];
		if (!has_rung(row, rung))
			*answer = HOOK_ABSENT;
		else if (refused[rung] && rungs > 1)
			*answer = HOOK_REFUSED;
		else if (choice->rung != HOOK_NONE && !all)
			*answer = HOOK_UNTRIED;
		else
			*answer = try(row, rung, context);
		if (!*answer && choice->rung == HOOK_NONE)
			choice->rung = rung;
	}
}

void hooks_ladder(const struct hook_row *rows, size_t count, const bool refused[HOOK_RUNG_NR],
		  bool preempted, bool all, hook_try_fn *try, void *context,
		  struct hook_choice *choices)
{
	size_t i;

	for (i = 0; i < count; i++)
		choose(&rows[i], refused, orders[preempted], all, try, context, &choices[i]);
}

/* What is at the start of a function and at its end. */
static const enum trial_kind trial_kinds[HOOK_RUNG_NR][HOOK_LINKS] = {
    [HOOK_FENTRY] = {TRIAL_FENTRY, TRIAL_FEXIT},
    [HOOK_KPROBE] = {TRIAL_KPROBE, TRIAL_KRETPROBE},
    [HOOK_TRACEPOINT] = {TRIAL_TRACEPOINT, TRIAL_TRACEPOINT},
    [HOOK_RAW_TRACEPOINT] = {TRIAL_RAW_TRACEPOINT, TRIAL_RAW_TRACEPOINT},
};

int hook_rung_attach(struct trials *trials, const struct hook_row *row, enum hook_rung rung,
		     int links[HOOK_LINKS])
{
	bool by_function = rung == HOOK_FENTRY || rung == HOOK_KPROBE;
	const char *returns = row->returns ? row->function : NULL;
	const struct trial_target targets[HOOK_LINKS] = {
	    {.name = by_function ? row->function : row->tracepoints[0]},
	    {.name = by_function ? returns : row->tracepoints[1]},
	};
	int i, err = 0;

	for (i = 0; i < HOOK_LINKS; i++)
		links[i] = -1;
	for (i = 0; i < HOOK_LINKS && targets[i].name && err >= 0; i++)
		err = links[i] = trial_attach(trials, trial_kinds[rung][i], &targets[i]);
	if (err < 0)
		hook_rung_detach(links);
	return err < 0 ? err : 0;
}

void hook_rung_detach(const int links[HOOK_LINKS])
{
	int i;

	for (i = 0; i < HOOK_LINKS; i++)
		if (links[i] >= 0)
			close(links[i]);
}

int hook_try(const struct hook_row *row, enum hook_rung rung, void *context)
{
	int links[HOOK_LINKS], err = hook_rung_attach(context, row, rung, links);

	if (!err)
		hook_rung_detach(links);
	return err;
}

const char *hook_answer_text(int answer)
{
	switch (answer) {
	case 0:
		return "works";
	case HOOK_ABSENT:
		return "there is none";
	case HOOK_REFUSED:
		return "refused by --no-feature";
	case HOOK_UNTRIED:
		return "not tried";
	case -ENOENT:
		return "not in this kernel";
	case -ENODATA:
		return "no BTF";
	case -EOPNOTSUPP:
	case -ENOTSUPP:
		return "this kernel has none";
	default:
		return strerror(-answer);
	}
}

void hook_say(const struct hook_row *row, const struct hook_choice *choice)
{
	int rung;

	for (rung = 0; rung < HOOK_RUNG_NR; rung++) {
		int answer = choice->answers[rung];

		if (answer != HOOK_ABSENT && answer != HOOK_UNTRIED)
			log_verbose("hook: %s: %s: %s%s", row->name, hook_rung_names[rung],
				    hook_answer_text(answer),
				    choice->rung == (enum hook_rung)rung ? ", taken" : "");
	}
}

int hooks_find(const bool refused[HOOK_RUNG_NR], struct hook_choice choices[HOOK_NR])
{
	struct trials *trials;
	int i, err = trials_open(&trials);

	if (err)
		return err;
	hooks_ladder(hook_rows, HOOK_NR, refused, preempt_possible(NULL, 0), false, hook_try,
		     trials, choices);
	for (i = 0; i < HOOK_NR; i++)
		hook_say(&hook_rows[i], &choices[i]);
	trials_close(trials);
	return 0;
}
