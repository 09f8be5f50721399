/* SPDX-License-Identifier: GPL-2.0 */
/* One run of memsnoop --slab. */
#ifndef MS_SLAB_RUN_H
#define MS_SLAB_RUN_H

#include "options.h"

/* Traces the kernel until Ctrl-C or -d; the exit status. */
int slab_run(const struct options *options);

#endif
