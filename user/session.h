/* SPDX-License-Identifier: GPL-2.0 */
/* One run: the modules put together, the event loop, the reports. */
#ifndef MS_SESSION_H
#define MS_SESSION_H

#include "options.h"

/* Traces until it is over and reports.  The exit status of the program. */
int session_run(const struct options *options);

#endif
