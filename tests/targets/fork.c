/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Processes that make processes.
 *
 *   fork fork           the child frees blocks of its parent, and its own
 *   fork generations    a child, its child, and that one's
 *   fork vfork          a vfork child that becomes `image`
 *   fork spawn          posix_spawn of `image`
 *   fork exec           becomes `image` itself
 *   fork many           20 children at once
 */
#include <libgen.h>
#include <limits.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ledger.h"

#define BLOCKS 100

extern char **environ;

static struct block blocks[BLOCKS], own[BLOCKS];
static char image[PATH_MAX];

static void allocate(struct block *b, int count, size_t size)
{
	for (int i = 0; i < count; i++)
		ledger_malloc(&b[i], size + i);
}

static void release(struct block *b, int count)
{
	for (int i = 0; i < count; i++)
		ledger_free(&b[i]);
}

static bool wait_for(pid_t pid)
{
	int status;

	return pid > 0 && waitpid(pid, &status, 0) == pid && status == 0;
}

/* Its parent's blocks are not its own: they were made in another address space. */
static int child(void)
{
	ledger_reset();
	for (int i = 0; i < 40; i++)
		ledger_free_foreign(&blocks[i]);
	allocate(own, 50, 2000);
	release(own, 20);
	ledger_write("child");
	return 0;
}

static int run_fork(void)
{
	allocate(blocks, BLOCKS, 500);
	pid_t pid = fork();
	if (pid == 0)
		return child();
	if (!wait_for(pid))
		return 1;
	/* The child's frees took nothing from these. */
	release(blocks, 70);
	ledger_write("parent");
	return 0;
}

static int generation(int number)
{
	char name[32];

	ledger_reset();
	allocate(own, 20 + number, 100 * number);
	if (number < 3) {
		pid_t pid = fork();
		if (pid == 0)
			return generation(number + 1);
		if (!wait_for(pid))
			return 1;
	}
	release(own, number);
	snprintf(name, sizeof(name), "generation%d", number);
	ledger_write(name);
	return 0;
}

static int run_generations(void)
{
	allocate(blocks, 10, 100);
	pid_t pid = fork();
	if (pid == 0)
		return generation(1);
	if (!wait_for(pid))
		return 1;
	release(blocks, 5);
	ledger_write("generation0");
	return 0;
}

static int run_many(void)
{
	pid_t pids[20];

	allocate(blocks, BLOCKS, 500);
	for (int i = 0; i < 20; i++) {
		pids[i] = fork();
		if (pids[i] == 0)
			return child();
	}
	for (int i = 0; i < 20; i++)
		if (!wait_for(pids[i]))
			return 1;
	release(blocks, 70);
	ledger_write("parent");
	return 0;
}

static int run_vfork(void)
{
	char *arguments[] = {image, NULL};

	allocate(blocks, BLOCKS, 500);
	pid_t pid = vfork();
	if (pid == 0) {
		execv(image, arguments);
		_exit(127);
	}
	if (!wait_for(pid))
		return 1;
	release(blocks, 70);
	ledger_write("parent");
	return 0;
}

static int run_spawn(void)
{
	char *arguments[] = {image, NULL};
	pid_t pid;

	allocate(blocks, BLOCKS, 500);
	if (posix_spawn(&pid, image, NULL, NULL, arguments, environ) || !wait_for(pid))
		return 1;
	release(blocks, 70);
	ledger_write("parent");
	return 0;
}

static int run_exec(void)
{
	char *arguments[] = {image, NULL};

	allocate(blocks, BLOCKS, 500);
	release(blocks, 70);
	ledger_write("before");
	execv(image, arguments);
	return 1;
}

static const struct {
	const char *name;
	int (*run)(void);
} modes[] = {
    {"fork", run_fork},   {"generations", run_generations},
    {"many", run_many},   {"vfork", run_vfork},
    {"spawn", run_spawn}, {"exec", run_exec},
};

int main(int argc, char **argv)
{
	char here[PATH_MAX];
	ssize_t length = readlink("/proc/self/exe", here, sizeof(here) - 1);

	if (length < 0 || argc < 2)
		return 2;
	here[length] = '\0';
	if (snprintf(image, sizeof(image), "%s/image", dirname(here)) >= (int)sizeof(image))
		return 2;
	for (size_t i = 0; i < sizeof(modes) / sizeof(modes[0]); i++)
		if (!strcmp(modes[i].name, argv[1]))
			return modes[i].run();
	return 2;
}
