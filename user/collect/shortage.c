/* SPDX-License-Identifier: GPL-2.0 */
/*
 * When memory runs out: who was killed and what they held, which calls could not
 * have their memory, which control groups' limits were hit.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "collect/collect.h"
#include "collect/fill.h"

/* All stacks of what still is in the kernel's tables, and of the layers accounted here. */
static int totals_now(const struct collect *c, struct kernel_total **out, size_t *count)
{
	int err;

	*out = NULL;
	*count = 0;
	err = kernel_totals(c->kernel, out, count);
	return err ? err : watch_stacks(c, out, count);
}

/* ---- while it runs -------------------------------------------------------------- */

static void sample(struct collect *c, uint64_t now)
{
	struct kernel_total *totals;
	size_t count;

	if (!totals_now(c, &totals, &count))
		growth_add(&c->growth, now, totals, count);
	free(totals);
	growth_spent(&c->growth, now, clock_ns() - now);
}

void shortage_tick(struct collect *c)
{
	struct image *const *images;
	size_t i, n = target_images(c->target, &images);
	uint64_t now = clock_ns();

	if (growth_due(&c->growth, now))
		sample(c, now);
	if (!limits_due(&c->limits_hit, now))
		return;
	for (i = 0; i < n; i++)
		if (!images[i]->end_ns)
			limits_see(&c->limits_hit, images[i]->pid, now);
	limits_read(&c->limits_hit);
}

void shortage_began(struct collect *c, pid_t pid)
{
	limits_see(&c->limits_hit, pid, clock_ns());
}

void shortage_failed(struct collect *c, const struct ms_vm_event *event)
{
	const struct ms_stack_key key = {event->image, MS_LAYER_VM, event->stack};

	if (failures_add(&c->failures, &key, vm_event_wanted(event)))
		kernel_loss_add(c->kernel, MS_LOSS_failures_full, 1);
}

/* What was left out of the sample that the victim's growth is measured by. */
static void count_cut(const struct collect *c, const struct ms_oom_event *event)
{
	const struct growth_sample *before = growth_before(&c->growth, event->time_ns);

	if (before && before->cut)
		kernel_loss_add(c->kernel, MS_LOSS_growth_cut, before->cut);
}

/* ---- a victim -------------------------------------------------------------------- */

/* A kernel that only told the victim's number: what its counters were when last heard of. */
static void read_counters(const struct collect *c, struct ms_oom_event *event)
{
	struct ms_rss rss;

	if (event->known || kernel_rss(c->kernel, event->image, &rss))
		return;
	memcpy(event->pages, rss.pages, sizeof(event->pages));
	event->known = 1;
}

static void note_group(struct collect *c, struct oom *oom)
{
	long at = limits_see(&c->limits_hit, (pid_t)oom->event.tgid, clock_ns());

	if (at < 0)
		return;
	limits_read(&c->limits_hit);
	oom->cgroup = strdup(c->limits_hit.items[at].path);
	oom->v1 = c->limits_hit.items[at].v1;
	oom->memory = c->limits_hit.items[at].last;
}

void collect_oom(struct collect *c, const struct ms_oom_event *event)
{
	const struct image *image = target_image(c->target, event->image);
	struct ms_oom_event e = *event;
	struct kernel_total *totals = NULL;
	struct ms_image held;
	size_t count;
	int err = image ? 0 : -ESRCH;

	/* The kernel may choose it again until it is gone. */
	if (!err && ooms_find(&c->ooms, e.image))
		return;
	read_counters(c, &e);
	if (!err)
		err = watch_totals(c, e.image, &held);
	if (!err)
		err = totals_now(c, &totals, &count);
	if (!err)
		err = ooms_add(&c->ooms, &e, &held, totals, count, &c->growth, image->start_ns);
	free(totals);
	if (err)
		log_warn("pid %u was killed, for memory ran out, and what it held is not known: %s",
			 e.tgid, strerror(-err));
	if (err)
		return;
	count_cut(c, &e);
	note_group(c, &c->ooms.items[c->ooms.count - 1]);
}

void shortage_looked(struct collect *c, const struct image *image, const struct space *space)
{
	struct oom *oom = ooms_find(&c->ooms, image->id);
	struct kernel_total *totals = NULL;
	uint64_t before = 0;
	size_t i, count;

	if (!oom)
		return;
	for (i = 0; i < oom->count; i++)
		if (oom->rows[i].total.key.layer == MS_LAYER_RSS)
			before += (uint64_t)oom->rows[i].total.value.live_bytes;
	/* Less may mean that the kernel has begun to take its pages. */
	if (space->residence.last.total_bytes <= before)
		return;
	if (!totals_now(c, &totals, &count))
		oom_replace(oom, MS_LAYER_RSS, totals, count, &c->growth);
	free(totals);
}

/* ---- a snapshot -------------------------------------------------------------------- */

static int compare_rows(const void *a, const void *b)
{
	const struct oom_row *x = a, *y = b;
	int64_t p = x->total.value.live_bytes, q = y->total.value.live_bytes;

	if (p != q)
		return p > q ? -1 : 1;
	return memcmp(&x->total.key, &y->total.key, sizeof(x->total.key));
}

static int victim_stacks(struct oom *oom, struct victim *v, struct stack_list *list)
{
	size_t i;

	v->stacks = calloc(oom->count + 1, sizeof(*v->stacks));
	list->keys = calloc(oom->count + 1, sizeof(*list->keys));
	list->stacks = v->stacks;
	list->count = &v->stack_count;
	if (!v->stacks || !list->keys)
		return -ENOMEM;
	if (oom->count)
		qsort(oom->rows, oom->count, sizeof(*oom->rows), compare_rows);
	for (i = 0; i < oom->count; i++) {
		const struct kernel_total *t = &oom->rows[i].total;

		totals_fill(&v->stacks[i], t, 0, oom->rows[i].growth_bytes);
		v->stacks[i].process = v->process;
		v->stacks[i].layer = (enum layer)key_layer(&t->key);
		list->keys[i] = t->key;
	}
	v->stack_count = oom->count;
	return 0;
}

static int fill_victim(const struct collect *c, const struct oom *oom, struct victim *v)
{
	uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);
	const __s64 *pages = oom->event.pages;
	int i;

	v->at_s = clock_seconds(c->start_ns, oom->event.time_ns);
	v->memory = (struct memory){
	    .anon_bytes = (uint64_t)pages[MS_RSS_ANON] * page,
	    .file_bytes = (uint64_t)pages[MS_RSS_FILE] * page,
	    .shmem_bytes = (uint64_t)pages[MS_RSS_SHMEM] * page,
	    .swap_bytes = (uint64_t)pages[MS_RSS_SWAP] * page,
	    .page_table_bytes = oom->event.page_table_bytes,
	    .mapped_bytes = oom->event.total_vm_pages * page,
	};
	v->rss_bytes = v->memory.anon_bytes + v->memory.file_bytes + v->memory.shmem_bytes;
	v->oom_score_adj = oom->event.oom_score_adj;
	v->growth_known = oom->before_ns != 0;
	if (v->growth_known)
		v->growth_s = (double)(oom->event.time_ns - oom->before_ns) / 1e9;
	for (i = 0; i < MS_LAYER_NR; i++)
		if (oom->totals.layer[i].live_bytes > 0)
			v->layer_bytes[i] = (uint64_t)oom->totals.layer[i].live_bytes;
	v->layer_bytes[LAYER_RSS] = v->rss_bytes;
	v->limit_bytes = oom->memory.limit;
	v->usage_bytes = oom->memory.usage;
	v->cgroup = oom->cgroup ? strdup(oom->cgroup) : NULL;
	return oom->cgroup && !v->cgroup ? -ENOMEM : 0;
}

int shortage_victims(struct collect *c, struct snapshot *s, const struct numbers *numbers,
		     struct stack_list *lists, size_t *list_count)
{
	size_t i;
	int err = 0;

	s->victims = calloc(c->ooms.count + 1, sizeof(*s->victims));
	if (!s->victims)
		return -ENOMEM;
	for (i = 0; i < c->ooms.count && !err; i++) {
		struct oom *oom = &c->ooms.items[i];
		uint32_t id = oom->event.image;
		struct victim *v = &s->victims[s->victim_count];

		v->process = id <= numbers->max_id ? numbers->by_image_id[id] : SIZE_MAX;
		if (v->process == SIZE_MAX)
			continue;
		s->victim_count++;
		err = fill_victim(c, oom, v);
		if (!err && lists)
			err = victim_stacks(oom, v, &lists[(*list_count)++]);
	}
	return err;
}

static void fill_failure(struct snapshot *s, const struct numbers *numbers,
			 const struct kernel_failure *failure, struct stack_list *list)
{
	const struct ms_stack_key *key = &failure->key;
	uint64_t bytes = failure->value.bytes;
	size_t process = key->id <= numbers->max_id ? numbers->by_image_id[key->id] : SIZE_MAX;

	if (process == SIZE_MAX || key->layer >= MS_LAYER_NR)
		return;
	list->keys[s->failure_count] = *key;
	s->failures[s->failure_count++] =
	    (struct stack){.process = process,
			   .layer = (enum layer)key->layer,
			   .allocs = failure->value.count,
			   .alloc_bytes = bytes < MS_FAILED_BYTES_MAX ? bytes : FAILED_BYTES_MAX};
}

int shortage_failures(struct collect *c, struct snapshot *s, const struct numbers *numbers,
		      struct stack_list *lists, size_t *list_count)
{
	struct kernel_failure *calls;
	struct stack_list *list = &lists[*list_count];
	size_t i, n, room;
	int err = kernel_failures(c->kernel, &calls, &n);

	if (err)
		return err;
	room = n + c->failures.count + 1;
	s->failures = calloc(room, sizeof(*s->failures));
	*list = (struct stack_list){.stacks = s->failures,
				    .keys = calloc(room, sizeof(*list->keys)),
				    .count = &s->failure_count};
	++*list_count;
	err = s->failures && list->keys ? 0 : -ENOMEM;
	for (i = 0; i < n && !err; i++)
		fill_failure(s, numbers, &calls[i], list);
	for (i = 0; i < c->failures.count && !err; i++)
		fill_failure(s, numbers, &c->failures.items[i], list);
	free(calls);
	return err;
}

int shortage_limits(struct collect *c, struct snapshot *s)
{
	size_t i;

	limits_read(&c->limits_hit);
	s->limits = calloc(c->limits_hit.count + 1, sizeof(*s->limits));
	if (!s->limits)
		return -ENOMEM;
	for (i = 0; i < c->limits_hit.count; i++) {
		const struct limit *l = &c->limits_hit.items[i];
		struct memory_limit *to = &s->limits[s->limit_count];

		if (!l->last.limit && l->last.limit_hits == l->first.limit_hits)
			continue;
		*to = (struct memory_limit){
		    .cgroup = strdup(l->path),
		    .v1 = l->v1,
		    .since_s = clock_seconds(c->start_ns, l->seen_ns),
		    .limit_bytes = l->last.limit,
		    .usage_bytes = l->last.usage,
		    .peak_bytes = l->last.peak,
		    .hits = l->last.limit_hits - l->first.limit_hits,
		    .kills = l->last.oom_kills - l->first.oom_kills,
		};
		if (!to->cgroup)
			return -ENOMEM;
		s->limit_count++;
	}
	return 0;
}
