/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Tables: rows and rules against plain ones, the layout against what was put in,
 * the search of bpf/unwind.h against a search one by one, and what a table that is not
 * whole says.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "unwind/layout.h"
#include "unwind/table.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define MAX ((size_t)1 << 20)

static uint64_t random_next(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

static struct ms_unwind_rule rule_of(int32_t offset)
{
	return (struct ms_unwind_rule){.kind = MS_RULE_CFA, .reg = MS_REG_SP, .cfa_offset = offset};
}

/* ---- the search -------------------------------------------------------- */

static uint32_t search_plainly(const uint32_t *rows, uint32_t first, uint32_t nr, uint32_t offset)
{
	uint32_t found = rows[first];

	for (uint32_t i = 1; i < nr; i++) {
		if (MS_UNWIND_ROW_OFFSET(rows[first + i]) <= offset)
			found = rows[first + i];
	}
	return found;
}

static void check_search(const uint32_t *rows, uint32_t first, uint32_t nr)
{
	for (uint32_t offset = 0; offset < MS_UNWIND_GRANULE; offset++)
		assert_int_equal(unwind_search(rows, first, nr, offset),
				 search_plainly(rows, first, nr, offset));
}

/* Rows at random places of a block that is full of others; also the highest rule number. */
static void search_finds_what_a_plain_one_does(void **state)
{
	static const uint32_t sizes[] = {1, 2, 3, 7, 511, 512, 513, 1023, 1024};
	uint64_t seed = 88172645463325252u;
	uint32_t rows[MS_UNWIND_ROWS];

	(void)state;
	for (unsigned round = 0; round < 200; round++) {
		uint32_t nr =
		    round < COUNT(sizes) ? sizes[round] : 1 + random_next(&seed) % MS_UNWIND_ROWS;
		uint32_t first = random_next(&seed) % (MS_UNWIND_ROWS - nr + 1), taken = 0;

		for (uint32_t i = 0; i < MS_UNWIND_ROWS; i++)
			rows[i] = (uint32_t)random_next(&seed);
		/* nr ascending offsets, the first 0. */
		for (uint32_t offset = 0; taken < nr; offset++) {
			uint32_t places = MS_UNWIND_GRANULE - offset;

			if (offset && random_next(&seed) % places >= nr - taken)
				continue;
			rows[first + taken++] =
			    MS_UNWIND_ROW(offset, (uint32_t)random_next(&seed) >> 10);
		}
		check_search(rows, first, nr);
	}
}

static void search_at_the_edges(void **state)
{
	uint32_t rows[MS_UNWIND_ROWS];

	(void)state;
	for (uint32_t i = 0; i < MS_UNWIND_ROWS; i++)
		rows[i] = MS_UNWIND_ROW(i, i);
	for (uint32_t offset = 0; offset < MS_UNWIND_GRANULE; offset++)
		assert_int_equal(MS_UNWIND_ROW_RULE(unwind_search(rows, 0, 1024, offset)), offset);
	for (uint32_t first = 0; first < MS_UNWIND_ROWS; first++) {
		rows[first] = MS_UNWIND_ROW(0, first);
		assert_int_equal(MS_UNWIND_ROW_RULE(unwind_search(rows, first, 1, 0)), first);
		assert_int_equal(MS_UNWIND_ROW_RULE(unwind_search(rows, first, 1, 1023)), first);
	}
	rows[1022] = MS_UNWIND_ROW(0, 5);
	rows[1023] = MS_UNWIND_ROW(1023, MS_UNWIND_ROW_RULE(~0u));
	assert_int_equal(MS_UNWIND_ROW_RULE(unwind_search(rows, 1022, 2, 0)), 5);
	assert_int_equal(MS_UNWIND_ROW_RULE(unwind_search(rows, 1022, 2, 1022)), 5);
	assert_int_equal(MS_UNWIND_ROW_RULE(unwind_search(rows, 1022, 2, 1023)),
			 (1u << MS_UNWIND_RULE_BITS) - 1);
}

/* ---- rows and rules ---------------------------------------------------- */

static void the_same_rule_has_one_number(void **state)
{
	struct unwind_rules rules;
	struct ms_unwind_rule rule = {0};

	(void)state;
	assert_int_equal(rules_init(&rules), 0);
	assert_int_equal(rules_number(&rules, &rule), ROWS_NONE);
	for (unsigned pass = 0; pass < 2; pass++) {
		for (int32_t i = 0; i < 5000; i++) {
			rule = rule_of(i);
			assert_int_equal(rules_number(&rules, &rule), i + 1);
		}
	}
	assert_int_equal(rules.count, 5001);
	/* Every field tells two apart. */
	for (size_t byte = 0; byte < sizeof(rule); byte++) {
		rule = rule_of(-7);
		((uint8_t *)&rule)[byte] ^= 0x80;
		assert_int_equal(rules_number(&rules, &rule), 5001 + byte);
	}
	rules_free(&rules);
}

static void rows_join_and_replace(void **state)
{
	struct unwind_rows rows = {.max = 4};

	(void)state;
	rows_add(&rows, 10, 1);
	rows_add(&rows, 20, 1);
	assert_int_equal(rows.count, 1);
	rows_add(&rows, 30, 2);
	rows_add(&rows, 30, 3);
	assert_int_equal(rows.count, 2);
	assert_int_equal(rows.items[1].rule, 3);
	rows_add(&rows, 30, 1);
	assert_int_equal(rows.count, 1);
	assert_int_equal(rows_find(&rows, 9), -1);
	assert_int_equal(rows_find(&rows, 10), 0);
	assert_int_equal(rows_find(&rows, 1000), 0);
	rows_free(&rows);
}

static uint32_t rule_at(const struct unwind_rows *rows, uint64_t offset)
{
	int64_t row = rows_find(rows, offset);

	return row < 0 ? ROWS_NONE : rows->items[row].rule;
}

static void an_overlay_fills_gaps_only(void **state)
{
	uint64_t seed = 4711;

	(void)state;
	for (unsigned round = 0; round < 300; round++) {
		struct unwind_rows rows[2] = {{.max = 64}, {.max = 64}}, both = {.max = 256};

		for (unsigned i = 0; i < 2; i++) {
			uint64_t at = 0;

			for (unsigned n = random_next(&seed) % 12; n; n--) {
				at += random_next(&seed) % 6;
				rows_add(&rows[i], at, random_next(&seed) % 3);
			}
			rows_add(&rows[i], at + 1, ROWS_NONE);
		}
		rows_overlay(&rows[0], &rows[1], &both);
		assert_int_equal(both.err, 0);
		for (uint64_t at = 0; at < 80; at++) {
			uint32_t over = rule_at(&rows[0], at), under = rule_at(&rows[1], at);

			assert_int_equal(rule_at(&both, at), over == ROWS_NONE ? under : over);
		}
		for (size_t i = 1; i < both.count; i++) {
			assert_true(both.items[i - 1].start < both.items[i].start);
			assert_int_not_equal(both.items[i - 1].rule, both.items[i].rule);
		}
		rows_free(&rows[0]);
		rows_free(&rows[1]);
		rows_free(&both);
	}
}

static void too_many_rows(void **state)
{
	struct unwind_rows rows = {.max = 5000};

	(void)state;
	for (uint32_t i = 0; i < 100000; i++)
		rows_add(&rows, i, i);
	assert_int_equal(rows.err, -EFBIG);
	assert_in_range(rows.count, 5000, 16384);
	rows_free(&rows);
}

/* ---- the layout -------------------------------------------------------- */

struct made {
	struct unwind_rows rows;
	struct unwind_rules rules;
	struct unwind_table table;
	int err;
};

static void add(struct made *made, uint64_t start, int32_t offset)
{
	struct ms_unwind_rule rule = rule_of(offset);

	rows_add(&made->rows, start, (uint32_t)rules_number(&made->rules, &rule));
}

static void begin(struct made *made)
{
	*made = (struct made){.rows.max = MAX};
	assert_int_equal(rules_init(&made->rules), 0);
}

static void finish(struct made *made, uint64_t end, size_t max)
{
	struct ms_unwind_header header = {.refused = 3, .build_id = {1, 2}, .build_id_size = 2};

	rows_add(&made->rows, end, ROWS_NONE);
	made->err = unwind_layout(&made->rows, &made->rules, &header, max, &made->table);
	if (made->err)
		return;
	assert_int_equal(unwind_table_check(&made->table), 0);
	assert_int_equal(unwind_table_header(&made->table)->refused, 3);
	assert_int_equal(unwind_table_header(&made->table)->build_id_size, 2);
}

/* Each byte of the code, and what the spans say. */
static void check_made(const struct made *made)
{
	const struct ms_unwind_header *header = unwind_table_header(&made->table);
	const struct unwind_rows *rows = &made->rows;
	uint64_t end = header->start + (uint64_t)header->granules * MS_UNWIND_GRANULE;
	struct unwind_span span = {0};
	uint64_t at = header->start;

	assert_null(unwind_table_find(&made->table, header->start - 1));
	assert_null(unwind_table_find(&made->table, end));
	assert_true(rows->items[0].start - header->start < MS_UNWIND_GRANULE);
	assert_true(end >= rows->items[rows->count - 1].start);
	for (uint64_t offset = header->start; offset < end; offset++)
		assert_memory_equal(unwind_table_find(&made->table, offset),
				    &made->rules.items[rule_at(rows, offset)],
				    sizeof(struct ms_unwind_rule));
	while (unwind_table_next(&made->table, &span)) {
		assert_int_equal(span.start, at);
		assert_true(span.end > at);
		assert_int_equal(rows_find(rows, span.start), rows_find(rows, span.end - 1));
		at = span.end;
	}
	assert_int_equal(at, end);
}

static void destroy(struct made *made)
{
	rows_free(&made->rows);
	rules_free(&made->rules);
	unwind_table_free(&made->table);
}

static void the_layout_keeps_everything(void **state)
{
	uint64_t seed = 42;

	(void)state;
	for (unsigned round = 0; round < 60; round++) {
		uint64_t at = 0x100000 + random_next(&seed) % 3000;
		unsigned rows = 1 + random_next(&seed) % 6000;
		/* From a row at every byte to one for many granules. */
		unsigned step = 1u << random_next(&seed) % 13;
		struct made made;

		if (step > 64)
			rows = 1 + rows % 200;
		begin(&made);
		for (unsigned i = 0; i < rows; i++) {
			add(&made, at, (int32_t)(random_next(&seed) % 700));
			at += 1 + random_next(&seed) % step;
		}
		finish(&made, at, MAX);
		assert_int_equal(made.err, 0);
		check_made(&made);
		destroy(&made);
	}
}

/* A rule for each byte: 1,024 rows a granule, and one block for each. */
static void full_granules(void **state)
{
	struct made made;

	(void)state;
	begin(&made);
	for (uint64_t at = 0; at < 3 * MS_UNWIND_GRANULE; at++)
		add(&made, at, (int32_t)at);
	finish(&made, 3 * MS_UNWIND_GRANULE, MAX);
	assert_int_equal(made.err, 0);
	assert_int_equal(unwind_table_header(&made.table)->rows, 3 * MS_UNWIND_GRANULE);
	check_made(&made);
	destroy(&made);
}

/* Between functions at both ends of a large file, one row serves. */
static void gaps_are_small(void **state)
{
	struct made made;

	(void)state;
	begin(&made);
	add(&made, 5, 8);
	rows_add(&made.rows, 9, ROWS_NONE);
	add(&made, 50u << 20, 16);
	finish(&made, (50u << 20) + 4, MAX);
	assert_int_equal(made.err, 0);
	assert_int_equal(unwind_table_header(&made.table)->rows, 3 + 1 + 2);
	assert_int_equal(unwind_table_header(&made.table)->granules, 50 * 1024 + 1);
	assert_int_equal(unwind_table_find(&made.table, 30u << 20)->kind, MS_RULE_NONE);
	assert_int_equal(unwind_table_find(&made.table, 50u << 20)->cfa_offset, 16);
	destroy(&made);
}

static void tables_have_a_limit(void **state)
{
	static const struct {
		uint64_t end;
		unsigned rows;
		int err;
	} cases[] = {
	    {1u << 20, 10, 0}, /* 1 + 2 + 1 + 1 blocks */
	    {(uint64_t)1 << 40, 10, -EFBIG},
	    {3u << 20, 10, -EFBIG},   /* the directory alone has 6 */
	    {1u << 20, 2000, -EFBIG}, /* 8 of rules */
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct made made;

		begin(&made);
		for (unsigned n = 0; n < cases[i].rows; n++)
			add(&made, 4 * n, (int32_t)n);
		finish(&made, cases[i].end, (size_t)5 * MS_UNWIND_BLOCK);
		assert_int_equal(made.err, cases[i].err);
		destroy(&made);
	}
}

/* ---- tables that are not whole ----------------------------------------- */

static void any_change_is_seen(void **state)
{
	struct made made;
	uint8_t *bytes;
	size_t size;

	(void)state;
	begin(&made);
	for (unsigned i = 0; i < 500; i++)
		add(&made, 16 * i, (int32_t)(i % 50));
	finish(&made, 16 * 500, MAX);
	bytes = made.table.blocks;
	size = made.table.block_count * MS_UNWIND_BLOCK;
	for (size_t i = 0; i < size; i += i < 256 ? 1 : 61) {
		bytes[i] ^= 0x40;
		assert_int_equal(unwind_table_check(&made.table), -EBADMSG);
		bytes[i] ^= 0x40;
	}
	assert_int_equal(unwind_table_check(&made.table), 0);
	destroy(&made);
}

/* With a checksum that is right too, nothing in it may lead out of it. */
static void right_checksums_do_not_help(void **state)
{
	struct made made;
	struct ms_unwind_header *header;
	struct ms_unwind_entry *entry;
	uint32_t *row, *fields[18];
	size_t count = 0;

	(void)state;
	begin(&made);
	for (unsigned i = 0; i < 500; i++)
		add(&made, 16 * i, (int32_t)(i % 50));
	finish(&made, 16 * 500, MAX);
	header = made.table.blocks;
	entry = (void *)((char *)made.table.blocks + header->directory * MS_UNWIND_BLOCK);
	row = (void *)((char *)made.table.blocks + header->row_block * MS_UNWIND_BLOCK);
	fields[count++] = &header->magic;
	fields[count++] = &header->blocks;
	fields[count++] = &header->granules;
	fields[count++] = &header->directory;
	fields[count++] = &header->row_block;
	fields[count++] = &header->rule_block;
	fields[count++] = &header->rules;
	fields[count++] = &header->build_id_size;
	fields[count++] = &entry->first;
	fields[count++] = &entry->nr;
	fields[count++] = &row[0];
	fields[count++] = &row[1];
	for (size_t i = 0; i < count; i++) {
		uint32_t kept = *fields[i];

		*fields[i] = ~0u;
		header->checksum = unwind_checksum(&made.table);
		if (unwind_table_check(&made.table) != -EBADMSG)
			fail_msg("field %zu may be anything", i);
		*fields[i] = kept;
	}
	header->checksum = unwind_checksum(&made.table);
	assert_int_equal(unwind_table_check(&made.table), 0);
	destroy(&made);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(search_finds_what_a_plain_one_does),
	    cmocka_unit_test(search_at_the_edges),
	    cmocka_unit_test(the_same_rule_has_one_number),
	    cmocka_unit_test(rows_join_and_replace),
	    cmocka_unit_test(an_overlay_fills_gaps_only),
	    cmocka_unit_test(too_many_rows),
	    cmocka_unit_test(the_layout_keeps_everything),
	    cmocka_unit_test(full_granules),
	    cmocka_unit_test(gaps_are_small),
	    cmocka_unit_test(tables_have_a_limit),
	    cmocka_unit_test(any_change_is_seen),
	    cmocka_unit_test(right_checksums_do_not_help),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
