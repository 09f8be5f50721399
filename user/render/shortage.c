/* SPDX-License-Identifier: GPL-2.0 */
#include "render/shortage.h"

#include <errno.h>
#include <stdlib.h>

#include "render/parts.h"

#define TOP 5
#define STACK_CELLS 140

static const char *plural(uint64_t count)
{
	return count == 1 ? "" : "s";
}

/* ---- lists of stacks ------------------------------------------------------------ */

typedef int64_t key_fn(const struct stack *stack);

static int64_t held(const struct stack *stack)
{
	return (int64_t)stack->live_bytes;
}

static int64_t grown(const struct stack *stack)
{
	return stack->delta_bytes;
}

static int64_t failed(const struct stack *stack)
{
	return (int64_t)stack->allocs;
}

struct choice {
	const struct stack *stacks[TOP];
	size_t count;
	int64_t sum; /* of all */
};

/* Those of a layer (LAYER_NR: of all) with most of `key`, largest first. */
static struct choice choose(const struct stack *stacks, size_t count, enum layer layer, key_fn *key)
{
	struct choice c = {.count = 0};

	for (size_t i = 0; i < count; i++) {
		size_t at = c.count < TOP ? c.count : TOP;

		if (layer != LAYER_NR && stacks[i].layer != layer)
			continue;
		c.sum += key(&stacks[i]);
		if (key(&stacks[i]) <= 0)
			continue;
		for (; at > 0 && key(c.stacks[at - 1]) < key(&stacks[i]); at--)
			if (at < TOP)
				c.stacks[at] = c.stacks[at - 1];
		if (at < TOP)
			c.stacks[at] = &stacks[i];
		c.count += c.count < TOP;
	}
	return c;
}

static int put_stack(struct lines *l, const struct stack *stack, const char *amount)
{
	char *text = part_stack_line(stack, l->columns ? l->columns : STACK_CELLS);

	if (!text)
		return -ENOMEM;
	lines_cell(l, STYLE_STRONG, 15, amount);
	lines_put(l, STYLE_PLAIN, "   %s", text);
	lines_end(l);
	free(text);
	return 0;
}

/* ---- victims -------------------------------------------------------------------- */

static void put_head(struct lines *l, const struct snapshot *s, const struct victim *v)
{
	char name[NAME_LEN], time[HUMAN_LEN], bytes[HUMAN_LEN];

	lines_put(l, STYLE_LOSS, "Killed by the OOM killer: %s",
		  part_process(name, &s->processes[v->process]));
	lines_put(l, STYLE_PLAIN, " after %s", text_seconds(time, v->at_s));
	for (int i = 0; i < LAYER_NR; i++)
		if (v->layer_bytes[i] && i != LAYER_RSS)
			lines_put(l, STYLE_PLAIN, ", %s %s", layer_names[i],
				  text_bytes(bytes, v->layer_bytes[i]));
	if (v->rss_bytes)
		lines_put(l, STYLE_PLAIN, ", RSS %s", text_bytes(bytes, v->rss_bytes));
	lines_end(l);
}

static void put_memory(struct lines *l, const struct victim *v)
{
	char a[HUMAN_LEN], b[HUMAN_LEN], c[HUMAN_LEN];

	if (v->rss_bytes) {
		lines_put(l, STYLE_PLAIN, "  resident: anonymous %s, file %s, shared %s",
			  text_bytes(a, v->memory.anon_bytes), text_bytes(b, v->memory.file_bytes),
			  text_bytes(c, v->memory.shmem_bytes));
		lines_put(l, STYLE_PLAIN, "; swapped out %s; OOM score adjustment %d",
			  text_bytes(a, v->memory.swap_bytes), v->oom_score_adj);
		lines_end(l);
	}
	if (!v->cgroup)
		return;
	lines_put(l, STYLE_PLAIN, "  its control group %s used %s", v->cgroup,
		  text_bytes(a, v->usage_bytes));
	if (v->limit_bytes)
		lines_put(l, STYLE_PLAIN, " of %s", text_bytes(a, v->limit_bytes));
	else
		lines_put(l, STYLE_PLAIN, ", without a limit");
	lines_end(l);
}

static int put_held(struct lines *l, const struct victim *v, enum layer layer)
{
	struct choice c = choose(v->stacks, v->stack_count, layer, held);
	char bytes[HUMAN_LEN];
	int error = 0;

	if (!c.count)
		return 0;
	lines_put(l, STYLE_PLAIN, "  it held, %s%s:", layer_names[layer],
		  layer == LAYER_RSS ? ", when its pages were last looked at" : "");
	lines_end(l);
	for (size_t i = 0; i < c.count && !error; i++)
		error = put_stack(l, c.stacks[i], text_bytes(bytes, c.stacks[i]->live_bytes));
	return error;
}

static int put_grown(struct lines *l, const struct victim *v, enum layer layer)
{
	struct choice c = choose(v->stacks, v->stack_count, layer, grown);
	char bytes[HUMAN_LEN], time[HUMAN_LEN];
	int error = 0;

	if (!c.count || !v->growth_known)
		return 0;
	lines_put(l, STYLE_PLAIN, "  in the %s before it had grown, %s: %s in all",
		  text_seconds(time, v->growth_s), layer_names[layer], text_delta(bytes, c.sum));
	lines_end(l);
	for (size_t i = 0; i < c.count && !error; i++)
		error = put_stack(l, c.stacks[i], text_delta(bytes, c.stacks[i]->delta_bytes));
	return error;
}

static int put_victim(struct lines *l, const struct snapshot *s, const struct victim *v)
{
	int error = 0;

	lines_end(l);
	put_head(l, s, v);
	put_memory(l, v);
	for (int i = 0; i < LAYER_NR && !error; i++)
		error = put_held(l, v, (enum layer)i);
	for (int i = 0; i < LAYER_NR && !error; i++)
		error = put_grown(l, v, (enum layer)i);
	return error;
}

void shortage_put_victims(struct lines *l, const struct snapshot *s)
{
	for (size_t i = 0; i < s->victim_count; i++)
		put_head(l, s, &s->victims[i]);
}

/* ---- failures and limits ---------------------------------------------------------- */

static int put_failures(struct lines *l, const struct snapshot *s)
{
	struct choice c = choose(s->failures, s->failure_count, LAYER_NR, failed);
	char number[HUMAN_LEN], bytes[HUMAN_LEN], amount[2 * HUMAN_LEN + 16];
	int error = 0;

	if (!c.count)
		return 0;
	lines_end(l);
	lines_put(l, STYLE_HEAD, "Calls that were not given memory: %s",
		  text_count(number, (uint64_t)c.sum));
	lines_end(l);
	for (size_t i = 0; i < c.count && !error; i++) {
		const struct stack *stack = c.stacks[i];

		snprintf(amount, sizeof(amount), "%s time%s", text_count(number, stack->allocs),
			 plural(stack->allocs));
		if (stack->alloc_bytes && stack->alloc_bytes < FAILED_BYTES_MAX)
			snprintf(amount, sizeof(amount), "%s × %s",
				 text_count(number, stack->allocs),
				 text_bytes(bytes, stack->alloc_bytes / stack->allocs));
		error = put_stack(l, stack, amount);
	}
	if (!error && c.count < s->failure_count) {
		lines_put(l, STYLE_DIM, "    and from %zu more stack%s", s->failure_count - c.count,
			  plural(s->failure_count - c.count));
		lines_end(l);
	}
	return error;
}

static void put_limit(struct lines *l, const struct memory_limit *m)
{
	char number[HUMAN_LEN], limit[HUMAN_LEN], peak[HUMAN_LEN];

	if (!m->hits && !m->kills)
		return;
	lines_put(l, STYLE_WARN, "control group %s hit its limit of %s %s time%s", m->cgroup,
		  m->limit_bytes ? text_bytes(limit, m->limit_bytes) : "memory then",
		  text_count(number, m->hits), plural(m->hits));
	if (m->peak_bytes)
		lines_put(l, STYLE_PLAIN, ", most it used %s", text_bytes(peak, m->peak_bytes));
	if (m->kills)
		lines_put(l, STYLE_PLAIN, ", %s OOM kill%s", text_count(number, m->kills),
			  plural(m->kills));
	lines_end(l);
}

static bool any_hit(const struct snapshot *s)
{
	for (size_t i = 0; i < s->limit_count; i++)
		if (s->limits[i].hits || s->limits[i].kills)
			return true;
	return false;
}

int shortage_put(struct lines *l, const struct snapshot *s)
{
	int error = 0;

	for (size_t i = 0; i < s->victim_count && !error; i++)
		error = put_victim(l, s, &s->victims[i]);
	if (!error)
		error = put_failures(l, s);
	if (any_hit(s))
		lines_end(l);
	for (size_t i = 0; i < s->limit_count; i++)
		put_limit(l, &s->limits[i]);
	return error;
}
