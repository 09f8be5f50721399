/* SPDX-License-Identifier: GPL-2.0 */
#include "collect/callers.h"

#include <errno.h>

#include "base/clock.h"
#include "base/log.h"

void image_callers_event(struct callers *callers, const struct target *target,
			 const struct ms_tensor_event *e, double t_s)
{
	struct callers_event event = {
	    .t_s = t_s,
	    .begins = e->what == MS_TENSOR_PUSH,
	    .called = !e->back,
	    .place.row = e->row,
	};

	event.place.frame = target_place(target, e->image, e->back ? e->back : e->ip);
	callers_event(callers, &event);
}

static double now(uint64_t start_ns)
{
	return clock_seconds(start_ns, clock_ns());
}

static void try(struct callers *c, struct target *target, uint32_t image, uint64_t start_ns)
{
	const struct call_place *places = NULL;
	int count = target_calls_add(target, image, c->backs, c->back_count, &places);

	if (count == -ESRCH)
		return;
	if (count < 0)
		target_calls_keep(target, image, NULL, 0);
	callers_tried(c, places, count > 0 ? (size_t)count : 0, now(start_ns));
	if (c->state == CALLERS_STAYING)
		log_verbose("image %u: ranges are seen in their functions", image);
}

/* The callers' probes are in: nothing is missed while those of the functions go. */
static void move(struct callers *c, struct target *target, uint32_t image, uint64_t start_ns)
{
	callers_moved(c, now(start_ns));
	target_calls_keep(target, image, c->sites, c->site_count);
	if (!target_tell(target, image, GROUP_RANGES, false))
		log_verbose("image %u: ranges are seen where they are called: %zu places", image,
			    c->site_count);
}

static void again(struct callers *c, struct target *target, uint32_t image, bool whole,
		  uint64_t start_ns)
{
	bool moved = c->state == CALLERS_MOVED;

	if (moved && target_tell(target, image, GROUP_RANGES, true))
		return;
	callers_again(c, whole, now(start_ns));
	if (moved)
		log_verbose("image %u: ranges are seen in their functions again", image);
}

void image_callers_tick(struct callers *c, struct target *target, uint32_t image, uint64_t start_ns)
{
	if (target_has_grown(target, image))
		again(c, target, image, true, start_ns);
	switch (callers_wish(c, now(start_ns))) {
	case CALLERS_TRY:
		try(c, target, image, start_ns);
		break;
	case CALLERS_MOVE:
		move(c, target, image, start_ns);
		break;
	case CALLERS_CHECK:
		again(c, target, image, false, start_ns);
		break;
	case CALLERS_LEAVE:
		target_calls_keep(target, image, NULL, 0);
		callers_left(c);
		break;
	case CALLERS_NOTHING:
		break;
	}
}
