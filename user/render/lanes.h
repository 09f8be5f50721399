/* SPDX-License-Identifier: GPL-2.0 */
/* Bars beside a timeline's plane: stages above it, processes' lives below it. */
#ifndef MS_LANES_H
#define MS_LANES_H

#include "collect/snapshot.h"
#include "render/plot.h"

#define LANE 19 /* px from one lane to the next */

/* Lanes that the stages need, at most 3: those that overlap in time lie in different ones. */
unsigned lanes_of_stages(const struct snapshot *s);
/* Bands over the plane and, in lanes from `y` down, the stages' names. */
void lanes_put_stages(const struct plot *p, const struct snapshot *s, double y);

/*
 * Lanes that the processes need: none if there is one that lives all the time,
 * at most 8 and one more line for the rest.
 */
unsigned lanes_of_processes(const struct snapshot *s, double end_s);
void lanes_put_processes(const struct plot *p, const struct snapshot *s, double y);

#endif
