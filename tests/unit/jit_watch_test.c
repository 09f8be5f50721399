/* SPDX-License-Identifier: GPL-2.0 */
/* When mappings are looked at again: by made times, and by what this process itself maps. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <sys/mman.h>
#include <unistd.h>

#include "target/jitwatch.h"
#include "target/process.h"

#define MS 1000000ULL
#define S 1000000000ULL

#define CODE 4096 /* bytes of code that were counted */

static void test_nothing_was_looked_at(void **state)
{
	struct jit_watch watch = {0};

	(void)state;
	assert_true(jit_watch_due(&watch, 0, 5));
}

/* A look of 1 ms: another 200 ms later if there is other code, if not a second after that. */
static void test_a_change(void **state)
{
	struct jit_watch watch = {0};

	(void)state;
	jit_watch_looked(&watch, CODE, 10 * S, 10 * S + MS);
	assert_false(jit_watch_due(&watch, 2 * CODE, 10 * S + 2 * MS));
	assert_false(jit_watch_due(&watch, 2 * CODE, 10 * S + 200 * MS));
	assert_true(jit_watch_due(&watch, 2 * CODE, 10 * S + 201 * MS));
	assert_true(jit_watch_due(&watch, 0, 10 * S + 201 * MS));
	assert_false(jit_watch_due(&watch, CODE, 10 * S + 201 * MS));
	assert_false(jit_watch_due(&watch, CODE, 11 * S + 200 * MS));
	assert_true(jit_watch_due(&watch, CODE, 11 * S + 201 * MS));
	/* it is known once it has been looked at */
	jit_watch_looked(&watch, 2 * CODE, 12 * S, 12 * S + MS);
	assert_false(jit_watch_due(&watch, 2 * CODE, 12 * S + 300 * MS));
}

/* The less there is to be found, the longer the next look waits; a change ends that. */
static void test_patience(void **state)
{
	static const uint64_t waits_s[] = {1, 2, 4, 8, 8};
	struct jit_watch watch = {0};
	uint64_t now = 10 * S;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(waits_s) / sizeof(waits_s[0]); i++) {
		jit_watch_looked(&watch, CODE, now, now + MS);
		now += waits_s[i] * S + 201 * MS;
		assert_false(jit_watch_due(&watch, CODE, now - 1));
		assert_true(jit_watch_due(&watch, CODE, now));
	}
	jit_watch_looked(&watch, 2 * CODE, now, now + MS);
	assert_true(jit_watch_due(&watch, 2 * CODE, now + S + 201 * MS));
}

/* However short or long a look takes, the next comes after 5 ms to a second. */
static void test_bounds(void **state)
{
	struct jit_watch watch = {0};

	(void)state;
	jit_watch_looked(&watch, CODE, S, S + 1);
	assert_false(jit_watch_due(&watch, 0, S + 5 * MS));
	assert_true(jit_watch_due(&watch, 0, S + 1 + 5 * MS));
	jit_watch_looked(&watch, CODE, S, 4 * S);
	assert_false(jit_watch_due(&watch, 0, 5 * S - 1));
	assert_true(jit_watch_due(&watch, 0, 5 * S));
	/* the same code for the second time */
	assert_true(jit_watch_due(&watch, CODE, 7 * S));
}

static uint64_t code_bytes(void)
{
	struct process_memory memory;

	assert_int_equal(process_memory(getpid(), &memory), 0);
	assert_true(memory.code_bytes > 0 && memory.code_bytes <= memory.mapped_bytes);
	return memory.code_bytes;
}

/* What the sign shows of the kernel that this runs on, and what it does not. */
static void test_what_is_counted(void **state)
{
	size_t size = (size_t)(3 * sysconf(_SC_PAGESIZE));
	uint64_t before = code_bytes();
	void *at = mmap(NULL, size, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	(void)state;
	assert_true(at != MAP_FAILED);
	assert_int_equal(code_bytes(), before);
	assert_int_equal(mprotect(at, size, PROT_READ | PROT_EXEC), 0);
	assert_int_equal(code_bytes(), before + size);
	assert_int_equal(mprotect(at, size, PROT_READ | PROT_WRITE | PROT_EXEC), 0);
	assert_int_equal(code_bytes(), before);
	assert_int_equal(mprotect(at, size, PROT_EXEC), 0);
	assert_int_equal(code_bytes(), before + size);
	munmap(at, size);
	assert_int_equal(code_bytes(), before);
}

static void test_who_has_a_jit(void **state)
{
	struct mapping items[] = {{.path = "/usr/bin/cat"}, {.path = "/opt/lib/libjvm.so"}};
	struct mappings maps = {.items = items, .count = 1};

	(void)state;
	assert_false(jit_watch_found(&maps));
	maps.anonymous = true;
	assert_true(jit_watch_found(&maps));
	maps.anonymous = false;
	maps.count = 2;
	assert_true(jit_watch_found(&maps));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_nothing_was_looked_at),
	    cmocka_unit_test(test_a_change),
	    cmocka_unit_test(test_patience),
	    cmocka_unit_test(test_bounds),
	    cmocka_unit_test(test_what_is_counted),
	    cmocka_unit_test(test_who_has_a_jit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
