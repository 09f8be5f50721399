/* SPDX-License-Identifier: GPL-2.0 */
/* One option is one row of `rows` and one small function that takes its value (options_values.c).
 */
#include "options.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "options_inside.h"

#define DEFAULT_TICK_S 0.1

static const struct verb_row {
	const char *name; /* NULL: no word, an option or a command comes first */
	const char *help, *status;
	const char *options[8]; /* the rows that go with it; none: all */
} verbs[VERB_NR] = {
    [VERB_TRACE] =
	{.help =
	     "memsnoop: who holds a process's memory, and why it grew\n\n"
	     "  memsnoop [OPTIONS] -p PID[,PID]    a live table until Ctrl-C, then a summary\n"
	     "  memsnoop [OPTIONS] -- CMD ARGS     start CMD and trace it from its first "
	     "instruction\n"
	     "  memsnoop [OPTIONS]                 the whole system: every process and container\n"
	     "  memsnoop [OPTIONS] --slab          the kernel's own memory, by call site\n"
	     "  memsnoop doctor [OPTIONS]          what is missing here, and what probes cost\n"
	     "  memsnoop fit RUN... --device 8G    the largest batch that fits, from two or more "
	     "runs",
	 .status = "that of CMD (128+N after signal N), else 0; 1 when something needed is "
		   "missing;\n2 for a mistake on this line."},
    [VERB_DOCTOR] =
	{.name = "doctor",
	 .help = "memsnoop doctor: checks everything that memsnoop needs; says what is missing, "
		 "what that\ncosts and how to get it; measures what probes cost, on a child of "
		 "its own",
	 .status = "0 if memsnoop can trace here; 1 if something it cannot do without is missing;\n"
		   "2 for a mistake on this line.",
	 .options = {"json", "verbose", "no-feature", "help", "version"}},
    [VERB_FIT] =
	{.name = "fit",
	 .help = "memsnoop fit RUN[=BATCH]... [--device BYTES]: from reports (-o RUN.json) of "
		 "trainings "
		 "that\ndiffer in their batch size, what is fixed, what each sample takes, and the "
		 "largest batch\nthat fits a device",
	 .status = "0; 1 if a report cannot be read; 2 for a mistake on this line, or a report "
		   "without\nwhat is needed.",
	 .options = {"json", "verbose", "device", "help", "version"}},
};

static option_fn show_help;

static int show_version(struct options *o, const char *value, const void *argument)
{
	(void)o;
	(void)value;
	(void)argument;
	puts("memsnoop " MEMSNOOP_VERSION);
	return 1;
}

#define FIELD(name) offsetof(struct options, name)

static const struct option_row rows[] = {
    {"What to trace", 'p', "pid", "PID[,PID]", "running processes, and children they start later",
     options_set_pids, 0},
    {NULL, 0, "slab", NULL,
     "the kernel's own memory by call site, in the whole system;\nneither -p nor a command",
     options_set_flag, FIELD(slab)},
    {NULL, 0, "layers", "L", "heap,tensor,gpu,vm,rss (default: all that apply)", options_set_layers,
     0},
    {NULL, 0, "probe", "'LIB:SYMBOL kind=…'",
     "one more allocation function, such as\n'libx.so:x_alloc kind=alloc size=arg1 ptr=ret'; may "
     "be repeated",
     options_set_probe, 0},
    {NULL, 0, "stage", "NAME=REGEX",
     "a stage of one's own: allocations of tensors in Python\nfunctions, or ranges, whose name or "
     "file:line matches;\nNAME=usdt:PROVIDER:BEGIN,PROVIDER:END from one tracepoint\nof the "
     "program to another; may be repeated",
     options_set_stage, 0},
    {NULL, 0, "category", "NAME=REGEX",
     "a category of one's own, of tensors that Python or native\nfunctions allocate whose name or "
     "file:line matches; may be\nrepeated",
     options_set_category, 0},
    {"How long", 'd', "duration", "SEC", "stop after SEC", options_set_seconds, FIELD(duration_s)},
    {NULL, 'i', "interval", "SEC", "refresh the table every SEC (default: 1 on a terminal, else 5)",
     options_set_seconds, FIELD(interval_s)},
    {NULL, 0, "tick", "SEC", "time between points of the plot (default: 0.1, finer at first)",
     options_set_seconds, FIELD(tick_s)},
    {"What to write", 'o', "output", "FILE",
     "what was seen, when tracing ends: .folded, .svg (flame graph)\nor .json; may be repeated",
     options_set_output, 0},
    {NULL, 0, "plot", "FILE.svg", "memory over time", options_set_plot, 0},
    {NULL, 0, "metric", "M", "width of a flame graph: peak, live, alloc or count (default: peak)",
     options_set_metric, 0},
    {NULL, 0, "by", "category",
     "begin a flame graph or folded stacks with what the tensors\nare for; metric peak or live",
     options_set_by, 0},
    {NULL, 0, "json", NULL, "one JSON document on stdout at the end, nothing else there",
     options_set_flag, FIELD(json)},
    {NULL, 0, "top", "N", "stacks or processes in a table (default: 10)", options_set_size,
     FIELD(top)},
    {NULL, 0, "sort", "COLUMN",
     "order of the whole system's processes: rss, growth, minor,\nmajor, mapped, swap, tables, oom "
     "(default: growth)",
     options_set_sort, 0},
    {NULL, 'q', "quiet", NULL, "no table and no summary", options_set_flag, FIELD(quiet)},
    {NULL, 'v', "verbose", NULL, "say what is probed, and how", options_set_flag, FIELD(verbose)},
    {"Limits, each counted when it is reached", 0, "max-blocks", "N",
     "live blocks (default: 2m; with --slab 1m, whose\nmemory is taken at once: 100 bytes each)",
     options_set_size, FIELD(kernel.max_blocks)},
    {NULL, 0, "max-stacks", "N",
     "stacks, in pieces of 8 frames that they share\n(default: 1m; with --slab 64k)",
     options_set_size, FIELD(kernel.max_stacks)},
    {NULL, 0, "max-procs", "N", "processes (default: 4k)", options_set_size,
     FIELD(kernel.max_procs)},
    {NULL, 0, "max-threads", "N", "threads (default: 64k)", options_set_size,
     FIELD(kernel.max_threads)},
    {NULL, 0, "max-touches", "N",
     "groups of 16 pages whose first toucher is known\n(default: 1m, for 64 GiB)", options_set_size,
     FIELD(kernel.max_touches)},
    {NULL, 0, "max-codes", "N", "Python code objects (default: 256k)", options_set_size,
     FIELD(kernel.max_codes)},
    {NULL, 0, "max-unwind", "BYTES", "unwind tables in the kernel (default: 64m)", options_set_size,
     FIELD(max_unwind)},
    {"Other", 0, "no-feature", "F",
     "do without session, multi or perf probes; without fentry,\nkprobe, tracepoint or "
     "raw_tracepoint in the kernel;\nwithout unwind tables (frame pointers only); may be repeated",
     options_set_refused, 0},
    {NULL, 0, "call-sites", NULL, "keep stacks apart that differ in nothing one can read",
     options_set_flag, FIELD(kernel.call_sites)},
    {NULL, 0, "native-python", NULL, "show the Python interpreter's own C frames too",
     options_set_flag, FIELD(kernel.native_python)},
    {NULL, 0, "device", "BYTES", "the memory that a batch has to fit (8G, 512M)",
     options_set_device, 0},
    {NULL, 'h', "help", NULL, "this text", show_help, 0},
    {NULL, 'V', "version", NULL, "the version", show_version, 0},
};

#define ROWS (sizeof(rows) / sizeof(rows[0]))
#define HELP_COLUMN 30

static bool goes_with(const struct option_row *row, enum verb verb)
{
	const char *const *name = verbs[verb].options;

	if (!*name)
		return row->set != options_set_device; /* all but what goes with a word alone */
	while (*name && strcmp(*name, row->name) != 0)
		name++;
	return *name;
}

static void print_row(const struct option_row *row)
{
	const char *line = row->help, *end;
	int used = row->letter ? printf("  -%c, ", row->letter) : printf("      ");

	used += printf("--%s%s", row->name, row->value ? " " : "");
	used += printf("%s", row->value ? row->value : "");
	if (used >= HELP_COLUMN)
		used = printf("\n") - 1;
	for (;; line = end + 1, used = 0) {
		end = strchrnul(line, '\n');
		printf("%*s%.*s\n", HELP_COLUMN - used, "", (int)(end - line), line);
		if (!*end)
			break;
	}
}

static int show_help(struct options *o, const char *value, const void *argument)
{
	const char *group = NULL;

	(void)value;
	(void)argument;
	puts(verbs[o->verb].help);
	for (size_t i = 0; i < ROWS; i++) {
		group = rows[i].group ? rows[i].group : group;
		if (!goes_with(&rows[i], o->verb))
			continue;
		if (group)
			printf("\n%s:\n", group);
		group = NULL;
		print_row(&rows[i]);
	}
	printf("\nExit status: %s\n", verbs[o->verb].status);
	return 1;
}

/* getopt_long()'s own tables, made from the rows. */
static void make_tables(enum verb verb, struct option *longs, char *shorts)
{
	if (verb == VERB_TRACE)
		*shorts++ = '+'; /* stop at the command */
	*shorts++ = ':';         /* tell a missing value from an unknown option */
	for (size_t i = 0; i < ROWS; i++) {
		if (!goes_with(&rows[i], verb))
			continue;
		*longs++ = (struct option){
		    .name = rows[i].name,
		    .has_arg = rows[i].value ? required_argument : no_argument,
		    .val = 256 + i,
		};
		if (!rows[i].letter)
			continue;
		*shorts++ = rows[i].letter;
		if (rows[i].value)
			*shorts++ = ':';
	}
	*longs = (struct option){0};
	*shorts = '\0';
}

static const struct option_row *row_of(int c)
{
	if (c >= 256)
		return &rows[c - 256];
	for (size_t i = 0; i < ROWS; i++)
		if (rows[i].letter == c)
			return &rows[i];
	return NULL;
}

static int say_wrong(enum verb verb, int c, const char *word)
{
	const char *name = verbs[verb].name ? verbs[verb].name : "", *blank = *name ? " " : "";

	if (c == ':')
		return log_error(-EINVAL, "option '%s' needs a value; see memsnoop%s%s --help",
				 word, blank, name);
	if (optopt && optopt < 256)
		return log_error(-EINVAL, "there is no option '-%c'; see memsnoop%s%s --help",
				 optopt, blank, name);
	return log_error(-EINVAL, "there is no option '%s'; see memsnoop%s%s --help", word, blank,
			 name);
}

/* Adds the option to those given, unless it is there. */
static void note_given(const struct option_row **given, const struct option_row *row)
{
	while (*given && *given != row)
		given++;
	*given = row;
}

/* Each option that there is goes to given[], once, of ROWS + 1. */
static int parse_rows(int argc, char **argv, struct options *o, const struct option_row **given)
{
	struct option longs[ROWS + 1];
	char shorts[2 * ROWS + 3];
	int c, err = 0;

	make_tables(o->verb, longs, shorts);
	opterr = 0;
	while (!err && (c = getopt_long(argc, argv, shorts, longs, NULL)) != -1) {
		const struct option_row *row;

		if (c == ':' || c == '?')
			return say_wrong(o->verb, c, argv[optind - 1]);
		row = row_of(c);
		err = row->set(o, optarg, row);
		note_given(given, row);
	}
	return err;
}

const char *options_verb_name(enum verb verb)
{
	return verbs[verb].name;
}

static enum verb verb_of(const char *word)
{
	for (int i = 0; word && i < VERB_NR; i++)
		if (verbs[i].name && !strcmp(word, verbs[i].name))
			return i;
	return VERB_TRACE;
}

int options_parse(int argc, char **argv, struct options *o)
{
	const struct option_row *given[ROWS + 1] = {NULL};
	int err;

	*o = (struct options){
	    .verb = argc > 1 ? verb_of(argv[1]) : VERB_TRACE,
	    .metric = METRIC_PEAK,
	    .tick_s = DEFAULT_TICK_S,
	    .sort = -1,
	    .max_unwind = 64 << 20,
	    .kernel = {.max_procs = 4 << 10,
		       .max_threads = 64 << 10,
		       .max_codes = 256 << 10,
		       .max_touches = 1 << 20,
		       .layers = {[MS_LAYER_HEAP] = true,
				  [MS_LAYER_TENSOR] = true,
				  [MS_LAYER_GPU] = true,
				  [MS_LAYER_VM] = true,
				  [MS_LAYER_RSS] = true}},
	};
	err = probe_table_init(&o->table);
	if (err)
		return log_error(err, "out of memory");
	if (o->verb != VERB_TRACE) {
		argc--;
		argv++;
	}
	err = parse_rows(argc, argv, o, given);
	if (!err)
		probe_table_keep(&o->table, o->kernel.layers);
	if (!err)
		err = options_check(argc, argv, o, given);
	if (!o->kernel.max_blocks)
		o->kernel.max_blocks = o->slab ? 1 << 20 : 2 << 20;
	if (!o->kernel.max_stacks)
		o->kernel.max_stacks = o->slab ? 64 << 10 : 1 << 20;
	return err;
}

void options_free(struct options *o)
{
	own_free(&o->rules);
	free(o->pids);
	free(o->outputs);
	probe_table_free(&o->table);
}
