/* SPDX-License-Identifier: GPL-2.0 */
/* One walk over a process's pages serves all that is asked of them. */
#include "collect/residence.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "target/process.h"

struct look {
	const struct residence_input *input;
	struct touch *touches;
	struct block *blocks;
	size_t touch_count, block_count;
	uint64_t *stack_pointers;
	size_t stack_pointer_count;
	struct resident *resident;
	struct breakdown *breakdown; /* NULL: not asked for */
	struct resident_kinds kinds;
};

static int compare_shares(const void *a, const void *b)
{
	const struct resident_share *x = a, *y = b;

	return x->stack < y->stack ? -1 : x->stack > y->stack;
}

uint64_t residence_share(const struct resident_look *look, uint64_t stack)
{
	const struct resident_share key = {.stack = stack}, *found = NULL;

	if (look->count)
		found = bsearch(&key, look->shares, look->count, sizeof(key), compare_shares);
	return found ? found->bytes : 0;
}

static int compare_blocks(const void *a, const void *b)
{
	const struct resident_blocks *x = a, *y = b;

	return x->stack < y->stack ? -1 : x->stack > y->stack;
}

uint64_t residence_untouched(const struct residence *r, uint64_t stack)
{
	const struct resident_blocks key = {.stack = stack}, *found = NULL;

	if (r->block_count)
		found = bsearch(&key, r->blocks, r->block_count, sizeof(key), compare_blocks);
	return found ? found->bytes - found->touched_bytes : 0;
}

void residence_free(struct residence *r)
{
	if (r->peak.shares != r->last.shares)
		free(r->peak.shares);
	free(r->last.shares);
	free(r->blocks);
	*r = (struct residence){0};
}

static void look_free(struct look *l)
{
	resident_free(l->resident);
	breakdown_free(l->breakdown);
	free(l->touches);
	free(l->blocks);
	free(l->stack_pointers);
}

/* ---- what is known beforehand ------------------------------------------------- */

/*
 * The stack pointer of a thread that is in the kernel, 0 for one that runs, which does
 * not tell.  proc(5), syscall: it is the last number but one.
 */
static uint64_t stack_pointer(pid_t pid, const char *tid)
{
	char path[64], line[256], *at;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/task/%.16s/syscall", pid, tid);
	file = fopen(path, "re");
	if (!file)
		return 0;
	at = fgets(line, sizeof(line), file) ? strrchr(line, ' ') : NULL;
	fclose(file);
	if (!at)
		return 0;
	*at = '\0';
	at = strrchr(line, ' ');
	return at ? strtoull(at, NULL, 16) : 0;
}

static void gather_stack_pointers(struct look *l)
{
	char path[64];
	struct dirent *entry;
	DIR *tasks;

	snprintf(path, sizeof(path), "/proc/%d/task", l->input->pid);
	tasks = opendir(path);
	while (tasks && (entry = readdir(tasks))) {
		uint64_t pointer = stack_pointer(l->input->pid, entry->d_name);
		size_t count = l->stack_pointer_count;
		uint64_t *items =
		    pointer ? realloc(l->stack_pointers, (count + 1) * sizeof(*items)) : NULL;

		if (!items)
			continue;
		items[count] = pointer;
		l->stack_pointers = items;
		l->stack_pointer_count = count + 1;
	}
	if (tasks)
		closedir(tasks);
}

static int gather(struct look *l, bool whole)
{
	const struct residence_input *in = l->input;
	int err = kernel_touches(in->kernel, in->image, &l->touches, &l->touch_count);

	if (!err && whole)
		err = kernel_blocks(in->kernel, in->image, MS_LAYER_HEAP, &l->blocks,
				    &l->block_count);
	if (err)
		return err;
	l->touch_count = touches_sort(l->touches, l->touch_count);
	blocks_sort(l->blocks, l->block_count);
	l->resident = resident_new(&(struct resident_input){.extents = in->extents,
							    .populated = in->populated,
							    .touches = l->touches,
							    .touch_count = l->touch_count,
							    .blocks = l->blocks,
							    .block_count = l->block_count});
	if (!l->resident)
		return -ENOMEM;
	if (!whole)
		return 0;
	gather_stack_pointers(l);
	l->breakdown =
	    breakdown_new(&(struct breakdown_input){.extents = in->extents,
						    .blocks = l->blocks,
						    .block_count = l->block_count,
						    .stack_pointers = l->stack_pointers,
						    .stack_pointer_count = l->stack_pointer_count});
	return l->breakdown ? 0 : -ENOMEM;
}

/* ---- the walk --------------------------------------------------------------------- */

/* Pages of hugetlbfs are in nobody's RSS, but have a line of their own among the kinds. */
static int add_range(void *context, const struct pagemap_range *range)
{
	struct look *l = context;
	int err = l->breakdown ? breakdown_add(l->breakdown, range) : 0;

	if (err || range->area->flags & AREA_HUGETLB)
		return err;
	return resident_add(l->resident, range);
}

static int walk(struct look *l)
{
	struct process_memory memory;
	struct pagemap *pagemap;
	struct areas areas;
	int err = pagemap_open(l->input->pid, PAGEMAP_BEST, &pagemap);

	if (err)
		return err;
	err = areas_read(l->input->pid, pagemap_areas_source(pagemap), &areas);
	if (!err) {
		err = pagemap_walk(pagemap, &areas, add_range, l);
		areas_free(&areas);
	}
	if (!err && l->breakdown && !process_memory(l->input->pid, &memory))
		l->kinds = (struct resident_kinds){.known = true, .rss_bytes = memory.rss_bytes};
	pagemap_close(pagemap);
	return err;
}

/* ---- what came of it -------------------------------------------------------------- */

static int make_look(const struct look *l, struct resident_look *out)
{
	const struct resident_stack *stacks;
	size_t i, n = resident_stacks(l->resident, &stacks);

	*out = (struct resident_look){.total_bytes = resident_bytes(l->resident)};
	out->shares = malloc((n + 1) * sizeof(*out->shares));
	if (!out->shares)
		return -ENOMEM;
	for (i = 0; i < n; i++)
		if (stacks[i].touched_bytes + stacks[i].unseen_bytes)
			out->shares[out->count++] = (struct resident_share){
			    stacks[i].stack, stacks[i].touched_bytes + stacks[i].unseen_bytes};
	qsort(out->shares, out->count, sizeof(*out->shares), compare_shares);
	return 0;
}

static void keep_look(struct residence *r, const struct resident_look *look)
{
	if (r->last.shares != r->peak.shares)
		free(r->last.shares);
	r->last = *look;
	if (look->total_bytes < r->peak.total_bytes)
		return;
	free(r->peak.shares);
	r->peak = *look;
}

static void keep_whole(struct residence *r, const struct look *l)
{
	const struct resident_blocks *blocks;
	size_t i, n = resident_blocks(l->resident, &blocks);
	struct resident_blocks *copy = malloc((n + 1) * sizeof(*copy));

	if (copy) {
		memcpy(copy, blocks, n * sizeof(*copy));
		qsort(copy, n, sizeof(*copy), compare_blocks);
		free(r->blocks);
		r->blocks = copy;
		r->block_count = n;
	}
	if (!l->kinds.known)
		return;
	r->kinds = l->kinds;
	for (i = 0; i < BREAKDOWN_KIND_NR; i++)
		r->kinds.bytes[i] = breakdown_bytes(l->breakdown, i);
	r->kinds.unknown_bytes = breakdown_unknown(l->breakdown, l->kinds.rss_bytes);
}

int residence_look(struct residence *r, const struct residence_input *input, bool whole)
{
	struct look l = {.input = input};
	struct resident_look look;
	int err = gather(&l, whole);

	if (!err)
		err = walk(&l);
	if (!err)
		err = make_look(&l, &look);
	if (!err) {
		keep_look(r, &look);
		if (whole)
			keep_whole(r, &l);
	}
	look_free(&l);
	return err;
}
