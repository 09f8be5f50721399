/* SPDX-License-Identifier: GPL-2.0 */
/* How long the parts of the work take, for -v. */
#ifndef MS_PHASE_H
#define MS_PHASE_H

#include <stdint.h>

/* Milliseconds since *since (of the monotonic clock, in ns), which becomes now. */
double phase_ms(uint64_t *since);

#endif
