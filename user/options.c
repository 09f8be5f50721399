/* SPDX-License-Identifier: GPL-2.0 */
/* One option is one row of `rows` and one small function that takes its value. */
#include "options.h"

#include <ctype.h>
#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "render/by_category.h"
#include "render/render.h"
#include "render/system_columns.h"

#define DEFAULT_TICK_S 0.1

typedef int option_fn(struct options *o, const char *value, const void *argument);

struct option_row {
	const char *group;
	char letter; /* 0: only the long form */
	const char *name;
	const char *value; /* what --help calls it; NULL: takes none */
	const char *help;
	option_fn *set;
	size_t offset; /* of the field, for the functions that set one */
};

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

static int bad(const char *option, const char *value, const char *wanted)
{
	return log_error(-EINVAL, "%s: '%s' is not %s", option, value, wanted);
}

static int add_pid(struct options *o, const char *text, size_t length)
{
	char number[16], *end;
	long pid;
	void *pids;

	snprintf(number, sizeof(number), "%.*s", (int)length, text);
	errno = 0;
	pid = strtol(number, &end, 10);
	if (!*number || *end || length >= sizeof(number) || errno || pid < 1 || pid > INT_MAX)
		return bad("-p", text, "a process id, or several joined by commas");
	for (size_t i = 0; i < o->pid_count; i++)
		if (o->pids[i] == pid)
			return 0;
	pids = realloc(o->pids, (o->pid_count + 1) * sizeof(*o->pids));
	if (!pids)
		return -ENOMEM;
	o->pids = pids;
	o->pids[o->pid_count++] = pid;
	return 0;
}

static int set_pids(struct options *o, const char *value, const void *argument)
{
	int err = 0;

	(void)argument;
	for (; !err; value += strcspn(value, ",") + 1) {
		err = add_pid(o, value, strcspn(value, ","));
		if (!value[strcspn(value, ",")])
			break;
	}
	return err;
}

static int set_output(struct options *o, const char *value, const void *argument)
{
	const char **outputs;

	(void)argument;
	if (!output_find(value))
		return log_error(-EINVAL, "-o: '%s': no output has this suffix; there are %s",
				 value, output_suffixes());
	outputs = realloc(o->outputs, (o->output_count + 1) * sizeof(*outputs));
	if (!outputs)
		return -ENOMEM;
	o->outputs = outputs;
	o->outputs[o->output_count++] = value;
	return 0;
}

static int set_plot(struct options *o, const char *value, const void *argument)
{
	const char *suffix = strrchr(value, '.');

	(void)argument;
	if (!suffix || strcmp(suffix, ".svg"))
		return log_error(-EINVAL, "--plot: '%s': the plot is an .svg file", value);
	o->plot = value;
	return 0;
}

static int set_metric(struct options *o, const char *value, const void *argument)
{
	(void)argument;
	for (int i = 0; i < METRIC_NR; i++)
		if (!strcmp(value, metric_names[i])) {
			o->metric = i;
			return 0;
		}
	return bad("--metric", value, "one of peak, live, alloc, count");
}

static int set_by(struct options *o, const char *value, const void *argument)
{
	(void)argument;
	o->by_category = !strcmp(value, "category");
	return o->by_category ? 0 : bad("--by", value, "category");
}

static int set_sort(struct options *o, const char *value, const void *argument)
{
	(void)argument;
	o->sort = system_sort_by_name(value);
	return o->sort < 0
		   ? log_error(-EINVAL, "--sort: '%s' is not one of %s", value, system_sort_names())
		   : 0;
}

/* The layers, by the kernel side's names. */
static const char *const layer_words[MS_LAYER_NR] = {
#define X(id, name) name,
    MS_LAYERS(X)
#undef X
};

static int set_layers(struct options *o, const char *value, const void *argument)
{
	size_t length, i;

	(void)argument;
	memset(o->kernel.layers, 0, sizeof(o->kernel.layers));
	for (;; value += length + 1) {
		length = strcspn(value, ",");
		for (i = 0; i < MS_LAYER_NR; i++)
			if (strlen(layer_words[i]) == length &&
			    !strncmp(value, layer_words[i], length))
				break;
		if (i == MS_LAYER_NR)
			return log_error(
			    -EINVAL,
			    "--layers: '%.*s': there are the layers heap, tensor, gpu, vm and rss",
			    (int)length, value);
		o->kernel.layers[i] = true;
		if (!value[length])
			return 0;
	}
}

static int set_probe(struct options *o, const char *value, const void *argument)
{
	char why[256];

	(void)argument;
	if (probe_table_add(&o->table, value, why, sizeof(why)))
		return log_error(-EINVAL, "--probe '%s': %s", value, why);
	return 0;
}

static int add_rule(struct options *o, const char *option, const char *value, bool is_stage)
{
	char why[256];

	const struct own_rule *rule = &o->rules.items[o->rules.count];
	int err = own_add(&o->rules, value, is_stage, why, sizeof(why));

	if (!err && rule->begin)
		err = probe_table_add_moment(&o->table, rule->begin, why, sizeof(why));
	if (!err && rule->begin)
		err = probe_table_add_moment(&o->table, rule->end, why, sizeof(why));
	if (err == -ENOMEM)
		return log_error(err, "out of memory");
	return err ? log_error(err, "%s '%s': %s", option, value, why) : 0;
}

static int set_stage(struct options *o, const char *value, const void *argument)
{
	(void)argument;
	return add_rule(o, "--stage", value, true);
}

static int set_category(struct options *o, const char *value, const void *argument)
{
	(void)argument;
	return add_rule(o, "--category", value, false);
}

static int set_refused(struct options *o, const char *value, const void *argument)
{
	(void)argument;
	for (int i = 0; i < ATTACH_NR; i++)
		if (!strcmp(value, attach_names[i])) {
			o->kernel.refused[i] = true;
			return 0;
		}
	for (int i = 0; i < HOOK_RUNG_NR; i++)
		if (!strcmp(value, hook_rung_names[i])) {
			o->kernel.refused_hooks[i] = true;
			return 0;
		}
	if (!strcmp(value, "unwind")) {
		o->no_unwind = true;
		return 0;
	}
	return bad(
	    "--no-feature", value,
	    "one of session, multi, perf, fentry, kprobe, tracepoint, raw_tracepoint, unwind");
}

/* A count of table entries; k, m and g stand for 2^10, 2^20 and 2^30. */
static int set_size(struct options *o, const char *value, const void *argument)
{
	const struct option_row *row = argument;
	char name[64], *end;
	unsigned long long n;
	int shift;

	snprintf(name, sizeof(name), "--%s", row->name);
	errno = 0;
	n = strtoull(value, &end, 10);
	shift = *end == 'k' ? 10 : *end == 'm' ? 20 : *end == 'g' ? 30 : 0;
	end += shift != 0;
	if (*value == '-' || end == value || *end || errno || !n || n > (1ULL << 30) >> shift)
		return bad(name, value, "a number from 1 to 1g (k, m and g may follow it)");
	*(size_t *)((char *)o + row->offset) = n << shift;
	return 0;
}

/* "8G", "512M", "1.5T": bytes, in powers of 1024. */
static int set_device(struct options *o, const char *value, const void *argument)
{
	static const char units[] = "KMGT";
	const char *unit;
	double bytes;
	char *end;

	(void)argument;
	bytes = strtod(value, &end);
	unit = *end ? strchr(units, toupper((unsigned char)*end)) : NULL;
	if (end == value || (*end && (!unit || end[1])) || !(bytes > 0))
		return bad("--device", value, "a size such as 8G or 512M");
	bytes = ldexp(bytes, unit ? 10 * (int)(unit - units + 1) : 0);
	if (bytes >= ldexp(1, 60))
		return bad("--device", value, "a size such as 8G or 512M");
	o->device_bytes = (uint64_t)bytes;
	return 0;
}

static int set_seconds(struct options *o, const char *value, const void *argument)
{
	const struct option_row *row = argument;
	char name[64], *end;
	double seconds;

	snprintf(name, sizeof(name), "--%s", row->name);
	errno = 0;
	seconds = strtod(value, &end);
	if (end == value || *end || errno || !isfinite(seconds) || seconds < 0.001 || seconds > 1e9)
		return bad(name, value, "a number of seconds from 0.001 on");
	memcpy((char *)o + row->offset, &seconds, sizeof(seconds));
	return 0;
}

static int set_flag(struct options *o, const char *value, const void *argument)
{
	const struct option_row *row = argument;

	(void)value;
	*(bool *)((char *)o + row->offset) = true;
	return 0;
}

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
     set_pids, 0},
    {NULL, 0, "slab", NULL,
     "the kernel's own memory by call site, in the whole system;\nneither -p nor a command",
     set_flag, FIELD(slab)},
    {NULL, 0, "layers", "L", "heap,tensor,gpu,vm,rss (default: all that apply)", set_layers, 0},
    {NULL, 0, "probe", "'LIB:SYMBOL kind=…'",
     "one more allocation function, such as\n'libx.so:x_alloc kind=alloc size=arg1 ptr=ret'; may "
     "be repeated",
     set_probe, 0},
    {NULL, 0, "stage", "NAME=REGEX",
     "a stage of one's own: allocations of tensors in Python\nfunctions, or ranges, whose name or "
     "file:line matches;\nNAME=usdt:PROVIDER:BEGIN,PROVIDER:END from one tracepoint\nof the "
     "program to another; may be repeated",
     set_stage, 0},
    {NULL, 0, "category", "NAME=REGEX",
     "a category of one's own, of tensors that Python or native\nfunctions allocate whose name or "
     "file:line matches; may be\nrepeated",
     set_category, 0},
    {"How long", 'd', "duration", "SEC", "stop after SEC", set_seconds, FIELD(duration_s)},
    {NULL, 'i', "interval", "SEC", "refresh the table every SEC (default: 1 on a terminal, else 5)",
     set_seconds, FIELD(interval_s)},
    {NULL, 0, "tick", "SEC", "time between points of the plot (default: 0.1, finer at first)",
     set_seconds, FIELD(tick_s)},
    {"What to write", 'o', "output", "FILE",
     "what was seen, when tracing ends: .folded, .svg (flame graph)\nor .json; may be repeated",
     set_output, 0},
    {NULL, 0, "plot", "FILE.svg", "memory over time", set_plot, 0},
    {NULL, 0, "metric", "M", "width of a flame graph: peak, live, alloc or count (default: peak)",
     set_metric, 0},
    {NULL, 0, "by", "category",
     "begin a flame graph or folded stacks with what the tensors\nare for; metric peak or live",
     set_by, 0},
    {NULL, 0, "json", NULL, "one JSON document on stdout at the end, nothing else there", set_flag,
     FIELD(json)},
    {NULL, 0, "top", "N", "stacks or processes in a table (default: 10)", set_size, FIELD(top)},
    {NULL, 0, "sort", "COLUMN",
     "order of the whole system's processes: rss, growth, minor,\nmajor, mapped, swap, tables, oom "
     "(default: growth)",
     set_sort, 0},
    {NULL, 'q', "quiet", NULL, "no table and no summary", set_flag, FIELD(quiet)},
    {NULL, 'v', "verbose", NULL, "say what is probed, and how", set_flag, FIELD(verbose)},
    {"Limits, each counted when it is reached", 0, "max-blocks", "N",
     "live blocks (default: 2m; with --slab 1m, whose\nmemory is taken at once: 100 bytes each)",
     set_size, FIELD(kernel.max_blocks)},
    {NULL, 0, "max-stacks", "N",
     "stacks, in pieces of 8 frames that they share\n(default: 1m; with --slab 64k)", set_size,
     FIELD(kernel.max_stacks)},
    {NULL, 0, "max-procs", "N", "processes (default: 4k)", set_size, FIELD(kernel.max_procs)},
    {NULL, 0, "max-threads", "N", "threads (default: 64k)", set_size, FIELD(kernel.max_threads)},
    {NULL, 0, "max-touches", "N",
     "groups of 16 pages whose first toucher is known\n(default: 1m, for 64 GiB)", set_size,
     FIELD(kernel.max_touches)},
    {NULL, 0, "max-codes", "N", "Python code objects (default: 256k)", set_size,
     FIELD(kernel.max_codes)},
    {NULL, 0, "max-unwind", "BYTES", "unwind tables in the kernel (default: 64m)", set_size,
     FIELD(max_unwind)},
    {"Other", 0, "no-feature", "F",
     "do without session, multi or perf probes; without fentry,\nkprobe, tracepoint or "
     "raw_tracepoint in the kernel;\nwithout unwind tables (frame pointers only); may be repeated",
     set_refused, 0},
    {NULL, 0, "call-sites", NULL, "keep stacks apart that differ in nothing one can read", set_flag,
     FIELD(kernel.call_sites)},
    {NULL, 0, "native-python", NULL, "show the Python interpreter's own C frames too", set_flag,
     FIELD(kernel.native_python)},
    {NULL, 0, "device", "BYTES", "the memory that a batch has to fit (8G, 512M)", set_device, 0},
    {NULL, 'h', "help", NULL, "this text", show_help, 0},
    {NULL, 'V', "version", NULL, "the version", show_version, 0},
};

#define ROWS (sizeof(rows) / sizeof(rows[0]))
#define HELP_COLUMN 30

static bool goes_with(const struct option_row *row, enum verb verb)
{
	const char *const *name = verbs[verb].options;

	if (!*name)
		return row->set != set_device; /* all but what goes with a word alone */
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

/* Options that make sense of the whole system, and of the kernel. */
static const char *const for_system[] = {"duration", "interval", "output",  "json", "top",
					 "sort",     "quiet",    "verbose", NULL};
static const char *const for_slab[] = {"slab", "duration", "interval",   "tick",       "output",
				       "plot", "metric",   "json",       "top",        "quiet",
				       "sort", "verbose",  "max-blocks", "max-stacks", NULL};

static bool is_among(const struct option_row *row, const char *const *names)
{
	while (*names && strcmp(row->name, *names))
		names++;
	return *names;
}

/* Of the options given, in their order, the first that is not in the list, or NULL. */
static const struct option_row *given_beside(const struct option_row *const *given,
					     const char *const *names)
{
	while (*given && is_among(*given, names))
		given++;
	return *given;
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

/* Nothing to trace was named: the whole system. */
static int check_system(struct options *o, const struct option_row *const *given)
{
	const struct option_row *needs_target = given_beside(given, for_system);

	if (needs_target)
		return log_error(
		    -EINVAL,
		    "--%s: say what to trace: -p PID, or -- CMD ARGS; the whole system "
		    "is watched without it",
		    needs_target->name);
	for (size_t i = 0; i < o->output_count; i++)
		if (strcmp(output_find(o->outputs[i])->suffix, ".json"))
			return log_error(-EINVAL,
					 "-o %s: say what to trace: -p PID, or -- CMD ARGS; of the "
					 "whole system there is only .json",
					 o->outputs[i]);
	o->whole_system = true;
	return 0;
}

static int check_slab(const struct options *o, const struct option_row *const *given)
{
	const struct option_row *needs_target = given_beside(given, for_slab);

	if (o->command || o->pid_count)
		return log_error(
		    -EINVAL,
		    "--slab traces the kernel for all processes: neither -p nor a command goes "
		    "with it");
	if (needs_target)
		return log_error(-EINVAL, "--%s: is for processes, --slab traces the kernel",
				 needs_target->name);
	return 0;
}

static int check_fit(int argc, char **argv, struct options *o)
{
	o->runs = &argv[optind];
	o->run_count = (size_t)(argc - optind);
	if (o->run_count < 2)
		return log_error(
		    -EINVAL, "fit: takes two reports or more, of runs with different batch sizes");
	return 0;
}

static int check_by(const struct options *o)
{
	if (o->by_category && !by_category_has(o->metric))
		return log_error(-EINVAL,
				 "--by category: what tensors hold is known by category, not what "
				 "they ever took: --metric peak or live, not %s",
				 metric_names[o->metric]);
	if (o->by_category && !o->kernel.layers[MS_LAYER_TENSOR])
		return log_error(-EINVAL,
				 "--by category: is of tensors, which --layers leaves out");
	return 0;
}

static int check_together(int argc, char **argv, struct options *o,
			  const struct option_row *const *given)
{
	if (o->verb == VERB_FIT)
		return check_fit(argc, argv, o);
	if (o->verb != VERB_TRACE)
		return optind < argc ? log_error(-EINVAL, "%s: '%s' is not an option of it",
						 verbs[o->verb].name, argv[optind])
				     : 0;
	if (optind < argc) {
		if (strcmp(argv[optind - 1], "--"))
			return log_error(-EINVAL,
					 "'%s': put -- before the command to start, or use -p PID",
					 argv[optind]);
		o->command = &argv[optind];
	}
	if (o->command && o->pid_count)
		return log_error(
		    -EINVAL, "-p and a command do not go together: trace one or start the other");
	if (!o->command && !o->pid_count && !o->slab)
		return check_system(o, given);
	if (o->slab && check_slab(o, given))
		return -EINVAL;
	if (check_by(o))
		return -EINVAL;
	if (o->sort >= 0)
		return log_error(-EINVAL,
				 "--sort: is for the whole system, without -p and command");
	if (o->command && o->json)
		return log_error(-EINVAL, "--json: stdout is the command's; use -o FILE.json");
	return 0;
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
		err = check_together(argc, argv, o, given);
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
