/* SPDX-License-Identifier: GPL-2.0 */
#ifndef MS_DOCTOR_MEDIAN_H
#define MS_DOCTOR_MEDIAN_H

#include <stddef.h>

/* The middle one of `count` numbers, which are sorted. */
double median(double *numbers, size_t count);
/* The median of their distances from `middle`: how far off that may be. */
double median_spread(double *numbers, size_t count, double middle);

#endif
