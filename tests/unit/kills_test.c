/* SPDX-License-Identifier: GPL-2.0 */
/* The list of OOM kills in the whole system. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>
#include <unistd.h>

#include "system.h"
#include "system/kills.h"

static void test_what_the_kernel_told(void **state)
{
	uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);
	struct ms_system_oom event = {
	    .kind = MS_SYSTEM_OOM,
	    .tgid = 7,
	    .known = 1,
	    .oom_score_adj = -3,
	    .time_ns = 12500000000ULL,
	    .pages = {[MS_SYSTEM_FILE] = 1, [MS_SYSTEM_ANON] = 20, [MS_SYSTEM_SHMEM] = 300},
	};
	struct cgroups *cgroups = cgroups_new();
	struct procs *procs = procs_new(cgroups, 1);
	struct kills kills = {0};

	(void)state;
	memset(event.comm, 'x', sizeof(event.comm)); /* no end of its own */
	kills_add(&kills, &event, 2.5, cgroups, procs);
	assert_int_equal(kills.count, 1);
	assert_int_equal(kills.items[0].pid, 7);
	assert_true(kills.items[0].at_s > 9.99 && kills.items[0].at_s < 10.01);
	assert_int_equal(kills.items[0].rss_bytes, 321 * page);
	assert_int_equal(kills.items[0].oom_score_adj, -3);
	assert_int_equal(strlen(kills.items[0].comm), PROC_COMM_LEN - 1);
	assert_null(kills.items[0].cgroup);
	kills_free(&kills);
	procs_free(procs);
	cgroups_free(cgroups);
}

static void test_more_than_are_listed_are_counted(void **state)
{
	struct ms_system_oom event = {.kind = MS_SYSTEM_OOM, .known = 1};
	struct cgroups *cgroups = cgroups_new();
	struct procs *procs = procs_new(cgroups, 1);
	struct kills kills = {0};

	(void)state;
	for (int i = 0; i < KILLS_MAX + 5; i++) {
		event.tgid = (uint32_t)i;
		kills_add(&kills, &event, 0, cgroups, procs);
	}
	assert_int_equal(kills.count, KILLS_MAX);
	assert_int_equal(kills.items[KILLS_MAX - 1].pid, KILLS_MAX - 1);
	assert_int_equal(kills.unlisted, 5);
	kills_free(&kills);
	procs_free(procs);
	cgroups_free(cgroups);
}

/* An older kernel tells the number alone: the rest is what the last pass found. */
static void test_what_the_last_pass_found(void **state)
{
	uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);
	const struct ms_system_process process = {
	    .tgid = 9, .oom_score_adj = 4, .pages = {[MS_SYSTEM_ANON] = 50}, .comm = "victim"};
	const struct ms_system_oom event = {.kind = MS_SYSTEM_OOM, .tgid = 9};
	struct cgroups *cgroups = cgroups_new();
	struct procs *procs = procs_new(cgroups, 1);
	struct kills kills = {0};

	(void)state;
	procs_begin(procs, 0);
	procs_add(procs, &process);
	assert_int_equal(procs_found(procs, 1 << 30), 0);
	assert_int_equal(procs_finish(procs), 0);
	kills_add(&kills, &event, 0, cgroups, procs);
	assert_string_equal(kills.items[0].comm, "victim");
	assert_int_equal(kills.items[0].rss_bytes, 50 * page);
	assert_int_equal(kills.items[0].oom_score_adj, 4);
	kills_free(&kills);
	procs_free(procs);
	cgroups_free(cgroups);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_what_the_kernel_told),
	    cmocka_unit_test(test_more_than_are_listed_are_counted),
	    cmocka_unit_test(test_what_the_last_pass_found),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
