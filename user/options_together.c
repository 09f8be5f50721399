/* SPDX-License-Identifier: GPL-2.0 */
/* What of the command line goes together. */
#include <errno.h>
#include <getopt.h>
#include <string.h>

#include "base/log.h"
#include "options_inside.h"
#include "render/by_category.h"
#include "render/render.h"

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

int options_check(int argc, char **argv, struct options *o, const struct option_row *const *given)
{
	if (o->verb == VERB_FIT)
		return check_fit(argc, argv, o);
	if (o->verb != VERB_TRACE)
		return optind < argc ? log_error(-EINVAL, "%s: '%s' is not an option of it",
						 options_verb_name(o->verb), argv[optind])
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
