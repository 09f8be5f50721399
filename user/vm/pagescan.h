/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The ioctl PAGEMAP_SCAN of /proc/PID/pagemap (6.7, commit 52526ca7fdb9), which
 * Debian 12's headers lack.
 */
#ifndef MS_PAGESCAN_H
#define MS_PAGESCAN_H

#include <stdint.h>

#define PAGESCAN_FILE (1u << 2)
#define PAGESCAN_PRESENT (1u << 3)
#define PAGESCAN_SWAPPED (1u << 4)
#define PAGESCAN_ZERO (1u << 5) /* the zero page; the huge one only since 2025 */
#define PAGESCAN_HUGE (1u << 6)
#define PAGESCAN_GUARD (1u << 8) /* 6.15: no page, though it looks swapped */

/* Laid out as the kernel has it. */
struct pagescan_region {
	uint64_t start, end, categories;
};

/* The categories that this kernel can tell.  0, or -EOPNOTSUPP: it has no such ioctl. */
int pagescan_categories(int pagemap, uint64_t *categories);
/*
 * Looks for present and swapped pages in [*start, end), and moves *start to where it
 * ended, for want of regions.  How many regions were filled, or a negative errno.
 */
int pagescan(int pagemap, uint64_t categories, uint64_t *start, uint64_t end,
	     struct pagescan_region *regions, unsigned room);

#endif
