/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The resident memory of a stopped child, taken apart: the parts must add up to
 * what the kernel counts, to the byte, and each be what the child says of itself
 * and smaps of its mappings.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "vm/account.h"
#include "vm/breakdown.h"

#define BLOCKS 400
#define POOL_PAGES 64
#define ALLOCATOR 100 /* a stack's name */
#define PROGRAM 101
#define HUGE_PAGE ((size_t)2 << 20)

/* What the child made, in memory shared with it. */
struct made {
	struct block blocks[BLOCKS];
	size_t block_count;
	uint64_t block_bytes_resident; /* by mincore(2) */
	char *pool, *plain, *shared, *stack, *huge;
	uint64_t stack_pointer;
	bool stack_ready;
};

static size_t page;

/* ---- the child --------------------------------------------------------------- */

static void require(bool ok)
{
	if (!ok)
		_exit(1);
}

static char *map(size_t size, int flags)
{
	char *at = mmap(NULL, size, PROT_READ | PROT_WRITE, flags | MAP_ANONYMOUS, -1, 0);

	require(at != MAP_FAILED);
	return at;
}

/* How many of a block's bytes lie on resident pages. */
static uint64_t in_core(const struct block *block)
{
	uint64_t at, next, end = block->address + block->size, bytes = 0;
	unsigned char vector;

	for (at = block->address; at < end; at = next) {
		next = (at & ~(page - 1)) + page;
		if (next > end)
			next = end;
		require(!mincore((void *)(at & ~(page - 1)), page, &vector));
		bytes += vector & 1 ? next - at : 0;
	}
	return bytes;
}

/* Blocks of all sizes; a third is freed, most are touched in part. */
static void use_heap(struct made *made)
{
	char *blocks[BLOCKS];
	size_t sizes[BLOCKS], i;

	for (i = 0; i < BLOCKS; i++) {
		sizes[i] = i % 50 ? 1 + random() % 6000 : 200000 + random() % 800000;
		blocks[i] = malloc(sizes[i]);
		require(blocks[i]);
		memset(blocks[i], 1, random() % sizes[i]);
	}
	for (i = 0; i < BLOCKS; i++) {
		if (i % 3 == 1)
			free(blocks[i]);
		else
			made->blocks[made->block_count++] =
			    (struct block){(uintptr_t)blocks[i], sizes[i], 10 + i % 5};
	}
	for (i = 0; i < made->block_count; i++)
		made->block_bytes_resident += in_core(&made->blocks[i]);
}

/* The main thread stops in its own; this one waits in one of its own. */
static void *wait_in_stack(void *argument)
{
	struct made *made = argument;
	char deep[20000];

	memset(deep, 1, sizeof(deep));
	made->stack_pointer = (uintptr_t)deep;
	__atomic_store_n(&made->stack_ready, true, __ATOMIC_RELEASE);
	while (deep[0])
		pause();
	return NULL;
}

static void start_thread(struct made *made)
{
	const size_t size = 64 * page;
	pthread_attr_t attributes;
	pthread_t thread;

	/* Not libc's own, whose place nobody tells; with a page that parts it from others. */
	made->stack = map(size + 2 * page, MAP_PRIVATE) + page;
	require(!mprotect(made->stack - page, page, PROT_NONE));
	require(!mprotect(made->stack + size, page, PROT_NONE));
	require(!pthread_attr_init(&attributes));
	require(!pthread_attr_setstack(&attributes, made->stack, size));
	require(!pthread_create(&thread, &attributes, wait_in_stack, made));
	while (!__atomic_load_n(&made->stack_ready, __ATOMIC_ACQUIRE))
		usleep(1000);
}

static void child_run(struct made *made)
{
	size_t i;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	/* khugepaged would change what is counted. */
	prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0);
	srandom(20261125);
	start_thread(made);
	made->pool = map(POOL_PAGES * page, MAP_PRIVATE);
	made->plain = map(POOL_PAGES * page, MAP_PRIVATE);
	made->shared = map(POOL_PAGES * page, MAP_SHARED);
	for (i = 0; i < POOL_PAGES; i += 2)
		made->pool[i * page] = made->plain[i * page] = made->shared[i * page] = 1;
	made->huge = mmap(NULL, HUGE_PAGE, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB, -1, 0);
	if (made->huge == MAP_FAILED)
		made->huge = NULL;
	else
		made->huge[0] = 1;
	use_heap(made);
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

/* ---- the parts ------------------------------------------------------------------- */

/* Kilobytes after `key` in a file of /proc/PID, in bytes. */
static uint64_t proc_bytes(pid_t pid, const char *file, const char *key)
{
	char name[64], line[256];
	unsigned long long kib = 0;
	bool found = false;
	FILE *f;

	snprintf(name, sizeof(name), "/proc/%d/%s", pid, file);
	f = fopen(name, "re");
	assert_non_null(f);
	while (!found && fgets(line, sizeof(line), f))
		found = !strncmp(line, key, strlen(key)) &&
			sscanf(line + strlen(key), "%llu", &kib) == 1;
	fclose(f);
	assert_true(found);
	return kib * 1024;
}

/* As tracing would have them: what the pool's allocator and the program mapped, the rest before. */
static struct vm_account *make_account(const struct made *made, const struct areas *areas)
{
	const uint64_t size = POOL_PAGES * page;
	const struct vm_mapped pool = {(uintptr_t)made->pool, (uintptr_t)made->pool + size,
				       ALLOCATOR, 1, EXTENT_ALLOCATOR};
	const struct vm_mapped plain = {(uintptr_t)made->plain, (uintptr_t)made->plain + size,
					PROGRAM, 1, 0};
	struct vm_account *account = vm_account_new();

	assert_non_null(account);
	assert_int_equal(vm_account_map(account, &pool), 0);
	assert_int_equal(vm_account_map(account, &plain), 0);
	assert_int_equal(vm_account_reconcile(account, areas, VM_STACK_BEFORE, 2), 0);
	return account;
}

/* What smaps counts in areas with all of these flags and none of those. */
static uint64_t rss_of(const struct areas *areas, uint32_t with, uint32_t without)
{
	uint64_t bytes = 0;
	size_t i;

	for (i = 0; i < areas->count; i++)
		if ((areas->items[i].flags & with) == with && !(areas->items[i].flags & without))
			bytes += areas->items[i].rss_bytes;
	return bytes;
}

static uint64_t rss_at(const struct areas *areas, const char *address)
{
	const struct area *area = areas_from(areas, (uintptr_t)address);

	assert_non_null(area);
	assert_true(area->start <= (uintptr_t)address);
	return area->rss_bytes;
}

static void check_parts(const struct fixture *f, const struct areas *areas,
			const struct breakdown *b)
{
	const uint64_t touched = POOL_PAGES / 2 * page;
	const struct made *made = f->made;
	int64_t counted = (int64_t)proc_bytes(f->pid, "status", "VmRSS:"), unknown;
	/* mm counters were kept by CPU, in batches, until 2025. */
	int64_t error =
	    2 * sysconf(_SC_NPROCESSORS_CONF) * sysconf(_SC_NPROCESSORS_CONF) * 64 * (int64_t)page;

	assert_int_equal(breakdown_unknown(b, proc_bytes(f->pid, "smaps_rollup", "Rss:")), 0);
	unknown = breakdown_unknown(b, counted);
	assert_true(unknown >= -error && unknown <= error);
	assert_int_equal(breakdown_bytes(b, BREAKDOWN_HEAP), made->block_bytes_resident);
	assert_int_equal(breakdown_bytes(b, BREAKDOWN_CODE),
			 rss_of(areas, AREA_FILE | AREA_EXECUTE, 0));
	assert_int_equal(breakdown_bytes(b, BREAKDOWN_FILE),
			 rss_of(areas, AREA_FILE, AREA_EXECUTE | AREA_SHMEM));
	assert_int_equal(breakdown_bytes(b, BREAKDOWN_KERNEL), rss_of(areas, AREA_KERNEL, 0));
	assert_int_equal(breakdown_bytes(b, BREAKDOWN_SHARED), rss_of(areas, AREA_SHMEM, 0));
	assert_true(breakdown_bytes(b, BREAKDOWN_SHARED) >= touched);
	assert_int_equal(breakdown_bytes(b, BREAKDOWN_STACKS),
			 rss_of(areas, AREA_STACK, 0) + rss_at(areas, made->stack));
	assert_true(rss_at(areas, made->stack) >= 20000);
	assert_true(breakdown_bytes(b, BREAKDOWN_RETAINED) >= touched);
	assert_true(breakdown_bytes(b, BREAKDOWN_ANONYMOUS) >= touched);
	assert_int_equal(breakdown_bytes(b, BREAKDOWN_HUGETLB), made->huge ? HUGE_PAGE : 0);
}

static void take_apart(const struct fixture *f, enum pagemap_way way)
{
	struct made *made = f->made;
	struct breakdown_input input = {.blocks = made->blocks,
					.block_count = made->block_count,
					.stack_pointers = &made->stack_pointer,
					.stack_pointer_count = 1};
	struct vm_account *account;
	struct pagemap *pagemap;
	struct breakdown *b;
	struct areas areas;

	assert_int_equal(pagemap_open(f->pid, way, &pagemap), 0);
	assert_int_equal(areas_read(f->pid, AREAS_SMAPS, &areas), 0);
	account = make_account(made, &areas);
	blocks_sort(made->blocks, made->block_count);
	input.extents = vm_account_extents(account);
	b = breakdown_new(&input);
	assert_non_null(b);
	assert_int_equal(pagemap_walk(pagemap, &areas, breakdown_add, b), 0);
	/* A sanitizer's own reservations are terabytes, and the old way leaves them out. */
	if (!pagemap_unread_bytes(pagemap))
		check_parts(f, &areas, b);
	breakdown_free(b);
	vm_account_free(account);
	areas_free(&areas);
	pagemap_close(pagemap);
}

static void test_adds_up(void **state)
{
	take_apart(*state, PAGEMAP_BEST);
	take_apart(*state, PAGEMAP_BY_ENTRY);
}

/* ---- each kind -------------------------------------------------------------------- */

/* One page at 16 KiB, with so much of a block, in an area and an extent like these. */
static struct breakdown *one_page(uint32_t area_flags, uint32_t extent_flags, uint64_t block_bytes,
				  uint64_t stack_pointer)
{
	static const uint64_t at = 16384;
	const struct area area = {.start = at, .end = 65536, .flags = area_flags};
	const struct pagemap_range range = {at, at + page, PAGEMAP_PRESENT, &area};
	const struct block block = {at + 100, block_bytes, 1};
	struct vm_account *account = vm_account_new();
	const struct vm_mapped mapped = {at, 65536, 7, 1, extent_flags};
	struct breakdown_input input = {.blocks = &block,
					.block_count = 1,
					.stack_pointers = &stack_pointer,
					.stack_pointer_count = stack_pointer != 0};
	struct breakdown *b;

	assert_non_null(account);
	assert_int_equal(vm_account_map(account, &mapped), 0);
	input.extents = vm_account_extents(account);
	b = breakdown_new(&input);
	assert_non_null(b);
	assert_int_equal(breakdown_add(b, &range), 0);
	vm_account_free(account);
	return b;
}

static void test_kinds(void **state)
{
	static const uint64_t sp = 20000;
	static const struct {
		uint32_t area, extent;
		uint64_t block_bytes, sp;
		enum breakdown_kind rest; /* what the page is, but for the block */
	} rows[] = {
	    {AREA_WRITE, 0, 0, 0, BREAKDOWN_ANONYMOUS},
	    {AREA_WRITE, 0, 50, 0, BREAKDOWN_RETAINED},
	    {AREA_WRITE, EXTENT_ALLOCATOR, 0, 0, BREAKDOWN_RETAINED},
	    {AREA_WRITE, EXTENT_BREAK, 0, 0, BREAKDOWN_RETAINED},
	    {AREA_WRITE | AREA_BREAK, 0, 0, 0, BREAKDOWN_RETAINED},
	    {AREA_WRITE, 0, 0, sp, BREAKDOWN_STACKS},
	    {AREA_WRITE, EXTENT_ALLOCATOR, 0, sp, BREAKDOWN_RETAINED},
	    {AREA_STACK, 0, 0, 0, BREAKDOWN_STACKS},
	    {AREA_STACK, 0, 50, 0, BREAKDOWN_STACKS},
	    {AREA_FILE, 0, 0, 0, BREAKDOWN_FILE},
	    {AREA_FILE, 0, 50, 0, BREAKDOWN_FILE},
	    {AREA_FILE | AREA_EXECUTE, 0, 0, 0, BREAKDOWN_CODE},
	    {AREA_EXECUTE, 0, 0, 0, BREAKDOWN_ANONYMOUS}, /* a JIT's */
	    {AREA_FILE | AREA_SHMEM, 0, 0, 0, BREAKDOWN_SHARED},
	    {AREA_FILE | AREA_SHMEM, EXTENT_ALLOCATOR, 0, 0, BREAKDOWN_RETAINED},
	    {AREA_KERNEL | AREA_EXECUTE, 0, 0, 0, BREAKDOWN_KERNEL},
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct breakdown *b =
		    one_page(rows[i].area, rows[i].extent, rows[i].block_bytes, rows[i].sp);

		assert_int_equal(breakdown_bytes(b, BREAKDOWN_HEAP), rows[i].block_bytes);
		assert_int_equal(breakdown_bytes(b, rows[i].rest), page - rows[i].block_bytes);
		assert_int_equal(breakdown_unknown(b, page), 0);
		assert_int_equal(breakdown_unknown(b, 2 * page), page);
		assert_int_equal(breakdown_unknown(b, 0), -(int64_t)page);
		breakdown_free(b);
	}
}

/* Extents side by side that the kernel shows as one area: each is of its own kind. */
static void test_neighbours(void **state)
{
	static const uint64_t at = 65536, sp = at + 3 * 65536 - 16;
	const struct area area = {.start = at, .end = at + 4 * 65536, .flags = AREA_WRITE};
	const struct pagemap_range range = {area.start, area.end, PAGEMAP_PRESENT, &area};
	const struct block block = {at + 65536 + 8, 100, 1};
	struct vm_account *account = vm_account_new();
	struct breakdown_input input = {
	    .blocks = &block, .block_count = 1, .stack_pointers = &sp, .stack_pointer_count = 1};
	struct breakdown *b;
	int i;

	(void)state;
	assert_non_null(account);
	/* Nothing; a block; a stack; and what no event told of. */
	for (i = 0; i < 3; i++) {
		const struct vm_mapped m = {at + i * 65536, at + (i + 1) * 65536, 7, 1, 0};

		assert_int_equal(vm_account_map(account, &m), 0);
	}
	input.extents = vm_account_extents(account);
	b = breakdown_new(&input);
	assert_non_null(b);
	assert_int_equal(breakdown_add(b, &range), 0);
	assert_int_equal(breakdown_bytes(b, BREAKDOWN_HEAP), 100);
	/* Of the last we know no more than that the area has a block. */
	assert_int_equal(breakdown_bytes(b, BREAKDOWN_RETAINED), 2 * 65536 - 100);
	assert_int_equal(breakdown_bytes(b, BREAKDOWN_STACKS), 65536);
	assert_int_equal(breakdown_bytes(b, BREAKDOWN_ANONYMOUS), 65536);
	breakdown_free(b);
	vm_account_free(account);
}

/* Not in RSS, and so in no sum; not even blocks in it. */
static void test_hugetlb(void **state)
{
	struct breakdown *b = one_page(AREA_FILE | AREA_HUGETLB, EXTENT_ALLOCATOR, 50, 0);

	(void)state;
	assert_int_equal(breakdown_bytes(b, BREAKDOWN_HUGETLB), page);
	assert_int_equal(breakdown_bytes(b, BREAKDOWN_HEAP), 0);
	assert_int_equal(breakdown_unknown(b, page), page);
	breakdown_free(b);
}

/* Two blocks share a page: each has its bytes, the rest is the allocator's. */
static void test_shared_page(void **state)
{
	const struct area area = {.start = 16384, .end = 65536, .flags = AREA_BREAK};
	const struct pagemap_range range = {16384, 16384 + page, PAGEMAP_PRESENT, &area};
	struct block blocks[] = {{16384 + 500, 300, 1}, {16384 - 100, 200, 1}, {65536, 10, 1}};
	struct breakdown_input input = {.blocks = blocks, .block_count = 3};
	struct breakdown *b;

	(void)state;
	blocks_sort(blocks, 3);
	b = breakdown_new(&input);
	assert_non_null(b);
	assert_int_equal(breakdown_add(b, &range), 0);
	assert_int_equal(breakdown_bytes(b, BREAKDOWN_HEAP), 400);
	assert_int_equal(breakdown_bytes(b, BREAKDOWN_RETAINED), page - 400);
	breakdown_free(b);
}

static void test_names(void **state)
{
	int i;

	(void)state;
	assert_string_equal(breakdown_names[BREAKDOWN_HEAP], "heap");
	for (i = 0; i < BREAKDOWN_KIND_NR; i++)
		assert_true(*breakdown_names[i] && *breakdown_texts[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(test_adds_up, start, stop),
	    cmocka_unit_test(test_kinds),
	    cmocka_unit_test(test_neighbours),
	    cmocka_unit_test(test_hugetlb),
	    cmocka_unit_test(test_shared_page),
	    cmocka_unit_test(test_names),
	};

	page = (size_t)sysconf(_SC_PAGESIZE);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
