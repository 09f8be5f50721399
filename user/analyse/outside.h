/* SPDX-License-Identifier: GPL-2.0 */
/* GPU memory that a framework's allocator has not asked for. */
#ifndef MS_OUTSIDE_H
#define MS_OUTSIDE_H

#include <stdbool.h>

#include "collect/snapshot.h"

/* Bytes, of the devices on which a framework has segments. */
struct outside {
	const char *framework;     /* "PyTorch" */
	const char *device;        /* the one that most is on */
	uint64_t reserved_bytes;   /* the framework's segments */
	uint64_t others_bytes;     /* live, by calls that did not come from it */
	uint64_t unseen_bytes;     /* what drivers have beyond all calls; 0 if not known */
	bool driver_known;         /* of all these devices */
	const struct stack *stack; /* of the others' the one that holds most, or NULL */
};

/* False: the process has no such segments. */
bool outside_find(const struct snapshot *snapshot, size_t process, struct outside *out);

#endif
