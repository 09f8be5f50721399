/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A process that keeps books of what it maps.  Each way to change the address
 * space has a function of its own, so that a report's stacks tell them apart; a
 * line of the ledger is one function: bytes it mapped, bytes of it that are gone,
 * pieces that are left.  Nothing here allocates, but the C library at its start.
 *
 *   space [THREADS OPERATIONS]    everything once; then so many threads, each
 *                                 mapping and unmapping at random
 *   space wait [THREADS OPERATIONS]    waits for a byte on stdin, does the same,
 *                                      and waits for another
 *
 * The last line is the size of all that is mapped, as /proc/self/maps has it.
 */
#include <fcntl.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/shm.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ledger.h"

#define PAGE 4096UL
#define THREADS_MAX 16
#define SLOTS 32

#define WAYS(X)                                                                                    \
	X(map_anonymous)                                                                           \
	X(map_over)                                                                                \
	X(map_file)                                                                                \
	X(map_shared)                                                                              \
	X(map_memfd)                                                                               \
	X(map_reserved)                                                                            \
	X(remap_grown)                                                                             \
	X(remap_moved)                                                                             \
	X(remap_shrunk)                                                                            \
	X(break_grown)                                                                             \
	X(segment_attached)                                                                        \
	X(fail)                                                                                    \
	X(churn)                                                                                   \
	X(child_mapped)

enum way {
#define X(name) WAY_##name,
	WAYS(X)
#undef X
	    WAY_NR
};

static const char *const names[] = {
#define X(name) #name,
    WAYS(X)
#undef X
};

static struct line {
	unsigned long mapped, unmapped, pieces;
} lines[WAY_NR];
static unsigned long failed;

static void check(bool ok, const char *what)
{
	if (!ok) {
		perror(what);
		exit(1);
	}
}

static void note_mapped(enum way way, unsigned long bytes)
{
	__atomic_fetch_add(&lines[way].mapped, bytes, __ATOMIC_RELAXED);
	__atomic_fetch_add(&lines[way].pieces, 1, __ATOMIC_RELAXED);
}

/* `pieces` more are there than before, or fewer. */
static void note_unmapped(enum way way, unsigned long bytes, long pieces)
{
	__atomic_fetch_add(&lines[way].unmapped, bytes, __ATOMIC_RELAXED);
	__atomic_fetch_add(&lines[way].pieces, (unsigned long)pieces, __ATOMIC_RELAXED);
}

static char *map(void *at, unsigned long pages, int flags, int fd)
{
	char *p = mmap(at, pages * PAGE, PROT_READ | PROT_WRITE, flags, fd, 0);

	check(p != MAP_FAILED, "mmap");
	return p;
}

/* ---- one function for each way ------------------------------------------------- */

/* A hole in the middle, an end cut off, and two calls that take several pieces. */
static void map_anonymous(void)
{
	char *p = map(NULL, 20, MAP_PRIVATE | MAP_ANONYMOUS, -1);

	note_mapped(WAY_map_anonymous, 20 * PAGE);
	check(!munmap(p + 4 * PAGE, 2 * PAGE), "munmap");
	note_unmapped(WAY_map_anonymous, 2 * PAGE, +1);
	check(!munmap(p + 19 * PAGE, 1), "munmap");
	note_unmapped(WAY_map_anonymous, PAGE, 0);
	check(!munmap(p + 10 * PAGE, 2 * PAGE), "munmap");
	note_unmapped(WAY_map_anonymous, 2 * PAGE, +1);
	/* 3 and 6 to 8: across the first hole */
	check(!munmap(p + 3 * PAGE, 6 * PAGE), "munmap");
	note_unmapped(WAY_map_anonymous, 4 * PAGE, 0);
	/* not there: no error */
	check(!munmap(p + 4 * PAGE, PAGE), "munmap");
	/* giving pages back changes nothing */
	check(!madvise(p, 3 * PAGE, MADV_DONTNEED), "madvise");
	check(!mprotect(p + PAGE, PAGE, PROT_READ), "mprotect");
}

static void map_over(void)
{
	char *p = map(NULL, 12, MAP_PRIVATE | MAP_ANONYMOUS, -1);

	note_mapped(WAY_map_over, 12 * PAGE);
	map(p + 5 * PAGE, 2, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1);
	note_unmapped(WAY_map_over, 2 * PAGE, +1);
	note_mapped(WAY_map_over, 2 * PAGE);
	map(p, 12, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1);
	note_unmapped(WAY_map_over, 12 * PAGE, -3);
	note_mapped(WAY_map_over, 12 * PAGE);
}

static void map_file(void)
{
	int fd = open("/proc/self/exe", O_RDONLY);
	char *p = mmap(NULL, 100, PROT_READ, MAP_PRIVATE, fd, 0);

	check(p != MAP_FAILED, "mmap of a file");
	close(fd);
	note_mapped(WAY_map_file, PAGE);
}

static void map_shared(void)
{
	memset(map(NULL, 7, MAP_SHARED | MAP_ANONYMOUS, -1), 1, 100);
	note_mapped(WAY_map_shared, 7 * PAGE);
}

static void map_memfd(void)
{
	int fd = memfd_create("space", 0);

	check(!ftruncate(fd, 5 * PAGE), "ftruncate");
	map(NULL, 5, MAP_SHARED, fd);
	close(fd);
	note_mapped(WAY_map_memfd, 5 * PAGE);
}

/* Much more than there is memory. */
static void map_reserved(void)
{
	unsigned long bytes = 1UL << 40;

	check(mmap(NULL, bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0) !=
		  MAP_FAILED,
	      "mmap of 1 TiB");
	note_mapped(WAY_map_reserved, bytes);
}

static void remap_grown(void)
{
	char *p = map(NULL, 3, MAP_PRIVATE | MAP_ANONYMOUS, -1);

	note_mapped(WAY_remap_grown, 3 * PAGE);
	check(mremap(p, 3 * PAGE, 9 * PAGE, MREMAP_MAYMOVE) != MAP_FAILED, "mremap");
	note_unmapped(WAY_remap_grown, 3 * PAGE, -1);
	note_mapped(WAY_remap_grown, 9 * PAGE);
}

static void remap_moved(void)
{
	char *p = map(NULL, 4, MAP_PRIVATE | MAP_ANONYMOUS, -1);
	char *q = map(NULL, 6, MAP_PRIVATE | MAP_ANONYMOUS, -1);

	note_mapped(WAY_remap_moved, 4 * PAGE);
	note_mapped(WAY_remap_moved, 6 * PAGE);
	check(mremap(p, 4 * PAGE, 4 * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, q + PAGE) != MAP_FAILED,
	      "mremap to a place");
	note_unmapped(WAY_remap_moved, 4 * PAGE, +1); /* out of q, which is two now */
	note_unmapped(WAY_remap_moved, 4 * PAGE, -1);
	note_mapped(WAY_remap_moved, 4 * PAGE);
}

static void remap_shrunk(void)
{
	char *p = map(NULL, 8, MAP_PRIVATE | MAP_ANONYMOUS, -1);

	note_mapped(WAY_remap_shrunk, 8 * PAGE);
	check(mremap(p, 8 * PAGE, 3 * PAGE, 0) != MAP_FAILED, "mremap");
	note_unmapped(WAY_remap_shrunk, 8 * PAGE, -1);
	note_mapped(WAY_remap_shrunk, 3 * PAGE);
}

/* In uneven steps: what counts is pages. */
static void break_grown(void)
{
	unsigned long start = (unsigned long)sbrk(0), end;

	check(sbrk(100) != (void *)-1 && sbrk(9000) != (void *)-1 && sbrk(64 * 1024) != (void *)-1,
	      "sbrk");
	check(sbrk(-30000) != (void *)-1, "sbrk down");
	end = (unsigned long)sbrk(0);
	/* the whole ways up and down, page by page */
	start = (start + PAGE - 1) / PAGE;
	end = (end + 30000 + PAGE - 1) / PAGE;
	note_mapped(WAY_break_grown, (end - start) * PAGE);
	note_unmapped(WAY_break_grown, (end - ((unsigned long)sbrk(0) + PAGE - 1) / PAGE) * PAGE,
		      0);
}

static void segment_attached(void)
{
	int id = shmget(IPC_PRIVATE, 3 * PAGE + 1, IPC_CREAT | 0600);
	void *p, *q;

	check(id >= 0, "shmget");
	p = shmat(id, NULL, 0);
	q = shmat(id, NULL, 0);
	shmctl(id, IPC_RMID, NULL);
	check(p != (void *)-1 && q != (void *)-1, "shmat");
	note_mapped(WAY_segment_attached, 4 * PAGE);
	note_mapped(WAY_segment_attached, 4 * PAGE);
	check(!shmdt(p), "shmdt");
	note_unmapped(WAY_segment_attached, 4 * PAGE, -1);
}

/* Each of these fails, and changes nothing. */
static void fail(void)
{
	char *p = map(NULL, 1, MAP_PRIVATE | MAP_ANONYMOUS, -1);

	note_mapped(WAY_fail, PAGE);
	check(munmap(p + 1, PAGE), "munmap of no page");
	check(munmap(p, 0), "munmap of nothing");
	check(mmap(NULL, 1UL << 60, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED,
	      "mmap of too much");
	check(mmap(NULL, 0, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED,
	      "mmap of nothing");
	check(mremap(p, PAGE, 1UL << 50, MREMAP_MAYMOVE) == MAP_FAILED, "mremap to too much");
	check(shmdt(p), "shmdt of no segment");
	failed += 3;
}

/* ---- threads ------------------------------------------------------------------------ */

static unsigned long operations;

static void *churn(void *seed)
{
	struct slot {
		char *p;
		unsigned long pages;
	} slots[SLOTS] = {{0}};
	unsigned long state = (unsigned long)seed;

	for (unsigned long i = 0; i < operations; i++) {
		struct slot *slot = &slots[ledger_random(&state) % SLOTS];

		if (slot->p && slot->pages > 1 && ledger_random(&state) % 3 == 0) {
			/* the end of it */
			slot->pages--;
			check(!munmap(slot->p + slot->pages * PAGE, PAGE), "munmap");
			note_unmapped(WAY_churn, PAGE, 0);
		} else if (slot->p) {
			check(!munmap(slot->p, slot->pages * PAGE), "munmap");
			note_unmapped(WAY_churn, slot->pages * PAGE, -1);
			slot->p = NULL;
		} else {
			slot->pages = 1 + ledger_random(&state) % 9;
			slot->p = map(NULL, slot->pages, MAP_PRIVATE | MAP_ANONYMOUS, -1);
			note_mapped(WAY_churn, slot->pages * PAGE);
		}
	}
	return NULL;
}

static void run_threads(unsigned long count)
{
	pthread_t threads[THREADS_MAX];

	for (unsigned long i = 0; i < count; i++)
		check(!pthread_create(&threads[i], NULL, churn, (void *)(i + 1)), "pthread_create");
	for (unsigned long i = 0; i < count; i++)
		pthread_join(threads[i], NULL);
}

/* ---- the ledger ------------------------------------------------------------------------ */

/* Without stdio, which would map a buffer. */
static unsigned long all_mapped(void)
{
	static char text[1 << 18];
	unsigned long start, end, sum = 0;
	size_t length = 0;
	ssize_t n;
	int fd = open("/proc/self/maps", O_RDONLY);

	while ((n = read(fd, text + length, sizeof(text) - 1 - length)) > 0)
		length += (size_t)n;
	close(fd);
	for (char *line = text; *line; line = strchr(line, '\n') + 1) {
		start = strtoul(line, &line, 16);
		end = strtoul(line + 1, &line, 16);
		if (start < 1UL << 63) /* not [vsyscall] */
			sum += end - start;
	}
	return sum;
}

static void write_ledger(const char *name)
{
	static char text[4096], path[512];
	size_t length = 0;
	int fd;

	for (int i = 0; i < WAY_NR; i++)
		length +=
		    (size_t)snprintf(text + length, sizeof(text) - length, "%s %lu %lu %lu\n",
				     names[i], lines[i].mapped, lines[i].unmapped, lines[i].pieces);
	length +=
	    (size_t)snprintf(text + length, sizeof(text) - length, "failed %lu 0 0\n", failed);
	length +=
	    (size_t)snprintf(text + length, sizeof(text) - length, "all %lu 0 0\n", all_mapped());
	snprintf(path, sizeof(path), "%s/%s.%d", getenv("LEDGER"), name, (int)getpid());
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	check(fd >= 0 && write(fd, text, length) == (ssize_t)length, path);
	close(fd);
}

static void child_mapped(void)
{
	map(NULL, 11, MAP_PRIVATE | MAP_ANONYMOUS, -1);
	memset(lines, 0, sizeof(lines));
	note_mapped(WAY_child_mapped, 11 * PAGE);
	failed = 0;
	write_ledger("child");
	_exit(0);
}

int main(int argc, char **argv)
{
	bool waits = argc > 1 && !strcmp(argv[1], "wait");

	char byte;
	pid_t pid;

	argc -= waits;
	argv += waits;
	if (waits) {
		ledger_signal("begun");
		check(read(0, &byte, 1) == 1, "read");
	}
	map_anonymous();
	map_over();
	map_file();
	map_shared();
	map_memfd();
	map_reserved();
	remap_grown();
	remap_moved();
	remap_shrunk();
	break_grown();
	segment_attached();
	fail();
	if (argc > 2) {
		operations = strtoul(argv[2], NULL, 10);
		run_threads(strtoul(argv[1], NULL, 10) % (THREADS_MAX + 1));
	}
	pid = fork();
	if (!pid)
		child_mapped();
	check(waitpid(pid, NULL, 0) == pid, "waitpid");
	write_ledger("space");
	if (waits) {
		ledger_signal("ready");
		check(read(0, &byte, 1) == 1, "read");
	}
	return 0;
}
