/* SPDX-License-Identifier: GPL-2.0 */
/* The pictures: well-formed whatever the names are, and their numbers add up. */
#include "render_xml.h"

#include <math.h>

#include "render/palette.h"
#include "render/series.h"

/* ---- flame graph ------------------------------------------------------------------ */

struct box {
	unsigned depth;
	uint64_t start, value;
	double x, width;
	size_t label; /* characters */
};

#define BOXES 512

/* Reads the boxes back; returns their number. */
static size_t read_boxes(const char *svg, struct box *boxes)
{
	size_t count = 0;

	while ((svg = strstr(svg, "<g class=\"f\""))) {
		struct box *box = &boxes[count++];
		const char *rect = strstr(svg, "<rect"), *end = strstr(svg, "</g>");
		const char *text = strstr(rect, "<text");

		assert_true(count <= BOXES);
		*box = (struct box){
		    .depth = (unsigned)attribute(svg, "data-d"),
		    .start = (uint64_t)attribute(svg, "data-s"),
		    .value = (uint64_t)attribute(svg, "data-v"),
		    .x = attribute(rect, "x"),
		    .width = attribute(rect, "width"),
		};
		text = text && text < end ? strchr(text, '>') + 1 : "<";
		for (; *text != '<'; box->label++) {
			if (*text == '&')
				text = xml_entity(text);
			else
				utf8_next(&text);
		}
		svg = end;
	}
	return count;
}

/* Boxes lie on their callers, side by side, as wide as their values. */
static void check_boxes(const struct box *boxes, size_t count)
{
	double scale = 1168.0 / (double)boxes[0].value;

	assert_int_equal(boxes[0].depth, 0);
	for (size_t i = 0; i < count; i++) {
		const struct box *box = &boxes[i];
		uint64_t used = box->start;

		assert_true(fabs(box->x - 16 - (double)box->start * scale) < 0.02);
		assert_true(fabs(box->width - (double)box->value * scale) < 0.72);
		assert_true((double)box->label * 7.2 <= box->width);
		/* in order of drawing: all that lies on it follows at once */
		for (size_t j = i + 1; j < count && boxes[j].depth > box->depth; j++) {
			if (boxes[j].depth != box->depth + 1)
				continue;
			assert_true(boxes[j].start == used);
			used += boxes[j].value;
		}
		assert_true(used <= box->start + box->value);
	}
}

static void flame_widths_sum_to_the_total(void **state)
{
	struct snapshot *s = snapshot_make("app", 1);
	struct box boxes[BOXES];
	size_t count;
	char *svg;

	(void)state;
	snapshot_add_process(s, 1, "app");
	ADD_STACK(s, 0, LAYER_HEAP, 3000, "main", "parse", "malloc");
	ADD_STACK(s, 0, LAYER_HEAP, 1000, "main", "parse", "calloc");
	ADD_STACK(s, 0, LAYER_HEAP, 500, "main", "init", "malloc");
	ADD_STACK(s, 0, LAYER_HEAP, 250, "main", "parse", "malloc");
	/* a stack that ends where others go on */
	ADD_STACK(s, 0, LAYER_HEAP, 125, "main", "parse");
	ADD_STACK(s, 0, LAYER_HEAP, 99, "main", "never")->peak_bytes = 0;
	s->processes[0].layers[LAYER_HEAP].in_flight_bytes = 25;
	svg = picture(render_flame, s, METRIC_PEAK);
	count = read_boxes(svg, boxes);
	/* all, main, init, malloc, parse, calloc, malloc, in flight */
	assert_int_equal(count, 8);
	check_boxes(boxes, count);
	assert_true(boxes[0].value == 4900);
	assert_true(boxes[1].value + boxes[7].value == 4900);
	assert_true(boxes[4].value == 4375);
	assert_contains(svg, "Held at the peak: heap 4.79 KiB (4,900 bytes) after 0 s");
	assert_contains(svg, "25 B in flight at the peak (heap)");
	assert_contains(svg, "<title>parse\nnative\n4.27 KiB (4,375 bytes), 89.3 %\n8 allocations");
	assert_contains(svg, "aria-label=\"parse, 4.27 KiB, 89.3 %\"");
	assert_lacks(svg, ">never<");
	free(svg);
	s->processes[0].layers[LAYER_HEAP].in_flight_bytes = -25;
	svg = picture(render_flame, s, METRIC_PEAK);
	count = read_boxes(svg, boxes);
	check_boxes(boxes, count);
	assert_true(boxes[0].value == 4875);
	assert_contains(svg, "25 B above the peak in flight (heap)");
	free(svg);
	/* in flight belongs to the peak only */
	svg = picture(render_flame, s, METRIC_COUNT);
	count = read_boxes(svg, boxes);
	check_boxes(boxes, count);
	assert_true(boxes[0].value == 12);
	assert_contains(svg, "freed or not: heap 12");
	assert_contains(svg, "data-unit=\"count\"");
	assert_lacks(svg, "in flight");
	free(svg);
	snapshot_free(s);
}

static void flame_tells_processes_and_layers_apart(void **state)
{
	struct snapshot *s = snapshot_make("two", 1);
	struct box boxes[BOXES];
	size_t count;
	char *svg;

	(void)state;
	snapshot_add_process(s, 11, "app");
	snapshot_add_process(s, 12, "app");
	ADD_STACK(s, 0, LAYER_HEAP, 100, "main", "malloc");
	ADD_STACK(s, 1, LAYER_HEAP, 200, "main", "malloc");
	svg = picture(render_flame, s, METRIC_PEAK);
	count = read_boxes(svg, boxes);
	assert_int_equal(count, 7);
	check_boxes(boxes, count);
	assert_contains(svg, "each process at its own peak");
	assert_contains(svg, "<title>app (pid 11)\n100 B (100 bytes), 33.3 %");
	free(svg);
	ADD_STACK(s, 1, LAYER_TENSOR, 700, "main", "empty");
	svg = picture(render_flame, s, METRIC_LIVE);
	count = read_boxes(svg, boxes);
	assert_int_equal(count, 12);
	check_boxes(boxes, count);
	assert_contains(svg, "Held at the end: heap 300 B (300 bytes), tensor 700 B (700 bytes)");
	/* a share is one of its layer; what holds several has none */
	assert_contains(svg, "<title>tensor\n700 B (700 bytes), 100.0 % of tensor");
	assert_contains(svg, "<title>app (pid 12)\nseveral layers, which overlap: no sum");
	assert_int_equal(occurrences(svg, "data-l=\"heap\""), 2);
	assert_int_equal(occurrences(svg, "data-l=\"tensor\""), 1);
	assert_lacks(svg, "1,000 bytes");
	free(svg);
	snapshot_free(s);
}

static void flame_counts_what_is_too_narrow(void **state)
{
	static char names[1000][24];
	struct snapshot *s = snapshot_make("narrow", 1);
	struct box boxes[BOXES];
	size_t count;
	char *svg;

	(void)state;
	snapshot_add_process(s, 1, "app");
	ADD_STACK(s, 0, LAYER_HEAP, 100000000, "main", "big");
	for (int i = 0; i < 1000; i++) {
		snprintf(names[i], sizeof(names[i]), "small_%d", i);
		ADD_STACK(s, 0, LAYER_HEAP, 1, "main", names[i]);
	}
	svg = picture(render_flame, s, METRIC_PEAK);
	count = read_boxes(svg, boxes);
	assert_int_equal(count, 3);
	check_boxes(boxes, count);
	assert_true(boxes[0].value == 100001000);
	assert_contains(svg, "1,000 frames below 0.1 px not drawn");
	free(svg);
	snapshot_free(s);
}

/* A Python call is always one of a line. */
static void flame_has_python_by_line(void **state)
{
	struct snapshot *s = snapshot_make("lines", 1);
	char *svg;

	(void)state;
	snapshot_add_process(s, 1, "app");
	for (unsigned i = 0; i < 2; i++) {
		struct stack *stack = ADD_STACK(s, 0, LAYER_HEAP, 500, "load_model", "alloc");

		stack->frames[0].kind = FRAME_PYTHON;
		stack->frames[0].file = "/src/resnet18.py";
		stack->frames[0].line = 27 + i;
		stack->frames[1].file = "alloc.c";
		stack->frames[1].line = 3 + i;
	}
	svg = picture(render_flame, s, METRIC_PEAK);
	assert_int_equal(occurrences(svg, "data-n=\"load_model (resnet18.py:27)\""), 1);
	assert_int_equal(occurrences(svg, "data-n=\"load_model (resnet18.py:28)\""), 1);
	free(svg);
	snapshot_free(s);
}

static void flame_says_that_there_is_nothing(void **state)
{
	struct snapshot *s = snapshot_make(NULL, 0);
	char *svg;

	(void)state;
	svg = picture(render_flame, s, METRIC_PEAK);
	assert_contains(svg, "there is no peak to draw");
	free(svg);
	snapshot_add_process(s, 1, "app");
	ADD_STACK(s, 0, LAYER_HEAP, 5, "main")->live_bytes = 0;
	svg = picture(render_flame, s, METRIC_LIVE);
	assert_contains(svg, "Nothing is held");
	assert_lacks(svg, "<g class=\"f\"");
	free(svg);
	snapshot_free(s);
}

static void flame_is_the_same_every_time(void **state)
{
	struct snapshot *s = snapshot_hostile();
	char *first = picture(render_flame, s, METRIC_PEAK);
	char *second = picture(render_flame, s, METRIC_PEAK);

	(void)state;
	assert_string_equal(first, second);
	free(first);
	free(second);
	snapshot_free(s);
}

static void flame_says_what_was_lost(void **state)
{
	struct snapshot *s = snapshot_make("t", 1);
	char *svg = picture(render_flame, s, METRIC_PEAK);

	(void)state;
	assert_lacks(svg, "Lost:");
	free(svg);
	s->losses[1].count = 1234;
	svg = picture(render_flame, s, METRIC_PEAK);
	assert_contains(svg, "Lost: 1,234 allocations without a stack<");
	free(svg);
	snapshot_free(s);
}

static void colours_follow_the_kind_of_code(void **state)
{
	static const struct {
		const char *module;
		enum frame_kind kind;
		enum palette family;
	} cases[] = {
	    {"/usr/bin/app", FRAME_NATIVE, PALETTE_APPLICATION},
	    {"/lib/x86_64-linux-gnu/libc.so.6", FRAME_NATIVE, PALETTE_LIBC},
	    {"/usr/lib/libtorch_cpu.so.1.13", FRAME_NATIVE, PALETTE_FRAMEWORK},
	    {"/usr/lib/libz.so.1", FRAME_NATIVE, PALETTE_LIBRARY},
	    {"/usr/bin/python3.11", FRAME_NATIVE, PALETTE_INTERPRETER},
	    {"/usr/bin/python3.11", FRAME_PYTHON, PALETTE_PYTHON},
	    {"/usr/lib/libz.so.1", FRAME_JIT, PALETTE_JIT},
	    {NULL, FRAME_KERNEL, PALETTE_KERNEL},
	    {NULL, FRAME_NOTE, PALETTE_UNKNOWN},
	    {NULL, FRAME_NATIVE, PALETTE_UNKNOWN},
	};
	char one[COLOUR_LEN], two[COLOUR_LEN];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct frame frame = {
		    .function = "f", .module = cases[i].module, .kind = cases[i].kind};

		assert_int_equal(palette_of(&frame), cases[i].family);
		palette_colour(one, &frame);
		palette_colour(two, &frame);
		assert_string_equal(one, two);
		assert_int_equal(strspn(one, "#0123456789abcdef"), 7);
		frame.function = "another";
		assert_string_not_equal(palette_colour(two, &frame), one);
	}
}

/* ---- timeline ------------------------------------------------------------------------ */

static struct snapshot *ticking(size_t ticks)
{
	struct snapshot *s = snapshot_make("app", 10);
	struct process *p = snapshot_add_process(s, 5, "app");

	for (size_t i = 0; i < ticks; i++)
		snapshot_add_point(s, ticks > 1 ? 10.0 * (double)i / (double)(ticks - 1) : 5, 0,
				   5000000 + 1000 * i, 1000000 + i * 7919 % 1000000);
	p->layers[LAYER_HEAP].peak_bytes = 3000000;
	p->layers[LAYER_HEAP].peak_at_s = 4.56789;
	p->rss_peak_bytes = 5000000;
	return s;
}

static void series_go_through_the_exact_peak(void **state)
{
	struct snapshot *s = ticking(11);
	struct series series;

	(void)state;
	assert_int_equal(series_build(&series, s, LAYER_HEAP), 0);
	assert_int_equal(series.count, 12);
	assert_true(series.exact);
	assert_int_equal(series.highest, 5);
	assert_true(series.vertices[5].t_s == 4.56789);
	assert_true(series.vertices[5].bytes == 3000000);
	series_free(&series);
	assert_int_equal(series_build(&series, s, LAYER_RSS), 0);
	assert_int_equal(series.count, 11);
	assert_false(series.exact);
	assert_int_equal(series.highest, 10);
	series_free(&series);
	snapshot_free(s);
}

static void series_add_up_processes(void **state)
{
	static const struct vertex expected[] = {
	    {1, 10}, {2, 110}, {3, 120}, {3.5, 120}, {3.5, 20}, {4, 25},
	};
	struct snapshot *s = snapshot_make("two", 5);
	struct series series;

	(void)state;
	snapshot_add_process(s, 1, "a");
	snapshot_add_process(s, 2, "b")->exited = true;
	s->processes[1].end_s = 3.5;
	snapshot_add_point(s, 1, 0, 0, 10);
	snapshot_add_point(s, 2, 0, 0, 10);
	snapshot_add_point(s, 2, 1, 0, 100);
	snapshot_add_point(s, 3, 0, 0, 20);
	snapshot_add_point(s, 3, 1, 0, 100);
	snapshot_add_point(s, 4, 0, 0, 25);
	/* of a process that is no more, and of none */
	snapshot_add_point(s, 4, 1, 0, 77);
	snapshot_add_point(s, 4, 9, 0, 77);
	assert_int_equal(series_build(&series, s, LAYER_HEAP), 0);
	assert_int_equal(series.count, sizeof(expected) / sizeof(expected[0]));
	for (size_t i = 0; i < series.count; i++) {
		assert_true(series.vertices[i].t_s == expected[i].t_s);
		assert_true(series.vertices[i].bytes == expected[i].bytes);
	}
	assert_false(series.exact);
	series_free(&series);
	snapshot_free(s);
}

static void thinning_keeps_the_extremes(void **state)
{
	struct snapshot *s = ticking(20000);
	struct series series;
	uint64_t lowest = UINT64_MAX, after = UINT64_MAX;

	(void)state;
	assert_int_equal(series_build(&series, s, LAYER_HEAP), 0);
	assert_int_equal(series.count, 20001);
	for (size_t i = 0; i < series.count; i++)
		lowest = series.vertices[i].bytes < lowest ? series.vertices[i].bytes : lowest;
	series_thin(&series, 10, 1000);
	assert_true(series.count <= 2002 && series.count >= 1000);
	for (size_t i = 0; i < series.count; i++) {
		after = series.vertices[i].bytes < after ? series.vertices[i].bytes : after;
		assert_true(!i || series.vertices[i].t_s >= series.vertices[i - 1].t_s);
	}
	assert_true(after == lowest);
	assert_true(series.vertices[series.highest].bytes == 3000000);
	assert_true(series.vertices[series.highest].t_s == 4.56789);
	series_free(&series);
	snapshot_free(s);
}

#define LABELS 8

/* Labels of marks lie inside the plane and on nothing else. */
static void check_labels(const char *svg, size_t expected)
{
	const char *plane = strstr(svg, "id=\"plane\""), *p = svg;
	double left, top, right, bottom, box[LABELS][4];
	size_t count = 0;

	assert_non_null(plane);
	left = attribute(plane, "x");
	top = attribute(plane, "y");
	right = left + attribute(plane, "width");
	bottom = top + attribute(plane, "height");
	for (; (p = strstr(p, "<rect class=\"halo\"")); p++, count++) {
		assert_true(count < LABELS);
		box[count][0] = attribute(p, "x");
		box[count][1] = attribute(p, "y");
		box[count][2] = box[count][0] + attribute(p, "width");
		box[count][3] = box[count][1] + attribute(p, "height");
		assert_true(box[count][0] > left && box[count][2] < right);
		assert_true(box[count][1] > top && box[count][3] < bottom);
		for (size_t i = 0; i < count; i++)
			assert_true(box[i][0] >= box[count][2] || box[count][0] >= box[i][2] ||
				    box[i][1] >= box[count][3] || box[count][1] >= box[i][3]);
	}
	assert_int_equal(count, expected);
}

static void timeline_marks_the_peak(void **state)
{
	struct snapshot *s = ticking(101);
	char *svg = picture(render_timeline, s, METRIC_PEAK);

	(void)state;
	assert_contains(svg, ">heap peak 2.86 MiB at 4.57 s<");
	assert_contains(svg, ">RSS peak 4.86 MiB at 10.0 s<");
	assert_contains(svg, ">time since tracing began, seconds<");
	/* the curve's own numbers have the peak to the byte */
	assert_contains(svg, " 4.56789 ");
	assert_contains(svg, " 3000000 ");
	check_labels(svg, 2);
	free(svg);
	/* the kernel saw more between two ticks */
	s->processes[0].rss_peak_bytes = 50000000;
	svg = picture(render_timeline, s, METRIC_PEAK);
	assert_contains(svg, ">RSS 4.86 MiB at 10.0 s (kernel&#39;s high-water mark 47.7 MiB)<");
	free(svg);
	snapshot_free(s);
}

static void timeline_keeps_its_labels_apart(void **state)
{
	(void)state;
	/* all peaks at one place: in the middle, and in each corner */
	for (int corner = 0; corner < 5; corner++) {
		struct snapshot *s = snapshot_make("app", 10);
		struct process *p = snapshot_add_process(s, 1, "app");
		double t_s = corner == 4 ? 5 : corner & 1 ? 10 : 0;
		uint64_t bytes = corner & 2 ? 1000000 : 10;
		char *svg;

		for (int i = 0; i < LAYER_NR; i++) {
			s->layer_on[i] = true;
			p->layers[i].peak_bytes = bytes + (uint64_t)i;
			p->layers[i].peak_at_s = t_s;
		}
		snapshot_add_point(s, t_s, 0, corner ? bytes : 10000000, 1);
		svg = picture(render_timeline, s, METRIC_PEAK);
		check_labels(svg, LAYER_NR);
		free(svg);
		snapshot_free(s);
	}
}

static void timeline_takes_any_number_of_points(void **state)
{
	static const size_t counts[] = {1, 2, 3, 20000};
	struct snapshot *s = snapshot_make("none", 0);
	char *svg = picture(render_timeline, s, METRIC_PEAK);

	(void)state;
	assert_contains(svg, "No sample was taken");
	free(svg);
	snapshot_free(s);
	for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
		s = ticking(counts[i]);
		svg = picture(render_timeline, s, METRIC_PEAK);
		check_labels(svg, 2);
		/* about two points a pixel column, however many ticks there were */
		assert_true(strlen(svg) < 200000);
		free(svg);
		snapshot_free(s);
	}
}

static void timeline_chooses_its_units(void **state)
{
	static const struct {
		double duration_s;
		const char *unit;
	} cases[] = {
	    {0.3, "ms"}, {60, "seconds"}, {3600, "minutes"}, {86400, "hours"}, {864000, "days"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct snapshot *s = snapshot_make("app", cases[i].duration_s);
		char text[64], *svg;

		snapshot_add_process(s, 1, "app");
		snapshot_add_point(s, 0, 0, 100, 10);
		snapshot_add_point(s, cases[i].duration_s, 0, 100, 10);
		svg = picture(render_timeline, s, METRIC_PEAK);
		snprintf(text, sizeof(text), ">time since tracing began, %s<", cases[i].unit);
		assert_contains(svg, text);
		free(svg);
		snapshot_free(s);
	}
}

static void timeline_says_what_a_sum_is(void **state)
{
	struct snapshot *s = ticking(20);
	char *svg;

	(void)state;
	snapshot_add_process(s, 6, "child")->start_s = 3;
	snapshot_add_point(s, 10, 1, 100, 100);
	svg = picture(render_timeline, s, METRIC_PEAK);
	assert_contains(svg, "RSS (sum over 2 processes, shared pages counted each)");
	assert_contains(svg, ">child (pid 6)<");
	assert_contains(svg, "highest sum");
	free(svg);
	for (int i = 0; i < 20; i++)
		snapshot_add_process(s, 100 + i, "worker");
	svg = picture(render_timeline, s, METRIC_PEAK);
	assert_contains(svg, "and 14 more processes");
	free(svg);
	snapshot_free(s);
}

static void pictures_survive_hostile_names(void **state)
{
	struct snapshot *s = snapshot_hostile();
	render_fn *const renders[] = {render_flame, render_timeline};

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		char *svg = picture(renders[i], s, METRIC_PEAK);

		assert_int_equal(occurrences(svg, "<script"), 1);
		assert_int_equal(occurrences(svg, "</script"), 1);
		assert_int_equal(occurrences(svg, "]]>"), 2);
		assert_lacks(svg, "&undefined;");
		assert_contains(svg, "&lt;script&gt;alert(1)");
		free(svg);
	}
	snapshot_free(s);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
	    cmocka_unit_test(flame_widths_sum_to_the_total),
	    cmocka_unit_test(flame_tells_processes_and_layers_apart),
	    cmocka_unit_test(flame_counts_what_is_too_narrow),
	    cmocka_unit_test(flame_has_python_by_line),
	    cmocka_unit_test(flame_says_that_there_is_nothing),
	    cmocka_unit_test(flame_is_the_same_every_time),
	    cmocka_unit_test(flame_says_what_was_lost),
	    cmocka_unit_test(colours_follow_the_kind_of_code),
	    cmocka_unit_test(series_go_through_the_exact_peak),
	    cmocka_unit_test(series_add_up_processes),
	    cmocka_unit_test(thinning_keeps_the_extremes),
	    cmocka_unit_test(timeline_marks_the_peak),
	    cmocka_unit_test(timeline_keeps_its_labels_apart),
	    cmocka_unit_test(timeline_takes_any_number_of_points),
	    cmocka_unit_test(timeline_chooses_its_units),
	    cmocka_unit_test(timeline_says_what_a_sum_is),
	    cmocka_unit_test(pictures_survive_hostile_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
