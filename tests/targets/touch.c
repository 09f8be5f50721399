/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A process that keeps books of the pages it touches.  Each way to bring pages in
 * has a function of its own, so that a report's stacks tell them apart.  A line of
 * the ledger is one function: bytes of its pages that are resident when the ledger
 * is written, as the process itself reads them in /proc/self/pagemap.
 *
 *   touch            everything once, the ledger, and ends; so does its child
 *   touch hold       the same, but both stay
 *   touch wait       waits for a byte on stdin before, and stays
 *   touch exec       touches 64 MiB and a few pages, so that they are looked at, and becomes
 *                    `touch hold`
 *   touch peak       waits for a byte before each: 64 MiB in first_peak(), that unmapped
 *                    and 32 MiB in second_peak(); stays
 *   touch deep       waits for a byte; its first page fault then is 110 frames deep; stays
 *   touch spike      waits for a byte, 48 MiB in spike(), unmapped at once; stays
 *
 * Before anything counts, all pages of code, data and stack that are mapped are
 * touched: else a function would bring in, beside its own pages, those it runs on.
 *
 * More lines: rss, of /proc/self/status at the end; faults and major, of getrusage()
 * around all that runs in marked().
 */
#include <fcntl.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ledger.h"

#define PAGE 4096UL
#define HUGE (2UL << 20)
#define MIB (1UL << 20)
#define THREADS 4
#define RANGES 64
#define FILE_PAGES 64
#define FRAME ((1ULL << 55) - 1)
#define PREPARED_MAX (4 * MIB) /* no mapping of the start is larger, but reservations */

#define WAYS(X)                                                                                    \
	X(touch_anonymous)                                                                         \
	X(touch_again)                                                                             \
	X(touch_read)                                                                              \
	X(touch_file)                                                                              \
	X(touch_file_shared)                                                                       \
	X(touch_file_cold)                                                                         \
	X(touch_shared)                                                                            \
	X(touch_memfd)                                                                             \
	X(touch_break)                                                                             \
	X(touch_kernel)                                                                            \
	X(touch_populate)                                                                          \
	X(touch_locked)                                                                            \
	X(touch_advised)                                                                           \
	X(touch_before)                                                                            \
	X(touch_reused)                                                                            \
	X(touch_moved)                                                                             \
	X(touch_huge)                                                                              \
	X(touch_small)                                                                             \
	X(touch_huge_again)                                                                        \
	X(touch_hugetlb)                                                                           \
	X(touch_stack)                                                                             \
	X(touch_thread)                                                                            \
	X(child_write)                                                                             \
	X(touch_deep)                                                                              \
	X(second_peak)                                                                             \
	X(inherited)                                                                               \
	X(nobody)

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

/* The pages that are a function's, if present; of ranges that overlap the last counts. */
static struct range {
	uintptr_t start, end;
	enum way way;
} ranges[RANGES];
static int range_count;

static int pagemap_fd, cold_fd, file_fd;
static uint64_t zero_frame; /* of the page of zeroes, which is in nobody's RSS */
static uintptr_t stack_low; /* the first thread's stack is touched from here up */
static char *anonymous, *reused;
static char parts[PAGE]; /* what files are written from */
static struct rusage before, after;

static void check(bool ok, const char *what)
{
	if (!ok) {
		perror(what);
		exit(1);
	}
}

static void own(enum way way, const void *p, unsigned long pages)
{
	check(range_count < RANGES, "ranges");
	ranges[range_count++] = (struct range){(uintptr_t)p, (uintptr_t)p + pages * PAGE, way};
}

static char *map(unsigned long pages, int flags, int fd)
{
	char *p = mmap(NULL, pages * PAGE, PROT_READ | PROT_WRITE, flags, fd, 0);

	check(p != MAP_FAILED, "mmap");
	return p;
}

/* Aligned to huge pages: what lies around it goes back. */
static char *map_aligned(unsigned long bytes)
{
	char *p = map((bytes + HUGE) / PAGE, MAP_PRIVATE | MAP_ANONYMOUS, -1);
	char *start = (char *)(((uintptr_t)p + HUGE - 1) & ~(HUGE - 1));

	if (start > p)
		munmap(p, (size_t)(start - p));
	munmap(start + bytes, (size_t)(p + HUGE - start));
	return start;
}

/* Every page from the first to the last. */
static void write_pages(char *p, unsigned long first, unsigned long count)
{
	for (unsigned long i = first; i < first + count; i++)
		((volatile char *)p)[i * PAGE] = 1;
}

static void read_pages(const char *p, unsigned long first, unsigned long count)
{
	for (unsigned long i = first; i < first + count; i++)
		(void)((const volatile char *)p)[i * PAGE];
}

/* ---- one function for each way -------------------------------------------------- */

static void touch_anonymous(void)
{
	anonymous = map(24, MAP_PRIVATE | MAP_ANONYMOUS, -1);
	write_pages(anonymous, 0, 20);
	own(WAY_touch_anonymous, anonymous, 24);
}

/* Some of another's pages go, and of these some come back. */
static void touch_again(void)
{
	check(!madvise(anonymous + 6 * PAGE, 5 * PAGE, MADV_DONTNEED), "madvise");
	write_pages(anonymous, 7, 3);
	own(WAY_touch_again, anonymous + 6 * PAGE, 5);
}

static void touch_read(void)
{
	char *p = map(16, MAP_PRIVATE | MAP_ANONYMOUS, -1);

	read_pages(p, 0, 16);
	write_pages(p, 0, 8);
	own(WAY_touch_read, p, 16);
}

/* One fault brings what lies around; a write to a private one copies it. */
static void touch_file(void)
{
	char *p = map(FILE_PAGES, MAP_PRIVATE, file_fd);

	read_pages(p, 3, 1);
	read_pages(p, 40, 1);
	write_pages(p, 5, 2);
	own(WAY_touch_file, p, FILE_PAGES);
}

static void touch_file_shared(void)
{
	char *p = map(FILE_PAGES, MAP_SHARED, file_fd);

	read_pages(p, 20, 1);
	write_pages(p, 22, 1);
	write_pages(p, 50, 3);
	own(WAY_touch_file_shared, p, FILE_PAGES);
}

/* Not in memory: these faults are major ones. */
static void touch_file_cold(void)
{
	char *p = map(FILE_PAGES, MAP_PRIVATE, cold_fd);

	check(!madvise(p, FILE_PAGES * PAGE, MADV_RANDOM), "madvise");
	for (unsigned long i = 0; i < FILE_PAGES; i += 8)
		read_pages(p, i, 1);
	own(WAY_touch_file_cold, p, FILE_PAGES);
}

static void touch_shared(void)
{
	char *p = map(12, MAP_SHARED | MAP_ANONYMOUS, -1);

	write_pages(p, 0, 6);
	own(WAY_touch_shared, p, 12);
}

/* What is written to the file, but not through memory, is not resident here before it is read. */
static void touch_memfd(void)
{
	int fd = memfd_create("touch", 0);
	char *p;

	check(!ftruncate(fd, 10 * PAGE), "ftruncate");
	check(pwrite(fd, parts, PAGE, 7 * PAGE) == PAGE, "pwrite");
	p = map(10, MAP_SHARED, fd);
	write_pages(p, 0, 4);
	read_pages(p, 7, 1);
	own(WAY_touch_memfd, p, 10);
	close(fd);
}

static void touch_break(void)
{
	char *p = sbrk(0);

	check(p != (char *)-1 && sbrk((intptr_t)(-(uintptr_t)p % PAGE)) != (void *)-1, "sbrk");
	p = sbrk(8 * PAGE);
	check(p != (char *)-1, "sbrk");
	write_pages(p, 1, 7);
	own(WAY_touch_break, p, 8);
}

/* The kernel writes to the pages first. */
static void touch_kernel(void)
{
	char *p = map(12, MAP_PRIVATE | MAP_ANONYMOUS, -1);

	check(pread(file_fd, p, 9 * PAGE, 0) == 9 * PAGE, "pread");
	own(WAY_touch_kernel, p, 12);
}

/* These three without a fault. */
static void touch_populate(void)
{
	own(WAY_touch_populate, map(14, MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1), 14);
}

/* Mapped by another function. */
static void touch_locked(char *p)
{
	check(!mlock(p + PAGE, 5 * PAGE), "mlock");
	own(WAY_touch_locked, p + PAGE, 5);
}

static void touch_advised(char *p)
{
	check(!madvise(p + 2 * PAGE, 3 * PAGE, MADV_POPULATE_WRITE), "madvise");
	own(WAY_touch_advised, p, 7);
}

/* Other pages, at the same addresses, without a fault. */
static void touch_before(void)
{
	reused = map(8, MAP_PRIVATE | MAP_ANONYMOUS, -1);
	write_pages(reused, 0, 8);
	own(WAY_touch_before, reused, 8);
}

static void touch_reused(void)
{
	check(mmap(reused, 6 * PAGE, PROT_READ | PROT_WRITE,
		   MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE | MAP_FIXED, -1, 0) == reused,
	      "mmap in place");
	own(WAY_touch_reused, reused, 6);
}

/* Pages that mremap() takes elsewhere are whose they were. */
static void move(char *p)
{
	char *q = map(16, MAP_PRIVATE | MAP_ANONYMOUS, -1);

	check(mremap(p, 6 * PAGE, 6 * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, q + 4 * PAGE) ==
		  q + 4 * PAGE,
	      "mremap");
	own(WAY_nobody, p, 6);
	own(WAY_touch_moved, q, 16);
}

static char *touch_moved(void)
{
	char *p = map(6, MAP_PRIVATE | MAP_ANONYMOUS, -1);

	write_pages(p, 0, 4);
	return p;
}

static void touch_huge(void)
{
	char *p = map_aligned(2 * HUGE);

	madvise(p, 2 * HUGE, MADV_HUGEPAGE);
	write_pages(p, 17, 1);
	write_pages(p, 512 + 511, 1);
	own(WAY_touch_huge, p, 2 * HUGE / PAGE);
}

/* A huge page where small ones were. */
static char *touch_small(void)
{
	char *p = map_aligned(HUGE);

	madvise(p, HUGE, MADV_NOHUGEPAGE);
	write_pages(p, 0, 512);
	return p;
}

static void touch_huge_again(char *p)
{
	check(!madvise(p, HUGE, MADV_DONTNEED), "madvise");
	madvise(p, HUGE, MADV_HUGEPAGE);
	write_pages(p, 300, 1);
	own(WAY_touch_huge_again, p, 512);
}

/* In nobody's RSS; there may be no such pages. */
static void touch_hugetlb(void)
{
	char *p = mmap(NULL, HUGE, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB, -1, 0);

	if (p != MAP_FAILED)
		write_pages(p, 3, 1);
}

static int touch_stack(int depth)
{
	volatile char local[PAGE];

	local[0] = 1;
	if (depth)
		return touch_stack(depth - 1) + local[0];
	own(WAY_touch_stack, (void *)(stack_low - 4 * MIB), 4 * MIB / PAGE);
	return 0;
}

static void touch_thread(char *p)
{
	write_pages(p, 0, 5);
}

static void child_write(void)
{
	write_pages(anonymous, 1, 3);
	write_pages(anonymous, 21, 2);
	own(WAY_child_write, anonymous + PAGE, 3);
	own(WAY_child_write, anonymous + 20 * PAGE, 4);
}

static char *first_peak(void)
{
	char *p = map(64 * MIB / PAGE, MAP_PRIVATE | MAP_ANONYMOUS, -1);

	write_pages(p, 0, 64 * MIB / PAGE);
	return p;
}

static void second_peak(void)
{
	char *p = map(32 * MIB / PAGE, MAP_PRIVATE | MAP_ANONYMOUS, -1);

	write_pages(p, 0, 32 * MIB / PAGE);
	own(WAY_second_peak, p, 32 * MIB / PAGE);
}

/* The sum keeps the call from becoming a jump. */
static int touch_deep(char *p, int depth)
{
	if (depth)
		return touch_deep(p, depth - 1) + 1;
	write_pages(p, 0, 5);
	return 0;
}

static void spike(void)
{
	char *p = map(48 * MIB / PAGE, MAP_PRIVATE | MAP_ANONYMOUS, -1);

	write_pages(p, 0, 48 * MIB / PAGE);
	munmap(p, 48 * MIB);
}

/* ---- threads ---------------------------------------------------------------------- */

/* Its frames' pages are not touch_thread()'s. */
static void use_stack(void)
{
	volatile char local[4 * PAGE];

	for (unsigned long i = sizeof(local); i; i -= 64)
		local[i - 1] = 1;
}

static void *thread_begin(void *part)
{
	use_stack();
	touch_thread(part);
	return NULL;
}

static void run_threads(void)
{
	char *p = map(THREADS * 6, MAP_PRIVATE | MAP_ANONYMOUS, -1);
	pthread_t threads[THREADS];

	own(WAY_touch_thread, p, THREADS * 6);
	for (unsigned long i = 0; i < THREADS; i++)
		check(!pthread_create(&threads[i], NULL, thread_begin, p + i * 6 * PAGE),
		      "pthread_create");
	for (unsigned long i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
}

/* ---- before and after ---------------------------------------------------------------- */

static char text[1 << 17];

/* Without stdio, which would allocate. */
static void read_text(const char *path)
{
	size_t length = 0;
	ssize_t n;
	int fd = open(path, O_RDONLY);

	while ((n = read(fd, text + length, sizeof(text) - 1 - length)) > 0)
		length += (size_t)n;
	text[length] = '\0';
	close(fd);
}

static uint64_t entry_at(uintptr_t address)
{
	uint64_t entry = 0;

	check(pread(pagemap_fd, &entry, sizeof(entry), (off_t)(address / PAGE * sizeof(entry))) ==
		  sizeof(entry),
	      "pagemap");
	return entry;
}

/* Documentation/admin-guide/mm/pagemap.rst */
static bool is_resident(uintptr_t address)
{
	uint64_t entry = entry_at(address);

	return entry >> 63 && (entry & FRAME) != zero_frame;
}

static void prepare_mapping(char *line)
{
	uintptr_t start = strtoul(line, &line, 16), end = strtoul(line + 1, &line, 16);

	if (strstr(line, "[v") || line[1] != 'r' || end - start > PREPARED_MAX)
		return;
	if (strstr(line, "[stack]"))
		stack_low = start;
	for (; start < end; start += PAGE) {
		volatile char *page = (volatile char *)start;
		char byte = *page;

		if (line[2] == 'w')
			*page = byte;
	}
}

static int make_file(const char *name)
{
	char path[512];
	int fd;

	snprintf(path, sizeof(path), "%s/.%s.%d", getenv("LEDGER"), name, (int)getpid());
	fd = open(path, O_RDWR | O_CREAT | O_TRUNC, 0600);
	check(fd >= 0, path);
	unlink(path);
	for (int i = 0; i < FILE_PAGES; i++)
		check(write(fd, parts, PAGE) == PAGE, path);
	return fd;
}

static void prepare(void)
{
	char *zero = map(1, MAP_PRIVATE | MAP_ANONYMOUS, -1);

	memset(parts, 7, sizeof(parts));
	file_fd = make_file("file");
	cold_fd = make_file("cold");
	check(!fsync(cold_fd) && !posix_fadvise(cold_fd, 0, 0, POSIX_FADV_DONTNEED), "fsync");
	pagemap_fd = open("/proc/self/pagemap", O_RDONLY);
	check(pagemap_fd >= 0, "pagemap");
	(void)*(volatile char *)zero;
	zero_frame = entry_at((uintptr_t)zero);
	/* Mapped here only: this kernel gives readers pages of their own. */
	zero_frame = zero_frame >> 56 & 1 ? ~0ULL : zero_frame & FRAME;
	munmap(zero, PAGE);
	read_text("/proc/self/maps");
	for (char *line = text, *next; *line; line = next) {
		next = strchr(line, '\n');
		*next++ = '\0';
		prepare_mapping(line);
	}
}

static unsigned long status_bytes(const char *name)
{
	const char *line;

	read_text("/proc/self/status");
	line = strstr(text, name);
	return line ? strtoul(line + strlen(name), NULL, 10) << 10 : 0;
}

static enum way owner(uintptr_t address)
{
	for (int i = range_count - 1; i >= 0; i--)
		if (address >= ranges[i].start && address < ranges[i].end)
			return ranges[i].way;
	return WAY_nobody;
}

/* Each page once, by the range that it belongs to. */
static unsigned long resident_bytes(enum way way)
{
	unsigned long bytes = 0;

	for (int i = 0; i < range_count; i++)
		for (uintptr_t at = ranges[i].start; ranges[i].way == way && at < ranges[i].end;
		     at += PAGE)
			if (is_resident(at) && owner(at) == way)
				bytes += PAGE;
	return bytes;
}

/*
 * Up to 6.1 a thread keeps what it counts to itself for 64 page faults, of up to 16 pages
 * each (check_sync_rss_stat(), gone with commit f1a7941243c1).  One page is enough for them.
 */
static void hand_in_counts(void)
{
	volatile char *page =
	    mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	check(page != MAP_FAILED, "mmap");
	for (int i = 0; i < 80; i++) {
		*page = 1;
		madvise((void *)page, PAGE, MADV_DONTNEED);
	}
	munmap((void *)page, PAGE);
}

static void write_ledger(const char *name)
{
	static char lines[4096], path[512];
	size_t length;
	int fd;

	snprintf(path, sizeof(path), "%s/%s.%d", getenv("LEDGER"), name, (int)getpid());
	/* Twice: the first time may bring in pages itself. */
	for (int i = 0; i < 2; i++) {
		length = 0;
		for (int way = 0; way < WAY_nobody; way++)
			length += (size_t)snprintf(lines + length, sizeof(lines) - length,
						   "%s %lu\n", names[way], resident_bytes(way));
		length += (size_t)snprintf(lines + length, sizeof(lines) - length,
					   "faults %lu\nmajor %lu\n",
					   (unsigned long)(after.ru_minflt - before.ru_minflt +
							   after.ru_majflt - before.ru_majflt),
					   (unsigned long)(after.ru_majflt - before.ru_majflt));
		hand_in_counts();
		length +=
		    (size_t)snprintf(lines + length, sizeof(lines) - length, "high %lu\nrss %lu\n",
				     status_bytes("VmHWM:"), status_bytes("VmRSS:"));
	}
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	check(fd >= 0 && write(fd, lines, length) == (ssize_t)length, path);
	close(fd);
}

/* ---- the ways together ------------------------------------------------------------------ */

/* What the kernel counts of it are page faults, nothing else. */
static void marked(void)
{
	char *small, *moved;

	getrusage(RUSAGE_SELF, &before);
	touch_anonymous();
	touch_again();
	touch_read();
	touch_file();
	touch_file_shared();
	touch_file_cold();
	touch_shared();
	touch_memfd();
	touch_break();
	touch_kernel();
	touch_before();
	moved = touch_moved();
	move(moved);
	touch_huge();
	small = touch_small();
	touch_huge_again(small);
	touch_stack(80);
	getrusage(RUSAGE_SELF, &after);
}

static void stay(void)
{
	ledger_signal("ready");
	for (;;)
		pause();
}

/* What the child has of its parent is nobody's that it knows. */
static void inherit(void)
{
	for (int i = 0; i < range_count; i++)
		ranges[i].way = WAY_inherited;
	pagemap_fd = open("/proc/self/pagemap", O_RDONLY);
	check(pagemap_fd >= 0, "pagemap");
}

static void child(bool stays)
{
	inherit();
	memset(&before, 0, sizeof(before));
	memset(&after, 0, sizeof(after));
	child_write();
	write_ledger("child");
	if (stays)
		stay();
	_exit(0);
}

static void touch_all(bool stays)
{
	pid_t pid;

	marked();
	touch_populate();
	touch_locked(map(7, MAP_PRIVATE | MAP_ANONYMOUS, -1));
	touch_advised(map(7, MAP_PRIVATE | MAP_ANONYMOUS, -1));
	touch_reused();
	touch_hugetlb();
	run_threads();
	pid = fork();
	if (!pid)
		child(stays);
	if (!stays)
		check(waitpid(pid, NULL, 0) == pid, "waitpid");
	write_ledger("touch");
}

static void wait_for_byte(const char *signal)
{
	char byte;

	ledger_signal(signal);
	check(read(0, &byte, 1) == 1, "read");
}

static void run_peak(void)
{
	char *p;

	wait_for_byte("begun");
	p = first_peak();
	wait_for_byte("first");
	munmap(p, 64 * MIB);
	second_peak();
	write_ledger("touch");
}

int main(int argc, char **argv)
{
	const char *how = argc > 1 ? argv[1] : "";
	char *deep;

	prepare();
	if (!strcmp(how, "exec")) {
		touch_anonymous();
		first_peak();
		usleep(700000); /* some ticks; what the test asks for holds without, too */
		execl("/proc/self/exe", argv[0], "hold", NULL);
		check(false, "exec");
	}
	if (!strcmp(how, "peak")) {
		run_peak();
	} else if (!strcmp(how, "deep")) {
		deep = map(5, MAP_PRIVATE | MAP_ANONYMOUS, -1);
		own(WAY_touch_deep, deep, 5);
		wait_for_byte("begun");
		touch_deep(deep, 100);
		write_ledger("touch");
	} else if (!strcmp(how, "spike")) {
		wait_for_byte("begun");
		spike();
		write_ledger("touch");
	} else {
		if (!strcmp(how, "wait"))
			wait_for_byte("begun");
		touch_all(*how);
	}
	if (*how)
		stay();
	return 0;
}
