/* SPDX-License-Identifier: GPL-2.0 */
/* `memsnoop fit`: what a training takes for each sample, and the largest batch that fits. */
#ifndef MS_FIT_RUN_H
#define MS_FIT_RUN_H

#include "options.h"

/* Reads, computes, prints.  The exit status. */
int fit_run(const struct options *options);

#endif
