/* SPDX-License-Identifier: GPL-2.0 */
/* Both ladders, and what probes meet in processes. */
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "base/text.h"
#include "doctor/check.h"
#include "probe/attach.h"
#include "probe/elf.h"
#include "probe/preempt.h"
#include "probe/seccomp.h"

/*
 * "multi (session: refused by --no-feature; perf: works)", or "none: …".  The caller
 * frees; NULL without memory.
 */
static char *ladder_text(const char *const *names, const int *answers, int count, int taken)
{
	const char *separator = "";
	char *text = NULL;
	size_t length;
	FILE *out = open_memstream(&text, &length);
	int i;

	if (!out)
		return NULL;
	fputs(taken < count ? names[taken] : "none", out);
	for (i = 0; i < count; i++) {
		if (i == taken || answers[i] == HOOK_ABSENT)
			continue;
		fprintf(out, "%s%s: %s", *separator ? separator : " (", names[i],
			hook_answer_text(answers[i]));
		separator = "; ";
	}
	fputs(*separator ? ")" : "", out);
	if (fclose(out)) {
		free(text);
		return NULL;
	}
	return text;
}

static struct finding *say_ladder(struct doctor *d, const struct check *check, enum verdict verdict,
				  const char *const *names, const int *answers, int count,
				  int taken)
{
	char *text = ladder_text(names, answers, count, taken);
	struct finding *f = doctor_say(d, check, verdict, "%s", text ? text : "out of memory");
	int i;

	free(text);
	for (i = 0; i < count && verdict == VERDICT_MISSING; i++)
		if (answers[i] == HOOK_REFUSED)
			f->remedy = "run it without --no-feature";
	return f;
}

#define SMALL_TABLE 256

/*
 * Each rung is loaded as it is for tracing, but with small tables, which are a matter of
 * memory.  The best that works is kept for what follows.
 */
void check_uprobes(struct doctor *d, const struct check *check)
{
	int answers[ATTACH_NR], method, taken = ATTACH_NR;
	struct kernel_options options = d->options->kernel;
	struct kernel *kernel;
	struct finding *f;

	options.max_blocks = options.max_stacks = options.max_codes = SMALL_TABLE;
	options.max_procs = options.max_threads = options.max_touches = SMALL_TABLE;

	if (!d->may_trace) {
		doctor_say_untried(d, check);
		return;
	}
	if (!d->has_btf) {
		doctor_say(d, check, VERDICT_UNKNOWN, "not tried: that takes BTF");
		return;
	}
	for (method = 0; method < ATTACH_NR; method++) {
		answers[method] = attach_rung(&options, &d->options->table, method, &kernel);
		if (!answers[method])
			log_verbose("attach: %s: works%s", attach_names[method],
				    d->kernel ? "" : ", taken");
		if (!answers[method] && !d->kernel) {
			d->kernel = kernel;
			taken = method;
		} else {
			kernel_close(kernel);
		}
		if (answers[method] == -ECANCELED)
			answers[method] = HOOK_REFUSED;
	}
	f = say_ladder(d, check,
		       taken == ATTACH_NR     ? VERDICT_MISSING
		       : taken == ATTACH_PERF ? VERDICT_SLOW
					      : VERDICT_OK,
		       attach_names, answers, ATTACH_NR, taken);
	if (taken == ATTACH_PERF) {
		f->without = "each probe is taken out by itself, tens of milliseconds for each";
		f->remedy = answers[ATTACH_MULTI] == HOOK_REFUSED ? "run it without --no-feature"
								  : "Linux 6.6 or later";
	}
}

void check_seccomp(struct doctor *d, const struct check *check)
{
	if (!d->may_trace)
		doctor_say_untried(d, check);
	else if (!d->kernel)
		doctor_say(d, check, VERDICT_UNKNOWN, "not tried: that takes uprobes");
	else if (seccomp_spares_returns(d->kernel))
		doctor_say(d, check, VERDICT_OK,
			   "a child under the strictest filter lived through a return probe");
	else
		doctor_say(
		    d, check, VERDICT_WARN,
		    "a return probe kills a process under a seccomp filter (CVE-2025-21834)");
}

/* Those that a program calls all the time. */
static bool is_hot(const char *symbol)
{
	static const char *const hot[] = {"malloc", "free", "calloc", "realloc"};
	size_t i;

	for (i = 0; i < sizeof(hot) / sizeof(*hot); i++)
		if (!strcmp(symbol, hot[i]))
			return true;
	return false;
}

static void say_places(struct doctor *d, const struct check *check, const char *path,
		       const struct elf_file *file)
{
	enum verdict verdict = VERDICT_OK;
	char *names = NULL;
	size_t length, i, count = 0;
	FILE *out = open_memstream(&names, &length);

	if (!out)
		return;
	for (i = 0; i < file->hit_count; i++) {
		const char *symbol = d->options->table.rows[file->hits[i].row].symbol;

		if (file->hits[i].emulated)
			continue;
		fprintf(out, "%s%s", count++ ? ", " : ": ", symbol);
		if (is_hot(symbol))
			verdict = VERDICT_SLOW;
	}
	if (!fclose(out))
		doctor_say(d, check, verdict, "%s: %zu of %zu are single-stepped%s", path, count,
			   file->hit_count, names);
	free(names);
}

/* Where probes go in the C library that most processes here run with. */
void check_places(struct doctor *d, const struct check *check)
{
	char path[4096], why[128] = "it is linked statically";
	struct elf_file file;
	int fd, err;

	doctor_libc(path, sizeof(path));
	fd = *path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
	if (*path && fd < 0)
		snprintf(why, sizeof(why), "%s", strerror(errno));
	err = fd < 0 ? -ENOENT : elf_scan(fd, path, &d->options->table, &file, why, sizeof(why));
	if (err) {
		doctor_say(d, check, VERDICT_UNKNOWN, "%s: %s", *path ? path : "libc", why);
	} else {
		say_places(d, check, path, &file);
		elf_free(&file);
	}
	if (fd >= 0)
		close(fd);
}

#define FENTRY "fentry (CONFIG_FUNCTION_TRACER=y)"
#define KPROBES "kprobes (CONFIG_KPROBES=y)"

/* A tracepoint of all system calls is paid for by all of them. */
static enum verdict judge(enum hook hook, const struct hook_choice *choice)
{
	if (choice->rung == HOOK_NONE)
		return VERDICT_MISSING;
	if (hook == HOOK_SYSCALLS &&
	    (choice->rung == HOOK_TRACEPOINT || choice->rung == HOOK_RAW_TRACEPOINT))
		return VERDICT_SLOW;
	return VERDICT_OK;
}

void check_hooks(struct doctor *d, const struct check *check)
{
	int i;

	if (!d->trials) {
		doctor_say_untried(d, check);
		return;
	}
	hooks_ladder(hook_rows, HOOK_NR, d->options->kernel.refused_hooks,
		     preempt_possible(NULL, 0), true, hook_try, d->trials, d->hooks);
	for (i = 0; i < HOOK_NR; i++) {
		const struct hook_choice *choice = &d->hooks[i];
		enum verdict verdict = judge(i, choice);
		struct finding *f = say_ladder(d, check, verdict, hook_rung_names, choice->answers,
					       HOOK_RUNG_NR, choice->rung);

		hook_say(&hook_rows[i], choice);
		f->name = hook_rows[i].name;
		f->needed = hook_rows[i].needed;
		if (verdict == VERDICT_MISSING) {
			f->without = hook_rows[i].without;
			if (!f->remedy)
				f->remedy = hook_rows[i].function
						? "a kernel with " FENTRY ", " KPROBES
						  ", or these tracepoints"
						: "a kernel with these tracepoints";
		} else if (verdict == VERDICT_SLOW) {
			f->without = "each system call of each process pays, see the costs below";
			f->remedy = "a kernel with " FENTRY " or " KPROBES;
		}
	}
}

/* Single-stepping costs so many times an emulated instruction that it is what one sees. */
#define STEPPED_DOMINATES 2

static enum verdict judge_cost(const struct doctor *d, const struct cost *cost)
{
	size_t i;

	if (cost->error)
		return VERDICT_UNKNOWN;
	/* long nops are emulated by new kernels only */
	if (cost->work != WORK_STEPPED && cost->work != WORK_NOP)
		return VERDICT_OK;
	for (i = 0; i < d->cost_count; i++) {
		const struct cost *other = &d->costs[i];

		if (other->work == WORK_EMULATED && !other->error && other->way == cost->way)
			return cost->added_ns > STEPPED_DOMINATES * other->added_ns ? VERDICT_SLOW
										    : VERDICT_OK;
	}
	return VERDICT_OK;
}

void check_costs(struct doctor *d, const struct check *check)
{
	size_t i;

	if (!d->trials || !d->child) {
		doctor_say_untried(d, check);
		return;
	}
	d->cost_count = costs_measure(d->child, d->trials, &d->options->kernel, d->hooks, d->costs);
	for (i = 0; i < d->cost_count; i++) {
		const struct cost *cost = &d->costs[i];
		enum verdict verdict = judge_cost(d, cost);
		char added[HUMAN_LEN], plain[HUMAN_LEN];
		struct finding *f;

		if (cost->error)
			f = doctor_say(d, check, verdict, "%s: not measured: %s", cost->way,
				       cost->error == -ENODATA ? "the probe did not run"
							       : strerror(-cost->error));
		else if (cost->added_ns < cost->spread_ns)
			f = doctor_say(
			    d, check, verdict, "less than %s ns for %s (%s; %s ns without)",
			    text_count(added, (uint64_t)(fabs(cost->added_ns) + cost->spread_ns)),
			    cost->payer, cost->way, text_count(plain, (uint64_t)cost->plain_ns));
		else
			f = doctor_say(d, check, verdict, "%s ns for %s (%s; %s ns without)",
				       text_count(added, (uint64_t)cost->added_ns), cost->payer,
				       cost->way, text_count(plain, (uint64_t)cost->plain_ns));
		f->name = cost->name;
	}
}
