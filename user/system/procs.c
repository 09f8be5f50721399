/* SPDX-License-Identifier: GPL-2.0 */
#include "system/procs.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "system/found.h"
#include "system/proclist.h"
#include "target/process.h"

#define OOM_SCORE_ADJ_MIN (-1000)

/* What a process has missed that no pass will find again. */
#define TAKEN (~0u)
#define MISSED_FOR_GOOD 2

struct procs {
	struct cgroups *cgroups;
	uint64_t began_ns; /* CLOCK_BOOTTIME */
	double now_s, interval_s;
	uint64_t page;
	struct found found;               /* by this pass */
	struct proclist running, missing; /* by pid; of this pass, and of the one before */
	struct proclist next;             /* where they are put together */
	struct proclist ended;
	struct groups groups;
	uint64_t unlisted;
	int err; /* of this refresh */
};

struct procs *procs_new(struct cgroups *cgroups, double interval_s)
{
	struct procs *p = calloc(1, sizeof(*p));
	struct timespec now;

	if (!p)
		return NULL;
	clock_gettime(CLOCK_BOOTTIME, &now);
	p->began_ns = (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
	p->page = (uint64_t)sysconf(_SC_PAGESIZE);
	p->cgroups = cgroups;
	p->interval_s = interval_s;
	return p;
}

void procs_free(struct procs *p)
{
	if (!p)
		return;
	proclist_free(&p->running);
	proclist_free(&p->missing);
	proclist_free(&p->ended);
	free(p->next.items);
	found_free(&p->found);
	groups_free(&p->groups);
	free(p);
}

/* ---- what a pass found ------------------------------------------------------- */

void procs_begin(struct procs *p, double now_s)
{
	p->now_s = now_s;
	p->err = 0;
	found_begin(&p->found);
}

void procs_add(struct procs *p, const struct ms_system_process *process)
{
	if (found_add(&p->found, process))
		p->err = -ENOMEM;
}

void procs_add_thread(struct procs *p, const struct ms_system_thread *thread)
{
	if (found_add_thread(&p->found, thread))
		p->err = -ENOMEM;
}

bool procs_knows(const struct procs *p, int pid)
{
	return found_knows(&p->found, pid);
}

const struct proc *procs_find(const struct procs *p, int pid)
{
	for (size_t i = 0; i < p->running.count; i++)
		if (p->running.items[i].pid == pid)
			return &p->running.items[i];
	return NULL;
}

/* Counters may be below 0 for a moment: their parts are added at different times. */
static uint64_t pages_bytes(const struct procs *p, int64_t pages)
{
	return pages > 0 ? (uint64_t)pages * p->page : 0;
}

/* As proc_oom_score() and oom_badness() have it since 5.9 (commit 9066e5cfb73c). */
static int oom_score(const struct procs *p, const struct proc *proc, uint64_t total_bytes)
{
	int64_t total = (int64_t)(total_bytes / p->page);
	int64_t badness = (int64_t)((proc->rss_bytes + proc->swap_bytes) / p->page +
				    proc->page_table_bytes / p->page);

	/* never killed: who asked for that, and the machine's first process */
	if (proc->oom_score_adj == OOM_SCORE_ADJ_MIN || proc->pid == 1 || !total)
		return 0;
	badness += proc->oom_score_adj * (total / 1000);
	return (int)((1000 + badness * 1000 / total) * 2 / 3);
}

static void set_memory(const struct procs *p, struct proc *proc, const struct ms_system_process *f)
{
	proc->anon_bytes = pages_bytes(p, f->pages[MS_SYSTEM_ANON]);
	proc->file_bytes = pages_bytes(p, f->pages[MS_SYSTEM_FILE]);
	proc->shmem_bytes = pages_bytes(p, f->pages[MS_SYSTEM_SHMEM]);
	proc->swap_bytes = pages_bytes(p, f->pages[MS_SYSTEM_SWAP]);
	proc->rss_bytes = proc->anon_bytes + proc->file_bytes + proc->shmem_bytes;
	proc->rss_peak_bytes = pages_bytes(p, (int64_t)f->hiwater_rss_pages);
	if (proc->rss_peak_bytes < proc->rss_bytes)
		proc->rss_peak_bytes = proc->rss_bytes;
	proc->mapped_bytes = pages_bytes(p, (int64_t)f->total_vm_pages);
	proc->hugetlb_bytes = pages_bytes(p, (int64_t)f->hugetlb_pages);
	proc->page_table_bytes = f->page_table_bytes;
	proc->minor = f->min_flt + f->gone_min_flt;
	proc->major = f->maj_flt + f->gone_maj_flt;
}

static void set_cgroup(struct procs *p, struct proc *proc, const struct ms_system_cgroup *cgroup)
{
	const struct cgroup *in =
	    cgroups_add(p->cgroups, cgroup->id, cgroup->v1, proc->pid, proc->rss_bytes);

	proc->cgroup = in;
	snprintf(proc->container, sizeof(proc->container), "%s",
		 in && in->container ? in->container : "");
}

static void set_rates(struct procs *p, struct proc *proc)
{
	const struct sample now = {p->now_s, proc->rss_bytes, proc->minor, proc->major};
	struct sample born = {.t_s = p->now_s - p->interval_s};

	/* what is a moment old has grown so much in this interval, not in that moment */
	if (proc->start_s < born.t_s)
		born.t_s = proc->start_s;
	if (!proc->history.count && proc->start_s > 0)
		history_add(&proc->history, &born);
	else if (!proc->history.count)
		proc->first_bytes = proc->rss_bytes;
	history_add(&proc->history, &now);
	proc->rates = history_rates(&proc->history);
	proc->growth_bytes = (int64_t)(proc->rss_bytes - proc->first_bytes);
}

/* The process as it was known, if it was, brought up to date. */
static int take(struct procs *p, const struct ms_system_process *f, uint64_t total_bytes)
{
	struct proc *old = proclist_find(&p->running, (int)f->tgid, f->start_ns), proc = {0};

	if (!old)
		old = proclist_find(&p->missing, (int)f->tgid, f->start_ns);
	if (old) {
		proc = *old;
		old->missed = TAKEN;
	}
	proc.pid = (int)f->tgid;
	proc.ppid = (int)f->ppid;
	proc.uid = f->uid;
	proc.threads = f->threads;
	proc.start_ns = f->start_ns;
	proc.start_s = ((double)f->start_ns - (double)p->began_ns) / 1e9;
	proc.end_s = p->now_s;
	proc.oom_score_adj = f->oom_score_adj;
	proc.missed = 0;
	memcpy(proc.comm, f->comm, sizeof(proc.comm));
	set_memory(p, &proc, f);
	proc.oom_score = oom_score(p, &proc, total_bytes);
	set_cgroup(p, &proc, &f->cgroup);
	set_rates(p, &proc);
	return proclist_push(&p->next, &proc);
}

/* Those that were there and are not: their end is told soon, or was lost. */
static int keep_missing(struct proclist *from, struct proclist *to)
{
	for (size_t i = 0; i < from->count; i++) {
		struct proc *proc = &from->items[i];

		if (proc->missed == TAKEN)
			continue;
		proc->missed++;
		proc->cgroup = NULL;
		if (proclist_push(to, proc))
			return -ENOMEM;
	}
	return 0;
}

int procs_found(struct procs *p, uint64_t total_bytes)
{
	struct proclist missing = {0}, next;

	found_merge(&p->found);
	p->next.count = 0;
	cgroups_begin(p->cgroups);
	for (size_t i = 0; i < p->found.count && !p->err; i++)
		p->err = take(p, &p->found.processes[i], total_bytes);
	if (cgroups_end(p->cgroups, p->now_s))
		p->err = -ENOMEM;
	if (!p->err)
		p->err = keep_missing(&p->running, &missing);
	if (!p->err)
		p->err = keep_missing(&p->missing, &missing);
	if (p->err) {
		free(missing.items);
		return p->err;
	}
	proclist_sort(&missing);
	free(p->missing.items);
	p->missing = missing;
	next = p->running;
	p->running = p->next;
	p->next = next;
	p->next.count = 0;
	return 0;
}

/* ---- ends ---------------------------------------------------------------------- */

static int shell_code(uint32_t status)
{
	return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

static int add_short(struct procs *p, const struct ms_system_end *end)
{
	const struct short_life life = {
	    .comm = end->comm,
	    .parent = end->parent_comm,
	    .ppid = (int)end->ppid,
	    .exit_code = shell_code(end->exit_code),
	    .life_s = (double)end->life_ns / 1e9,
	    .peak_bytes = end->maxrss_pages * p->page,
	    .minor = end->min_flt,
	    .major = end->maj_flt,
	};

	return groups_add(&p->groups, &life);
}

static uint64_t larger(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

void procs_end(struct procs *p, const struct ms_system_end *end)
{
	struct proc *proc = proclist_find(&p->running, (int)end->tgid, end->start_ns);
	double life_s = (double)end->life_ns / 1e9;

	if (!proc)
		proc = proclist_find(&p->missing, (int)end->tgid, end->start_ns);
	if (proc) {
		proc->ended = proc->exit_known = true;
		proc->exit_code = shell_code(end->exit_code);
		proc->end_s = proc->start_s + life_s;
		proc->rss_peak_bytes = larger(proc->rss_peak_bytes, end->maxrss_pages * p->page);
		proc->minor = larger(proc->minor, end->min_flt);
		proc->major = larger(proc->major, end->maj_flt);
		proc->cgroup = NULL;
	}
	if (proc && life_s >= p->interval_s)
		return;
	/* one that a pass happened to see is still one of its kind */
	if (proc)
		proc->grouped = true;
	if (add_short(p, end))
		p->err = -ENOMEM;
}

/* Moves those that ended out of a table, to the list of them if they are to be in it. */
static int sort_out(struct procs *p, struct proclist *t)
{
	size_t kept = 0;
	int err = 0;

	for (size_t i = 0; i < t->count; i++) {
		struct proc *proc = &t->items[i];

		if (proc->missed >= MISSED_FOR_GOOD)
			proc->ended = true;
		if (!proc->ended) {
			t->items[kept++] = *proc;
			continue;
		}
		if (!proc->grouped && proclist_push(&p->ended, proc))
			err = -ENOMEM;
	}
	t->count = kept;
	return err;
}

/* What grew most first, then what was largest. */
static int compare_ended(const void *a, const void *b)
{
	const struct proc *x = a, *y = b;

	if (x->growth_bytes != y->growth_bytes)
		return x->growth_bytes > y->growth_bytes ? -1 : 1;
	if (x->rss_peak_bytes != y->rss_peak_bytes)
		return x->rss_peak_bytes > y->rss_peak_bytes ? -1 : 1;
	return x->start_ns < y->start_ns ? -1 : x->start_ns > y->start_ns;
}

int procs_finish(struct procs *p)
{
	if (sort_out(p, &p->running) || sort_out(p, &p->missing))
		p->err = -ENOMEM;
	groups_mark(&p->groups);
	if (p->ended.count > PROCS_ENDED_MAX) {
		qsort(p->ended.items, p->ended.count, sizeof(*p->ended.items), compare_ended);
		p->unlisted += p->ended.count - PROCS_ENDED_MAX;
		p->ended.count = PROCS_ENDED_MAX;
	}
	return p->err;
}

/* ---- what is there ---------------------------------------------------------------- */

void procs_read_cmdlines(struct procs *p)
{
	for (size_t i = 0; i < p->running.count; i++) {
		struct proc *proc = &p->running.items[i];

		if (!proc->cmdline)
			proc->cmdline = process_cmdline(proc->pid);
	}
}

const struct proc *procs_running(const struct procs *p, size_t *count)
{
	*count = p->running.count;
	return p->running.items;
}

const struct proc *procs_ended(const struct procs *p, size_t *count)
{
	*count = p->ended.count;
	return p->ended.items;
}

const struct groups *procs_groups(const struct procs *p)
{
	return &p->groups;
}

uint64_t procs_unlisted(const struct procs *p)
{
	return p->unlisted;
}
