/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Who touched each page first, kept in `touches` as long as the page may be there:
 * what is unmapped or given back is forgotten, what mremap() moves goes along.
 * Where one fault brings many pages (a huge page, what lies around in a file), or
 * none brings them (MAP_POPULATE), nothing would set right what is told of a page
 * that was there before.
 */
#ifndef MS_TOUCH_BPF_H
#define MS_TOUCH_BPF_H

#include "vmlinux.h"

#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#include "maps.bpf.h"

/*
 * Groups of pages that one call forgets or moves at most: 4 GiB.  Larger ranges are
 * mostly reservations that are empty, and one more page that is told wrongly is better
 * than a system call that takes a second.
 */
#define TOUCH_GROUPS_MAX (1u << 16)

static const struct ms_touch touch_zero;

/* A global function, which the verifier proves once; so it returns a value. */
__weak int touch_note(__u32 image, __u64 page, __u64 stack)
{
	struct ms_touch_key key = {.image = image, .chunk = page / MS_TOUCH_PAGES};
	struct ms_touch *touch = bpf_map_lookup_elem(&touches, &key);

	if (!touch) {
		bpf_map_update_elem(&touches, &key, &touch_zero, BPF_NOEXIST);
		touch = bpf_map_lookup_elem(&touches, &key);
	}
	if (touch)
		touch->stack[page % MS_TOUCH_PAGES] = stack;
	else
		loss_add(MS_LOSS_touch_full, 1);
	return 0;
}

/* Whether somebody is known to have touched the page. */
static __always_inline int touch_known(__u32 image, __u64 page)
{
	struct ms_touch_key key = {.image = image, .chunk = page / MS_TOUCH_PAGES};
	const struct ms_touch *touch = bpf_map_lookup_elem(&touches, &key);

	return touch && touch->stack[page % MS_TOUCH_PAGES];
}

/* Pages first to end - 1 of an image; what is moved is to be there `by` pages higher. */
struct touch_range {
	__u64 first, end;
	__s64 by;
	__u32 image;
	__u32 moved; /* 0: forgotten */
};

/* One group of a range, which is there. */
struct touch_group {
	const struct touch_range *range;
	struct ms_touch *touch;
	__u64 page; /* its first */
	__u64 rest; /* what it still holds, all together */
};

static long touch_clear_page(__u32 i, void *context)
{
	struct touch_group *group = context;
	const struct touch_range *range = group->range;
	__u64 page = group->page + i, *stack = &group->touch->stack[i % MS_TOUCH_PAGES];

	if (page >= range->first && page < range->end) {
		if (range->moved && *stack)
			touch_note(range->image, page + range->by, *stack);
		*stack = 0;
	}
	return 0;
}

static long touch_rest(__u32 i, void *context)
{
	struct touch_group *group = context;

	group->rest |= group->touch->stack[i % MS_TOUCH_PAGES];
	return 0;
}

/*
 * The i-th group of a range.  A global function, and loops that are calls: what is
 * unrolled here, 7.2's verifier does not come to the end of.
 */
__weak int touch_clear_group(const struct touch_range *range, __u32 i)
{
	struct ms_touch_key key = {0};
	struct touch_group group = {.range = range};

	if (!range)
		return 0;
	key.image = range->image;
	key.chunk = range->first / MS_TOUCH_PAGES + i;
	group.touch = bpf_map_lookup_elem(&touches, &key);
	if (!group.touch)
		return 0;
	group.page = key.chunk * MS_TOUCH_PAGES;
	bpf_loop(MS_TOUCH_PAGES, touch_clear_page, &group, 0);
	/* Only now: what moved may have come to lie in this very group. */
	bpf_loop(MS_TOUCH_PAGES, touch_rest, &group, 0);
	if (!group.rest)
		bpf_map_delete_elem(&touches, &key);
	return 0;
}

static long touch_clear_step(__u32 i, void *range)
{
	touch_clear_group(range, i);
	return 0;
}

static __always_inline void touch_clear(struct touch_range *range)
{
	__u64 groups;

	if (range->first >= range->end || range->end > MS_ADDRESS_MAX / MS_PAGE)
		return;
	groups = (range->end - 1) / MS_TOUCH_PAGES - range->first / MS_TOUCH_PAGES + 1;
	bpf_loop(groups < TOUCH_GROUPS_MAX ? groups : TOUCH_GROUPS_MAX, touch_clear_step, range, 0);
}

static __always_inline __u64 touch_page_up(__u64 address)
{
	return (address + MS_PAGE - 1) / MS_PAGE;
}

/* The pages of [start, end) go. */
static __always_inline void touch_forget(__u32 image, __u64 start, __u64 end)
{
	struct touch_range range = {
	    .image = image, .first = touch_page_up(start), .end = touch_page_up(end)};

	if (end > start)
		touch_clear(&range);
}

/* The pages of [start, end) are at `to` now. */
static __always_inline void touch_move(__u32 image, __u64 start, __u64 end, __u64 to)
{
	struct touch_range range = {.image = image,
				    .first = start / MS_PAGE,
				    .end = touch_page_up(end),
				    .by = (__s64)(to / MS_PAGE) - (__s64)(start / MS_PAGE),
				    .moved = 1};

	if (end > start)
		touch_clear(&range);
}

#endif
