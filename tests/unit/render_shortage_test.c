/* SPDX-License-Identifier: GPL-2.0 */
/* What the outputs say of memory that ran out. */
#include <jansson.h>

#include "render_workshop.h"

#define MIB (1ULL << 20)

static struct stack stack_of(enum layer layer, const char *function, uint64_t held, int64_t growth)
{
	struct stack stack = {
	    .layer = layer,
	    .frames = calloc(2, sizeof(*stack.frames)),
	    .frame_count = 2,
	    .live_bytes = held,
	    .delta_bytes = growth,
	    .end = "root",
	};

	assert_non_null(stack.frames);
	stack.frames[0].function = "main";
	stack.frames[1].function = function;
	return stack;
}

/* A victim with seven stacks of 1 to 7 MiB, of which those of 3 MiB and less grew. */
static struct snapshot *snapshot_killed(const char *cgroup)
{
	static const char *const names[] = {"one", "two", "three", "four", "five", "six", "seven"};
	struct snapshot *s = snapshot_make("leak", 20);
	struct victim *v;

	snapshot_add_process(s, 42, "leak");
	s->victims = calloc(1, sizeof(*s->victims));
	assert_non_null(s->victims);
	v = &s->victims[s->victim_count++];
	*v = (struct victim){
	    .at_s = 12.3,
	    .rss_bytes = 63 * MIB,
	    .memory = {.anon_bytes = 60 * MIB, .file_bytes = 2 * MIB, .shmem_bytes = MIB},
	    .oom_score_adj = -5,
	    .cgroup = strdup(cgroup),
	    .limit_bytes = 64 * MIB,
	    .usage_bytes = 64 * MIB,
	    .growth_known = true,
	    .growth_s = 9.5,
	    .stacks = calloc(7, sizeof(*v->stacks)),
	};
	v->layer_bytes[LAYER_HEAP] = 28 * MIB;
	assert_non_null(v->stacks);
	for (size_t i = 0; i < 7; i++)
		v->stacks[v->stack_count++] =
		    stack_of(LAYER_HEAP, names[i], (i + 1) * MIB,
			     i < 3 ? (int64_t)((i + 1) * MIB) : -(int64_t)MIB);
	return s;
}

static void test_summary_names_victim_and_stacks(void **state)
{
	struct snapshot *s = snapshot_killed("/group");
	char *text = rendered(render_summary, s, NULL);
	const char *held, *grown;

	(void)state;
	assert_contains(text,
			"Killed by the OOM killer: leak (pid 42) after 12.3 s, heap 28.0 MiB, "
			"RSS 63.0 MiB");
	assert_contains(text, "its control group /group used 64.0 MiB of 64.0 MiB");
	assert_contains(text, "OOM score adjustment -5");
	held = strstr(text, "  it held, heap:");
	grown = strstr(text, "  in the 9.50 s before it had grown, heap: +2 MiB in all");
	assert_non_null(held);
	assert_non_null(grown);
	assert_true(held < grown);
	/* the five largest, largest first */
	assert_true(strstr(held, "seven") < strstr(held, "six"));
	assert_true(strstr(held, "four") < strstr(held, "three < main"));
	assert_true(strstr(held, "two") > grown);
	/* those that grew, and no others */
	assert_true(strstr(grown, "three") < strstr(grown, "two"));
	assert_true(strstr(grown, "two") < strstr(grown, "one"));
	assert_null(strstr(grown, "four"));
	free(text);
	snapshot_free(s);
}

static void test_unknown_growth_is_not_said(void **state)
{
	struct snapshot *s = snapshot_killed("/group");
	json_t *json, *victim;
	char *text;

	(void)state;
	s->victims[0].growth_known = false;
	text = rendered(render_summary, s, NULL);
	assert_lacks(text, "had grown");
	free(text);
	text = rendered(render_json, s, NULL);
	json = json_loads(text, 0, NULL);
	assert_non_null(json);
	victim = json_array_get(json_object_get(json, "ooms"), 0);
	assert_true(json_is_null(json_object_get(victim, "growth_s")));
	assert_true(json_is_null(
	    json_object_get(json_array_get(json_object_get(victim, "stacks"), 0), "growth_bytes")));
	json_decref(json);
	free(text);
	snapshot_free(s);
}

static void test_json_has_frames_by_number(void **state)
{
	struct snapshot *s = snapshot_killed("/group");
	char *text = rendered(render_json, s, NULL);
	json_t *json = json_loads(text, 0, NULL), *victim, *stack, *frame;

	(void)state;
	assert_non_null(json);
	victim = json_array_get(json_object_get(json, "ooms"), 0);
	assert_int_equal(json_integer_value(json_object_get(victim, "pid")), 42);
	assert_int_equal(
	    json_integer_value(json_object_get(json_object_get(victim, "held_bytes"), "heap")),
	    28 * MIB);
	assert_int_equal(json_array_size(json_object_get(victim, "stacks")), 7);
	stack = json_array_get(json_object_get(victim, "stacks"), 6);
	assert_int_equal(json_integer_value(json_object_get(stack, "growth_bytes")),
			 -(json_int_t)MIB);
	frame = json_array_get(
	    json_object_get(json, "frames"),
	    (size_t)json_integer_value(json_array_get(json_object_get(stack, "frames"), 1)));
	assert_string_equal(json_string_value(json_object_get(frame, "function")), "seven");
	json_decref(json);
	free(text);
	snapshot_free(s);
}

static void test_arrays_are_there_and_empty(void **state)
{
	static const char *const keys[] = {"ooms", "failures", "limits"};
	struct snapshot *s = snapshot_make("quiet", 1);
	char *text = rendered(render_json, s, NULL);
	json_t *json = json_loads(text, 0, NULL);

	(void)state;
	assert_non_null(json);
	for (size_t i = 0; i < 3; i++) {
		assert_true(json_is_array(json_object_get(json, keys[i])));
		assert_int_equal(json_array_size(json_object_get(json, keys[i])), 0);
	}
	json_decref(json);
	free(text);
	text = rendered(render_summary, s, NULL);
	assert_lacks(text, "OOM");
	assert_lacks(text, "not given memory");
	free(text);
	snapshot_free(s);
}

static void test_failures_and_limits(void **state)
{
	struct snapshot *s = snapshot_make("calls", 1);
	char *text;

	(void)state;
	snapshot_add_process(s, 1, "calls");
	s->failures = calloc(7, sizeof(*s->failures));
	s->limits = calloc(2, sizeof(*s->limits));
	assert_non_null(s->failures);
	assert_non_null(s->limits);
	for (size_t i = 0; i < 7; i++) {
		s->failures[i] = stack_of(LAYER_HEAP, "asks", 0, 0);
		s->failures[i].allocs = i + 1;
		s->failures[i].alloc_bytes = i == 6 ? FAILED_BYTES_MAX : (i + 1) * MIB;
	}
	s->failure_count = 7;
	s->limits[s->limit_count++] = (struct memory_limit){
	    .cgroup = strdup("/hit"), .limit_bytes = 64 * MIB, .hits = 1234, .kills = 1};
	s->limits[s->limit_count++] =
	    (struct memory_limit){.cgroup = strdup("/quiet"), .limit_bytes = 64 * MIB};
	text = rendered(render_summary, s, NULL);
	assert_contains(text, "Calls that were not given memory: 28");
	assert_contains(text, "6 × 1.00 MiB   asks < main");
	/* who asked for more than is counted */
	assert_contains(text, "7 times   asks < main");
	assert_contains(text, "and from 2 more stacks");
	assert_contains(text,
			"control group /hit hit its limit of 64.0 MiB 1,234 times, 1 OOM kill");
	assert_lacks(text, "/quiet");
	free(text);
	snapshot_free(s);
}

static void test_hostile_names_are_harmless(void **state)
{
	struct snapshot *s = snapshot_killed("/" HOSTILE_ESC HOSTILE_LINE HOSTILE_BYTES);
	render_fn *const renders[] = {render_summary, render_table};
	json_t *json;
	char *text;

	(void)state;
	s->victims[0].stacks[6].frames[1].function = HOSTILE_ESC HOSTILE_LINE;
	for (size_t i = 0; i < 2; i++) {
		text = rendered(renders[i], s, NULL);
		assert_contains(text, "Killed by the OOM killer");
		assert_harmless(text);
		free(text);
	}
	text = rendered(render_json, s, NULL);
	json = json_loads(text, 0, NULL);
	assert_non_null(json);
	json_decref(json);
	free(text);
	snapshot_free(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_summary_names_victim_and_stacks),
	    cmocka_unit_test(test_unknown_growth_is_not_said),
	    cmocka_unit_test(test_json_has_frames_by_number),
	    cmocka_unit_test(test_arrays_are_there_and_empty),
	    cmocka_unit_test(test_failures_and_limits),
	    cmocka_unit_test(test_hostile_names_are_harmless),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
