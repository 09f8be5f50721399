/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Which pages of a process are resident.  Pages are given as ranges, lowest
 * first, to a function, so that it takes no memory to speak of however many there
 * are.  What counts is what counts in the process's RSS: not zero pages, nor a
 * device's memory.
 */
#ifndef MS_PAGEMAP_H
#define MS_PAGEMAP_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "target/areas.h"

enum pagemap_flags {
	PAGEMAP_PRESENT = 1u << 0, /* else swapped */
	PAGEMAP_SWAPPED = 1u << 1,
	PAGEMAP_FILE = 1u << 2, /* of a file or shared memory, no private copy */
	PAGEMAP_HUGE = 1u << 3, /* mapped as a huge page */
};

/* Of one area, and all alike. */
struct pagemap_range {
	uint64_t start, end;
	uint32_t flags; /* enum pagemap_flags */
	const struct area *area;
};

/*
 * How it is found out: by the ioctl PAGEMAP_SCAN (6.7), which passes over what has
 * no page tables; or entry by entry, 8 bytes a page.
 */
enum pagemap_way { PAGEMAP_BEST, PAGEMAP_BY_SCAN, PAGEMAP_BY_ENTRY };

struct pagemap;

/* 0, -ESRCH if the process is gone, -EOPNOTSUPP if the kernel lacks that way, or another errno. */
int pagemap_open(pid_t pid, enum pagemap_way way, struct pagemap **out);
void pagemap_close(struct pagemap *pagemap);
/* Where its areas are to be read from: entry by entry, one wants to know where not to look. */
enum areas_source pagemap_areas_source(const struct pagemap *pagemap);

/* Returns 0, or what pagemap_walk() is to end with and return. */
typedef int pagemap_each(void *context, const struct pagemap_range *range);
/*
 * All resident and swapped pages in `areas`.  Pages of hugetlbfs are among them,
 * with an area that says so, and are in nobody's RSS.  0 or a negative errno: -ESRCH if
 * the process is gone (or nothing is found, by kernel).
 */
int pagemap_walk(struct pagemap *pagemap, const struct areas *areas, pagemap_each *each,
		 void *context);
/*
 * Resident bytes that the last walk left out: of areas too large to be read entry by
 * entry, where only smaps says how many there are.
 */
uint64_t pagemap_unread_bytes(const struct pagemap *pagemap);
/* Bytes of a huge page, 0 if there are none. */
uint64_t pagemap_huge_size(void);

#endif
