/* SPDX-License-Identifier: GPL-2.0 */
/* Bars below a timeline's plane: the lives of its processes. */
#ifndef MS_LANES_H
#define MS_LANES_H

#include "collect/snapshot.h"
#include "render/plot.h"

#define LANE 19 /* px from one lane to the next */

/*
 * Lanes that the processes need: none if there is one that lives all the time,
 * at most 8 and one more line for the rest.
 */
unsigned lanes_of_processes(const struct snapshot *s, double end_s);
void lanes_put_processes(const struct plot *p, const struct snapshot *s, double y);

#endif
