/* SPDX-License-Identifier: GPL-2.0 */
/* What a probe of each kind adds to what it is put on, measured on a child. */
#ifndef MS_DOCTOR_COST_H
#define MS_DOCTOR_COST_H

#include "collect/kernel.h"
#include "doctor/child.h"
#include "probe/hooks.h"
#include "probe/trial.h"

struct cost {
	char name[48];
	const char *way;   /* how it was attached: a name of --no-feature */
	const char *payer; /* what pays it, once for each time */
	enum child_work work;
	int error; /* negative errno: it could not be measured; -ENODATA: the probe did not run */
	double plain_ns; /* one piece of work; these are medians */
	double added_ns;
	double spread_ns; /* of rounds: the cost is not known more exactly */
};

#define COSTS_MAX 16

/*
 * Measures what this machine can do and what is not refused, a few tenths of a
 * second in all.  `choices` says which hooks work.  Returns the number of costs.
 */
size_t costs_measure(struct child *child, struct trials *trials,
		     const struct kernel_options *options, const struct hook_choice choices[],
		     struct cost costs[COSTS_MAX]);

#endif
