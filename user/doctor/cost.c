/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Rounds with and without the probe alternate, since machines drift; what counts
 * is the median of what each adds to the one before it.  What a tracepoint adds, every other
 * process pays too, for the milliseconds of a round.
 */
#include "doctor/cost.h"

#include <errno.h>
#include <stdio.h>

#include "doctor/median.h"

#define ROUNDS 5

/* Pieces of work in a batch: a round takes a few milliseconds with the probe. */
static const unsigned counts[WORK_NR] = {
    [WORK_EMULATED] = 20, [WORK_STEPPED] = 5, [WORK_NOP] = 40,
    [WORK_SYSCALL] = 100, [WORK_FAULT] = 20,
};

/* By a probe on a function of the child's. */
static const struct uprobe_row {
	const char *format; /* of its name, with the instruction */
	enum child_work work;
	bool returns; /* a return probe, too */
	bool session; /* one program for both ends */
} uprobe_rows[] = {
    {"uprobe on %s, emulated", WORK_EMULATED, false, false},
    {"uprobe on %s, single-stepped", WORK_STEPPED, false, false},
    {"uprobe on %s", WORK_NOP, false, false},
    {"uprobe and return probe on %s", WORK_EMULATED, true, false},
    {"session, both ends, on %s", WORK_EMULATED, true, true},
};

/* By a hook of the kernel's; a row for each rung. */
static const struct hook_cost {
	enum hook hook;
	const char *name;
	const char *function; /* that the work calls, where the hook's own is another */
	enum child_work work;
	const char *payers[2]; /* of a function's probe, of a tracepoint's */
} hook_costs[] = {
    {HOOK_SYSCALLS,
     "system call",
     HOOK_SYSCALL("getsid"),
     WORK_SYSCALL,
     {"every such system call, of every process", "every system call, of every process"}},
    {HOOK_FAULTS,
     "page fault",
     NULL,
     WORK_FAULT,
     {"every page fault, of every process", "every page fault, of every process"}},
};

_Static_assert(sizeof(uprobe_rows) / sizeof(*uprobe_rows) +
		       HOOK_RUNG_NR * sizeof(hook_costs) / sizeof(*hook_costs) <=
		   COSTS_MAX,
	       "room for all costs");

/* What is put in for a round: a hook, or a probe on a function of the child's. */
struct probe {
	struct trials *trials;
	const struct hook_row *hook;
	enum hook_rung rung;
	enum trial_kind kinds[HOOK_LINKS];
	int kind_count;
	struct trial_target target;
};

static int probe_attach(const struct probe *p, int links[HOOK_LINKS])
{
	int i, err = 0;

	if (p->hook)
		return hook_rung_attach(p->trials, p->hook, p->rung, links);
	for (i = 0; i < HOOK_LINKS; i++)
		links[i] = -1;
	for (i = 0; i < p->kind_count && err >= 0; i++)
		err = links[i] = trial_attach(p->trials, p->kinds[i], &p->target);
	if (err < 0)
		hook_rung_detach(links);
	return err < 0 ? err : 0;
}

static int probed_round(struct child *child, const struct probe *p, enum child_work work,
			double *ns)
{
	uint64_t runs = trial_runs(p->trials);
	int links[HOOK_LINKS], err = probe_attach(p, links);

	if (err)
		return err;
	err = child_run(child, work, counts[work], ns);
	hook_rung_detach(links);
	/* else it is the cost of nothing */
	if (!err && trial_runs(p->trials) - runs < CHILD_BATCHES * (uint64_t)counts[work])
		err = -ENODATA;
	return err;
}

static void measure(struct child *child, const struct probe *p, struct cost *cost)
{
	double plain[ROUNDS], added[ROUNDS], probed;
	int i, err = 0;

	for (i = 0; i < ROUNDS && !err; i++) {
		err = child_run(child, cost->work, counts[cost->work], &plain[i]);
		if (!err)
			err = probed_round(child, p, cost->work, &probed);
		if (!err)
			added[i] = probed - plain[i];
	}
	cost->error = err;
	if (err)
		return;
	cost->plain_ns = median(plain, ROUNDS);
	cost->added_ns = median(added, ROUNDS);
	cost->spread_ns = median_spread(added, ROUNDS, cost->added_ns);
}

/* The kinds of each way to attach: of the return, if it is apart, before the entry. */
static void uprobe_kinds(struct probe *p, enum attach_method method, bool returns)
{
	p->kind_count = 0;
	if (method == ATTACH_SESSION) {
		p->kinds[p->kind_count++] = TRIAL_UPROBE_SESSION;
		return;
	}
	if (returns)
		p->kinds[p->kind_count++] =
		    method == ATTACH_MULTI ? TRIAL_URETPROBE_MULTI : TRIAL_URETPROBE;
	p->kinds[p->kind_count++] = method == ATTACH_MULTI ? TRIAL_UPROBE_MULTI : TRIAL_UPROBE;
}

/* Whether it was measured: a way that this kernel does not have is passed over. */
static bool measure_uprobe(struct child *child, struct trials *trials, const struct uprobe_row *row,
			   enum attach_method method, struct cost *cost)
{
	struct probe p = {
	    .trials = trials,
	    .target = {.name = "/proc/self/exe", .pid = child_pid(child)},
	};
	int links[HOOK_LINKS], err = child_place(row->work, &p.target.offset);

	uprobe_kinds(&p, method, row->returns);
	*cost = (struct cost){
	    .way = attach_names[method], .payer = "each probed call", .work = row->work};
	snprintf(cost->name, sizeof(cost->name), row->format, child_instructions[row->work]);
	if (!err)
		err = probe_attach(&p, links);
	if (err)
		return false;
	hook_rung_detach(links);
	measure(child, &p, cost);
	return true;
}

static size_t measure_uprobes(struct child *child, struct trials *trials,
			      const struct kernel_options *o, struct cost *costs)
{
	size_t i, count = 0;
	int method;

	for (i = 0; i < sizeof(uprobe_rows) / sizeof(*uprobe_rows); i++) {
		const struct uprobe_row *row = &uprobe_rows[i];

		for (method = 0; method < ATTACH_NR; method++)
			if (row->session == (method == ATTACH_SESSION) && !o->refused[method] &&
			    measure_uprobe(child, trials, row, method, &costs[count])) {
				count++;
				break;
			}
	}
	return count;
}

static size_t measure_hook(struct child *child, struct trials *trials, const struct hook_cost *row,
			   const struct hook_choice *choice, struct cost *costs)
{
	struct hook_row hook = hook_rows[row->hook];
	size_t count = 0;
	int rung;

	if (row->function)
		hook.function = row->function;
	for (rung = 0; rung < HOOK_RUNG_NR; rung++) {
		const struct probe p = {.trials = trials, .hook = &hook, .rung = rung};
		bool by_function = rung == HOOK_FENTRY || rung == HOOK_KPROBE;
		struct cost *cost = &costs[count];

		/* the two kinds of tracepoint cost the same */
		if (choice->answers[rung] ||
		    (rung == HOOK_RAW_TRACEPOINT && !choice->answers[HOOK_TRACEPOINT]))
			continue;
		*cost = (struct cost){.way = hook_rung_names[rung],
				      .payer = row->payers[!by_function],
				      .work = row->work};
		snprintf(cost->name, sizeof(cost->name), "%s, %s", row->name, cost->way);
		measure(child, &p, cost);
		count++;
	}
	return count;
}

size_t costs_measure(struct child *child, struct trials *trials,
		     const struct kernel_options *options, const struct hook_choice choices[],
		     struct cost costs[COSTS_MAX])
{
	size_t i, count = measure_uprobes(child, trials, options, costs);

	for (i = 0; i < sizeof(hook_costs) / sizeof(*hook_costs); i++)
		count += measure_hook(child, trials, &hook_costs[i], &choices[hook_costs[i].hook],
				      &costs[count]);
	return count;
}
