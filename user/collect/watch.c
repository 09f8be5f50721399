/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The layers that are accounted on this side of the fence: what is mapped, and GPU memory,
 * from the kernel side's events, and who holds what is resident, by looking.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/array.h"
#include "collect/collect.h"
#include "collect/fill.h"
#include "target/process.h"

/* Looks at a process's pages may take so much of the time: at a new peak, for a table, at an end.
 */
#define SHARE_PEAK 0.06
#define SHARE_TABLE 0.05
#define SHARE_END 0.25
/* A new peak is looked at when it is so much higher. */
#define PEAK_STEP 1.02
#define PEAK_STEP_BYTES (1 << 20)

/* Of an image whose peak is told by a look: that its stacks' saved bytes count, see peak.h. */
#define EPOCH_LOOKED 1

static bool is_watched(const struct collect *c)
{
	return c->limits.layers[MS_LAYER_VM] || c->limits.layers[MS_LAYER_RSS];
}

void collect_event(struct collect *c, const struct ms_event *event)
{
	if (is_watched(c))
		spaces_event(&c->spaces, event);
	if (event->kind == MS_EVENT_EXEC)
		shortage_began(c, (pid_t)event->tgid);
}

void collect_vm(struct collect *c, const struct ms_vm_event *event)
{
	if (spaces_vm(&c->spaces, event) == ENOMEM)
		shortage_failed(c, event);
}

void collect_follow(struct collect *c)
{
	if (is_watched(c))
		spaces_follow(&c->spaces);
}

/* ---- looks --------------------------------------------------------------------- */

static void look(struct collect *c, const struct image *image, struct space *space, bool whole,
		 double share)
{
	if (!c->limits.layers[MS_LAYER_RSS])
		return;
	spaces_look(&c->spaces, space, image->pid, whole, share);
}

void collect_exiting(struct collect *c, pid_t tid)
{
	struct image *const *images;
	size_t i = target_images(c->target, &images);
	struct process_memory memory;
	struct space *space;

	/* The newest first: the pid may have had others. */
	while (i-- > 0 && (images[i]->pid != tid || images[i]->end_ns))
		;
	if (i < SIZE_MAX)
		drivers_last(&c->drivers, &c->gpus, images[i]);
	space = i < SIZE_MAX ? spaces_find(&c->spaces, images[i]->id) : NULL;
	if (!space || !space->begun)
		return;
	if (!process_memory(tid, &memory))
		images[i]->memory = memory;
	spaces_reconcile(space, tid, NULL, NULL);
	look(c, images[i], space, true, SHARE_END);
	shortage_looked(c, images[i], space);
}

void collect_settle(struct collect *c, bool final, void (*drain)(void *context), void *context)
{
	struct image *const *images;
	size_t i, n = target_images(c->target, &images);

	image_tensors_settle(&c->tensors, c->kernel);
	for (i = 0; i < n; i++) {
		struct space *space = spaces_find(&c->spaces, images[i]->id);

		if (final && images[i]->ready_ns && !images[i]->end_ns)
			drivers_last(&c->drivers, &c->gpus, images[i]);
		if (!space || !space->begun || images[i]->end_ns)
			continue;
		spaces_reconcile(space, images[i]->pid, drain, context);
		look(c, images[i], space, final, final ? 1 : SHARE_TABLE);
	}
}

void watch_tick(struct collect *c, const struct image *image)
{
	struct space *space = spaces_find(&c->spaces, image->id);
	uint64_t highest;

	if (!space || !space->begun)
		return;
	highest = space->residence.peak.total_bytes;
	if ((double)image->memory.rss_bytes > (double)highest * PEAK_STEP + PEAK_STEP_BYTES)
		look(c, image, space, false, SHARE_PEAK);
}

/*
 * The kernel's program sees the counters without what each CPU has not added yet;
 * how much that is now, it was then, but for a batch.
 */
uint64_t watch_rss_high(const struct collect *c, struct image *image)
{
	uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE), now = image->memory.rss_bytes;
	int64_t high, lag;
	struct ms_rss rss;

	if (!c->limits.layers[MS_LAYER_RSS] || kernel_rss(c->kernel, image->id, &rss))
		return now;
	image->rss_peak_at_ns = rss.peak_at_ns;
	lag = (int64_t)(now / page) -
	      (rss.pages[MS_RSS_FILE] + rss.pages[MS_RSS_ANON] + rss.pages[MS_RSS_SHMEM]);
	high = rss.high_pages ? (rss.high_pages + lag) * (int64_t)page : 0;
	return high > (int64_t)now ? (uint64_t)high : now;
}

/* ---- numbers -------------------------------------------------------------------- */

static void add_resident(const struct collect *c, const struct space *space, struct ms_totals *t)
{
	const struct image *image = target_image(c->target, space->image);

	t->live_bytes = (int64_t)space->residence.last.total_bytes;
	t->peak_bytes = (int64_t)space->residence.peak.total_bytes;
	t->epoch = EPOCH_LOOKED;
	if (!image)
		return;
	/* The kernel's is less by what the CPUs have not added yet, but knows every spike. */
	if ((int64_t)image->memory.rss_peak_bytes > t->peak_bytes)
		t->peak_bytes = (int64_t)image->memory.rss_peak_bytes;
	t->peak_at_ns = image->rss_peak_at_ns;
}

int watch_totals(const struct collect *c, uint32_t id, struct ms_image *out)
{
	const struct ms_image *kept = kept_find(&c->kept, id);
	const struct space *space = spaces_find(&c->spaces, id);
	const struct gpu *gpu = gpus_find(&c->gpus, id);
	struct vm_totals mapped;
	int err = 0;

	if (kept)
		*out = *kept;
	else
		err = kernel_image(c->kernel, id, out);
	if (!err && gpu)
		out->layer[MS_LAYER_GPU] = gpu_books(gpu)->totals;
	if (err || !space)
		return err;
	if (c->limits.layers[MS_LAYER_VM]) {
		vm_account_totals(space->account, &mapped);
		out->layer[MS_LAYER_VM] = mapped.mapped;
	}
	if (c->limits.layers[MS_LAYER_RSS])
		add_resident(c, space, &out->layer[MS_LAYER_RSS]);
	return 0;
}

int watch_parts(const struct collect *c, struct process *p)
{
	const struct space *space = spaces_find(&c->spaces, p->id);
	const struct resident_kinds *kinds = space ? &space->residence.kinds : NULL;
	size_t i;

	if (!kinds || !kinds->known)
		return 0;
	p->parts = calloc(BREAKDOWN_KIND_NR + 1, sizeof(*p->parts));
	if (!p->parts)
		return -ENOMEM;
	for (i = 0; i < BREAKDOWN_KIND_NR; i++)
		if (i != BREAKDOWN_HUGETLB)
			p->parts[p->part_count++] = (struct resident_part){
			    breakdown_names[i], breakdown_texts[i], (int64_t)kinds->bytes[i]};
	p->parts[p->part_count++] =
	    (struct resident_part){"unknown", "unknown", kinds->unknown_bytes};
	p->parts_rss_bytes = kinds->rss_bytes;
	return 0;
}

void watch_fill(const struct collect *c, const struct ms_stack_key *key, struct stack *stack)
{
	const struct space *space = spaces_find(&c->spaces, key->id);
	uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);

	if (key->layer == MS_LAYER_RSS) {
		stack->major_faults = stack->temporary;
		stack->temporary = 0;
		stack->live = stack->live_bytes / page;
		stack->alloc_bytes = stack->allocs * page;
	}
	if (key_layer(key) == MS_LAYER_GPU)
		stack->device = gpus_name(&c->gpus, key_device(key));
	if (key->layer == MS_LAYER_HEAP && space)
		stack->untouched_bytes = residence_untouched(&space->residence, key->hash);
}

struct append {
	struct kernel_total *items;
	size_t count, room;
	uint32_t image;
	int err;
};

static void append(struct append *a, uint32_t layer, uint64_t stack,
		   const struct ms_stack_totals *totals)
{
	if (a->err)
		return;
	a->err = array_reserve(&a->items, a->count, &a->room, sizeof(*a->items));
	if (a->err)
		return;
	a->items[a->count++] = (struct kernel_total){
	    .key = {.id = a->image, .layer = layer, .hash = stack}, .value = *totals};
}

static void append_mapped(void *context, uint64_t stack, const struct ms_stack_totals *totals,
			  int64_t peak_bytes)
{
	(void)peak_bytes; /* follows from the totals: peak_share() */
	append(context, MS_LAYER_VM, stack, totals);
}

static int compare_stacks(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

/*
 * The stacks that hold resident memory and had no page fault: they mapped it, or
 * had it filled.  `faulted` are those that had some, sorted.
 */
static void append_resident(struct append *a, const struct residence *r, const uint64_t *faulted,
			    size_t count)
{
	const struct resident_look *looks[] = {&r->last, &r->peak};
	size_t i, j;

	for (i = 0; i < 2; i++)
		for (j = 0; j < looks[i]->count; j++) {
			uint64_t stack = looks[i]->shares[j].stack;
			struct ms_stack_totals totals = {
			    .live_bytes = (int64_t)residence_share(&r->last, stack),
			    .saved_bytes = (int64_t)residence_share(&r->peak, stack),
			    .saved_epoch = EPOCH_LOOKED,
			};

			if (bsearch(&stack, faulted, count, sizeof(stack), compare_stacks) ||
			    (i && totals.live_bytes))
				continue; /* is there already */
			append(a, MS_LAYER_RSS, stack, &totals);
		}
}

/* Gives the stacks of one image's faults what they hold; the others come behind. */
static int add_shares(struct append *a, size_t faults, const struct residence *r)
{
	uint64_t *faulted = malloc((faults + 1) * sizeof(*faulted));
	size_t i, n = 0;

	if (!faulted)
		return -ENOMEM;
	for (i = 0; i < faults; i++) {
		struct kernel_total *t = &a->items[i];

		if (t->key.id != a->image || t->key.layer != MS_LAYER_RSS)
			continue;
		t->value.live_bytes = (int64_t)residence_share(&r->last, t->key.hash);
		t->value.saved_bytes = (int64_t)residence_share(&r->peak, t->key.hash);
		t->value.saved_epoch = EPOCH_LOOKED;
		faulted[n++] = t->key.hash;
	}
	qsort(faulted, n, sizeof(*faulted), compare_stacks);
	append_resident(a, r, faulted, n);
	free(faulted);
	return a->err;
}

static void append_gpu(struct append *a, const struct gpu_books *books)
{
	size_t i;

	for (i = 0; i < books->stack_count; i++)
		append(a, MS_SPACE(MS_LAYER_GPU, books->stacks[i].device), books->stacks[i].stack,
		       &books->stacks[i].totals);
}

int watch_stacks(const struct collect *c, struct kernel_total **out, size_t *count)
{
	struct append a = {.items = *out, .count = *count, .room = *count};
	size_t faults = *count;
	uint32_t id;
	int err = 0;

	for (id = 0; id < c->spaces.room && !err; id++) {
		const struct space *space = spaces_find(&c->spaces, id);

		a.image = id;
		if (!space)
			continue;
		if (c->limits.layers[MS_LAYER_VM])
			vm_account_each_stack(space->account, append_mapped, &a);
		err = a.err;
		if (!err && c->limits.layers[MS_LAYER_RSS])
			err = add_shares(&a, faults, &space->residence);
	}
	for (id = 0; id < c->gpus.room && !err; id++) {
		const struct gpu *gpu = gpus_find(&c->gpus, id);

		a.image = id;
		if (gpu)
			append_gpu(&a, gpu_books(gpu));
		err = a.err;
	}
	*out = a.items;
	*count = a.count;
	return err;
}
