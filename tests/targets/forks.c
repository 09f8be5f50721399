/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Processes that end at once, several at a time, and counts them itself.
 *
 *   forks COUNT|SECONDSs [vfork] [names] [fail] [pages N] [hold]
 *
 *   vfork: by vfork(), which is many times faster, one at a time;
 *   names: each has a name of its own; fail: every third exits with status 7;
 *   pages: each touches N pages (these two not with vfork);
 *   hold: all wait until there is something to read on stdin; $LEDGER/held.PID says
 *   that they do
 *
 * Writes forks=N and failed=N to $LEDGER/forks.PID.
 */
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "ledger.h"

#define AT_ONCE 32

struct how {
	bool vfork, names, fail, hold;
	unsigned long pages;
	int gate[2]; /* closed: those that are held end */
};

static double now_s(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void name_of(char name[16], unsigned long number)
{
	snprintf(name, 16, "n%lu", number);
}

static void child(const struct how *how, unsigned long number)
{
	char name[16];

	if (how->names) {
		name_of(name, number);
		prctl(PR_SET_NAME, name);
	}
	if (how->pages)
		memset(mmap(NULL, how->pages * 4096, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0),
		       1, how->pages * 4096);
	if (how->hold) {
		close(how->gate[1]);
		while (read(how->gate[0], name, 1) > 0)
			;
	}
	_exit(how->fail && number % 3 == 0 ? 7 : 0);
}

static void report(unsigned long forks, unsigned long failed)
{
	const char *directory = getenv("LEDGER");
	char path[4096], whole[4096];
	FILE *out;

	if (!directory)
		return;
	snprintf(path, sizeof(path), "%s/.forks.%d", directory, getpid());
	snprintf(whole, sizeof(whole), "%s/forks.%d", directory, getpid());
	out = fopen(path, "w");
	if (!out || fprintf(out, "forks=%lu\nfailed=%lu\n", forks, failed) < 0 || fclose(out) ||
	    rename(path, whole))
		exit(5);
}

/* Waits for one; whether it failed. */
static bool reap(void)
{
	int status;

	if (wait(&status) < 0)
		exit(3);
	return status != 0;
}

/* Whether there is one more process, and this is not it. */
static bool start(const struct how *how, unsigned long number)
{
	char name[16];
	pid_t pid;

	if (how->vfork) {
		name_of(name, number);
		pid = vfork();
		if (!pid) {
			if (how->names)
				prctl(PR_SET_NAME, name);
			_exit(0);
		}
	} else {
		pid = fork();
		if (!pid)
			child(how, number);
	}
	if (pid < 0 && errno != EAGAIN)
		exit(4);
	return pid > 0;
}

int main(int argc, char **argv)
{
	unsigned long count, forks = 0, failed = 0, alive = 0;
	struct how how = {0};
	double end = 0;
	char *unit;

	if (argc < 2)
		return 2;
	count = strtoul(argv[1], &unit, 10);
	if (*unit == 's')
		end = now_s() + (double)count;
	for (int i = 2; i < argc; i++) {
		how.vfork |= !strcmp(argv[i], "vfork");
		how.names |= !strcmp(argv[i], "names");
		how.fail |= !strcmp(argv[i], "fail");
		how.hold |= !strcmp(argv[i], "hold");
		if (!strcmp(argv[i], "pages") && i + 1 < argc)
			how.pages = strtoul(argv[++i], NULL, 10);
	}
	if (how.hold && pipe(how.gate))
		return 6;
	ledger_signal("ready");
	while (end > 0 ? now_s() < end : forks < count) {
		if ((how.hold || alive < AT_ONCE) && start(&how, forks)) {
			forks++;
			alive++;
		} else if (alive) {
			failed += reap();
			alive--;
		}
	}
	if (how.hold) {
		ledger_signal("held");
		if (read(STDIN_FILENO, &(char){0}, 1) < 0)
			return 6;
		close(how.gate[1]);
	}
	while (alive--)
		failed += reap();
	report(forks, failed);
	return 0;
}
