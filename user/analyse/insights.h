/* SPDX-License-Identifier: GPL-2.0 */
/* What stands out in a snapshot, in sentences with numbers. */
#ifndef MS_INSIGHTS_H
#define MS_INSIGHTS_H

#include "collect/snapshot.h"

/* Adds them to the snapshot, those of most bytes first.  0 or -ENOMEM. */
int insights_find(struct snapshot *snapshot);

#endif
