/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A program with tracepoints (USDT) of its own, and a library that it loads later with others.
 *
 *   moments [wait]    with `wait`, after the first of three steps, for $LEDGER/go; then until the
 *                     library's are traced, too: nobody stops a process that was attached to
 *
 * What a step is goes to $LEDGER/moments.json: for each, between which times its tracepoints were
 * come to, and which bytes lived then.  Blocks are those of ggml, which are tensors.
 */
#include <dlfcn.h>
#include <libgen.h>
#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define _SDT_HAS_SEMAPHORES 1
#include <sys/sdt.h>

#define STEPS 3
#define KEPT_BYTES 10000
#define USED_BYTES 500000

/* Bumped by a tracer: without one the program does not come to its tracepoints. */
__extension__ unsigned short moments_step_begin_semaphore __attribute__((section(".probes")));
__extension__ unsigned short moments_step_end_semaphore __attribute__((section(".probes")));

static FILE *ledger;
static uint64_t live;

void *ggml_aligned_malloc(size_t size)
{
	void *block;

	if (posix_memalign(&block, 64, size))
		abort();
	live += size;
	return block;
}

void ggml_aligned_free(void *block, size_t size)
{
	live -= size;
	free(block);
}

static double now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

/* Time passes before and after a tracepoint: a report's times have fewer digits. */
static void edge(const char *name, void (*tracepoint)(void))
{
	double before = now();

	usleep(2000);
	tracepoint();
	usleep(2000);
	fprintf(ledger, "\"%s\":[%.9f,%.9f],\"%s_bytes\":%llu", name, before, now(), name,
		(unsigned long long)live);
}

static void step_begin(void)
{
	if (moments_step_begin_semaphore)
		STAP_PROBE1(moments, step_begin, live);
}

static void step_end(void)
{
	if (moments_step_end_semaphore)
		STAP_PROBE(moments, step_end);
}

/* Of each step something stays. */
static void step(const char *before, const char *name, void (*begin)(void), void (*end)(void))
{
	void *used;

	fprintf(ledger, "%s{\"name\":\"%s\",", before, name);
	edge("entry", begin);
	ggml_aligned_malloc(KEPT_BYTES);
	used = ggml_aligned_malloc(USED_BYTES);
	ggml_aligned_free(used, USED_BYTES);
	fputc(',', ledger);
	edge("exit", end);
	fputc('}', ledger);
}

static void file_name(char *path, const char *name)
{
	const char *directory = getenv("LEDGER");

	snprintf(path, PATH_MAX, "%s/%s", directory ? directory : ".", name);
}

static void wait_for_go(void)
{
	char path[PATH_MAX], name[64];
	FILE *f;

	snprintf(name, sizeof(name), "ready.%d", getpid());
	file_name(path, name);
	f = fopen(path, "w");
	if (!f || fclose(f))
		exit(3);
	for (file_name(path, "go"); access(path, F_OK);)
		usleep(1000);
}

static void wait_for_tracer(void *library)
{
	int (*is_traced)(void);

	*(void **)&is_traced = dlsym(library, "late_is_traced");
	if (!is_traced)
		exit(3);
	while (!is_traced())
		usleep(1000);
}

static void late_step(const char *program, bool wait)
{
	char path[PATH_MAX], here[PATH_MAX];
	void *library, (*begin)(void), (*end)(void);

	snprintf(here, sizeof(here), "%s", program);
	snprintf(path, sizeof(path), "%.4000s/libmoments_late.so", dirname(here));
	library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
	if (!library)
		exit(3);
	*(void **)&begin = dlsym(library, "late_begin");
	*(void **)&end = dlsym(library, "late_end");
	if (!begin || !end)
		exit(3);
	if (wait)
		wait_for_tracer(library);
	step(",", "late", begin, end);
}

int main(int argc, char **argv)
{
	bool wait = argc > 1 && !strcmp(argv[1], "wait");
	char path[PATH_MAX];
	int i;

	file_name(path, "moments.json");
	ledger = fopen(path, "w");
	if (!ledger)
		return 1;
	for (i = 0; i < STEPS; i++) {
		if (i == 1 && wait)
			wait_for_go();
		step(i ? "," : "[", "step", step_begin, step_end);
	}
	late_step(argv[0], wait);
	fputs("]\n", ledger);
	return fclose(ledger) != 0;
}
