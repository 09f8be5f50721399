/* SPDX-License-Identifier: GPL-2.0 */
/* The collectors of the whole system put together: a refresh asks all of them. */
#ifndef MS_WATCH_H
#define MS_WATCH_H

#include "system/view.h"

struct watch;

/* `interval_s`: time between refreshes.  0, or a negative errno after one line. */
int watch_open(double interval_s, struct watch **out);
void watch_close(struct watch *w);

/* Readable when many processes have ended; then watch_drain(). */
int watch_fd(const struct watch *w);
void watch_drain(struct watch *w);
/* Looks at everything.  One that fails is counted, and what was known before stands. */
void watch_refresh(struct watch *w);
/* Adds what is read once, for a report. */
void watch_complete(struct watch *w);
void watch_view(struct watch *w, struct system_view *out);

#endif
