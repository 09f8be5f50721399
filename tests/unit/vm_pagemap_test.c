/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Resident pages of a child that touches known ones, found in both ways: against
 * what it touched, what mincore(2) says, and what the kernel counts in smaps.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "vm/pagemap.h"

#ifndef MADV_GUARD_INSTALL /* 6.13 */
#define MADV_GUARD_INSTALL 102
#endif

#define PAGES 300
#define HUGE_BLOCKS 4
#define RESERVED ((size_t)16 << 40)
#define CHUNK ((size_t)65536 * page)
#define HUGETLB_SIZE ((size_t)2 << 20)

/* What the child made, in memory shared with it. */
struct made {
	char *anonymous, *shared, *file, *huge, *small, *hugetlb, *guarded, *read;
	char *reserved, *sparse, *sparse_later;
	bool anonymous_touched[PAGES], shared_touched[PAGES], file_touched[PAGES],
	    file_written[PAGES];
	unsigned char in_core[PAGES]; /* mincore's, of `anonymous` */
	bool has_huge, has_guard;
};

static size_t page, huge_size;

/* ---- the child ------------------------------------------------------------ */

static void require(bool ok)
{
	if (!ok)
		_exit(1);
}

static char *map(size_t size, int protection, int flags, int fd)
{
	void *at = mmap(NULL, size, protection, flags, fd, 0);

	require(at != MAP_FAILED);
	return at;
}

static void touch_anonymous(struct made *made)
{
	unsigned i;

	made->anonymous =
	    map(PAGES * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1);
	/* Its pages one by one, whatever this machine does with huge ones. */
	madvise(made->anonymous, PAGES * page, MADV_NOHUGEPAGE);
	for (i = 0; i < PAGES; i++)
		if (random() % 3) {
			made->anonymous[i * page] = 1;
			made->anonymous_touched[i] = true;
		}
	for (i = 0; i < PAGES; i += 7) {
		require(!madvise(made->anonymous + i * page, 2 * page, MADV_DONTNEED));
		made->anonymous_touched[i] = made->anonymous_touched[i + 1] = false;
	}
	require(!mincore(made->anonymous, PAGES * page, made->in_core));
}

static void touch_shared(struct made *made)
{
	unsigned i;

	made->shared = map(PAGES * page, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1);
	for (i = 0; i < PAGES; i++)
		if (random() % 2) {
			made->shared[i * page] = 1;
			made->shared_touched[i] = true;
		}
}

static void touch_file(struct made *made)
{
	char name[] = "/tmp/pagemap-test-XXXXXX";
	int fd = mkstemp(name);
	volatile char sum = 0;
	unsigned i;

	require(fd >= 0 && !ftruncate(fd, (off_t)(PAGES * page)));
	unlink(name);
	made->file = map(PAGES * page, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd);
	for (i = 0; i < PAGES; i += 1 + random() % 40) {
		sum += made->file[i * page];
		made->file_touched[i] = true;
		if (random() % 2) {
			made->file[i * page] = 1;
			made->file_written[i] = true;
		}
	}
	close(fd);
}

static char *map_huge(bool *has_huge)
{
	char *at = map((HUGE_BLOCKS + 1) * huge_size, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1);

	at = (char *)(((uintptr_t)at + huge_size - 1) & ~(huge_size - 1));
	*has_huge = !madvise(at, HUGE_BLOCKS * huge_size, MADV_HUGEPAGE);
	return at;
}

/* One byte in every second block; of others one is read, and may be the huge zero page. */
static void touch_huge(struct made *made)
{
	volatile char sum = 0;
	bool ignored;
	char *read;
	unsigned i;
	size_t at;

	if (!huge_size)
		return;
	made->huge = map_huge(&made->has_huge);
	for (i = 0; i < HUGE_BLOCKS; i += 2)
		made->huge[i * huge_size + 5 * page] = 1;
	/* All pages of a huge page, one by one; in falling order, so that their frames do not rise.
	 */
	made->small = map_huge(&ignored);
	require(!madvise(made->small, huge_size, MADV_NOHUGEPAGE));
	for (at = huge_size; at; at -= page)
		made->small[at - page] = 1;
	read = map_huge(&ignored);
	for (i = 0; i < HUGE_BLOCKS; i++)
		sum += read[i * huge_size];
	read[0] = 1;
	/* khugepaged would like to make one page of it. */
	require(!madvise(read, HUGE_BLOCKS * huge_size, MADV_NOHUGEPAGE));
}

static void reserve(struct made *made)
{
	made->reserved = map(RESERVED, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1);
	made->sparse =
	    map(RESERVED, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1);
	madvise(made->sparse, RESERVED, MADV_NOHUGEPAGE);
	made->sparse[0] = made->sparse[RESERVED - 1] = 1;
	/* Where one read of entries ends and the next begins. */
	made->sparse_later = (char *)(((uintptr_t)made->sparse + CHUNK) & ~(CHUNK - 1));
	*made->sparse_later = 1;
}

static void guard(struct made *made)
{
	made->guarded = map(4 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1);
	madvise(made->guarded, 4 * page, MADV_NOHUGEPAGE);
	made->guarded[3 * page] = 1;
	made->has_guard = !madvise(made->guarded, page, MADV_GUARD_INSTALL);
}

static void child_run(struct made *made)
{
	volatile char sum = 0;
	struct timespec now;
	unsigned i;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	srandom(20261125);
	touch_anonymous(made);
	touch_shared(made);
	touch_file(made);
	touch_huge(made);
	reserve(made);
	guard(made);
	/* The clock's page, [vvar], is in nobody's RSS. */
	clock_gettime(CLOCK_MONOTONIC, &now);
	/* Only read: on some machines all of these are the zero page. */
	made->read = map(PAGES * page, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1);
	madvise(made->read, PAGES * page, MADV_NOHUGEPAGE);
	for (i = 0; i < PAGES; i += 2)
		sum += made->read[i * page];
	/* NULL where the machine has set none aside. */
	made->hugetlb = mmap(NULL, 2 * HUGETLB_SIZE, PROT_READ | PROT_WRITE,
			     MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB, -1, 0);
	if (made->hugetlb == MAP_FAILED)
		made->hugetlb = NULL;
	else
		made->hugetlb[HUGETLB_SIZE] = 1;
	raise(SIGSTOP);
	_exit(0);
}

struct fixture {
	struct made *made;
	pid_t pid;
};

static int start(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	int status;

	assert_non_null(f);
	f->made =
	    mmap(NULL, sizeof(*f->made), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	assert_true(f->made != MAP_FAILED);
	f->pid = fork();
	if (!f->pid)
		child_run(f->made);
	assert_true(f->pid > 0);
	assert_int_equal(waitpid(f->pid, &status, WUNTRACED), f->pid);
	assert_true(WIFSTOPPED(status));
	*state = f;
	return 0;
}

static int stop(void **state)
{
	struct fixture *f = *state;

	kill(f->pid, SIGKILL);
	waitpid(f->pid, NULL, 0);
	munmap(f->made, sizeof(*f->made));
	free(f);
	return 0;
}

/* ---- all ranges, kept -------------------------------------------------------- */

struct found {
	struct pagemap_range *ranges;
	size_t count;
	struct areas areas;
	uint64_t unread_bytes;
};

static int keep(void *context, const struct pagemap_range *range)
{
	struct found *f = context;

	f->ranges = realloc(f->ranges, (f->count + 1) * sizeof(*f->ranges));
	assert_non_null(f->ranges);
	assert_true(range->start < range->end);
	assert_true(!f->count || f->ranges[f->count - 1].end <= range->start);
	assert_in_range(range->start, range->area->start, range->area->end - page);
	assert_in_range(range->end, range->area->start + page, range->area->end);
	f->ranges[f->count++] = *range;
	return 0;
}

/* False if this kernel has no such way. */
static bool find(pid_t pid, enum pagemap_way way, struct found *f)
{
	struct pagemap *pagemap;
	int err = pagemap_open(pid, way, &pagemap);

	*f = (struct found){0};
	if (err == -EOPNOTSUPP && way == PAGEMAP_BY_SCAN)
		return false;
	assert_int_equal(err, 0);
	/* Always smaps: the tests want to know what the kernel counts. */
	assert_int_equal(areas_read(pid, AREAS_SMAPS, &f->areas), 0);
	assert_int_equal(pagemap_walk(pagemap, &f->areas, keep, f), 0);
	f->unread_bytes = pagemap_unread_bytes(pagemap);
	pagemap_close(pagemap);
	return true;
}

static void found_free(struct found *f)
{
	free(f->ranges);
	areas_free(&f->areas);
}

static uint32_t flags_at(const struct found *f, const char *address)
{
	size_t i;

	for (i = 0; i < f->count; i++)
		if (f->ranges[i].start <= (uintptr_t)address &&
		    (uintptr_t)address < f->ranges[i].end)
			return f->ranges[i].flags;
	return 0;
}

/* ---- against what was touched ---------------------------------------------------- */

static void check_touched(const struct fixture *f, const struct found *found)
{
	const struct made *made = f->made;
	unsigned i;

	for (i = 0; i < PAGES; i++) {
		size_t at = i * page;

		assert_int_equal(flags_at(found, made->anonymous + at),
				 made->anonymous_touched[i] ? PAGEMAP_PRESENT : 0);
		assert_int_equal(made->in_core[i] & 1, made->anonymous_touched[i]);
		assert_int_equal(flags_at(found, made->shared + at),
				 made->shared_touched[i] ? PAGEMAP_PRESENT | PAGEMAP_FILE : 0);
		/* A fault maps the pages around it too, if the file's are at hand. */
		if (made->file_written[i])
			assert_int_equal(flags_at(found, made->file + at), PAGEMAP_PRESENT);
		else if (made->file_touched[i])
			assert_int_equal(flags_at(found, made->file + at),
					 PAGEMAP_PRESENT | PAGEMAP_FILE);
	}
	assert_int_equal(flags_at(found, made->reserved), 0);
	assert_int_equal(flags_at(found, made->sparse), PAGEMAP_PRESENT);
	assert_int_equal(flags_at(found, made->sparse + page), 0);
	assert_int_equal(flags_at(found, made->sparse_later - page), 0);
	assert_int_equal(flags_at(found, made->sparse_later), PAGEMAP_PRESENT);
	assert_int_equal(flags_at(found, made->sparse_later + page), 0);
	assert_int_equal(flags_at(found, made->guarded + 3 * page), PAGEMAP_PRESENT);
	assert_int_equal(flags_at(found, made->guarded), 0);
	if (made->hugetlb) {
		assert_int_equal(flags_at(found, made->hugetlb), 0);
		assert_int_equal(flags_at(found, made->hugetlb + HUGETLB_SIZE),
				 PAGEMAP_PRESENT | PAGEMAP_HUGE);
		assert_int_equal(flags_at(found, made->hugetlb + 2 * HUGETLB_SIZE - 1),
				 PAGEMAP_PRESENT | PAGEMAP_HUGE);
	}
}

/* What is given of each area is what the kernel counts there. */
static void check_counted(const struct found *found)
{
	size_t i, at = 0;

	for (i = 0; i < found->areas.count; i++) {
		const struct area *area = &found->areas.items[i];
		uint64_t present = 0, swapped = 0;

		for (; at < found->count && found->ranges[at].start < area->end; at++) {
			const struct pagemap_range *r = &found->ranges[at];

			if (r->flags & PAGEMAP_PRESENT)
				present += r->end - r->start;
			else
				swapped += r->end - r->start;
		}
		if (area->end - area->start >= RESERVED / 64)
			continue; /* not read whole, entry by entry */
		if (area->flags & AREA_HUGETLB)
			continue; /* in nobody's RSS */
		assert_int_equal(present, area->rss_bytes);
		if (!(area->flags & AREA_SHMEM))
			assert_int_equal(swapped, area->swap_bytes);
	}
	assert_int_equal(at, found->count);
}

static void check_huge(const struct fixture *f, const struct found *found)
{
	unsigned block;
	size_t i;

	if (!f->made->has_huge)
		return;
	for (i = 0; i < huge_size; i += page)
		assert_int_equal(flags_at(found, f->made->small + i), PAGEMAP_PRESENT);
	for (block = 0; block < HUGE_BLOCKS; block += 2) {
		const char *at = f->made->huge + block * huge_size;
		/* The kernel may have had none at hand. */
		uint32_t wanted = flags_at(found, at) ? PAGEMAP_PRESENT | PAGEMAP_HUGE : 0;

		for (i = 0; wanted && i < huge_size; i += page)
			assert_int_equal(flags_at(found, at + i), wanted);
		assert_int_equal(flags_at(found, at + huge_size), 0);
	}
}

static void test_scan(void **state)
{
	struct found found;

	if (!find(((struct fixture *)*state)->pid, PAGEMAP_BY_SCAN, &found))
		skip();
	check_touched(*state, &found);
	check_counted(&found);
	check_huge(*state, &found);
	assert_int_equal(flags_at(&found, ((struct fixture *)*state)->made->sparse + RESERVED - 1),
			 PAGEMAP_PRESENT);
	assert_int_equal(found.unread_bytes, 0);
	found_free(&found);
}

static void test_entries(void **state)
{
	const struct fixture *f = *state;
	struct found found;

	assert_true(find(f->pid, PAGEMAP_BY_ENTRY, &found));
	check_touched(f, &found);
	check_counted(&found);
	check_huge(f, &found);
	/* Of 16 TiB only the beginning was read, and that is said. */
	assert_int_equal(flags_at(&found, f->made->sparse + RESERVED - 1), 0);
	assert_in_range(found.unread_bytes, page, RESERVED);
	found_free(&found);
}

static void test_both_ways_are_equal(void **state)
{
	const struct fixture *f = *state;
	struct found scanned, entries;
	size_t i, at = 0;

	if (!find(f->pid, PAGEMAP_BY_SCAN, &scanned))
		skip();
	assert_true(find(f->pid, PAGEMAP_BY_ENTRY, &entries));
	assert_int_equal(scanned.areas.count, entries.areas.count);
	for (i = 0; i < scanned.count; i++) {
		const struct area *area = scanned.ranges[i].area;

		if (area->end - area->start >= RESERVED / 64) {
			while (at < entries.count && entries.ranges[at].start < area->end)
				at++;
			continue;
		}
		assert_true(at < entries.count);
		assert_int_equal(scanned.ranges[i].start, entries.ranges[at].start);
		assert_int_equal(scanned.ranges[i].end, entries.ranges[at].end);
		assert_int_equal(scanned.ranges[i].flags, entries.ranges[at].flags);
		assert_int_equal(area->start, entries.ranges[at].area->start);
		at++;
	}
	assert_int_equal(at, entries.count);
	found_free(&scanned);
	found_free(&entries);
}

/* ---- the rest ------------------------------------------------------------------------ */

static int refuse(void *context, const struct pagemap_range *range)
{
	(void)range;
	return ++*(int *)context == 3 ? -ECANCELED : 0;
}

static void test_ended_early(void **state)
{
	static const enum pagemap_way ways[] = {PAGEMAP_BEST, PAGEMAP_BY_ENTRY};
	const struct fixture *f = *state;
	struct pagemap *pagemap;
	struct areas areas;
	int i;

	for (i = 0; i < 2; i++) {
		int calls = 0;

		assert_int_equal(pagemap_open(f->pid, ways[i], &pagemap), 0);
		assert_int_equal(areas_read(f->pid, pagemap_areas_source(pagemap), &areas), 0);
		assert_int_equal(pagemap_walk(pagemap, &areas, refuse, &calls), -ECANCELED);
		assert_int_equal(calls, 3);
		areas_free(&areas);
		pagemap_close(pagemap);
	}
}

static void test_process_gone(void **state)
{
	struct pagemap *pagemap;
	struct found found = {0};
	int i, err;

	(void)state;
	for (i = 0; i < 2; i++) {
		pid_t pid = fork();

		if (!pid) {
			pause();
			_exit(0);
		}
		assert_true(pid > 0);
		assert_int_equal(pagemap_open(pid, i ? PAGEMAP_BY_ENTRY : PAGEMAP_BEST, &pagemap),
				 0);
		assert_int_equal(areas_read(pid, AREAS_MAPS, &found.areas), 0);
		kill(pid, SIGKILL);
		waitpid(pid, NULL, 0);
		err = pagemap_walk(pagemap, &found.areas, keep, &found);
		assert_true(!err || err == -ESRCH);
		assert_int_equal(found.count, 0);
		areas_free(&found.areas);
		pagemap_close(pagemap);
		assert_int_equal(pagemap_open(pid, PAGEMAP_BEST, &pagemap), -ESRCH);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_scan),
	    cmocka_unit_test(test_entries),
	    cmocka_unit_test(test_both_ways_are_equal),
	    cmocka_unit_test(test_ended_early),
	    cmocka_unit_test(test_process_gone),
	};

	page = (size_t)sysconf(_SC_PAGESIZE);
	huge_size = pagemap_huge_size();
	return cmocka_run_group_tests(tests, start, stop);
}
