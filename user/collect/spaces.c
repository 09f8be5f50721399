/* SPDX-License-Identifier: GPL-2.0 */
/* Which image has which account, and what it began with. */
#include "collect/spaces.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/log.h"
#include "target/areas.h"

#define TRIES 3
#define LOOKING_FREE_NS 20000000 /* spent without asking for whose share it is */
#define HUGE_PAGE (2ULL << 20)   /* where /proc/meminfo does not say */

static uint64_t huge_page_size(void)
{
	FILE *file = fopen("/proc/meminfo", "re");
	unsigned long long kib = 0;
	char line[128];

	if (!file)
		return HUGE_PAGE;
	while (fgets(line, sizeof(line), file))
		if (sscanf(line, "Hugepagesize: %llu kB", &kib) == 1)
			break;
	fclose(file);
	return kib ? kib << 10 : HUGE_PAGE;
}

void spaces_init(struct spaces *s, struct target *target, struct kernel *kernel)
{
	*s = (struct spaces){.target = target,
			     .kernel = kernel,
			     .huge_page = huge_page_size(),
			     .start_ns = clock_ns()};
}

static void space_free(struct space *space)
{
	if (!space)
		return;
	vm_account_free(space->account);
	extents_free(space->populated);
	residence_free(&space->residence);
	free(space);
}

void spaces_free(struct spaces *s)
{
	size_t i;

	for (i = 0; i < s->room; i++)
		space_free(s->items[i]);
	free(s->items);
}

struct space *spaces_find(const struct spaces *s, uint32_t image)
{
	return image < s->room ? s->items[image] : NULL;
}

/* Takes over the account, which may be NULL. */
static struct space *space_add(struct spaces *s, uint32_t image, struct vm_account *account)
{
	struct space *space = NULL;

	if (image >= s->room) {
		size_t room = 2 * (size_t)image + 16;
		void *items = realloc(s->items, room * sizeof(struct space *));

		if (items) {
			s->items = items;
			memset(s->items + s->room, 0, (room - s->room) * sizeof(struct space *));
			s->room = room;
		}
	}
	if (account && image < s->room)
		space = calloc(1, sizeof(*space));
	if (!space) {
		vm_account_free(account);
		return NULL;
	}
	*space = (struct space){.image = image, .account = account};
	space_free(s->items[image]);
	s->items[image] = space;
	return space;
}

static void reconcile(struct space *space, pid_t pid, const struct areas *areas,
		      enum vm_stack reason)
{
	if (vm_account_reconcile(space->account, areas, reason, clock_ns()))
		log_warn("pid %d: no memory for the account of what it maps", pid);
}

void spaces_reconcile(struct space *space, pid_t pid, void (*drain)(void *context), void *context)
{
	struct areas areas;
	uint64_t events;
	int i;

	for (i = 0; i < TRIES; i++) {
		events = space->events;
		if (areas_read(pid, AREAS_MAPS, &areas))
			return; /* it is gone, and the account stands as it was */
		if (drain)
			drain(context);
		if (space->events == events)
			reconcile(space, pid, &areas, VM_STACK_UNSEEN);
		areas_free(&areas);
		if (space->events == events)
			return;
	}
}

/* A forked child has a copy of its parent's already, and may have changed it unseen. */
static void space_begin(struct spaces *s, const struct image *image)
{
	struct space *space = spaces_find(s, image->id);
	enum vm_stack reason = VM_STACK_UNSEEN;
	struct areas areas;

	if (space && space->begun)
		return;
	if (!space) {
		space = space_add(s, image->id, vm_account_new());
		reason = image->after_exec ? VM_STACK_EXEC : VM_STACK_BEFORE;
	}
	if (!space)
		return;
	space->begun = true;
	if (areas_read(image->pid, AREAS_MAPS, &areas))
		return;
	reconcile(space, image->pid, &areas, reason);
	areas_free(&areas);
}

void spaces_follow(struct spaces *s)
{
	struct image *const *images;
	size_t i, n = target_images(s->target, &images), waiting = 0, first = 0;

	for (i = s->followed; i < n; i++) {
		if (images[i]->end_ns)
			continue;
		if (images[i]->ready_ns)
			space_begin(s, images[i]);
		else if (!waiting++)
			first = i;
	}
	s->followed = waiting ? first : n;
}

static void space_forked(struct spaces *s, const struct ms_event *e)
{
	const struct space *parent = spaces_find(s, e->old_id);

	if (e->flags & MS_PROC_BORROWED || !parent)
		return;
	space_add(s, e->id, vm_account_fork(parent->account, e->time_ns));
}

void spaces_event(struct spaces *s, const struct ms_event *e)
{
	struct space *space;

	switch (e->kind) {
	case MS_EVENT_FORK:
		space_forked(s, e);
		break;
	case MS_EVENT_EXEC:
		space = spaces_find(s, e->old_id);
		if (space)
			space->ended = true;
		break;
	case MS_EVENT_EXIT:
		space = spaces_find(s, e->id);
		if (space && !(e->flags & MS_PROC_BORROWED))
			space->ended = true;
		break;
	default:
		break;
	}
	spaces_follow(s);
}

/* Later calls lie over earlier ones. */
static void populated_add(struct space *space, const struct vm_populated *populated,
			  uint64_t time_ns)
{
	const struct extent extent = {.start = populated->start,
				      .end = populated->end < MS_ADDRESS_MAX ? populated->end
									     : MS_ADDRESS_MAX,
				      .stack = populated->stack,
				      .born_ns = time_ns};

	if (!space->populated)
		space->populated = extents_new();
	if (space->populated && extent.start < extent.end)
		extents_map(space->populated, &extent, NULL, NULL);
}

int spaces_vm(struct spaces *s, const struct ms_vm_event *event)
{
	struct vm_populated populated = {0};
	struct space *space;
	int error;

	spaces_follow(s);
	space = spaces_find(s, event->image);
	if (!space)
		return 0;
	space->events++;
	error = vm_event_apply(space->account, event, s->huge_page, &populated);
	if (populated.end > populated.start)
		populated_add(space, &populated, event->time_ns);
	return error > 0 ? error : 0;
}

/* What looks cost the machine: not the time that others had it meanwhile. */
static uint64_t spent_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts);
	return ts.tv_sec * 1000000000ULL + ts.tv_nsec;
}

void spaces_look(struct spaces *s, struct space *space, pid_t pid, bool whole, double share)
{
	uint64_t now = clock_ns(), before = spent_ns();
	struct residence_input input = {
	    .kernel = s->kernel,
	    .pid = pid,
	    .image = space->image,
	    .extents = vm_account_extents(space->account),
	    .populated = space->populated,
	};

	if ((double)s->looking_ns > LOOKING_FREE_NS + share * (double)(now - s->start_ns))
		return;
	residence_look(&space->residence, &input, whole);
	s->looking_ns += spent_ns() - before;
}
