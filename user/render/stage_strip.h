/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Stages above a timeline's plane: for each process that has any a strip with their names,
 * and thinner ones below it for the ranges inside of them.  If it is the only one, its stages
 * are also shaded behind the plane.
 */
#ifndef MS_STAGE_STRIP_H
#define MS_STAGE_STRIP_H

#include "collect/snapshot.h"
#include "render/plot.h"

/* Rules of the colours. */
extern const char stage_strip_style[];

/* Height that the strips take, in px; 0: there are no stages. */
double stage_strip_height(const struct snapshot *s);
/*
 * Draws them from `y` down, and the shades over p->top to p->bottom.  Stages that are too
 * narrow to be told apart are drawn as one, which says what it is.
 */
void stage_strip_put(const struct plot *p, const struct snapshot *s, double y);

#endif
