/* SPDX-License-Identifier: GPL-2.0 */
/* One run over the whole system: no process is traced, none is slowed down. */
#ifndef MS_SYSTEM_RUN_H
#define MS_SYSTEM_RUN_H

#include "options.h"

/* Watches until it is over and reports.  The exit status of the program. */
int system_run(const struct options *options);

#endif
