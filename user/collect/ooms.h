/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Whom the OOM killer has chosen, and what they held at that moment: a copy, which
 * nothing that comes later changes.
 */
#ifndef MS_OOMS_H
#define MS_OOMS_H

#include "collect/growth.h"
#include "collect/limits.h"
#include "memsnoop.h"

struct oom_row {
	struct kernel_total total;
	int64_t growth_bytes; /* since before_ns */
};

struct oom {
	struct ms_oom_event event;
	struct ms_image totals; /* of all layers */
	struct oom_row *rows;   /* each stack that held something, then or at before_ns */
	size_t count;
	uint64_t before_ns; /* growth is since then; 0: it is not known */
	char *cgroup;       /* its memory control group, NULL: none, or it was gone already */
	bool v1;
	struct cgroupfs_memory memory; /* of that group */
};

struct ooms {
	struct oom *items;
	size_t count;
};

/*
 * Keeps what the victim holds: of `totals`, which may be of other processes, too.
 * `start_ns` is when its image began.  0 or -ENOMEM.
 */
int ooms_add(struct ooms *ooms, const struct ms_oom_event *event, const struct ms_image *image,
	     const struct kernel_total *totals, size_t count, const struct growth *growth,
	     uint64_t start_ns);
/* That of an image, NULL if it was not chosen. */
struct oom *ooms_find(const struct ooms *ooms, uint32_t image);
/* Puts what is in `totals` of a layer in the place of what was kept of it.  0 or -ENOMEM. */
int oom_replace(struct oom *oom, uint32_t layer, const struct kernel_total *totals, size_t count,
		const struct growth *growth);
void ooms_free(struct ooms *ooms);

#endif
