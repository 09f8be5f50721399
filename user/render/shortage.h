/* SPDX-License-Identifier: GPL-2.0 */
/* When memory ran out, for people: victims, calls that failed, limits that were hit. */
#ifndef MS_SHORTAGE_H
#define MS_SHORTAGE_H

#include "collect/snapshot.h"
#include "render/lines.h"

/* The summary's sections, each only if there is something to say.  0 or -ENOMEM. */
int shortage_put(struct lines *lines, const struct snapshot *s);
/* A line for each victim, for the live table. */
void shortage_put_victims(struct lines *lines, const struct snapshot *s);

#endif
