/* SPDX-License-Identifier: GPL-2.0 */
/* Tensors in pictures: stacked by category, by category first, and their stages. */
#include "render_xml.h"

#include <math.h>

#include "render/by_category.h"
#include "render/category_look.h"
#include "render/categories.h"
#include "render/palette.h"
#include "render/stage_runs.h"
#include "render/stage_strip.h"

/* ---- a snapshot --------------------------------------------------------------------------- */

#define NAMES 3

static void add_categories(struct snapshot *s, const char *const names[NAMES])
{
	s->category_names = calloc(NAMES, sizeof(*s->category_names));
	assert_non_null(s->category_names);
	for (size_t i = 0; i < NAMES; i++)
		s->category_names[s->category_name_count++] = names[i];
}

static void add_point(struct snapshot *s, size_t process, double t_s, uint64_t a, uint64_t b,
		      uint64_t c)
{
	uint64_t *bytes = calloc(NAMES, sizeof(*bytes));

	assert_non_null(bytes);
	bytes[0] = a;
	bytes[1] = b;
	bytes[2] = c;
	s->category_points =
	    grown(s->category_points, s->category_point_count, sizeof(*s->category_points));
	s->category_points[s->category_point_count++] =
	    (struct category_point){.process = process, .t_s = t_s, .bytes = bytes};
}

static void add_category(struct snapshot *s, size_t process, const char *device, const char *name,
			 uint64_t at_peak, uint64_t at_end)
{
	s->categories = grown(s->categories, s->category_count, sizeof(*s->categories));
	s->categories[s->category_count++] = (struct category){
	    .process = process,
	    .device = strdup(device),
	    .name = strdup(name),
	    .bytes_at_peak = at_peak,
	    .bytes_at_end = at_end,
	};
}

static struct stack *add_tensor(struct snapshot *s, size_t process, const char *category,
				const char *shape, const char *function, uint64_t peak,
				uint64_t live)
{
	struct stack *t;

	s->tensors = grown(s->tensors, s->tensor_count, sizeof(*s->tensors));
	t = &s->tensors[s->tensor_count++];
	*t = (struct stack){
	    .process = process,
	    .layer = LAYER_TENSOR,
	    .device = "cpu",
	    .category = category,
	    .shape = shape,
	    .frames = calloc(2, sizeof(*t->frames)),
	    .frame_count = 2,
	    .peak_bytes = peak,
	    .live_bytes = live,
	    .at_peak = 1,
	    .live = 1,
	    .end = "root",
	};
	assert_non_null(t->frames);
	t->frames[0].function = "main";
	t->frames[1].function = function;
	return t;
}

static void add_stage(struct snapshot *s, size_t process, const char *name, double start_s,
		      double end_s, unsigned iteration, unsigned depth)
{
	s->stages = grown(s->stages, s->stage_count, sizeof(*s->stages));
	s->stages[s->stage_count++] = (struct stage){
	    .process = process,
	    .name = name ? strdup(name) : NULL,
	    .start_s = start_s,
	    .end_s = end_s,
	    .iteration = iteration,
	    .depth = depth,
	    .entry_bytes = 100,
	    .exit_bytes = 100 + 10 * (iteration + 1),
	    .peak_bytes = 1000 + iteration,
	    .growth_bytes = 10 * (int)(iteration + 1),
	};
}

/* A training of which the peak, 1750 bytes at 4.5 s, lies between two points. */
static struct snapshot *training(const char *const names[NAMES])
{
	static const char *const usual[NAMES] = {"activations", "parameters", "temporaries"};
	struct snapshot *s = snapshot_make("train.py", 10);
	struct process *p = snapshot_add_process(s, 5, "python3");

	names = names ? names : usual;
	s->layer_on[LAYER_TENSOR] = true;
	s->layer_on[LAYER_HEAP] = false;
	add_categories(s, names);
	add_point(s, 0, 0, 0, 0, 0);
	add_point(s, 0, 2, 0, 500, 0);
	add_point(s, 0, 4, 1000, 500, 0);
	add_point(s, 0, 6, 300, 500, 0);
	add_point(s, 0, 10, 0, 500, 0);
	add_category(s, 0, "cpu", names[0], 1200, 0);
	add_category(s, 0, "cpu", names[1], 500, 500);
	add_category(s, 0, "cpu", names[2], 50, 0);
	p->layers[LAYER_TENSOR].peak_bytes = 1750;
	p->layers[LAYER_TENSOR].peak_at_s = 4.5;
	p->layers[LAYER_TENSOR].live_bytes = 500;
	return s;
}

/* ---- stacked areas -------------------------------------------------------------------------- */

static void areas_sum_to_the_curve(void **state)
{
	struct snapshot *s = training(NULL);
	struct category_stack stack;
	struct series total;

	(void)state;
	assert_int_equal(categories_build(&stack, &total, s), 0);
	assert_int_equal(stack.count, 3);
	assert_string_equal(stack.areas[0].name, "parameters");
	assert_string_equal(stack.areas[1].name, "activations");
	assert_string_equal(stack.areas[2].name, "temporaries");
	assert_true(total.exact);
	assert_true(total.vertices[total.highest].t_s == 4.5);
	for (size_t k = 0; k < total.count; k++) {
		uint64_t sum = 0;

		for (size_t i = 0; i < stack.count; i++) {
			assert_int_equal(stack.areas[i].series.count, total.count);
			assert_true(stack.areas[i].series.vertices[k].t_s == total.vertices[k].t_s);
			sum += stack.areas[i].series.vertices[k].bytes;
		}
		assert_int_equal(sum, total.vertices[k].bytes);
	}
	categories_free(&stack);
	series_free(&total);
	snapshot_free(s);
}

static void thin_areas_keep_the_peak(void **state)
{
	struct snapshot *s = training(NULL);
	struct category_stack stack;
	struct series total;

	(void)state;
	for (int i = 0; i < 5000; i++)
		add_point(s, 0, 10.0 * i / 5000, 100 + i % 7, 500, i % 3);
	assert_int_equal(categories_build(&stack, &total, s), 0);
	categories_thin(&stack, &total, 10, 100);
	assert_true(total.count <= 202 && total.count > 100);
	assert_int_equal(total.vertices[total.highest].bytes, 1750);
	assert_int_equal(stack.areas[0].series.vertices[total.highest].bytes, 500);
	assert_int_equal(stack.areas[1].series.vertices[total.highest].bytes, 1200);
	assert_int_equal(stack.areas[2].series.vertices[total.highest].bytes, 50);
	categories_free(&stack);
	series_free(&total);
	snapshot_free(s);
}

static void devices_with_peaks_of_their_own_have_no_common_one(void **state)
{
	struct snapshot *s = training(NULL);
	struct category_stack stack;
	struct series total;

	(void)state;
	add_category(s, 0, "cuda:0", "parameters", 900, 900);
	assert_int_equal(categories_build(&stack, &total, s), 0);
	assert_false(total.exact);
	assert_int_equal(total.count, 5);
	assert_int_equal(total.vertices[total.highest].bytes, 1500);
	categories_free(&stack);
	series_free(&total);
	snapshot_free(s);
}

static void areas_add_up_processes(void **state)
{
	struct snapshot *s = training(NULL);
	struct category_stack stack;
	struct series total;

	(void)state;
	snapshot_add_process(s, 6, "python3");
	s->processes[1].exited = true;
	s->processes[1].end_s = 7;
	add_point(s, 1, 4, 0, 100, 7);
	/* of no process */
	add_point(s, 9, 4, 1, 1, 1);
	assert_int_equal(categories_build(&stack, &total, s), 0);
	assert_int_equal(total.vertices[total.highest].bytes, 1750 + 107);
	assert_int_equal(total.vertices[total.count - 1].bytes, 500);
	categories_free(&stack);
	series_free(&total);
	snapshot_free(s);
}

static void timeline_has_a_legend_of_the_peak(void **state)
{
	struct snapshot *s = training(NULL);
	char *svg = picture(render_timeline, s, METRIC_PEAK);

	(void)state;
	assert_contains(svg, ">tensors at their peak: <");
	assert_contains(svg, ">parameters 500 B<");
	assert_contains(svg, ">activations 1.17 KiB<");
	assert_contains(svg, ">temporaries 50 B<");
	assert_contains(svg, ">tensor peak 1.71 KiB at 4.50 s<");
	assert_int_equal(occurrences(svg, "<g class=\"part\""), 3);
	/* the tensors' own area gives way to them */
	assert_lacks(svg, "<path class=\"area tensor\"");
	free(svg);
	snapshot_free(s);
}

static void timeline_without_categories_has_none(void **state)
{
	struct snapshot *s = snapshot_make("app", 10);
	char *svg;

	(void)state;
	snapshot_add_process(s, 5, "app");
	snapshot_add_point(s, 1, 0, 5000, 1000);
	snapshot_add_point(s, 2, 0, 5000, 1000);
	svg = picture(render_timeline, s, METRIC_PEAK);
	assert_lacks(svg, "tensors at their peak");
	assert_lacks(svg, "id=\"parts\"");
	assert_lacks(svg, "<rect class=\"strip");
	assert_contains(svg, "<path class=\"area heap\"");
	free(svg);
	/* the layer is on, as it is for every program */
	s->layer_on[LAYER_TENSOR] = true;
	svg = picture(render_timeline, s, METRIC_PEAK);
	assert_lacks(svg, "tensor peak");
	assert_lacks(svg, "data-layer=\"tensor\"");
	free(svg);
	/* nor have tensors of which only the sum is known */
	s->points[0].layer_bytes[LAYER_TENSOR] = s->points[1].layer_bytes[LAYER_TENSOR] = 77;
	svg = picture(render_timeline, s, METRIC_PEAK);
	assert_contains(svg, "<path class=\"area tensor\"");
	free(svg);
	snapshot_free(s);
}

static void colours_are_the_same_everywhere(void **state)
{
	struct frame category = {.function = "gradients", .kind = FRAME_CATEGORY};
	struct frame shape = {.function = "float32[3]", .module = "gradients", .kind = FRAME_SHAPE};
	char colour[COLOUR_LEN];

	(void)state;
	assert_string_equal(palette_colour(colour, &category), category_colour("gradients"));
	assert_string_equal(palette_colour(colour, &shape), category_colour("gradients"));
	assert_int_equal(palette_of(&category), PALETTE_NR);
	/* one that we do not know has one too, always the same */
	assert_int_equal(strspn(category_colour("my own"), "#0123456789abcdef"), 7);
	assert_ptr_equal(category_colour("my own"), category_colour("my own"));
	assert_true(category_rank("parameters") < category_rank("activations"));
	assert_true(category_rank("other") < category_rank("my own"));
}

/* ---- stages ------------------------------------------------------------------------------------
 */

static void wide_stages_are_bars_of_their_own(void **state)
{
	struct snapshot *s = training(NULL);
	struct stage_runs runs;

	(void)state;
	/* not in order of time, with one of another process and one inside of another */
	add_stage(s, 0, "backward", 3, 5, 0, 0);
	add_stage(s, 0, "forward", 1, 3, 0, 0);
	add_stage(s, 1, "forward", 1, 3, 0, 0);
	add_stage(s, 0, "mine", 1, 2, 0, 1);
	add_stage(s, 0, "backwards", 9, 8, 0, 0);
	assert_int_equal(stage_runs_build(&runs, s, 0, 0, false, 0.03), 0);
	assert_int_equal(runs.count, 2);
	assert_string_equal(stage_run_name(runs.runs[0].longest), "forward");
	assert_string_equal(stage_run_name(runs.runs[1].longest), "backward");
	stage_runs_free(&runs);
	assert_int_equal(stage_runs_build(&runs, s, 0, 1, true, 0.03), 0);
	assert_int_equal(runs.count, 1);
	assert_string_equal(stage_run_name(runs.runs[0].longest), "mine");
	stage_runs_free(&runs);
	assert_int_equal(stage_runs_build(&runs, s, 3, 0, true, 0.03), 0);
	assert_int_equal(runs.count, 0);
	stage_runs_free(&runs);
	snapshot_free(s);
}

static void narrow_stages_are_merged(void **state)
{
	struct snapshot *s = training(NULL);
	struct stage_runs runs;
	char *svg;

	(void)state;
	add_stage(s, 0, "load", 0, 2, 0, 0);
	for (unsigned i = 0; i < 2000; i++) {
		double t = 2 + i * 0.002;

		add_stage(s, 0, "forward", t, t + 0.001, i, 0);
		add_stage(s, 0, "backward", t + 0.001, t + 0.002, i, 0);
	}
	add_stage(s, 0, "forward", 7, 9, 2000, 0);
	assert_int_equal(stage_runs_build(&runs, s, 0, 0, false, 0.03), 0);
	assert_int_equal(runs.count, 3);
	assert_int_equal(runs.runs[0].count, 1);
	assert_int_equal(runs.runs[1].count, 4000);
	assert_int_equal(runs.runs[1].name_count, 2);
	assert_int_equal(runs.runs[1].names[0].count, 2000);
	assert_int_equal(runs.runs[1].names[1].count, 2000);
	assert_int_equal(runs.runs[1].iteration_first, 0);
	assert_int_equal(runs.runs[1].iteration_last, 1999);
	assert_int_equal(runs.runs[1].peak_bytes, 2999);
	assert_int_equal(runs.runs[1].growth_bytes, 20000);
	assert_true(fabs(runs.runs[1].end_s - 6) < 1e-9);
	assert_int_equal(runs.runs[2].count, 1);
	stage_runs_free(&runs);
	svg = picture(render_timeline, s, METRIC_PEAK);
	assert_contains(svg, ">2,000 iterations: forward, backward<");
	/* without a shade: it has no one colour */
	assert_int_equal(occurrences(svg, "<rect class=\"strip "), 3);
	assert_int_equal(occurrences(svg, "<rect class=\"shade "), 2);
	free(svg);
	snapshot_free(s);
}

/* Iterations that are too short as a whole are merged although one of their stages is not. */
static void short_iterations_are_merged_whole(void **state)
{
	struct snapshot *s = training(NULL);
	struct stage_runs runs;

	(void)state;
	for (unsigned i = 0; i < 100; i++) {
		add_stage(s, 0, "forward", i * 0.08, i * 0.08 + 0.04, i, 0);
		add_stage(s, 0, "backward", i * 0.08 + 0.04, i * 0.08 + 0.08, i, 0);
	}
	assert_int_equal(stage_runs_build(&runs, s, 0, 0, false, 0.03), 0);
	assert_int_equal(runs.count, 1);
	stage_runs_free(&runs);
	assert_int_equal(stage_runs_build(&runs, s, 0, 0, false, 0.02), 0);
	assert_int_equal(runs.count, 200);
	stage_runs_free(&runs);
	snapshot_free(s);
}

static void stages_say_what_they_are(void **state)
{
	struct snapshot *s = training(NULL);
	char *svg;

	(void)state;
	add_stage(s, 0, "forward", 1, 3, 4, 0);
	add_stage(s, 0, "", 1, 2, 4, 1);
	svg = picture(render_timeline, s, METRIC_PEAK);
	assert_contains(svg, "<title>forward\niteration 4\nfrom 1.00 s, for 2.00 s\n"
			     "tensors: peak 1004 B");
	assert_contains(svg, "data-n=\"forward, iteration 4\"");
	assert_contains(svg, ">unnamed<");
	free(svg);
	/* of two processes there are two strips, and no shade: whose should it be? */
	snapshot_add_process(s, 6, "python3");
	add_stage(s, 1, "forward", 1, 3, 4, 0);
	svg = picture(render_timeline, s, METRIC_PEAK);
	assert_lacks(svg, "<rect class=\"shade ");
	assert_lacks(svg, "data-n=");
	assert_contains(svg, ">pid 5<");
	assert_contains(svg, ">pid 6<");
	free(svg);
	for (int i = 0; i < 8; i++) {
		snapshot_add_process(s, 7 + i, "python3");
		add_stage(s, 2 + (size_t)i, "forward", 1, 3, 4, 0);
	}
	svg = picture(render_timeline, s, METRIC_PEAK);
	assert_contains(svg, "and the stages of 4 more processes");
	free(svg);
	snapshot_free(s);
}

/* ---- by category
 * ----------------------------------------------------------------------------------- */

static char *folded(const struct snapshot *s, enum metric metric)
{
	struct render_options o = {.metric = metric, .by_category = true};

	return rendered(render_folded, s, &o);
}

static struct snapshot *held(void)
{
	struct snapshot *s = training(NULL);

	add_tensor(s, 0, "parameters", "float32[64, 3]", "load", 500, 500);
	add_tensor(s, 0, "activations", "float32[8, 7]", "conv", 700, 0);
	add_tensor(s, 0, "activations", "", "relu", 500, 0);
	add_tensor(s, 0, "temporaries", "float32[9]", "conv", 50, 0);
	return s;
}

static void folded_begins_with_the_category(void **state)
{
	struct snapshot *s = held();
	char *text = folded(s, METRIC_PEAK);

	(void)state;
	assert_string_equal(text, "python3;activations;main;conv;float32[8, 7] 700\n"
				  "python3;activations;main;relu 500\n"
				  "python3;parameters;main;load;float32[64, 3] 500\n"
				  "python3;temporaries;main;conv;float32[9] 50\n");
	free(text);
	text = folded(s, METRIC_LIVE);
	assert_string_equal(text, "python3;parameters;main;load;float32[64, 3] 500\n");
	free(text);
	/* the layer's stacks are another thing */
	ADD_STACK(s, 0, LAYER_TENSOR, 0, "main", "layer")->alloc_bytes = 9;
	text = folded(s, METRIC_PEAK);
	assert_lacks(text, "layer");
	free(text);
	snapshot_free(s);
}

static void what_is_not_listed_counts(void **state)
{
	struct snapshot *s = held();
	char *text;

	(void)state;
	s->categories[0].bytes_at_peak += 30;
	s->categories[1].bytes_at_end += 8;
	s->processes[0].layers[LAYER_TENSOR].peak_bytes += 30 + 4;
	text = folded(s, METRIC_PEAK);
	assert_contains(text, "python3;activations;[tensors too small to be listed] 30\n");
	assert_contains(text, "python3;[in flight at the peak] 4\n");
	free(text);
	text = folded(s, METRIC_LIVE);
	assert_contains(text, "python3;parameters;[tensors too small to be listed] 8\n");
	assert_lacks(text, "in flight");
	free(text);
	snapshot_free(s);
}

static void flame_begins_with_the_category(void **state)
{
	struct render_options o = {.metric = METRIC_PEAK, .by_category = true};
	struct snapshot *s = held();
	char *svg = rendered(render_flame, s, &o);

	(void)state;
	assert_xml(svg);
	assert_contains(svg, "Held at the peak: tensor 1.71 KiB (1,750 bytes) after 4.50 s");
	assert_contains(svg, "<title>activations\ncategory\n1.17 KiB (1,200 bytes), 68.6 %");
	assert_contains(svg, "<title>float32[8, 7]\nshape, activations\n700 B");
	assert_contains(svg, category_colour("activations"));
	free(svg);
	/* two devices at peaks of their own have more than both at one time */
	add_tensor(s, 0, "parameters", "", "load", 250, 0);
	svg = rendered(render_flame, s, &o);
	assert_contains(svg, "250 B above the peak, of devices at their own peaks");
	free(svg);
	snapshot_free(s);
}

static void without_tensors_there_is_nothing(void **state)
{
	struct render_options o = {.metric = METRIC_PEAK, .by_category = true};
	struct snapshot *s = snapshot_make("app", 1);
	char *text;

	(void)state;
	snapshot_add_process(s, 5, "app");
	ADD_STACK(s, 0, LAYER_HEAP, 100, "main", "malloc");
	assert_false(by_category_any(s));
	text = rendered(render_folded, s, &o);
	assert_string_equal(text, "");
	free(text);
	text = rendered(render_flame, s, &o);
	assert_xml(text);
	assert_contains(text, "No tensors were seen");
	free(text);
	snapshot_free(s);
	s = snapshot_make(NULL, 0);
	text = rendered(render_flame, s, &o);
	assert_xml(text);
	free(text);
	snapshot_free(s);
}

/* ---- hostile names
 * ----------------------------------------------------------------------------------- */

static void names_stay_names(void **state)
{
	static const char *const names[NAMES] = {HOSTILE_CLOSE, HOSTILE_CDATA,
						 HOSTILE_ESC HOSTILE_BYTES};
	struct render_options o = {.metric = METRIC_PEAK, .by_category = true};
	struct snapshot *s = training(names);
	char *text[3];

	(void)state;
	add_stage(s, 0, HOSTILE_CLOSE HOSTILE_BYTES, 1, 3, 0, 0);
	add_stage(s, 0, HOSTILE_CDATA HOSTILE_ESC, 3, 5, 0, 1);
	for (unsigned i = 0; i < 100; i++)
		add_stage(s, 0, i % 2 ? HOSTILE_CLOSE : HOSTILE_ESC, 6 + i * 0.001,
			  6.001 + i * 0.001, i, 0);
	add_tensor(s, 0, HOSTILE_CLOSE, HOSTILE_CDATA, HOSTILE_LINE, 500, 500);
	add_tensor(s, 0, HOSTILE_ESC HOSTILE_BYTES, HOSTILE_LINE, HOSTILE_CLOSE, 500, 500);
	text[0] = rendered(render_timeline, s, &o);
	text[1] = rendered(render_flame, s, &o);
	text[2] = rendered(render_folded, s, &o);
	for (int i = 0; i < 2; i++) {
		assert_xml(text[i]);
		assert_int_equal(occurrences(text[i], "<script"), 1);
		assert_int_equal(occurrences(text[i], "]]>"), 2);
		assert_contains(text[i], "&lt;script&gt;alert(1)");
	}
	assert_harmless(text[2]);
	for (int i = 0; i < 3; i++)
		free(text[i]);
	snapshot_free(s);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
	    cmocka_unit_test(areas_sum_to_the_curve),
	    cmocka_unit_test(thin_areas_keep_the_peak),
	    cmocka_unit_test(devices_with_peaks_of_their_own_have_no_common_one),
	    cmocka_unit_test(areas_add_up_processes),
	    cmocka_unit_test(timeline_has_a_legend_of_the_peak),
	    cmocka_unit_test(timeline_without_categories_has_none),
	    cmocka_unit_test(colours_are_the_same_everywhere),
	    cmocka_unit_test(wide_stages_are_bars_of_their_own),
	    cmocka_unit_test(narrow_stages_are_merged),
	    cmocka_unit_test(short_iterations_are_merged_whole),
	    cmocka_unit_test(stages_say_what_they_are),
	    cmocka_unit_test(folded_begins_with_the_category),
	    cmocka_unit_test(what_is_not_listed_counts),
	    cmocka_unit_test(flame_begins_with_the_category),
	    cmocka_unit_test(without_tensors_there_is_nothing),
	    cmocka_unit_test(names_stay_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
