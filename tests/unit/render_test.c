/* SPDX-License-Identifier: GPL-2.0 */
/* The outputs that programs read: folded stacks and JSON. */
#include "render_workshop.h"

#include <jansson.h>
#include <math.h>

#include "render/frametree.h"

/* ---- folded ------------------------------------------------------------------ */

static void expect_folded(const struct snapshot *s, enum metric metric, const char *expected)
{
	struct render_options o = {.metric = metric};
	char *text = rendered(render_folded, s, &o);

	assert_string_equal(text, expected);
	free(text);
}

static void folded_merges_and_sorts(void **state)
{
	struct snapshot *s = snapshot_make("t", 1);
	struct stack *stack;

	(void)state;
	snapshot_add_process(s, 1, "app");
	ADD_STACK(s, 0, LAYER_HEAP, 300, "main", "zeta", "malloc");
	ADD_STACK(s, 0, LAYER_HEAP, 100, "main", "alpha", "malloc");
	/* the same names at another line are the same line of text */
	stack = ADD_STACK(s, 0, LAYER_HEAP, 50, "main", "alpha", "malloc");
	stack->frames[1].line = 9;
	stack->live_bytes = stack->allocs = 0;
	/* no share of the peak: no line */
	ADD_STACK(s, 0, LAYER_HEAP, 10, "main", "gone", "malloc")->peak_bytes = 0;
	expect_folded(s, METRIC_PEAK,
		      "app;main;alpha;malloc 150\n"
		      "app;main;zeta;malloc 300\n");
	expect_folded(s, METRIC_LIVE,
		      "app;main;alpha;malloc 100\n"
		      "app;main;gone;malloc 10\n"
		      "app;main;zeta;malloc 300\n");
	expect_folded(s, METRIC_ALLOC,
		      "app;main;alpha;malloc 300\n"
		      "app;main;gone;malloc 20\n"
		      "app;main;zeta;malloc 600\n");
	expect_folded(s, METRIC_COUNT,
		      "app;main;alpha;malloc 2\n"
		      "app;main;gone;malloc 2\n"
		      "app;main;zeta;malloc 2\n");
	snapshot_free(s);
}

static void folded_shows_what_was_in_flight(void **state)
{
	struct snapshot *s = snapshot_make("t", 1);

	(void)state;
	snapshot_add_process(s, 1, "app");
	ADD_STACK(s, 0, LAYER_HEAP, 100, "main", "malloc");
	s->processes[0].layers[LAYER_HEAP].in_flight_bytes = 24;
	expect_folded(s, METRIC_PEAK, "app;[in flight at the peak] 24\napp;main;malloc 100\n");
	expect_folded(s, METRIC_LIVE, "app;main;malloc 100\n");
	/* frees in flight: no line can be below 0 */
	s->processes[0].layers[LAYER_HEAP].in_flight_bytes = -24;
	expect_folded(s, METRIC_PEAK, "app;main;malloc 100\n");
	snapshot_free(s);
}

static void folded_never_sums_layers(void **state)
{
	struct snapshot *s = snapshot_make("t", 1);

	(void)state;
	snapshot_add_process(s, 1, "app");
	ADD_STACK(s, 0, LAYER_HEAP, 100, "main", "new");
	ADD_STACK(s, 0, LAYER_TENSOR, 100, "main", "new")->live_bytes = 0;
	s->processes[0].layers[LAYER_HEAP].in_flight_bytes = 3;
	expect_folded(s, METRIC_PEAK,
		      "app;[heap];[in flight at the peak] 3\n"
		      "app;[heap];main;new 100\n"
		      "app;[tensor];main;new 100\n");
	/* only one layer has anything: no need to name it */
	expect_folded(s, METRIC_LIVE, "app;main;new 100\n");
	snapshot_free(s);
}

static void folded_of_the_kernel(void **state)
{
	struct snapshot *s = snapshot_kernel();

	(void)state;
	expect_folded(s, METRIC_PEAK,
		      "kernel;[pages];pipe_write;alloc_pages order 0 4096\n"
		      "kernel;[slab];do_msgsnd;load_msg;kmalloc 128 100\n");
	snapshot_free(s);
}

static void folded_keeps_its_separators(void **state)
{
	struct snapshot *s = snapshot_make("t", 1);

	(void)state;
	snapshot_add_process(s, 1, "a;b\n");
	ADD_STACK(s, 0, LAYER_HEAP, 8, "x;y", "n\nm", "e\033[1m", "\xff", "", "operator new(int)");
	expect_folded(s, METRIC_PEAK,
		      "a:b ;x:y;n m;e\xef\xbf\xbd[1m;\xef\xbf\xbd;?;operator new(int) 8\n");
	snapshot_free(s);
}

static void folded_of_nothing_is_empty(void **state)
{
	struct snapshot *s = snapshot_make(NULL, 0);

	(void)state;
	expect_folded(s, METRIC_PEAK, "");
	snapshot_add_process(s, 1, "app");
	expect_folded(s, METRIC_PEAK, "");
	snapshot_free(s);
}

/* ---- JSON ---------------------------------------------------------------------- */

static json_t *parsed(const struct snapshot *s)
{
	char *text = rendered(render_json, s, NULL);
	json_error_t error;
	/* a key that is there twice is a mistake too */
	json_t *root = json_loads(text, JSON_REJECT_DUPLICATES, &error);

	if (!root)
		fail_msg("line %d: %s\n%.2000s", error.line, error.text, text);
	free(text);
	return root;
}

/* `keys` is "name:type …": i integer, r real, s string, b boolean, a array, o object, n null. */
static void expect_keys(const json_t *object, const char *keys)
{
	char *copy = strdup(keys), *rest = copy, *key;
	size_t count = 0;

	assert_true(json_is_object(object));
	while ((key = strsep(&rest, " "))) {
		char type = key[strlen(key) - 1];
		const json_t *value;
		bool right;

		key[strlen(key) - 2] = 0;
		value = json_object_get(object, key);
		right = value && (type == 'i'   ? json_is_integer(value)
				  : type == 'r' ? json_is_real(value)
				  : type == 's' ? json_is_string(value)
				  : type == 'b' ? json_is_boolean(value)
				  : type == 'a' ? json_is_array(value)
				  : type == 'o' ? json_is_object(value)
						: json_is_null(value));
		if (!right)
			fail_msg("key \"%s\" is missing or not of type %c", key, type);
		count++;
	}
	assert_int_equal(json_object_size(object), count);
	free(copy);
}

static const json_t *at(const json_t *root, const char *array, size_t index)
{
	return json_array_get(json_object_get(root, array), index);
}

static int64_t integer(const json_t *object, const char *key)
{
	const json_t *value = json_object_get(object, key);

	assert_true(json_is_integer(value));
	return json_integer_value(value);
}

static const char *string(const json_t *object, const char *key)
{
	return json_string_value(json_object_get(object, key));
}

static struct snapshot *full_snapshot(void)
{
	struct snapshot *s = snapshot_make("python3 x.py", 12.5);
	struct process *p = snapshot_add_process(s, 42, "python3");
	struct stack *stack;

	p->cmdline = strdup("python3 x.py");
	p->exited = true;
	p->exit_code = 3;
	p->end_s = 12.25;
	p->rss_bytes = 1000;
	p->rss_peak_bytes = 2000;
	ADD_STACK(s, 0, LAYER_HEAP, 70, "main", "malloc");
	stack = ADD_STACK(s, 0, LAYER_TENSOR, 500, "forward", "alloc");
	stack->device = "cpu";
	stack->frames[0].file = "x.py";
	stack->frames[0].line = 7;
	stack->frames[0].kind = FRAME_PYTHON;
	stack->frames[1].module = "/lib/libc10.so";
	stack->frames[1].inlined = true;
	stack->temporary = 1;
	stack->end = "no_rows";
	stack->end_text = "no unwind rows for libx.so";
	stack->by_pointer = 3;
	stack->lifetime[4] = 9;
	p->layers[LAYER_HEAP].peak_at_s = 3.5;
	p->layers[LAYER_HEAP].in_flight_bytes = 5;
	p->layers[LAYER_HEAP].unknown_frees = 6;
	p->layers[LAYER_HEAP].failed = 8;
	p->devices = calloc(1, sizeof(*p->devices));
	assert_non_null(p->devices);
	p->devices[p->device_count++] =
	    (struct device_totals){.name = "cuda:1",
				   .totals = {.allocs = 3, .live_bytes = 30},
				   .shared_bytes = 77,
				   .driver_known = true,
				   .driver_bytes = 5};
	snapshot_add_point(s, 0.5, 0, 900, 60);
	snapshot_add_point(s, 2, 0, 901, 61);
	s->stages = calloc(2, sizeof(*s->stages));
	s->stages[s->stage_count++] = (struct stage){.name = strdup("train"),
						     .start_s = 1,
						     .end_s = 9,
						     .peak_bytes = 600,
						     .growth_bytes = -4};
	s->stages[s->stage_count++] = (struct stage){.name = strdup("forward"),
						     .start_s = 1.5,
						     .end_s = 3,
						     .peak_bytes = 600,
						     .growth_bytes = 4};
	s->categories = calloc(1, sizeof(*s->categories));
	s->categories[s->category_count++] = (struct category){.device = strdup("cpu"),
							       .name = strdup("parameters"),
							       .bytes_at_peak = 11,
							       .bytes_before_backward = 14,
							       .bytes_after_step = 15,
							       .bytes_at_end = 12};
	s->allocators = calloc(2, sizeof(*s->allocators));
	s->allocators[s->allocator_count++] = (struct allocator){
	    .device = "cuda:0",
	    .now = {.reserved_bytes = 100,
		    .allocated_bytes = 70,
		    .requested_bytes = 60,
		    .rounding_bytes = 6,
		    .untold_bytes = 4,
		    .unused_bytes = 30},
	    .segments_known = true,
	    .held_segments = 2,
	};
	s->allocators[s->allocator_count++] = (struct allocator){.device = "cuda:1"};
	s->makers = calloc(1, sizeof(*s->makers));
	s->maker_stacks = calloc(1, sizeof(*s->maker_stacks));
	s->makers[s->maker_count] = (struct stage_maker){"forward"};
	s->maker_stacks[s->maker_count++] =
	    (struct stack){.layer = LAYER_TENSOR, .allocs = 2, .alloc_bytes = 9};
	s->holders = calloc(1, sizeof(*s->holders));
	s->holder_stacks = calloc(1, sizeof(*s->holder_stacks));
	s->holders[s->holder_count] = (struct segment_hold){0, 30};
	s->holder_stacks[s->holder_count++] =
	    (struct stack){.layer = LAYER_TENSOR, .device = "cuda:0", .end = "root"};
	s->insights = calloc(1, sizeof(*s->insights));
	s->insights[s->insight_count++] = (struct insight){0, strdup("leak"), strdup("grows"), 13};
	s->notes = calloc(1, sizeof(*s->notes));
	s->notes[s->note_count++] = strdup("one note");
	s->losses[1].count = 17;
	return s;
}

/* A stack has the numbers of its frames, which are written once. */
static const json_t *frame_at(const json_t *root, const json_t *stack, size_t i)
{
	return at(root, "frames", (size_t)json_integer_value(at(stack, "frames", i)));
}

#define LAYER_KEYS                                                                                 \
	"allocs:i alloc_bytes:i frees:i freed_bytes:i live:i live_bytes:i peak_bytes:i "           \
	"peak_at_s:r unknown_frees:i failed:i in_flight_bytes:i"

#define MOMENT_KEYS                                                                                \
	"reserved_bytes:i allocated_bytes:i untold_bytes:i requested_bytes:i rounding_bytes:i "    \
	"unused_bytes:i fragmentation_bytes:i"

static void json_has_every_key(void **state)
{
	struct snapshot *s = full_snapshot();
	json_t *root = parsed(s);
	const json_t *layers;

	(void)state;
	expect_keys(root,
		    "schema:i tool:s title:s duration_s:r began_s:r processes:a stacks:a frames:a "
		    "timeline:a tensors:a category_timeline:a "
		    "stages:a categories:a ooms:a failures:a limits:a insights:a notes:a lost:o "
		    "allocators:a segment_holders:a stage_makers:a");
	expect_keys(at(root, "processes", 0),
		    "pid:i comm:s cmdline:s container:n exit_code:i rss_bytes:i rss_peak_bytes:i "
		    "layers:o id:i ppid:i start_s:r end_s:r exited:b execed:b resident:n");
	layers = json_object_get(at(root, "processes", 0), "layers");
	expect_keys(layers, "heap:o tensor:o gpu:o vm:o rss:o slab:n pages:n");
	for (int i = 0; i <= LAYER_RSS; i++)
		expect_keys(json_object_get(layers, layer_names[i]),
			    i == LAYER_GPU ? LAYER_KEYS " devices:a" : LAYER_KEYS);
	expect_keys(at(json_object_get(layers, "gpu"), "devices", 0),
		    LAYER_KEYS " device:s shared_bytes:i driver_bytes:i driver_peak_bytes:i "
			       "driver_counted_bytes:n other_bytes:n");
	expect_keys(at(root, "stacks", 0),
		    "pid:i process:i layer:s device:s frames:a allocs:i alloc_bytes:i frees:i "
		    "freed_bytes:i "
		    "live:i live_bytes:i peak_bytes:i temporary:i major_faults:i untouched_bytes:i "
		    "end:s by_pointer:i lifetime_log2_us:a");
	expect_keys(at(root, "frames", 0), "function:s file:s line:i module:n kind:s inlined:b");
	expect_keys(at(root, "timeline", 0),
		    "t_s:r pid:i process:i rss_bytes:i heap_bytes:i tensor_bytes:i "
		    "gpu_bytes:i vm_bytes:i slab_bytes:n pages_bytes:n stage:n rss_high_bytes:i "
		    "anon_bytes:i file_bytes:i shmem_bytes:i swap_bytes:i "
		    "page_table_bytes:i mapped_bytes:i");
	expect_keys(at(root, "stages", 0), "pid:i process:i name:s start_s:r end_s:r iteration:i "
					   "depth:i entry_bytes:i exit_bytes:i "
					   "peak_bytes:i growth_bytes:i");
	expect_keys(at(root, "categories", 0),
		    "pid:i process:i device:s name:s bytes_at_peak:i bytes_before_backward:i "
		    "bytes_after_step:i bytes_at_end:i");
	for (size_t i = 0; i < 2; i++)
		expect_keys(at(root, "allocators", i),
			    i ? "pid:i process:i device:s reserved_peak_bytes:i at_peak:o at_end:o "
				"segments:n"
			      : "pid:i process:i device:s reserved_peak_bytes:i at_peak:o at_end:o "
				"segments:o");
	expect_keys(json_object_get(at(root, "allocators", 0), "at_end"), MOMENT_KEYS);
	expect_keys(json_object_get(at(root, "allocators", 1), "at_peak"), MOMENT_KEYS);
	expect_keys(json_object_get(at(root, "allocators", 0), "segments"),
		    "held:i stranded_bytes:i sparse:i sparse_bytes:i cached_bytes:i");
	assert_int_equal(
	    integer(json_object_get(at(root, "allocators", 0), "at_end"), "fragmentation_bytes"),
	    36);
	expect_keys(at(root, "segment_holders", 0),
		    "pid:i process:i device:s holds_bytes:i live:i live_bytes:i frames:a");
	expect_keys(at(root, "stage_makers", 0),
		    "pid:i process:i stage:s allocs:i alloc_bytes:i frames:a");
	expect_keys(at(root, "insights", 0), "pid:i process:i kind:s bytes:i text:s");
	expect_keys(json_object_get(root, "lost"), "events:i stacks_full:i");
	json_decref(root);
	snapshot_free(s);
}

static void json_of_the_kernel(void **state)
{
	struct snapshot *s = snapshot_kernel();
	const json_t *layers;
	json_t *root;

	(void)state;
	root = parsed(s);
	layers = json_object_get(at(root, "processes", 0), "layers");
	expect_keys(json_object_get(layers, "slab"), LAYER_KEYS " rounding_bytes:i");
	expect_keys(json_object_get(layers, "pages"), LAYER_KEYS);
	assert_int_equal(integer(json_object_get(layers, "slab"), "rounding_bytes"), 28);
	assert_int_equal(integer(at(root, "timeline", 0), "slab_bytes"), 100);
	assert_int_equal(integer(at(root, "timeline", 0), "pages_bytes"), 4096);
	/* the largest first */
	assert_string_equal(string(at(root, "stacks", 0), "layer"), "pages");
	assert_null(json_object_get(at(root, "stacks", 0), "rounding_bytes"));
	assert_string_equal(string(at(root, "stacks", 1), "layer"), "slab");
	assert_int_equal(integer(at(root, "stacks", 1), "rounding_bytes"), 28);
	assert_string_equal(string(frame_at(root, at(root, "stacks", 1), 0), "kind"), "kernel");
	json_decref(root);
	snapshot_free(s);
}

static void json_has_the_values(void **state)
{
	struct snapshot *s = full_snapshot();
	json_t *root = parsed(s);
	const json_t *process = at(root, "processes", 0), *stack = at(root, "stacks", 0), *heap;

	(void)state;
	assert_int_equal(integer(root, "schema"), 1);
	assert_int_equal(strncmp(string(root, "tool"), "memsnoop ", 9), 0);
	assert_int_equal(integer(process, "exit_code"), 3);
	assert_int_equal(integer(process, "pid"), 42);
	heap = json_object_get(json_object_get(process, "layers"), "heap");
	assert_int_equal(integer(heap, "live_bytes"), 70);
	assert_int_equal(integer(heap, "in_flight_bytes"), 5);
	assert_int_equal(integer(heap, "unknown_frees"), 6);
	assert_int_equal(integer(heap, "failed"), 8);
	assert_true(json_real_value(json_object_get(heap, "peak_at_s")) == 3.5);
	/* most live bytes first */
	assert_string_equal(string(stack, "layer"), "tensor");
	assert_string_equal(string(stack, "device"), "cpu");
	assert_int_equal(integer(stack, "live"), 1);
	assert_int_equal(integer(stack, "temporary"), 1);
	/* up to the last that is not 0 */
	assert_int_equal(json_array_size(json_object_get(stack, "lifetime_log2_us")), 5);
	assert_int_equal(json_integer_value(at(stack, "lifetime_log2_us", 4)), 9);
	/* from the root to the allocation */
	assert_string_equal(string(frame_at(root, stack, 0), "function"), "forward");
	assert_string_equal(string(frame_at(root, stack, 0), "kind"), "python");
	assert_int_equal(integer(frame_at(root, stack, 0), "line"), 7);
	assert_string_equal(string(frame_at(root, stack, 1), "module"), "/lib/libc10.so");
	assert_string_equal(string(frame_at(root, stack, 1), "kind"), "native");
	assert_true(json_is_null(json_object_get(at(root, "stacks", 1), "device")));
	/* the innermost stage */
	assert_string_equal(string(at(root, "timeline", 1), "stage"), "forward");
	assert_int_equal(integer(at(root, "timeline", 1), "heap_bytes"), 61);
	assert_int_equal(integer(at(root, "stages", 0), "growth_bytes"), -4);
	assert_int_equal(integer(json_object_get(root, "lost"), "stacks_full"), 17);
	assert_string_equal(json_string_value(at(root, "notes", 0)), "one note");
	json_decref(root);
	snapshot_free(s);
}

static void json_has_no_exit_code_of_the_living(void **state)
{
	struct snapshot *s = snapshot_make(NULL, (double)NAN);
	json_t *root;

	(void)state;
	snapshot_add_process(s, 1, "app")->exit_code = 5;
	s->processes[0].layers[LAYER_HEAP].live_bytes = UINT64_MAX;
	root = parsed(s);
	assert_true(json_is_null(json_object_get(at(root, "processes", 0), "exit_code")));
	assert_true(json_is_null(json_object_get(root, "title")));
	assert_int_equal(json_array_size(json_object_get(root, "stacks")), 0);
	assert_int_equal(json_array_size(json_object_get(root, "timeline")), 0);
	/* JSON's integers end earlier than ours */
	assert_true(
	    integer(json_object_get(json_object_get(at(root, "processes", 0), "layers"), "heap"),
		    "live_bytes") == INT64_MAX);
	json_decref(root);
	snapshot_free(s);
}

static void json_takes_hostile_names(void **state)
{
	struct snapshot *s = snapshot_hostile();
	json_t *root = parsed(s);
	const json_t *stack = at(root, "stacks", 0);

	(void)state;
	/* whatever is valid comes through as it is */
	assert_string_equal(string(frame_at(root, stack, 0), "function"), HOSTILE_CLOSE);
	assert_string_equal(string(frame_at(root, stack, 2), "function"), HOSTILE_LINE);
	assert_string_equal(string(frame_at(root, stack, 3), "function"), HOSTILE_ESC);
	assert_string_equal(string(frame_at(root, stack, 4), "function"),
			    "bytes\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"
			    "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbf");
	json_decref(root);
	snapshot_free(s);
}

/* ---- both at the size of a large program ------------------------------------------ */

#define STACKS 20000
#define DEPTH 60

static void many_stacks_add_up(void **state)
{
	static char names[500][32];
	struct snapshot *s = snapshot_make("many", 1);
	const char *path[DEPTH];
	uint64_t sum = 0, folded = 0;
	struct frametree tree;
	char *text, *line, *rest;

	(void)state;
	snapshot_add_process(s, 1, "app");
	for (int i = 0; i < 500; i++)
		snprintf(names[i], sizeof(names[i]), "function_%d", i);
	for (unsigned i = 0; i < STACKS; i++) {
		for (unsigned j = 0; j < DEPTH; j++)
			path[j] = names[j < 20 ? j : (i * 7 + j * (i % 13)) % 500];
		snapshot_add_stack(s, 0, LAYER_HEAP, path, DEPTH, 1 + i % 999);
		sum += 1 + i % 999;
	}
	text = rendered(render_folded, s, NULL);
	for (line = text; *line; line = rest + 1) {
		rest = strchr(line, '\n');
		while (rest[-1] != ' ')
			rest--;
		folded += strtoull(rest, NULL, 10);
		rest = strchr(rest, '\n');
	}
	assert_true(folded == sum);
	free(text);
	assert_int_equal(frametree_build(&tree, s, METRIC_PEAK, 0), 0);
	assert_true(tree.nodes[0].value == sum);
	assert_true(tree.nodes[0].children == sum);
	frametree_free(&tree);
	text = rendered(render_json, s, NULL);
	assert_int_equal(occurrences(text, "\"lifetime_log2_us\""), STACKS);
	/* 500 different frames, each once */
	assert_int_equal(occurrences(text, "\"function\""), 500);
	free(text);
	snapshot_free(s);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
	    cmocka_unit_test(folded_merges_and_sorts),
	    cmocka_unit_test(folded_shows_what_was_in_flight),
	    cmocka_unit_test(folded_never_sums_layers),
	    cmocka_unit_test(folded_of_the_kernel),
	    cmocka_unit_test(folded_keeps_its_separators),
	    cmocka_unit_test(folded_of_nothing_is_empty),
	    cmocka_unit_test(json_has_every_key),
	    cmocka_unit_test(json_of_the_kernel),
	    cmocka_unit_test(json_has_the_values),
	    cmocka_unit_test(json_has_no_exit_code_of_the_living),
	    cmocka_unit_test(json_takes_hostile_names),
	    cmocka_unit_test(many_stacks_add_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
