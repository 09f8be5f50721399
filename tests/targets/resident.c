/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Memory of each kind, every page of it touched, and threads that wait.
 *
 *   resident ANON FILE SHMEM [out|leave]
 *
 * ANON and SHMEM are MiB; FILE is the path of a file, which is mapped and read, or
 * /dev/null.  out: asks the kernel to swap half of ANON out; leave: the first thread
 * ends, the others stay.
 *
 * Then, for each line with a number, touches so many MiB more.
 */
#include <fcntl.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ledger.h"

#define MIB (1 << 20)
#define THREADS 3

static char *touched(size_t bytes, int flags)
{
	char *memory;

	if (!bytes)
		return NULL;
	memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, flags | MAP_ANONYMOUS, -1, 0);
	if (memory == MAP_FAILED)
		exit(3);
	memset(memory, 1, bytes);
	return memory;
}

static unsigned read_file(const char *path)
{
	struct stat st;
	unsigned sum = 0;
	int fd = open(path, O_RDONLY);
	const volatile char *file;

	if (fd < 0 || fstat(fd, &st))
		exit(3);
	if (!st.st_size)
		return 0;
	file = mmap(NULL, st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (file == MAP_FAILED)
		exit(3);
	for (off_t i = 0; i < st.st_size; i += 4096)
		sum += file[i];
	return sum;
}

/* A thread that has faults of its own, so that they must be added up. */
static void *wait_here(void *arg)
{
	touched(64 << 10, MAP_PRIVATE);
	pause();
	return arg;
}

int main(int argc, char **argv)
{
	pthread_t thread;
	char line[32], *anon;
	size_t bytes;

	if (argc < 4)
		return 2;
	bytes = strtoul(argv[1], NULL, 10) * MIB;
	anon = touched(bytes, MAP_PRIVATE);
	read_file(argv[2]);
	touched(strtoul(argv[3], NULL, 10) * MIB, MAP_SHARED);
	if (argc > 4 && !strcmp(argv[4], "out") && madvise(anon, bytes / 2, MADV_PAGEOUT))
		return 4;
	for (int i = 0; i < THREADS; i++)
		pthread_create(&thread, NULL, wait_here, NULL);
	ledger_signal("ready");
	if (argc > 4 && !strcmp(argv[4], "leave"))
		pthread_exit(NULL);
	while (fgets(line, sizeof(line), stdin)) {
		touched(strtoul(line, NULL, 10) * MIB, MAP_PRIVATE);
		ledger_signal("grown");
	}
	pause();
	return 0;
}
