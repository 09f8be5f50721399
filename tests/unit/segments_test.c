/* SPDX-License-Identifier: GPL-2.0 */
/* Segments of a caching allocator, and who holds them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>

#include "analyse/segments.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static struct segment_sums look(struct segment *segments, size_t segment_count,
				struct segment_block *blocks, size_t block_count)
{
	struct segment_sums sums;

	assert_int_equal(segments_look(segments, segment_count, blocks, block_count, &sums), 0);
	return sums;
}

static void test_nothing(void **state)
{
	struct segment segments[] = {{.address = 1000, .size = 100}};
	struct segment_sums sums = look(NULL, 0, NULL, 0);

	(void)state;
	assert_true(sums.whole);
	assert_int_equal(sums.held, 0);
	free(sums.holders);
	/* One that no block lives in is left out. */
	sums = look(segments, 1, NULL, 0);
	assert_true(sums.whole);
	assert_int_equal(sums.held, 0);
	assert_int_equal(sums.held_bytes, 0);
	assert_int_equal(sums.holder_count, 0);
	free(sums.holders);
}

static void test_sums(void **state)
{
	/* In no order: one that is full, one of which 10 are used, one exactly half full. */
	struct segment segments[] = {{.address = 3000, .size = 200},
				     {.address = 1000, .size = 100},
				     {.address = 2000, .size = 100}};
	struct segment_block blocks[] = {
	    {2090, 10, 7}, {3100, 50, 8}, {3000, 50, 7}, {1040, 60, 7}, {1000, 40, 8}};
	struct segment_sums sums = look(segments, COUNT(segments), blocks, COUNT(blocks));

	(void)state;
	assert_true(sums.whole);
	assert_int_equal(sums.held, 3);
	assert_int_equal(sums.held_bytes, 400);
	assert_int_equal(sums.used_bytes, 210);
	assert_int_equal(sums.sparse, 1);
	assert_int_equal(sums.sparse_bytes, 90);
	assert_int_equal(sums.holder_count, 1);
	assert_int_equal(sums.holders[0].stack, 7);
	assert_int_equal(sums.holders[0].blocks, 1);
	assert_int_equal(sums.holders[0].bytes, 10);
	assert_int_equal(sums.holders[0].holds_bytes, 90);
	free(sums.holders);
}

/* A segment is held once by a stack, however many of its blocks are there, and by each stack. */
static void test_holders(void **state)
{
	struct segment segments[] = {{.address = 1000, .size = 100}, {.address = 2000, .size = 80}};
	struct segment_block blocks[] = {
	    {1000, 5, 1}, {1050, 5, 1}, {2000, 1, 1}, {1090, 10, 2}, {1020, 5, 1}};
	struct segment_sums sums = look(segments, COUNT(segments), blocks, COUNT(blocks));

	(void)state;
	assert_false(sums.mapped);
	assert_int_equal(sums.sparse_bytes, 75 + 79);
	assert_int_equal(sums.holder_count, 2);
	assert_int_equal(sums.holders[0].stack, 1);
	assert_int_equal(sums.holders[0].blocks, 4);
	assert_int_equal(sums.holders[0].bytes, 16);
	assert_int_equal(sums.holders[0].holds_bytes, 75 + 79);
	assert_int_equal(sums.holders[1].stack, 2);
	assert_int_equal(sums.holders[1].holds_bytes, 75);
	free(sums.holders);
}

/* Blocks before, behind, between and across segments are in none. */
static void test_outside(void **state)
{
	static const struct segment_block outside[] = {
	    {999, 1, 1},    {999, 2, 1},        {1100, 1, 1}, {1099, 2, 1},
	    {1000, 101, 1}, {UINT64_MAX, 1, 1}, {0, 1, 1},    {1001, UINT64_MAX, 1}};

	(void)state;
	for (size_t i = 0; i < COUNT(outside); i++) {
		struct segment segments[] = {{.address = 1000, .size = 100}};
		struct segment_block blocks[] = {outside[i], {1000, 1, 2}};
		struct segment_sums sums = look(segments, 1, blocks, 2);

		assert_false(sums.whole);
		assert_int_equal(sums.used_bytes, 1);
		assert_int_equal(sums.holder_count, 1);
		free(sums.holders);
	}
}

/* Three pieces side by side and one apart: a block in two, one in three, one across the gap. */
static void test_pieces(void **state)
{
	struct segment segments[] = {{.address = 1100, .size = 100},
				     {.address = 1000, .size = 100, .mapped = true},
				     {.address = 1200, .size = 100, .mapped = true},
				     {.address = 1400, .size = 100}};
	struct segment_block two[] = {{1190, 20, 1}, {1220, 10, 1}, {1400, 100, 1}};
	struct segment_block three[] = {{1090, 120, 1}, {1215, 5, 2}};
	struct segment_block gap[] = {{1290, 120, 1}};
	struct segment_sums sums = look(segments, COUNT(segments), two, COUNT(two));

	(void)state;
	assert_true(sums.whole);
	assert_int_equal(sums.held, 3);
	assert_int_equal(sums.used_bytes, 130);
	assert_true(sums.mapped);
	assert_int_equal(sums.sparse_bytes, 90 + 80);
	assert_int_equal(sums.holder_count, 1);
	assert_int_equal(sums.holders[0].blocks, 2);
	assert_int_equal(sums.holders[0].bytes, 30);
	assert_int_equal(sums.holders[0].holds_bytes, 90 + 80);
	free(sums.holders);
	for (size_t i = 0; i < COUNT(segments); i++)
		segments[i].used = segments[i].blocks = 0;
	sums = look(segments, COUNT(segments), three, COUNT(three));
	assert_true(sums.whole);
	assert_int_equal(sums.held, 3);
	assert_int_equal(sums.sparse, 2);
	assert_int_equal(sums.holder_count, 2);
	assert_int_equal(sums.holders[0].stack, 1);
	assert_int_equal(sums.holders[0].bytes, 20);
	assert_int_equal(sums.holders[0].holds_bytes, 90 + 85);
	assert_int_equal(sums.holders[1].holds_bytes, 85);
	free(sums.holders);
	sums = look(segments, COUNT(segments), gap, COUNT(gap));
	assert_false(sums.whole);
	free(sums.holders);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_nothing), cmocka_unit_test(test_sums),
	    cmocka_unit_test(test_holders), cmocka_unit_test(test_outside),
	    cmocka_unit_test(test_pieces),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
