/* SPDX-License-Identifier: GPL-2.0 */
/* One system call. */
#include "vm/pagescan.h"

#include <errno.h>
#include <sys/ioctl.h>
#include <unistd.h>

/* struct pm_scan_arg of the kernel. */
struct scan {
	uint64_t size, flags;
	uint64_t start, end;
	uint64_t walk_end; /* out */
	uint64_t regions, room;
	uint64_t max_pages;
	uint64_t inverted, all_of, any_of, returned; /* categories */
};

#define IOCTL_SCAN _IOWR('f', 16, struct scan)

int pagescan(int pagemap, uint64_t categories, uint64_t *start, uint64_t end,
	     struct pagescan_region *regions, unsigned room)
{
	struct scan scan = {.size = sizeof(scan),
			    .start = *start,
			    .end = end,
			    .regions = (uintptr_t)regions,
			    .room = room,
			    .any_of = PAGESCAN_PRESENT | PAGESCAN_SWAPPED,
			    .returned = categories};
	int n;

	do {
		n = ioctl(pagemap, IOCTL_SCAN, &scan);
	} while (n < 0 && errno == EINTR);
	if (n < 0)
		return -errno;
	if (scan.walk_end <= *start)
		return -EIO;
	*start = scan.walk_end;
	return n;
}

int pagescan_categories(int pagemap, uint64_t *categories)
{
	const uint64_t old =
	    PAGESCAN_FILE | PAGESCAN_PRESENT | PAGESCAN_SWAPPED | PAGESCAN_ZERO | PAGESCAN_HUGE;
	uint64_t start = 0, page = (uint64_t)sysconf(_SC_PAGESIZE);
	struct pagescan_region region;

	*categories = old | PAGESCAN_GUARD;
	if (pagescan(pagemap, *categories, &start, page, &region, 1) >= 0)
		return 0;
	*categories = old;
	return pagescan(pagemap, *categories, &start, page, &region, 1) < 0 ? -EOPNOTSUPP : 0;
}
