/* SPDX-License-Identifier: GPL-2.0 */
/* Unlike means, these do not mind a round in which somebody else had the processor. */
#include "doctor/median.h"

#include <math.h>
#include <stdlib.h>

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

double median(double *numbers, size_t count)
{
	qsort(numbers, count, sizeof(*numbers), compare);
	return numbers[count / 2];
}

double median_spread(double *numbers, size_t count, double middle)
{
	size_t i;

	for (i = 0; i < count; i++)
		numbers[i] = fabs(numbers[i] - middle);
	return median(numbers, count);
}
