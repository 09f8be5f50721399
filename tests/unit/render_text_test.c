/* SPDX-License-Identifier: GPL-2.0 */
/* The outputs that people read on a terminal: the live table and the summary. */
#include "render_workshop.h"

#include "render/lines.h"
#include "render/parts.h"

/* ---- names ------------------------------------------------------------------- */

static void names_are_shortened(void **state)
{
	static const struct {
		const char *name, *brief;
	} cases[] = {
	    {"malloc", "malloc"},
	    {"main(int, char**)", "main"},
	    {"void at::foo<int>(long) const", "at::foo"},
	    {"std::vector<int, std::allocator<int> >::push_back(int&&)", "std::vector::push_back"},
	    {"operator new(unsigned long)", "operator new"},
	    {"operator new[](unsigned long, std::nothrow_t const&)", "operator new[]"},
	    {"a::B::operator()(int) const", "a::B::operator()"},
	    {"std::ostream& operator<< <char>(std::ostream&, char)", "operator<<"},
	    {"a::B<int>::operator->() const", "a::B::operator->"},
	    {"(anonymous namespace)::f(int)", "(anonymous namespace)::f"},
	    {"int (anonymous namespace)::f<long>(int)", "(anonymous namespace)::f"},
	    {"f(int)::{lambda(int)#1}::operator()(int) const", "f::{lambda#1}::operator()"},
	    {"f(int) [clone .isra.0]", "f"},
	    {"my_operator(int)", "my_operator"},
	    /* what does not match up stays */
	    {"f(int", "f(int"},
	    {"a>b", "a>b"},
	    {"<alloc::vec::Vec<T> as Drop>::drop", "<alloc::vec::Vec<T> as Drop>::drop"},
	    {"[libfoo.so+0x12]", "[libfoo.so+0x12]"},
	    {"()", "()"},
	};
	char buffer[NAME_LEN], deep[2 * NAME_LEN];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct frame frame = {.function = cases[i].name};
		const char *brief = part_short_name(buffer, &frame);

		assert_string_equal(brief, cases[i].brief);
		frame.kind = FRAME_PYTHON;
		assert_string_equal(part_short_name(buffer, &frame), cases[i].name);
	}
	/* longer than any buffer, with and without something to cut out */
	memset(deep, 'x', sizeof(deep) - 1);
	deep[sizeof(deep) - 1] = 0;
	assert_string_equal(part_short_name(buffer, &(struct frame){.function = deep}), deep);
	deep[NAME_LEN] = '(';
	deep[sizeof(deep) - 2] = ')';
	assert_string_equal(part_short_name(buffer, &(struct frame){.function = deep}), deep);
}

static void paths_lose_their_head(void **state)
{
	(void)state;
	assert_string_equal(part_basename("/a/b/c.so"), "c.so");
	assert_string_equal(part_basename("c.so"), "c.so");
	assert_string_equal(part_basename(NULL), "");
	assert_string_equal(part_tail("/a/b/c.py"), "b/c.py");
	assert_string_equal(part_tail("b/c.py"), "b/c.py");
	assert_string_equal(part_tail("/c.py"), "c.py");
	assert_string_equal(part_tail("c.py"), "c.py");
	assert_string_equal(part_tail("/"), "");
	assert_string_equal(part_tail(""), "");
	assert_string_equal(part_tail(NULL), "");
}

static void a_stack_is_one_line(void **state)
{
	struct snapshot *s = snapshot_make("t", 1);
	struct stack *stack;
	char *line;

	(void)state;
	snapshot_add_process(s, 1, "app");
	stack = ADD_STACK(s, 0, LAYER_HEAP, 1, "main", "forward", "malloc");
	stack->frames[1].kind = FRAME_PYTHON;
	stack->frames[1].file = "/x/torch/nn/resnet.py";
	stack->frames[1].line = 273;
	line = part_stack_line(stack, 100);
	assert_string_equal(line, "malloc < forward (nn/resnet.py:273) < main");
	free(line);
	line = part_stack_line(stack, 3);
	assert_string_equal(line, "malloc < …");
	free(line);
	stack->frame_count = 0;
	line = part_stack_line(stack, 3);
	assert_string_equal(line, "[no frames]");
	free(line);
	snapshot_free(s);
}

/* ---- the live table -------------------------------------------------------------- */

static struct snapshot *busy(unsigned processes, unsigned stacks)
{
	static const char *const names[] = {"malloc", "operator new", "std::string::reserve",
					    "parser::next", "main"};
	struct snapshot *s = snapshot_make("app --flag", 12.34);

	for (unsigned i = 0; i < processes; i++)
		snapshot_add_process(s, (int)(100 + i), i ? "worker" : "app")->rss_bytes = 123456;
	for (unsigned i = 0; i < stacks; i++) {
		struct stack *stack =
		    ADD_STACK(s, i % processes, LAYER_HEAP, 1000 * (i + 1), names[4], names[3],
			      names[1 + i % 4], names[2], names[2], names[1], names[1], names[0]);

		stack->delta_bytes = i % 3 ? (int)i * 100 - 500 : 0;
	}
	return s;
}

/* Lines in `text`, and that none has more than `columns` cells (0: any). */
static unsigned check_lines(const char *text, unsigned columns)
{
	unsigned lines = 0;

	while (*text) {
		const char *end = strchr(text, '\n');
		char *line;

		assert_non_null(end);
		line = strndup(text, (size_t)(end - text));
		if (columns && lines_width(line) > columns)
			fail_msg("%u cells, not %u: %s", lines_width(line), columns, line);
		free(line);
		text = end + 1;
		lines++;
	}
	return lines;
}

static void the_table_keeps_to_the_terminal(void **state)
{
	static const unsigned sizes[][2] = {{200, 50}, {120, 30}, {80, 24}, {80, 10}, {40, 6},
					    {20, 4},   {7, 3},    {1, 2},   {1, 1},   {80, 1}};

	(void)state;
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++)
		for (unsigned processes = 1; processes < 40; processes += 19)
			for (unsigned losses = 0; losses < 3; losses++) {
				struct snapshot *s = busy(processes, 60);
				struct render_options o = {
				    .columns = sizes[i][0], .rows = sizes[i][1], .top = 50};
				char *text;

				for (unsigned k = 0; k < losses; k++)
					s->losses[k].count = 7;
				text = rendered(render_table, s, &o);
				assert_true(check_lines(text, o.columns) <
					    (o.rows > 1 ? o.rows : 2));
				assert_harmless(text);
				/* a line for the losses there always is */
				if (o.rows > 2 && o.columns > 8)
					assert_contains(text, losses ? "!!! " : "no losses");
				free(text);
				snapshot_free(s);
			}
}

static void the_table_has_what_it_should(void **state)
{
	struct snapshot *s = busy(1, 12);
	struct render_options o = {.columns = 140, .rows = 40};
	const char *found;
	char *text;

	(void)state;
	s->losses[0].count = 1234;
	text = rendered(render_table, s, &o);
	assert_contains(text, "memsnoop  12.3 s  app --flag\n");
	assert_contains(text, "     100  app                  121 KiB  heap       76.2 KiB");
	assert_contains(text, "malloc < operator new < operator new < std::string::reserve <");
	/* ten stacks by default, most live bytes first; the losses last */
	assert_int_equal(occurrences(text, "malloc <"), 10);
	found = strstr(text, "11.7 KiB");
	assert_true(found && found < strstr(text, "10.7 KiB"));
	assert_string_equal(strstr(text, "!!!"), "!!! 1,234 process events dropped\n");
	assert_lacks(text, "  LAYER  \n");
	assert_int_equal(occurrences(text, "PID"), 1);
	free(text);
	o.top = 3;
	text = rendered(render_table, s, &o);
	assert_int_equal(occurrences(text, "malloc <"), 3);
	free(text);
	snapshot_free(s);
}

static void a_plain_table_shows_frames(void **state)
{
	struct snapshot *s = busy(1, 2);
	char *text = rendered(render_table, s, NULL);

	(void)state;
	assert_int_equal(occurrences(text, "            malloc\n"), 2);
	assert_int_equal(occurrences(text, "… and 2 callers\n"), 2);
	assert_lacks(text, " < ");
	assert_lacks(text, "\033");
	free(text);
	snapshot_free(s);
}

static void the_table_has_columns_as_needed(void **state)
{
	struct snapshot *s = busy(3, 6);
	struct render_options o = {.columns = 150, .rows = 40};
	char *text;

	(void)state;
	s->layer_on[LAYER_TENSOR] = true;
	ADD_STACK(s, 1, LAYER_TENSOR, 5000000, "forward", "empty");
	s->processes[2].exited = true;
	text = rendered(render_table, s, &o);
	assert_int_equal(occurrences(text, "PID"), 2);
	assert_int_equal(occurrences(text, "LAYER"), 2);
	assert_contains(text, "     101  tensor   empty < forward\n");
	/* a line a layer; those that ended come last */
	assert_true(strstr(text, "     101  worker") < strstr(text, "     100  app"));
	assert_true(strstr(text, "     100  app") < strstr(text, "     102  worker"));
	free(text);
	snapshot_free(s);
}

static void colour_is_only_where_it_is_wanted(void **state)
{
	struct snapshot *s = busy(1, 12);
	struct render_options o = {.columns = 100, .rows = 40, .colour = true};
	char *text;

	(void)state;
	s->losses[0].count = 1;
	text = rendered(render_table, s, &o);
	assert_contains(text, "\033[31m+");
	assert_contains(text, "\033[32m-");
	assert_contains(text, "\033[1;31m!!! ");
	/* each is taken back */
	assert_int_equal(occurrences(text, "\033["), 2 * occurrences(text, "\033[0m"));
	free(text);
	o.colour = false;
	text = rendered(render_table, s, &o);
	assert_lacks(text, "\033");
	free(text);
	text = rendered(render_summary, s, &o);
	assert_lacks(text, "\033");
	free(text);
	snapshot_free(s);
}

/* ---- the summary ------------------------------------------------------------------- */

static void the_summary_tells_the_story(void **state)
{
	struct snapshot *s = snapshot_make("app", 2.5);
	struct process *p = snapshot_add_process(s, 9, "app");
	struct stack *stack;
	char *text;

	(void)state;
	p->exited = true;
	p->exit_code = 137;
	p->rss_peak_bytes = 5 << 20;
	stack =
	    ADD_STACK(s, 0, LAYER_HEAP, 3 << 20, "_start", "libc_main", "main", "load", "malloc");
	stack->frames[3].file = "/src/app/load.c";
	stack->frames[3].line = 12;
	stack->lifetime[3] = 6;
	stack->lifetime[20] = 4;
	stack =
	    ADD_STACK(s, 0, LAYER_HEAP, 1 << 20, "_start", "libc_main", "main", "keep", "malloc");
	stack->live_bytes = 2 << 20;
	stack->temporary = 1;
	p->layers[LAYER_HEAP].peak_at_s = 1.5;
	p->layers[LAYER_HEAP].in_flight_bytes = 48;
	p->layers[LAYER_HEAP].unknown_frees = 1;
	p->layers[LAYER_HEAP].failed = 2;
	s->notes = calloc(1, sizeof(*s->notes));
	s->notes[s->note_count++] = strdup("one note");
	text = rendered(render_summary, s, NULL);
	assert_contains(text, "memsnoop: app, 2.50 s\n");
	assert_contains(text, "app (pid 9), ended with status 137, as by signal 9\n");
	assert_contains(text, "  heap      4.00 MiB      1.50 s      4.00 MiB");
	assert_contains(text, "48 B of the peak in flight");
	assert_contains(text, " 1 free of blocks from before tracing\n");
	assert_contains(text, " 2 calls returned no memory\n");
	assert_contains(text, "Top 2 of 2 stacks at the peak, heap\n");
	assert_contains(text, "  1.   3.00 MiB   75.0 %   2 allocations, half of those freed lived "
			      "less than 16 µs\n");
	assert_contains(text, "  2.   1.00 MiB   25.0 %   2 allocations, none freed\n");
	assert_contains(text, "        load                                                "
			      "app/load.c:12\n");
	/* what all have in common is said once */
	assert_int_equal(occurrences(text, "        libc_main\n"), 1);
	assert_lacks(text, " \n");
	assert_contains(text, "held at the end, heap\n");
	assert_contains(text, "2.00 MiB  in 1 block   stack 2 above\n");
	assert_contains(text, "Most temporary");
	assert_contains(text, "  50 % of its allocations   stack 2 above\n");
	assert_string_equal(strstr(text, "note: "), "note: one note\nno losses\n");
	free(text);
	s->losses[0].count = 3;
	s->processes[0].layers[LAYER_HEAP].in_flight_bytes = -48;
	text = rendered(render_summary, s, NULL);
	assert_contains(text, "48 B above the peak in flight");
	assert_string_equal(strstr(text, "note: "),
			    "note: one note\n!!! 3 process events dropped\n");
	free(text);
	snapshot_free(s);
}

static void the_summary_is_not_endless(void **state)
{
	static char names[300][16];
	const char *path[300];
	struct snapshot *s = snapshot_make("deep", 1);
	struct render_options o = {.columns = 80};
	char *text;

	(void)state;
	for (unsigned i = 0; i < 300; i++) {
		snprintf(names[i], sizeof(names[i]), "frame_%u", i);
		path[i] = names[i];
	}
	for (int i = 0; i < 20; i++)
		snapshot_add_process(s, i + 1, "app");
	snapshot_add_stack(s, 0, LAYER_HEAP, path, 300, 100)->end_text = "too deep";
	text = rendered(render_summary, s, &o);
	check_lines(text, 80);
	assert_int_equal(occurrences(text, "        frame_"), 24);
	assert_contains(text, "        frame_299");
	assert_contains(text, "        frame_282");
	assert_contains(text, "… 276 frames left out");
	assert_contains(text, "        frame_5");
	assert_contains(text, "        frame_0");
	assert_contains(text, "and 12 more processes");
	free(text);
	o.verbose = true;
	text = rendered(render_summary, s, &o);
	assert_int_equal(occurrences(text, "        frame_"), 300);
	free(text);
	snapshot_free(s);
}

static void the_kernel_is_no_process(void **state)
{
	struct snapshot *s = snapshot_kernel();
	char *text = rendered(render_table, s, NULL);

	(void)state;
	assert_contains(text, "kernel");
	assert_contains(text, "ROUNDING");
	assert_lacks(text, "RSS");
	free(text);
	text = rendered(render_summary, s, NULL);
	assert_contains(text, "kernel (pid 0)\n");
	assert_contains(text, "  slab         100 B");
	assert_contains(text, "  pages     4.00 KiB");
	assert_contains(text, "28 B more are taken by what is held");
	assert_contains(text, "7 frees of objects from before tracing, or allocated in bulk");
	assert_contains(text, "8 frees of pages from before tracing, or of processes and files");
	assert_lacks(text, "RSS");
	assert_lacks(text, "running");
	free(text);
	s->processes[0].pid = 1;
	s->layer_on[LAYER_RSS] = true;
	text = rendered(render_summary, s, NULL);
	assert_contains(text, "kernel (pid 1), still running\n");
	assert_contains(text, "  RSS ");
	free(text);
	snapshot_free(s);
}

static void text_survives_hostile_names(void **state)
{
	static const unsigned columns[] = {0, 120, 15};
	struct snapshot *s = snapshot_hostile();
	render_fn *const renders[] = {render_table, render_summary, render_folded};

	(void)state;
	for (size_t i = 0; i < sizeof(renders) / sizeof(renders[0]); i++)
		for (size_t k = 0; k < sizeof(columns) / sizeof(columns[0]); k++) {
			struct render_options o = {.columns = columns[k], .verbose = k == 1};
			char *text = rendered(renders[i], s, &o);

			assert_harmless(text);
			check_lines(text, renders[i] == render_folded ? 0 : columns[k]);
			free(text);
		}
	snapshot_free(s);
}

static void nothing_seen_is_said(void **state)
{
	struct snapshot *s = snapshot_make(NULL, 0);
	char *text = rendered(render_table, s, NULL);

	(void)state;
	assert_contains(text, "nothing is held\n");
	free(text);
	text = rendered(render_summary, s, NULL);
	assert_contains(text, "no losses\n");
	free(text);
	snapshot_free(s);
	snapshot_free(NULL);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
	    cmocka_unit_test(names_are_shortened),
	    cmocka_unit_test(paths_lose_their_head),
	    cmocka_unit_test(a_stack_is_one_line),
	    cmocka_unit_test(the_table_keeps_to_the_terminal),
	    cmocka_unit_test(the_table_has_what_it_should),
	    cmocka_unit_test(a_plain_table_shows_frames),
	    cmocka_unit_test(the_table_has_columns_as_needed),
	    cmocka_unit_test(colour_is_only_where_it_is_wanted),
	    cmocka_unit_test(the_summary_tells_the_story),
	    cmocka_unit_test(the_summary_is_not_endless),
	    cmocka_unit_test(the_kernel_is_no_process),
	    cmocka_unit_test(text_survives_hostile_names),
	    cmocka_unit_test(nothing_seen_is_said),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
