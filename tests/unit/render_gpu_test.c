/* SPDX-License-Identifier: GPL-2.0 */
/* Devices in the summary and in JSON: counted, said by the driver, and the rest. */
#include "render_workshop.h"

#define MIB (1ULL << 20)

static struct snapshot *with_devices(const struct device_totals *devices, size_t count)
{
	struct snapshot *s = snapshot_make("t", 2);
	struct process *p = snapshot_add_process(s, 7, "train");

	s->layer_on[LAYER_GPU] = true;
	p->devices = calloc(count, sizeof(*devices));
	assert_non_null(p->devices);
	memcpy(p->devices, devices, count * sizeof(*devices));
	p->device_count = count;
	return s;
}

static const struct device_totals three[] = {
    {.name = "cuda:0",
     .totals = {.allocs = 3, .peak_bytes = 90 * MIB, .live_bytes = 70 * MIB, .peak_at_s = 1},
     .driver_known = true,
     .driver_bytes = 400 * MIB,
     .driver_peak_bytes = 500 * MIB,
     .driver_compared = true,
     .driver_counted_bytes = 60 * MIB},
    {.name = "cuda:1",
     .totals = {.allocs = 1, .peak_bytes = 9 * MIB, .live_bytes = 9 * MIB},
     .shared_bytes = 5 * MIB,
     .driver_known = true,
     .driver_bytes = MIB,
     .driver_peak_bytes = MIB,
     .driver_compared = true,
     .driver_counted_bytes = 9 * MIB},
    {.name = "pci:0000:41:00.0",
     .driver_known = true,
     .driver_bytes = 8 * MIB,
     .driver_peak_bytes = 8 * MIB},
};

static void test_summary(void **state)
{
	struct snapshot *s = with_devices(three, 3);
	char *text = rendered(render_summary, s, NULL);

	(void)state;
	assert_int_equal(occurrences(text, "400 MiB     340 MiB\n"), 1);
	assert_int_equal(occurrences(text, "the driver said 500 MiB at most"), 1);
	assert_int_equal(occurrences(text, "1.00 MiB           -\n"), 1);
	assert_int_equal(occurrences(text, "the driver says 8.00 MiB less than the 9.00 MiB"), 1);
	assert_int_equal(occurrences(text, "5.00 MiB more are another's"), 1);
	assert_int_equal(occurrences(text, "pci:0000:41:00.0"), 1);
	assert_int_equal(occurrences(text, "8.00 MiB           -\n"), 1);
	free(text);
	s->layer_on[LAYER_GPU] = false;
	text = rendered(render_summary, s, NULL);
	assert_int_equal(occurrences(text, "cuda"), 0);
	free(text);
	snapshot_free(s);
}

static void test_json(void **state)
{
	struct snapshot *s = with_devices(three, 3);
	char *text = rendered(render_json, s, NULL);

	(void)state;
	assert_int_equal(occurrences(text, "\"driver_bytes\":419430400,\"driver_peak_bytes\":"
					   "524288000,\"driver_counted_bytes\":62914560,"
					   "\"other_bytes\":356515840"),
			 1);
	assert_int_equal(occurrences(text, "\"driver_counted_bytes\":9437184,\"other_bytes\":0"),
			 1);
	assert_int_equal(occurrences(text, "\"driver_bytes\":8388608,\"driver_peak_bytes\":8388608,"
					   "\"driver_counted_bytes\":null,\"other_bytes\":null"),
			 1);
	free(text);
	snapshot_free(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_summary),
	    cmocka_unit_test(test_json),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
