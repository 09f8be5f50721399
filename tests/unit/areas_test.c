/* SPDX-License-Identifier: GPL-2.0 */
/* The whole address space, read back by the process that made it odd. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/shm.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "target/areas.h"

static size_t page;

static void read_own(struct areas *areas)
{
	assert_int_equal(areas_read(getpid(), AREAS_MAPS, areas), 0);
}

static const struct area *area_at(const struct areas *areas, const void *address)
{
	const struct area *area = areas_from(areas, (uintptr_t)address);

	assert_non_null(area);
	assert_true(area->start <= (uintptr_t)address);
	return area;
}

static void *map(int protection, int flags, int fd)
{
	void *at = mmap(NULL, 2 * page, protection, flags, fd, 0);

	assert_true(at != MAP_FAILED);
	return at;
}

/* The flags but for those that tell rights and sharing. */
static uint32_t kind(const struct areas *areas, const void *address)
{
	return area_at(areas, address)->flags &
	       ~(uint32_t)(AREA_READ | AREA_WRITE | AREA_EXECUTE | AREA_SHARED);
}

static void test_rights(void **state)
{
	void *none = map(PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1);
	void *shared = map(PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1);
	void *code = map(PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1);
	struct areas areas;

	(void)state;
	read_own(&areas);
	assert_int_equal(area_at(&areas, none)->flags, 0);
	assert_int_equal(area_at(&areas, shared)->flags,
			 AREA_READ | AREA_WRITE | AREA_SHARED | AREA_FILE | AREA_SHMEM);
	assert_int_equal(area_at(&areas, code)->flags, AREA_READ | AREA_EXECUTE);
	areas_free(&areas);
	munmap(none, 2 * page);
	munmap(shared, 2 * page);
	munmap(code, 2 * page);
}

static void test_order(void **state)
{
	struct areas areas;
	size_t i;

	(void)state;
	read_own(&areas);
	assert_true(areas.count > 10);
	for (i = 0; i < areas.count; i++) {
		const struct area *area = &areas.items[i];

		assert_true(area->start < area->end);
		assert_true(!i || area[-1].end <= area->start);
		assert_ptr_equal(areas_from(&areas, area->start), area);
		assert_ptr_equal(areas_from(&areas, area->end - 1), area);
		assert_string_not_equal(areas_name(&areas, area), "[vsyscall]");
	}
	assert_null(areas_from(&areas, areas.items[areas.count - 1].end));
	areas_free(&areas);
}

static void test_known_places(void **state)
{
	struct areas areas;
	size_t i, kernel = 0;
	char exe[4096];
	ssize_t n = readlink("/proc/self/exe", exe, sizeof(exe) - 1);
	const struct area *code;

	(void)state;
	assert_true(n > 0);
	/* A sanitizer's malloc does without a break. */
	assert_true(sbrk((intptr_t)page) != (void *)-1);
	exe[n] = '\0';
	read_own(&areas);
	assert_int_equal(kind(&areas, &areas), AREA_STACK);
	code = area_at(&areas, test_known_places);
	assert_int_equal(code->flags, AREA_READ | AREA_EXECUTE | AREA_FILE);
	assert_string_equal(areas_name(&areas, code), exe);
	assert_int_equal(kind(&areas, (const void *)((uintptr_t)sbrk(0) - 1)), AREA_BREAK);
	for (i = 0; i < areas.count; i++)
		kernel += areas.items[i].flags & AREA_KERNEL &&
			  !strcmp(areas_name(&areas, &areas.items[i]), "[vdso]");
	assert_int_equal(kernel, 1);
	areas_free(&areas);
}

/* ---- files --------------------------------------------------------------- */

static void check_named(const char *name, const char *shown)
{
	char directory[] = "/tmp/areas-test-XXXXXX", path[512], wanted[512];
	const struct area *area;
	struct areas areas;
	struct stat st;
	void *at;
	int fd;

	assert_non_null(mkdtemp(directory));
	snprintf(path, sizeof(path), "%s/%s", directory, name);
	snprintf(wanted, sizeof(wanted), "%s/%s", directory, shown);
	fd = open(path, O_RDWR | O_CREAT | O_EXCL, 0600);
	assert_true(fd >= 0);
	assert_int_equal(ftruncate(fd, (off_t)(2 * page)), 0);
	assert_int_equal(fstat(fd, &st), 0);
	at = map(PROT_READ, MAP_PRIVATE, fd);
	close(fd);
	read_own(&areas);
	area = area_at(&areas, at);
	/* Its own file, whatever it is called. */
	assert_true(area->flags & AREA_FILE);
	assert_false(area->flags & (AREA_KERNEL | AREA_STACK | AREA_BREAK));
	assert_int_equal(area->inode, st.st_ino);
	assert_int_equal(strncmp(areas_name(&areas, area), wanted, AREA_NAME_MAX), 0);
	assert_true(strlen(areas_name(&areas, area)) <= AREA_NAME_MAX);
	areas_free(&areas);
	munmap(at, 2 * page);
	unlink(path);
	rmdir(directory);
}

static void test_hostile_names(void **state)
{
	char longest[NAME_MAX + 1];

	(void)state;
	memset(longest, 'x', sizeof(longest) - 1);
	longest[sizeof(longest) - 1] = '\0';
	check_named("plain", "plain");
	check_named(" two  blanks ", " two  blanks ");
	check_named("[stack]", "[stack]");
	check_named("new\nline", "new\\012line");
	check_named("x\n00400000-00500000 r-xp 00000000 00:00 0 [vdso]",
		    "x\\01200400000-00500000 r-xp 00000000 00:00 0 [vdso]");
	check_named(longest, longest);
}

static void test_shared_memory(void **state)
{
	int memfd = memfd_create("[heap]", MFD_CLOEXEC);
	int segment = shmget(IPC_PRIVATE, 2 * page, IPC_CREAT | 0600);
	void *mapped, *attached;
	struct areas areas;

	(void)state;
	assert_true(memfd >= 0 && segment >= 0);
	assert_int_equal(ftruncate(memfd, (off_t)(2 * page)), 0);
	mapped = map(PROT_READ, MAP_PRIVATE, memfd);
	attached = shmat(segment, NULL, 0);
	shmctl(segment, IPC_RMID, NULL);
	assert_true(attached != (void *)-1);
	read_own(&areas);
	assert_int_equal(kind(&areas, mapped), AREA_FILE | AREA_SHMEM);
	assert_int_equal(kind(&areas, attached), AREA_FILE | AREA_SHMEM);
	areas_free(&areas);
	munmap(mapped, 2 * page);
	shmdt(attached);
	close(memfd);
}

/* Mapped without a page behind it: whether there are any does not matter. */
static void test_hugetlb(void **state)
{
	const size_t huge = (size_t)2 << 20;
	void *at = mmap(NULL, huge, PROT_READ,
			MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB | MAP_NORESERVE, -1, 0);
	struct areas areas;

	(void)state;
	if (at == MAP_FAILED)
		skip();
	read_own(&areas);
	assert_int_equal(kind(&areas, at), AREA_FILE | AREA_HUGETLB);
	areas_free(&areas);
	munmap(at, huge);
}

/* ---- smaps ----------------------------------------------------------------- */

static void test_resident(void **state)
{
	char *at = mmap(NULL, 9 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct areas areas;

	(void)state;
	assert_true(at != MAP_FAILED);
	/* Areas of its own, whatever lies beside it. */
	assert_int_equal(mprotect(at, page, PROT_NONE), 0);
	assert_int_equal(mprotect(at + 8 * page, page, PROT_NONE), 0);
	at[3 * page] = at[5 * page] = 1;
	assert_int_equal(areas_read(getpid(), AREAS_SMAPS, &areas), 0);
	assert_int_equal(areas.source, AREAS_SMAPS);
	assert_int_equal(area_at(&areas, at + page)->end - area_at(&areas, at + page)->start,
			 7 * page);
	assert_int_equal(area_at(&areas, at + page)->rss_bytes, 2 * page);
	assert_int_equal(area_at(&areas, at)->rss_bytes, 0);
	/* The last line's, [vsyscall]'s, go to nobody. */
	assert_true(area_at(&areas, &areas)->rss_bytes > 0);
	areas_free(&areas);
	munmap(at, 9 * page);
}

static void test_many(void **state)
{
	enum { MANY = 3000 };
	char *at = mmap(NULL, 2 * MANY * page, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct areas areas;
	size_t before, i;

	(void)state;
	assert_true(at != MAP_FAILED);
	read_own(&areas);
	before = areas.count;
	areas_free(&areas);
	for (i = 0; i < MANY; i++)
		assert_int_equal(mprotect(at + 2 * i * page, page, PROT_READ), 0);
	read_own(&areas);
	assert_in_range(areas.count, before + 2 * MANY - 2, before + 2 * MANY + 2);
	for (i = 0; i < MANY; i++)
		assert_int_equal(area_at(&areas, at + 2 * i * page)->flags, AREA_READ);
	areas_free(&areas);
	munmap(at, 2 * MANY * page);
}

static void test_no_such_process(void **state)
{
	struct areas areas;
	pid_t pid = fork();

	(void)state;
	if (!pid)
		_exit(0);
	assert_true(pid > 0);
	waitpid(pid, NULL, 0);
	assert_int_equal(areas_read(pid, AREAS_MAPS, &areas), -ESRCH);
}

static void test_zombie(void **state)
{
	struct areas areas;
	siginfo_t info;
	pid_t pid = fork();

	(void)state;
	if (!pid)
		_exit(0);
	assert_true(pid > 0);
	waitid(P_PID, pid, &info, WEXITED | WNOWAIT);
	assert_int_equal(areas_read(pid, AREAS_SMAPS, &areas), -ESRCH);
	waitpid(pid, NULL, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_rights),          cmocka_unit_test(test_order),
	    cmocka_unit_test(test_known_places),    cmocka_unit_test(test_hostile_names),
	    cmocka_unit_test(test_shared_memory),   cmocka_unit_test(test_hugetlb),
	    cmocka_unit_test(test_resident),        cmocka_unit_test(test_many),
	    cmocka_unit_test(test_no_such_process), cmocka_unit_test(test_zombie),
	};

	page = (size_t)sysconf(_SC_PAGESIZE);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
