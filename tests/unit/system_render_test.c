/* SPDX-License-Identifier: GPL-2.0 */
/* The whole system as text and JSON. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "render/lines.h"
#include "render/system_columns.h"
#include "render/system_render.h"

#define MIB 1048576ULL

/* A machine with three processes, two control groups and two kinds of short processes. */
struct machine {
	struct proc running[3], ended[1];
	struct cgroup groups[2];
	const struct cgroup *list[2];
	struct group shorts[2];
	struct loss losses[2];
	struct system_view view;
};

static void fill_procs(struct machine *m)
{
	m->running[0] = (struct proc){
	    .pid = 10,
	    .ppid = 1,
	    .comm = "large",
	    .cmdline = "large --one",
	    .cgroup = &m->groups[0],
	    .rss_bytes = 900 * MIB,
	    .rss_peak_bytes = 950 * MIB,
	    .mapped_bytes = 2048 * MIB,
	    .oom_score = 700,
	    .growth_bytes = -5,
	    .rates = {.bytes = -5000},
	};
	strcpy(m->running[0].container, "c0ffee");
	m->running[1] = (struct proc){
	    .pid = 20,
	    .comm = "growing\033[31m",
	    .rss_bytes = 100 * MIB,
	    .anon_bytes = 90 * MIB,
	    .swap_bytes = 7 * MIB,
	    .page_table_bytes = 9 * MIB,
	    .growth_bytes = 48 * MIB,
	    .rates = {.bytes = 2.0 * MIB, .minor = 512.4, .major = 3},
	    .oom_score = 900,
	};
	m->running[2] = (struct proc){.pid = 30, .comm = "small", .rss_bytes = 1 * MIB};
	m->ended[0] = (struct proc){
	    .pid = 40,
	    .comm = "gone",
	    .rss_bytes = 60 * MIB,
	    .growth_bytes = 60 * MIB,
	    .ended = true,
	    .exit_known = true,
	    .exit_code = 139,
	};
}

static void fill_rest(struct machine *m)
{
	m->groups[0] = (struct cgroup){
	    .path = "/docker/0123",
	    .name = "/docker/0123",
	    .leaf = "0123",
	    .container = "0123",
	    .memory = true,
	    .processes = 1,
	    .usage_bytes = 300 * MIB,
	    .limit_bytes = 400 * MIB,
	    .limit_hits = 12,
	    .oom_kills = 4,
	};
	m->groups[1] = (struct cgroup){
	    .path = "/plain", .name = "/plain", .leaf = "plain", .v1 = true, .rss_bytes = 5 * MIB};
	m->list[0] = &m->groups[0];
	m->list[1] = &m->groups[1];
	m->shorts[0] = (struct group){.comm = "sh",
				      .parent = "make",
				      .count = 312,
				      .recent = 12,
				      .peak_sum_bytes = 312 * 2 * MIB,
				      .peak_max_bytes = 2 * MIB,
				      .life_sum_s = 312 * 0.005};
	m->shorts[1] = (struct group){.comm = "cc",
				      .ppid = 77,
				      .parent = "make",
				      .count = 1,
				      .peak_sum_bytes = MIB,
				      .peak_max_bytes = MIB};
	m->losses[0] = (struct loss){"ends", "ends lost", 0};
	m->losses[1] = (struct loss){"other", "others lost", 0};
}

static struct machine *machine_make(void)
{
	struct machine *m = calloc(1, sizeof(*m));

	assert_non_null(m);
	fill_procs(m);
	fill_rest(m);
	m->view = (struct system_view){
	    .duration_s = 12.5,
	    .interval_s = 1,
	    .refreshes = 13,
	    .memory = {.total = 1024 * MIB, .available = 512 * MIB, .slab = 3 * MIB},
	    .pressure = {.known = true, .some = {1.25, 0, 0}},
	    .running = m->running,
	    .running_count = 3,
	    .ended = m->ended,
	    .ended_count = 1,
	    .cgroups = m->list,
	    .cgroup_count = 2,
	    .groups = m->shorts,
	    .group_count = 2,
	    .losses = m->losses,
	    .loss_count = 2,
	};
	return m;
}

typedef int render_look_fn(FILE *out, const struct system_view *v, const struct system_look *look);

/* To be freed. */
static char *rendered(render_look_fn *render, const struct machine *m,
		      const struct system_look *look)
{
	char *text = NULL;
	size_t length;
	FILE *out = open_memstream(&text, &length);

	assert_non_null(out);
	assert_int_equal(render(out, &m->view, look), 0);
	fclose(out);
	return text;
}

static struct system_look look_by(const char *name)
{
	struct system_look look = {.sort = system_sort_by_name(name)};

	assert_true(look.sort >= 0);
	return look;
}

static void expect(const char *text, const char *part)
{
	if (!strstr(text, part))
		fail_msg("there is no '%s' in:\n%s", part, text);
}

static void expect_not(const char *text, const char *part)
{
	if (strstr(text, part))
		fail_msg("there is '%s' in:\n%s", part, text);
}

/* ---- orders --------------------------------------------------------------------- */

static void test_every_order(void **state)
{
	static const struct {
		const char *name;
		int first, second;
	} cases[] = {
	    {"rss", 10, 20},    {"growth", 20, 10}, {"minor", 20, 10},  {"major", 20, 10},
	    {"mapped", 10, 20}, {"swap", 20, 10},   {"tables", 20, 10}, {"oom", 20, 10},
	};
	struct machine *m = machine_make();

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		int sort = system_sort_by_name(cases[i].name);
		const struct proc **sorted;

		assert_true(sort >= 0);
		expect(system_sort_names(), cases[i].name);
		sorted = system_sorted_procs(&m->view, sort);
		assert_int_equal(sorted[0]->pid, cases[i].first);
		assert_int_equal(sorted[1]->pid, cases[i].second);
		assert_int_equal(sorted[2]->pid, 30);
		free(sorted);
	}
	assert_int_equal(system_sort_by_name("size"), -1);
	assert_int_equal(system_sort_by_name("RSS"), -1);
	free(m);
}

static void test_every_order_has_a_key_of_its_own(void **state)
{
	(void)state;
	for (size_t i = 0; i < proc_columns.count; i++) {
		const struct system_column *row = &proc_columns.rows[i];

		assert_int_equal(row->name != NULL, row->key != 0);
		assert_int_equal(row->name != NULL, row->value != NULL);
		if (!row->name)
			continue;
		assert_int_equal(system_sort_by_key(row->key), i);
		assert_int_equal(system_sort_by_name(row->name), i);
		assert_true(row->key != 'q' && row->key != 'Q');
	}
	assert_int_equal(system_sort_by_key('x'), -1);
	assert_int_equal(system_sort_by_key(0), -1);
}

/* ---- the table --------------------------------------------------------------------- */

static void test_plain_table(void **state)
{
	struct machine *m = machine_make();
	struct system_look look = look_by("growth");
	char *text = rendered(render_system_table, m, &look);

	(void)state;
	expect(text, "the whole system: 3 processes");
	expect(text, "memory 1.00 GiB: 512 MiB available");
	expect(text, "no swap");
	expect(text, "some tasks 1.25 %, all 0.00 %");
	expect(text, "↓GROWTH/s");
	expect(text, "+2 MiB        512         3");
	/* usage, limit, percent; without memory files "?" */
	expect(text, "300 MiB     400 MiB    75.0");
	expect(text, "  ?           -       -");
	expect(text, "12 short processes of sh, started by make: 2.00 MiB peak each, lived 5 ms  "
		     "(312 so far)");
	expect_not(text, "of cc");
	expect(text, "no losses");
	expect(text, "memsnoop -p 20\n");
	expect_not(text, "keys:");
	/* the name cannot write to the terminal */
	expect(text, "growing\\x1b");
	expect_not(text, "\033");
	free(text);
	free(m);
}

static void test_top_cuts_the_table(void **state)
{
	struct machine *m = machine_make();
	struct system_look look = look_by("rss");
	char *text;

	(void)state;
	look.options.top = 1;
	text = rendered(render_system_table, m, &look);
	expect(text, "large");
	expect_not(text, "small");
	expect(text, "and 2 more processes");
	expect(text, "and 1 more\n");
	free(text);
	free(m);
}

static unsigned count_lines(const char *text, unsigned *widest)
{
	unsigned count = 0;
	char *copy = strdup(text), *rest = copy, *line;

	*widest = 0;
	while ((line = strsep(&rest, "\n"))) {
		count += rest != NULL;
		if (lines_width(line) > *widest)
			*widest = lines_width(line);
	}
	free(copy);
	return count;
}

static void test_a_terminal_of_any_size(void **state)
{
	struct machine *m = machine_make();
	struct system_look look = look_by("oom");
	unsigned widest;

	(void)state;
	m->losses[1].count = 5;
	for (unsigned rows = 1; rows < 50; rows++)
		for (unsigned columns = 1; columns < 170; columns += 7) {
			char *text;

			look.options.rows = rows;
			look.options.columns = columns;
			text = rendered(render_system_table, m, &look);
			/* the last row stays empty, else it would scroll */
			assert_in_range(count_lines(text, &widest), 1, rows > 1 ? rows - 1 : 1);
			assert_in_range(widest, 0, columns);
			free(text);
		}
	free(m);
}

static void test_what_has_no_room_goes_first(void **state)
{
	struct machine *m = machine_make();
	struct system_look look = look_by("rss");
	char *text;

	(void)state;
	m->losses[1].count = 5;
	look.options.rows = 24;
	look.options.columns = 80;
	text = rendered(render_system_table, m, &look);
	expect(text, "↓RSS");
	expect(text, "MINOR/s");
	expect(text, "OOM");
	expect_not(text, "TABLES");
	expect(text, "!!! 5 others lost");
	expect(text, "memsnoop -p 10\n");
	expect(text, "keys: q quit");
	free(text);
	look.options.columns = 170;
	text = rendered(render_system_table, m, &look);
	expect(text, "TABLES");
	free(text);
	free(m);
}

static void test_a_long_path_keeps_its_end(void **state)
{
	struct machine *m = machine_make();
	struct system_look look = look_by("rss");
	char *text;

	(void)state;
	m->groups[0].name = "/kubepods.slice/kubepods-burstable.slice/a-very-long-name-of-a-pod/"
			    "cri-containerd-0123.scope";
	look.options.columns = 90;
	text = rendered(render_system_table, m, &look);
	expect(text, "…i-containerd-0123.scope\n");
	expect_not(text, "/kubepods.slice");
	free(text);
	free(m);
}

static void test_nothing_at_all(void **state)
{
	const struct system_view empty = {0};
	struct machine m = {.view = empty};
	struct system_look look = look_by("rss");
	char *text = rendered(render_system_table, &m, &look);

	(void)state;
	expect(text, "0 processes");
	expect_not(text, "memsnoop -p");
	free(text);
	text = rendered(render_system_summary, &m, &look);
	expect(text, "none grew");
	free(text);
}

/* ---- the summary -------------------------------------------------------------------- */

static void test_summary(void **state)
{
	struct machine *m = machine_make();
	struct system_look look = look_by("rss");
	char *text;
	const char *gone, *growing;

	(void)state;
	m->groups[0].growth_bytes = 80 * MIB;
	text = rendered(render_system_summary, m, &look);
	gone = strstr(text, "gone, ended with status 139");
	growing = strstr(text, "growing");
	assert_true(gone && growing && gone < growing);
	expect(text, "+48 MiB     100 MiB");
	expect_not(text, "large");
	expect(text, "Control groups that grew most");
	expect(text, "+80 MiB     300 MiB     400 MiB  /docker/0123");
	expect(text,
	       "312 short processes of sh, started by make: 2.00 MiB peak each, lived 5 ms\n");
	expect(text, "1 short process of cc, started by make (pid 77)");
	expect(text, "no losses");
	free(text);
	free(m);
}

/* ---- JSON ------------------------------------------------------------------------------ */

static json_int_t number(const json_t *object, const char *key)
{
	const json_t *value = json_object_get(object, key);

	if (!json_is_number(value))
		fail_msg("'%s' is no number", key);
	return json_is_real(value) ? (json_int_t)json_real_value(value) : json_integer_value(value);
}

static json_t *document(const struct machine *m)
{
	char *text = NULL;
	size_t length;
	FILE *out = open_memstream(&text, &length);
	json_error_t error;
	json_t *json;

	assert_int_equal(render_system_json(out, &m->view), 0);
	fclose(out);
	json = json_loads(text, JSON_REJECT_DUPLICATES, &error);
	if (!json)
		fail_msg("%s in line %d of\n%s", error.text, error.line, text);
	free(text);
	return json;
}

static void test_json(void **state)
{
	static const char *const arrays[] = {"processes", "containers", "short_lived", "stacks",
					     "frames",    "timeline",   "stages",      "categories",
					     "insights",  "notes"};
	struct machine *m = machine_make();
	json_t *json, *one;

	(void)state;
	m->losses[1].count = 5;
	json = document(m);
	assert_int_equal(number(json, "schema"), 1);
	for (size_t i = 0; i < sizeof(arrays) / sizeof(arrays[0]); i++)
		assert_true(json_is_array(json_object_get(json, arrays[i])));
	assert_int_equal(json_array_size(json_object_get(json, "processes")), 4);
	one = json_array_get(json_object_get(json, "processes"), 0);
	assert_int_equal(number(one, "rss_bytes"), 900 * MIB);
	assert_int_equal(number(one, "growth_bytes"), -5);
	assert_int_equal(number(one, "growth_per_s"), -5000);
	assert_string_equal(json_string_value(json_object_get(one, "container")), "c0ffee");
	assert_string_equal(json_string_value(json_object_get(one, "cgroup")), "/docker/0123");
	assert_true(json_is_null(json_object_get(one, "exit_code")));
	one = json_array_get(json_object_get(json, "processes"), 1);
	assert_true(json_is_null(json_object_get(one, "container")));
	assert_true(json_is_null(json_object_get(one, "cmdline")));
	one = json_array_get(json_object_get(json, "processes"), 3);
	assert_int_equal(number(one, "exit_code"), 139);
	assert_true(json_is_true(json_object_get(one, "exited")));
	one = json_array_get(json_object_get(json, "containers"), 0);
	assert_int_equal(number(one, "usage_bytes"), 300 * MIB);
	assert_int_equal(number(one, "version"), 2);
	one = json_array_get(json_object_get(json, "containers"), 1);
	assert_true(json_is_null(json_object_get(one, "usage_bytes")));
	assert_int_equal(number(one, "version"), 1);
	one = json_array_get(json_object_get(json, "short_lived"), 0);
	assert_int_equal(number(one, "count"), 312);
	assert_int_equal(number(one, "peak_bytes"), 2 * MIB);
	assert_int_equal(number(json_object_get(json, "system"), "total_bytes"), 1024 * MIB);
	assert_int_equal(number(json_object_get(json, "lost"), "other"), 5);
	json_decref(json);
	free(m);
}

static void test_json_of_a_name_that_is_no_utf8(void **state)
{
	struct machine *m = machine_make();
	json_t *json;

	(void)state;
	strcpy(m->running[0].comm, "a\xff\"b");
	json = document(m);
	assert_string_equal(json_string_value(json_object_get(
				json_array_get(json_object_get(json, "processes"), 0), "comm")),
			    "a\xef\xbf\xbd\"b");
	json_decref(json);
	free(m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_every_order),
	    cmocka_unit_test(test_every_order_has_a_key_of_its_own),
	    cmocka_unit_test(test_plain_table),
	    cmocka_unit_test(test_top_cuts_the_table),
	    cmocka_unit_test(test_a_terminal_of_any_size),
	    cmocka_unit_test(test_what_has_no_room_goes_first),
	    cmocka_unit_test(test_a_long_path_keeps_its_end),
	    cmocka_unit_test(test_nothing_at_all),
	    cmocka_unit_test(test_summary),
	    cmocka_unit_test(test_json),
	    cmocka_unit_test(test_json_of_a_name_that_is_no_utf8),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
