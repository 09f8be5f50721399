/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Who holds the resident memory of one image: looked at now and then, for the
 * kernel tells when a page comes, but not when it goes.
 */
#ifndef MS_RESIDENCE_H
#define MS_RESIDENCE_H

#include "collect/kernel.h"
#include "vm/breakdown.h"
#include "vm/resident.h"

struct resident_share {
	uint64_t stack, bytes;
};

/* One look: the shares, sorted by stack, sum to total_bytes. */
struct resident_look {
	uint64_t total_bytes;
	struct resident_share *shares;
	size_t count;
};

/* What is resident, by kind; the kinds and unknown_bytes sum to rss_bytes. */
struct resident_kinds {
	bool known;
	uint64_t rss_bytes;
	uint64_t bytes[BREAKDOWN_KIND_NR];
	int64_t unknown_bytes;
};

struct residence {
	struct resident_look last, peak; /* peak: of all looks the one with most */
	struct resident_kinds kinds;
	struct resident_blocks
	    *blocks; /* large heap blocks: how much was touched; sorted by stack */
	size_t block_count;
};

struct residence_input {
	struct kernel *kernel;
	pid_t pid;
	uint32_t image;
	const struct extents *extents;
	const struct extents *populated; /* by the stack that populated it; or NULL */
};

/*
 * Looks at the process, which runs or stands still.  `whole`: also by kind, and at
 * blocks that were never touched, for which all live blocks are read.  0 or a
 * negative errno, and nothing has changed.
 */
int residence_look(struct residence *residence, const struct residence_input *input, bool whole);
/* A stack's share, 0 if it has none. */
uint64_t residence_share(const struct resident_look *look, uint64_t stack);
/* Bytes of a stack's large live blocks that were never touched. */
uint64_t residence_untouched(const struct residence *residence, uint64_t stack);
void residence_free(struct residence *residence);

#endif
