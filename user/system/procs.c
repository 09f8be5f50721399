/* SPDX-License-Identifier: GPL-2.0 */
#include "system/procs.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "system.h"
#include "target/process.h"

#define OOM_SCORE_ADJ_MIN (-1000)

/* What a process has missed that no pass will find again. */
#define TAKEN (~0u)
#define MISSED_FOR_GOOD 2

struct table {
	struct proc *items;
	size_t count, room;
};

struct procs {
	struct cgroups *cgroups;
	uint64_t began_ns; /* CLOCK_BOOTTIME */
	double now_s, interval_s;
	uint64_t page;
	struct ms_system_process *found; /* by this pass */
	size_t found_count, found_room;
	struct ms_system_thread *threads;
	size_t thread_count, thread_room;
	struct table running, missing; /* by pid; of this pass, and of the one before */
	struct table next;             /* where they are put together */
	struct table ended;
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

static void table_free(struct table *t)
{
	for (size_t i = 0; i < t->count; i++)
		free(t->items[i].cmdline);
	free(t->items);
}

void procs_free(struct procs *p)
{
	if (!p)
		return;
	table_free(&p->running);
	table_free(&p->missing);
	table_free(&p->ended);
	free(p->next.items);
	free(p->found);
	free(p->threads);
	groups_free(&p->groups);
	free(p);
}

/* Makes room for one more element; 0 or -ENOMEM. */
static int grow(void *array, size_t *room, size_t count, size_t size)
{
	size_t wanted = *room ? 2 * *room : 256;
	void *old, *items;

	if (count < *room)
		return 0;
	memcpy(&old, array, sizeof(old));
	items = reallocarray(old, wanted, size);
	if (!items)
		return -ENOMEM;
	memcpy(array, &items, sizeof(items));
	*room = wanted;
	return 0;
}

static int table_push(struct table *t, const struct proc *proc)
{
	if (grow(&t->items, &t->room, t->count, sizeof(*t->items)))
		return -ENOMEM;
	t->items[t->count++] = *proc;
	return 0;
}

static struct proc *table_find(const struct table *t, int pid, uint64_t start_ns)
{
	size_t low = 0, high = t->count;

	while (low < high) {
		size_t middle = (low + high) / 2;

		if (t->items[middle].pid < pid)
			low = middle + 1;
		else
			high = middle;
	}
	return low < t->count && t->items[low].pid == pid && t->items[low].start_ns == start_ns
		   ? &t->items[low]
		   : NULL;
}

/* ---- what a pass found ------------------------------------------------------- */

void procs_begin(struct procs *p, double now_s)
{
	p->now_s = now_s;
	p->found_count = p->thread_count = 0;
	p->err = 0;
}

void procs_add(struct procs *p, const struct ms_system_process *process)
{
	if (grow(&p->found, &p->found_room, p->found_count, sizeof(*p->found)))
		p->err = -ENOMEM;
	else
		p->found[p->found_count++] = *process;
}

void procs_add_thread(struct procs *p, const struct ms_system_thread *thread)
{
	if (grow(&p->threads, &p->thread_room, p->thread_count, sizeof(*p->threads)))
		p->err = -ENOMEM;
	else
		p->threads[p->thread_count++] = *thread;
}

bool procs_knows(const struct procs *p, int pid)
{
	for (size_t i = 0; i < p->found_count; i++)
		if ((int)p->found[i].tgid == pid)
			return true;
	return false;
}

static int compare_found(const void *a, const void *b)
{
	const struct ms_system_process *x = a, *y = b;

	return x->tgid < y->tgid ? -1 : x->tgid > y->tgid;
}

/* Once each: where the leader is gone, every other thread told of the process. */
static void merge_found(struct procs *p)
{
	struct ms_system_process *at = p->found;
	size_t kept = 0;

	if (!p->found_count)
		return;
	qsort(p->found, p->found_count, sizeof(*p->found), compare_found);
	for (size_t i = 0; i < p->found_count; i++, at++) {
		if (kept && p->found[kept - 1].tgid == at->tgid) {
			p->found[kept - 1].min_flt += at->min_flt;
			p->found[kept - 1].maj_flt += at->maj_flt;
		} else {
			p->found[kept++] = *at;
		}
	}
	p->found_count = kept;
	for (size_t i = 0; i < p->thread_count; i++) {
		struct ms_system_process key = {.tgid = p->threads[i].tgid};

		at = bsearch(&key, p->found, kept, sizeof(key), compare_found);
		if (!at)
			continue;
		at->min_flt += p->threads[i].min_flt;
		at->maj_flt += p->threads[i].maj_flt;
	}
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
	struct proc *old = table_find(&p->running, (int)f->tgid, f->start_ns), proc = {0};

	if (!old)
		old = table_find(&p->missing, (int)f->tgid, f->start_ns);
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
	return table_push(&p->next, &proc);
}

/* Those that were there and are not: their end is told soon, or was lost. */
static int keep_missing(struct table *from, struct table *to)
{
	for (size_t i = 0; i < from->count; i++) {
		struct proc *proc = &from->items[i];

		if (proc->missed == TAKEN)
			continue;
		proc->missed++;
		proc->cgroup = NULL;
		if (table_push(to, proc))
			return -ENOMEM;
	}
	return 0;
}

static int compare_procs(const void *a, const void *b)
{
	const struct proc *x = a, *y = b;

	return x->pid < y->pid ? -1 : x->pid > y->pid;
}

static void swap(struct table *a, struct table *b)
{
	struct table t = *a;

	*a = *b;
	*b = t;
}

int procs_found(struct procs *p, uint64_t total_bytes)
{
	struct table missing = {0};

	merge_found(p);
	p->next.count = 0;
	cgroups_begin(p->cgroups);
	for (size_t i = 0; i < p->found_count && !p->err; i++)
		p->err = take(p, &p->found[i], total_bytes);
	cgroups_end(p->cgroups, p->now_s);
	if (!p->err)
		p->err = keep_missing(&p->running, &missing);
	if (!p->err)
		p->err = keep_missing(&p->missing, &missing);
	if (p->err) {
		free(missing.items);
		return p->err;
	}
	if (missing.count)
		qsort(missing.items, missing.count, sizeof(*missing.items), compare_procs);
	free(p->missing.items);
	p->missing = missing;
	swap(&p->running, &p->next);
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
	struct proc *proc = table_find(&p->running, (int)end->tgid, end->start_ns);
	double life_s = (double)end->life_ns / 1e9;

	if (!proc)
		proc = table_find(&p->missing, (int)end->tgid, end->start_ns);
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
static int sort_out(struct procs *p, struct table *t)
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
		if (!proc->grouped && table_push(&p->ended, proc))
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
