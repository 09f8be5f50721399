/* SPDX-License-Identifier: GPL-2.0 */
/* `memsnoop doctor`: what memsnoop needs, whether it is here, what its lack costs. */
#ifndef MS_DOCTOR_H
#define MS_DOCTOR_H

#include "options.h"

/* Checks, measures, prints.  The exit status: 0 if memsnoop can trace here, else 1. */
int doctor_run(const struct options *options);

#endif
