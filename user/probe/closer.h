/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Takes probes out in threads of its own.  The kernel waits for grace periods
 * there, milliseconds to tens of them for each link, and meanwhile a newborn
 * process may stand still until its probes are in.  Several threads, because
 * such waits overlap.
 */
#ifndef MS_CLOSER_H
#define MS_CLOSER_H

#include "probe/attach.h"

struct closer;

struct closer *closer_new(void);
/* Takes `attach` over; NULL is fine. */
void closer_add(struct closer *closer, struct attach *attach);
/* Returns when everything that was added is out. */
void closer_free(struct closer *closer);

#endif
