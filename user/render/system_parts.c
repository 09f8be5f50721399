/* SPDX-License-Identifier: GPL-2.0 */
#include "render/system_parts.h"

#include <errno.h>
#include <stdlib.h>

#include "base/text.h"

/* ---- memory ---------------------------------------------------------------------- */

static void put_swap(struct lines *l, const struct meminfo *m)
{
	char total[HUMAN_LEN], left[HUMAN_LEN];

	if (m->swap_total)
		lines_put(l, STYLE_PLAIN, "swap %s: %s free", text_bytes(total, m->swap_total),
			  text_bytes(left, m->swap_free));
	else
		lines_put(l, STYLE_PLAIN, "no swap");
}

void system_put_memory(struct lines *l, const struct system_view *v)
{
	const struct meminfo *m = &v->memory;
	char a[HUMAN_LEN], b[HUMAN_LEN], c[HUMAN_LEN];

	lines_put(l, STYLE_STRONG, "memory %s", text_bytes(a, m->total));
	lines_put(l, STYLE_PLAIN, ": %s available, %s free, %s cached", text_bytes(a, m->available),
		  text_bytes(b, m->free), text_bytes(c, m->cached));
	lines_end(l);
	put_swap(l, m);
	lines_put(l, STYLE_PLAIN, "   anonymous %s   slab %s   page tables %s",
		  text_bytes(a, m->anon), text_bytes(b, m->slab), text_bytes(c, m->page_tables));
	lines_end(l);
	if (!v->pressure.known)
		return;
	lines_put(l, STYLE_PLAIN,
		  "waiting for memory, last 10 s: some tasks %.2f %%, all %.2f %% of the time",
		  v->pressure.some[0], v->pressure.full[0]);
	lines_end(l);
}

/* ---- groups ---------------------------------------------------------------------- */

static uint64_t size_of(const struct group *group, bool recent)
{
	return recent ? group->recent : group->count;
}

static int compare_recent(const void *a, const void *b)
{
	const struct group *x = *(const struct group *const *)a;
	const struct group *y = *(const struct group *const *)b;

	if (x->recent != y->recent)
		return x->recent > y->recent ? -1 : 1;
	return x < y ? -1 : x > y;
}

static int compare_all(const void *a, const void *b)
{
	const struct group *x = *(const struct group *const *)a;
	const struct group *y = *(const struct group *const *)b;

	if (x->count != y->count)
		return x->count > y->count ? -1 : 1;
	return x < y ? -1 : x > y;
}

/* How many groups have something to show. */
static size_t groups_shown(const struct system_view *v, bool recent)
{
	size_t count = 0;

	for (size_t i = 0; i < v->group_count; i++)
		count += size_of(&v->groups[i], recent) != 0;
	return count;
}

static void put_group(struct lines *l, const struct group *g, bool recent)
{
	char count[HUMAN_LEN], all[HUMAN_LEN], peak[HUMAN_LEN], most[HUMAN_LEN], life[HUMAN_LEN];

	lines_put(l, STYLE_PLAIN, "%s short process%s of %s", text_count(count, size_of(g, recent)),
		  size_of(g, recent) == 1 ? "" : "es", g->comm);
	if (*g->parent && g->ppid)
		lines_put(l, STYLE_PLAIN, ", started by %s (pid %d)", g->parent, g->ppid);
	else if (*g->parent)
		lines_put(l, STYLE_PLAIN, ", started by %s", g->parent);
	lines_put(l, STYLE_PLAIN, ": %s peak each", text_bytes(peak, g->peak_sum_bytes / g->count));
	if (g->peak_max_bytes > g->peak_sum_bytes / g->count)
		lines_put(l, STYLE_PLAIN, ", %s at most", text_bytes(most, g->peak_max_bytes));
	lines_put(l, STYLE_PLAIN, ", lived %s",
		  text_seconds(life, g->life_sum_s / (double)g->count));
	if (recent && g->count != g->recent)
		lines_put(l, STYLE_DIM, "  (%s so far)", text_count(all, g->count));
	lines_end(l);
}

int system_put_groups(struct lines *l, const struct system_view *v, bool recent, size_t limit)
{
	const struct group **sorted = calloc(v->group_count + 1, sizeof(*sorted));
	char number[HUMAN_LEN];
	size_t count = 0, shown;
	uint64_t rest = 0;

	if (!sorted)
		return -ENOMEM;
	for (size_t i = 0; i < v->group_count; i++) {
		if (size_of(&v->groups[i], recent))
			sorted[count++] = &v->groups[i];
		rest += size_of(&v->groups[i], recent);
	}
	if (count)
		qsort(sorted, count, sizeof(*sorted), recent ? compare_recent : compare_all);
	for (shown = 0; shown < count && shown < limit; shown++) {
		put_group(l, sorted[shown], recent);
		rest -= size_of(sorted[shown], recent);
	}
	if (rest) {
		lines_put(l, STYLE_DIM, "and %s more short process%s under %zu other name%s",
			  text_count(number, rest), rest == 1 ? "" : "es", count - shown,
			  count - shown == 1 ? "" : "s");
		lines_end(l);
	}
	free(sorted);
	return 0;
}

size_t system_group_lines(const struct system_view *v, bool recent, size_t limit)
{
	size_t count = groups_shown(v, recent);

	return count > limit ? limit + 1 : count;
}

/* ---- OOM kills ------------------------------------------------------------------- */

static void put_kill(struct lines *l, const struct kill *k)
{
	char time[HUMAN_LEN], rss[HUMAN_LEN], anon[HUMAN_LEN], file[HUMAN_LEN], shmem[HUMAN_LEN];

	lines_put(l, STYLE_LOSS, "killed by the OOM killer: %s (pid %d)", k->comm, k->pid);
	lines_put(l, STYLE_PLAIN, " after %s, RSS %s: anonymous %s, file %s, shared %s",
		  text_seconds(time, k->at_s), text_bytes(rss, k->rss_bytes),
		  text_bytes(anon, k->anon_bytes), text_bytes(file, k->file_bytes),
		  text_bytes(shmem, k->shmem_bytes));
	if (k->cgroup)
		lines_put(l, STYLE_PLAIN, "; in %s", k->cgroup);
	if (k->cgroup && k->limit_bytes)
		lines_put(l, STYLE_PLAIN, ", limit %s", text_bytes(rss, k->limit_bytes));
	lines_end(l);
}

void system_put_kills(struct lines *l, const struct system_view *v, size_t limit)
{
	size_t shown = v->kill_count < limit ? v->kill_count : limit;

	if (shown < v->kill_count) {
		lines_put(l, STYLE_LOSS, "%zu OOM kills before:", v->kill_count - shown);
		lines_end(l);
	}
	for (size_t i = v->kill_count - shown; i < v->kill_count; i++)
		put_kill(l, &v->kills[i]);
}

/* ---- losses ---------------------------------------------------------------------- */

static size_t losses(const struct system_view *v)
{
	size_t count = 0;

	for (size_t i = 0; i < v->loss_count; i++)
		count += v->losses[i].count != 0;
	return count;
}

void system_put_losses(struct lines *l, const struct system_view *v)
{
	char number[HUMAN_LEN];

	if (!losses(v)) {
		lines_put(l, STYLE_DIM, "no losses");
		lines_end(l);
	}
	for (size_t i = 0; i < v->loss_count; i++) {
		if (!v->losses[i].count)
			continue;
		lines_put(l, STYLE_LOSS, "!!! %s %s", text_count(number, v->losses[i].count),
			  v->losses[i].text);
		lines_end(l);
	}
}

size_t system_loss_lines(const struct system_view *v)
{
	return losses(v) ? losses(v) : 1;
}
