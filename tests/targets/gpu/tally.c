/* SPDX-License-Identifier: GPL-2.0 */
/* Lines of a ledger, under one lock: the peak of all together needs an order. */
#include "tally.h"

#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct line {
	const char *device;
	uint64_t allocs, alloc_bytes, frees, freed_bytes, failed, live, peak, shared;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct line lines[16], sum = {.device = "sum"};
static size_t count;
static uint64_t unknown_frees;

static struct line *line_of(const char *device)
{
	size_t i;

	for (i = 0; i < count; i++)
		if (!strcmp(lines[i].device, device))
			return &lines[i];
	lines[count].device = device;
	return &lines[count++];
}

static void add(struct line *l, uint64_t size)
{
	l->allocs++;
	l->alloc_bytes += size;
	l->live += size;
	if (l->live > l->peak)
		l->peak = l->live;
}

static void take(struct line *l, uint64_t size)
{
	l->frees++;
	l->freed_bytes += size;
	l->live -= size;
}

static void made(const char *device, int result, uint64_t size, uint64_t shared)
{
	struct line *l;

	pthread_mutex_lock(&lock);
	l = line_of(device);
	if (result) {
		l->failed++;
		sum.failed++;
	} else {
		add(l, size);
		add(&sum, size);
		l->shared += shared;
	}
	pthread_mutex_unlock(&lock);
}

static void freed(const char *device, int result, uint64_t size, uint64_t shared)
{
	struct line *l;

	if (result)
		return;
	pthread_mutex_lock(&lock);
	l = line_of(device);
	take(l, size);
	take(&sum, size);
	l->shared -= shared;
	pthread_mutex_unlock(&lock);
}

void tally_made(const char *device, int result, uint64_t size)
{
	made(device, result, size, 0);
}

void tally_shared(const char *device, int result, uint64_t size)
{
	made(device, result, 0, size);
}

void tally_freed(const char *device, int result, uint64_t size)
{
	freed(device, result, size, 0);
}

void tally_unshared(const char *device, int result, uint64_t size)
{
	freed(device, result, 0, size);
}

void tally_unknown(void)
{
	unknown_frees++;
}

void tally_reset(void)
{
	memset(lines, 0, sizeof(lines));
	count = 0;
	sum = (struct line){.device = "sum"};
	unknown_frees = 0;
}

static void print(FILE *out, const struct line *l)
{
	const struct {
		const char *key;
		uint64_t value;
	} rows[] = {
	    {"allocs", l->allocs},       {"alloc_bytes", l->alloc_bytes},
	    {"frees", l->frees},         {"freed_bytes", l->freed_bytes},
	    {"live_bytes", l->live},     {"live", l->allocs - l->frees},
	    {"failed", l->failed},       {"peak_bytes", l->peak},
	    {"shared_bytes", l->shared},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		fprintf(out, "%s %s %lu\n", l->device, rows[i].key, rows[i].value);
}

static void put(const char *name, int whole)
{
	const char *directory = getenv("LEDGER");
	char path[PATH_MAX], temporary[PATH_MAX];
	FILE *out;

	if (!directory)
		return;
	snprintf(path, sizeof(path), "%s/%s.%d", directory, name, getpid());
	snprintf(temporary, sizeof(temporary), "%s/.%s.%d", directory, name, getpid());
	out = fopen(temporary, "w");
	if (!out)
		abort();
	if (whole) {
		fprintf(out, "process pid %d\n", getpid());
		fprintf(out, "sum unknown_frees %lu\n", unknown_frees);
		print(out, &sum);
		for (size_t i = 0; i < count; i++)
			print(out, &lines[i]);
	}
	if (fclose(out) || rename(temporary, path))
		abort();
}

void tally_write(const char *name)
{
	put(name, 1);
}

void tally_signal(const char *name)
{
	put(name, 0);
}

void tally_expect(int result, int wanted, const char *what)
{
	if (result == wanted)
		return;
	fprintf(stderr, "%s: %d, should be %d\n", what, result, wanted);
	exit(1);
}
