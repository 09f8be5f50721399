/* SPDX-License-Identifier: GPL-2.0 */
/* Moves the probes that see ranges to where their functions are called: analyse/callers.h. */
#ifndef MS_COLLECT_CALLERS_H
#define MS_COLLECT_CALLERS_H

#include "analyse/callers.h"
#include "target/target.h"

/* A range of an object began or ended at `t_s`. */
void image_callers_event(struct callers *callers, const struct target *target,
			 const struct ms_tensor_event *event, double t_s);
/* Now and then: does what is wanted.  `start_ns`: when all began. */
void image_callers_tick(struct callers *callers, struct target *target, uint32_t image,
			uint64_t start_ns);

#endif
