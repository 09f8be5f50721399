/* SPDX-License-Identifier: GPL-2.0 */
/* $GPU_DOUBLE_DRIVER/PID: a line for each device, its number and bytes. */
#include "driver.h"

#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "store.h"

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static int64_t bytes_of[STORE_DEVICES];

static int number_of(int device)
{
	const char *visible = getenv("CUDA_VISIBLE_DEVICES");

	return visible ? visible[2 * device] - '0' : device;
}

void driver_change(int device, int64_t bytes)
{
	const char *directory = getenv("GPU_DOUBLE_DRIVER");
	char path[PATH_MAX], temporary[PATH_MAX];
	FILE *out;

	if (!directory || device < 0)
		return;
	snprintf(path, sizeof(path), "%s/%d", directory, getpid());
	snprintf(temporary, sizeof(temporary), "%s/.%d", directory, getpid());
	pthread_mutex_lock(&lock);
	bytes_of[number_of(device)] += bytes;
	out = fopen(temporary, "w");
	if (!out)
		abort();
	for (int i = 0; i < STORE_DEVICES; i++)
		if (bytes_of[i])
			fprintf(out, "%d %ld\n", i, bytes_of[i]);
	if (fclose(out) || rename(temporary, path))
		abort();
	pthread_mutex_unlock(&lock);
}
