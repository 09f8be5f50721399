/* SPDX-License-Identifier: GPL-2.0 */
/* The command line: what is accepted, what is refused, and with which words. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "options.h"
#include "render/system_columns.h"

#define WORDS 32

/* Parses one line of blank-separated words; what was said on stderr goes to `said`. */
static int parse(const char *line, struct options *o, char *said, size_t size)
{
	static char text[512]; /* the options point into it */
	static char *argv[WORDS + 1];
	int argc = 0, err, saved = dup(STDERR_FILENO);
	FILE *file = tmpfile();
	char *word, *rest = text;
	size_t n;

	assert_non_null(file);
	snprintf(text, sizeof(text), "memsnoop %s", line);
	while ((word = strsep(&rest, " ")) && argc < WORDS)
		if (*word)
			argv[argc++] = word;
	argv[argc] = NULL;
	optind = 0; /* glibc: start anew */
	dup2(fileno(file), STDERR_FILENO);
	err = options_parse(argc, argv, o);
	dup2(saved, STDERR_FILENO);
	close(saved);
	rewind(file);
	n = fread(said, 1, size - 1, file);
	said[n] = '\0';
	fclose(file);
	return err;
}

static void test_refused(void **state)
{
	static const struct {
		const char *line, *words;
	} cases[] = {
	    {"--plot x.svg", "--plot: say what to trace"},
	    {"--layers heap", "--layers: say what to trace"},
	    {"-i 1 --max-procs 5 --probe libx.so:f,kind=free,ptr=arg1", "--max-procs: say what"},
	    {"-o x.json -o x.folded", "-o x.folded: say what to trace"},
	    {"--sort size", "'size' is not one of rss, growth"},
	    {"--sort rss -p 1", "--sort: is for the whole system"},
	    {"--sort", "'--sort' needs a value"},
	    {"-p", "'-p' needs a value"},
	    {"-p 0", "'0' is not a process id"},
	    {"-p 12x", "'12x' is not a process id"},
	    {"-p 1,", "is not a process id"},
	    {"-p 99999999999", "is not a process id"},
	    {"-p 1 -- ls", "do not go together"},
	    {"ls", "put -- before the command"},
	    {"--bogus -p 1", "no option '--bogus'"},
	    {"-X -p 1", "no option '-X'"},
	    {"-p 1 -o x.txt", "'x.txt': no output has this suffix"},
	    {"-p 1 -o noext", "there are .folded"},
	    {"-p 1 --plot x.png", "the plot is an .svg file"},
	    {"-p 1 --metric size", "one of peak, live, alloc, count"},
	    {"-p 1 --by stack", "--by: 'stack' is not category"},
	    {"-p 1 --by category --metric alloc", "--metric peak or live, not alloc"},
	    {"-p 1 --metric count --by category", "--metric peak or live, not count"},
	    {"-p 1 --by category --layers heap", "which --layers leaves out"},
	    {"--slab --by category", "--by: is for processes"},
	    {"-p 1 --layers heap,npu", "'npu'"},
	    {"-p 1 --no-feature magic", "one of session, multi, perf"},
	    {"doctor --no-feature magic", "tracepoint, raw_tracepoint"},
	    {"doctor -p 1", "no option '-p'; see memsnoop doctor --help"},
	    {"doctor --max-blocks 1", "no option '--max-blocks'; see memsnoop doctor"},
	    {"doctor now", "doctor: 'now'"},
	    {"doctor -- true", "doctor: 'true'"},
	    {"-v doctor", "put -- before the command"},
	    {"-p 1 -d -3", "'-3' is not a number of seconds"},
	    {"-p 1 -i 1s", "'1s' is not a number of seconds"},
	    {"-p 1 -d nan", "'nan' is not a number of seconds"},
	    {"-p 1 --max-blocks 0", "--max-blocks: '0'"},
	    {"-p 1 --max-blocks -5", "--max-blocks: '-5'"},
	    {"-p 1 --max-stacks 2t", "--max-stacks: '2t'"},
	    {"-p 1 --max-stacks 4g", "--max-stacks: '4g'"},
	    {"--json -- ls", "use -o FILE.json"},
	    {"-p 1 --probe x", "--probe 'x':"},
	    {"--slab -p 1", "neither -p nor a command"},
	    {"--slab -- ls", "neither -p nor a command"},
	    {"--slab --layers heap", "--layers: is for processes"},
	    {"--max-unwind 1m --slab", "--max-unwind: is for processes"},
	    {"--slab --sort rss", "--sort: is for the whole system"},
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct options o;
		char said[1024];

		assert_int_equal(parse(cases[i].line, &o, said, sizeof(said)), -EINVAL);
		if (!strstr(said, cases[i].words))
			fail_msg("'%s' said: %s", cases[i].line, said);
		/* one line, and it says who speaks */
		assert_int_equal(strncmp(said, "memsnoop: ", 10), 0);
		assert_ptr_equal(strchr(said, '\n'), said + strlen(said) - 1);
		options_free(&o);
	}
}

static void test_accepted(void **state)
{
	struct options o;
	char said[1024];

	(void)state;
	assert_int_equal(
	    parse("-p 12,34 --pid 56 -p 12 -i 0.5 -d 3 -o a.svg -o b.json --plot c.svg "
		  "--metric live --top 5 -v",
		  &o, said, sizeof(said)),
	    0);
	assert_string_equal(said, "");
	assert_int_equal(o.pid_count, 3);
	assert_int_equal(o.pids[2], 56);
	assert_int_equal(o.output_count, 2);
	assert_string_equal(o.outputs[1], "b.json");
	assert_string_equal(o.plot, "c.svg");
	assert_int_equal(o.metric, METRIC_LIVE);
	assert_int_equal(o.top, 5);
	assert_true(o.verbose && o.interval_s == 0.5 && o.duration_s == 3);
	assert_null(o.command);
	options_free(&o);
}

static void test_whole_system(void **state)
{
	struct options o;
	char said[1024];

	(void)state;
	assert_int_equal(parse("", &o, said, sizeof(said)), 0);
	assert_true(o.whole_system && o.sort == -1);
	options_free(&o);
	assert_int_equal(parse("-d 3 -i 0.5 --json -o a.json --top 7 --sort major -q -v", &o, said,
			       sizeof(said)),
			 0);
	assert_string_equal(said, "");
	assert_true(o.whole_system && o.sort == system_sort_by_name("major"));
	assert_int_equal(o.top, 7);
	options_free(&o);
	assert_int_equal(parse("-p 1", &o, said, sizeof(said)), 0);
	assert_false(o.whole_system);
	options_free(&o);
}

static void test_command(void **state)
{
	struct options o;
	char said[1024];

	(void)state;
	assert_int_equal(parse("--no-feature session --max-blocks 4k -- prog -p 3 --json", &o, said,
			       sizeof(said)),
			 0);
	assert_string_equal(o.command[0], "prog");
	assert_string_equal(o.command[3], "--json");
	assert_null(o.command[4]);
	assert_int_equal(o.pid_count, 0);
	assert_true(o.kernel.refused[ATTACH_SESSION] && !o.kernel.refused[ATTACH_MULTI]);
	assert_int_equal(o.kernel.max_blocks, 4096);
	options_free(&o);
}

static void test_slab(void **state)
{
	struct options o;
	char said[1024];

	(void)state;
	assert_int_equal(parse("--slab --json", &o, said, sizeof(said)), 0);
	assert_true(o.slab && o.json && !o.command && !o.pid_count);
	assert_int_equal(o.kernel.max_blocks, 1 << 20);
	assert_int_equal(o.kernel.max_stacks, 64 << 10);
	options_free(&o);
	assert_int_equal(parse("--max-blocks 5 --slab", &o, said, sizeof(said)), 0);
	assert_int_equal(o.kernel.max_blocks, 5);
	options_free(&o);
	assert_int_equal(parse("-p 1", &o, said, sizeof(said)), 0);
	assert_false(o.slab);
	assert_int_equal(o.kernel.max_blocks, 2 << 20);
	assert_int_equal(o.kernel.max_stacks, 1 << 20);
	options_free(&o);
}

static void test_probe_adds_a_row(void **state)
{
	struct options o;
	char said[1024];
	size_t before;

	(void)state;
	assert_int_equal(parse("-p 1", &o, said, sizeof(said)), 0);
	before = o.table.count;
	options_free(&o);
	assert_int_equal(parse("-p 1 --probe libx.so:x_alloc,kind=alloc,size=arg1,ptr=ret", &o,
			       said, sizeof(said)),
			 0);
	assert_int_equal(o.table.count, before + 1);
	assert_string_equal(o.table.rows[before].symbol, "x_alloc");
	assert_true(o.table.rows[before].from_user);
	options_free(&o);
}

static void test_stage_by_tracepoints(void **state)
{
	struct options o;
	char said[1024];
	size_t before;

	(void)state;
	assert_int_equal(parse("-p 1 --stage x=f", &o, said, sizeof(said)), 0);
	before = o.table.count;
	assert_null(o.rules.items[0].begin);
	options_free(&o);
	/* One tracepoint is one row, of however many stages. */
	assert_int_equal(parse("-p 1 --stage x=usdt:a:b,a:c --category y=f --stage z=usdt:a:c,d:e",
			       &o, said, sizeof(said)),
			 0);
	assert_int_equal(o.table.count, before + 3);
	assert_string_equal(o.table.rows[before + 2].symbol, "d:e");
	assert_int_equal(o.table.rows[before + 2].spec.kind, MS_KIND_MOMENT);
	assert_int_equal(o.rules.stages, MARK_OWN | MARK_OWN << 2);
	assert_string_equal(o.rules.items[2].begin, "a:c");
	assert_string_equal(o.rules.items[2].end, "d:e");
	/* They are known by no function's name. */
	assert_int_equal(own_marks(&o.rules, "f", "", 0), MARK_OWN << 1);
	options_free(&o);
	assert_int_equal(parse("-p 1 --layers heap --stage x=usdt:a:b,a:c", &o, said, sizeof(said)),
			 0);
	for (size_t i = 0; i < o.table.count; i++)
		assert_int_not_equal(o.table.rows[i].spec.kind, MS_KIND_MOMENT);
	options_free(&o);
}

static void test_doctor(void **state)
{
	struct options o;
	char said[1024];

	(void)state;
	assert_int_equal(parse("doctor -v --json --no-feature fentry --no-feature multi", &o, said,
			       sizeof(said)),
			 0);
	assert_int_equal(o.verb, VERB_DOCTOR);
	assert_true(o.verbose && o.json);
	assert_true(o.kernel.refused_hooks[HOOK_FENTRY] && o.kernel.refused[ATTACH_MULTI]);
	assert_false(o.kernel.refused_hooks[HOOK_TRACEPOINT]);
	options_free(&o);
	/* only the first word is one */
	assert_int_equal(parse("-- doctor", &o, said, sizeof(said)), 0);
	assert_int_equal(o.verb, VERB_TRACE);
	assert_string_equal(o.command[0], "doctor");
	options_free(&o);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_refused),      cmocka_unit_test(test_accepted),
	    cmocka_unit_test(test_whole_system), cmocka_unit_test(test_command),
	    cmocka_unit_test(test_slab),         cmocka_unit_test(test_probe_adds_a_row),
	    cmocka_unit_test(test_doctor),       cmocka_unit_test(test_stage_by_tracepoints),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
