/* SPDX-License-Identifier: GPL-2.0 */
/* The search the BPF programs do in the mapping table, against a plain loop. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>

#include "mapping.h"

static uint64_t mapping_frame(const struct ms_mappings *m, uint64_t address)
{
	const struct ms_mapping *map = mapping_find(m, address);

	return map ? MS_FRAME(map->module, address - map->start + map->offset)
		   : MS_FRAME(0, address);
}

static uint64_t by_loop(const struct ms_mappings *m, uint64_t address)
{
	uint32_t i;

	for (i = 0; i < m->nr; i++)
		if (address >= m->map[i].start && address < m->map[i].end)
			return MS_FRAME(m->map[i].module,
					address - m->map[i].start + m->map[i].offset);
	return MS_FRAME(0, address);
}

static uint64_t random_64(void)
{
	return (uint64_t)random() << 40 ^ (uint64_t)random() << 20 ^ (uint64_t)random();
}

/* A table of `nr` mappings; about one in four touches the one before. */
static void fill(struct ms_mappings *m, uint32_t nr)
{
	uint64_t at = random_64() % (MS_ADDRESS_MAX / 2);
	uint32_t i;

	*m = (struct ms_mappings){.nr = nr};
	for (i = 0; i < nr; i++) {
		uint64_t gap =
		    random() % 4 ? random_64() % (MS_ADDRESS_MAX / 4 / MS_MAPPINGS_MAX) : 0;

		m->map[i].start = at + gap;
		m->map[i].end = m->map[i].start + 1 + random() % 100000;
		m->map[i].offset = random() % 1000 * 4096;
		m->map[i].module = 1 + random() % MS_MODULE_MAX;
		at = m->map[i].end;
	}
}

static void check(const struct ms_mappings *m, uint64_t address)
{
	assert_int_equal(mapping_frame(m, address), by_loop(m, address));
}

static void check_all_edges(const struct ms_mappings *m)
{
	uint32_t i;

	for (i = 0; i < m->nr; i++) {
		check(m, m->map[i].start - 1);
		check(m, m->map[i].start);
		check(m, (m->map[i].start + m->map[i].end) / 2);
		check(m, m->map[i].end - 1);
		check(m, m->map[i].end);
	}
	check(m, 0);
	check(m, 1);
	check(m, MS_ADDRESS_MAX - 1);
}

static void test_every_size(void **state)
{
	static struct ms_mappings m;
	uint32_t nr;

	(void)state;
	srandom(7);
	for (nr = 0; nr <= 70; nr++) {
		fill(&m, nr);
		check_all_edges(&m);
	}
	for (nr = MS_MAPPINGS_MAX - 3; nr <= MS_MAPPINGS_MAX; nr++) {
		fill(&m, nr);
		check_all_edges(&m);
	}
}

static void test_random_addresses(void **state)
{
	static struct ms_mappings m;
	int round, i;

	(void)state;
	srandom(8);
	for (round = 0; round < 200; round++) {
		fill(&m, random() % (MS_MAPPINGS_MAX + 1));
		for (i = 0; i < 200; i++)
			check(&m, random_64() % MS_ADDRESS_MAX);
	}
}

/* What is no user address is never taken for one, and never for a module. */
static void test_addresses_of_the_kernel(void **state)
{
	static struct ms_mappings m;

	(void)state;
	fill(&m, 5);
	assert_int_equal(MS_FRAME_MODULE(mapping_frame(&m, 0xffffffffff600000)), 0);
	assert_int_equal(MS_FRAME_MODULE(mapping_frame(&m, MS_ADDRESS_MAX)), 0);
	assert_int_equal(MS_FRAME_MODULE(mapping_frame(&m, UINT64_MAX)), 0);
	assert_int_equal(mapping_frame(NULL, 1234), MS_FRAME(0, 1234));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_every_size),
	    cmocka_unit_test(test_random_addresses),
	    cmocka_unit_test(test_addresses_of_the_kernel),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
