/* SPDX-License-Identifier: GPL-2.0 */
#include "fit/runs.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/log.h"

double run_value(const struct run_value *values, size_t count, const char *name)
{
	size_t i;

	for (i = 0; i < count; i++)
		if (!strcmp(values[i].name, name))
			return values[i].bytes;
	return 0;
}

/* The one of that name, made if there is room; else NULL. */
static struct run_value *value_of(struct run_value *values, size_t *count, const char *name)
{
	size_t i;

	for (i = 0; i < *count; i++)
		if (!strcmp(values[i].name, name))
			return &values[i];
	if (*count == RUN_NAMES)
		return NULL;
	snprintf(values[*count].name, sizeof(values[0].name), "%s", name);
	values[*count].bytes = 0;
	return &values[(*count)++];
}

static double number(const json_t *object, const char *key)
{
	return json_number_value(json_object_get(object, key));
}

static const char *text(const json_t *object, const char *key)
{
	const char *value = json_string_value(json_object_get(object, key));

	return value ? value : "";
}

/* The process whose tensors are most. */
static const json_t *main_process(const json_t *report)
{
	const json_t *found = NULL, *process;
	double most = 0;
	size_t i;

	json_array_foreach(json_object_get(report, "processes"), i, process)
	{
		const json_t *layers = json_object_get(process, "layers");
		double peak = number(json_object_get(layers, "tensor"), "peak_bytes");

		if (peak > most) {
			most = peak;
			found = process;
		}
	}
	return found;
}

static void read_stages(const json_t *report, double pid, struct run *run)
{
	const json_t *stage;
	size_t i;

	json_array_foreach(json_object_get(report, "stages"), i, stage)
	{
		struct run_value *value;

		if (number(stage, "pid") != pid || number(stage, "depth") != 0)
			continue;
		value = value_of(run->stages, &run->stage_count, text(stage, "name"));
		if (value && number(stage, "peak_bytes") > value->bytes)
			value->bytes = number(stage, "peak_bytes");
	}
}

static void read_categories(const json_t *report, double pid, struct run *run)
{
	static const char *const moments[] = {"bytes_before_backward", "bytes_at_peak"};
	const json_t *category;
	double all = 0;
	size_t i, moment;

	for (moment = 0; moment < 2 && all <= 0; moment++) {
		run->category_count = 0;
		json_array_foreach(json_object_get(report, "categories"), i, category)
		{
			double bytes = number(category, moments[moment]);
			struct run_value *value;

			if (number(category, "pid") != pid || bytes <= 0)
				continue;
			value =
			    value_of(run->categories, &run->category_count, text(category, "name"));
			if (value)
				value->bytes += bytes;
			all += bytes;
		}
	}
}

/* "float32[8, 3, 64, 64]" of the largest input: 8; 0 if there is none. */
static double seen_batch(const json_t *report, double pid)
{
	const json_t *tensor;
	double most = 0, batch = 0;
	size_t i;

	json_array_foreach(json_object_get(report, "tensors"), i, tensor)
	{
		const char *first = strchr(text(tensor, "shape"), '[');
		double bytes = number(tensor, "peak_bytes");

		if (number(tensor, "pid") != pid || strcmp(text(tensor, "category"), "inputs") ||
		    !first || bytes <= most)
			continue;
		most = bytes;
		batch = strtod(first + 1, NULL);
	}
	return batch;
}

static int run_take(const json_t *report, const char *path, struct run *run)
{
	const json_t *process = main_process(report);
	double pid;

	if (!process)
		return log_error(-EINVAL, "%s: has no tensors: trace a training with -o %s", path,
				 path);
	pid = number(process, "pid");
	run->peak_bytes =
	    number(json_object_get(json_object_get(process, "layers"), "tensor"), "peak_bytes");
	run->rest_bytes = number(process, "rss_peak_bytes") - run->peak_bytes;
	if (run->rest_bytes < 0)
		run->rest_bytes = 0;
	read_stages(report, pid, run);
	read_categories(report, pid, run);
	if (!run->batch)
		run->batch = seen_batch(report, pid);
	if (run->batch <= 0)
		return log_error(-EINVAL,
				 "%s: its batch size is not seen in the inputs: say %s=BATCH", path,
				 path);
	return 0;
}

/* Splits "FILE=BATCH", unless there is a file of the whole name. */
static int split(char *path, struct run *run)
{
	char *equals = strrchr(path, '='), *end;
	struct stat st;

	if (!equals || !stat(path, &st))
		return 0;
	run->batch = strtod(equals + 1, &end);
	if (!equals[1] || *end || run->batch <= 0)
		return log_error(-EINVAL, "'%s': '%s' is not a batch size", path, equals + 1);
	*equals = '\0';
	return 0;
}

int run_read(const char *argument, struct run *run)
{
	char *path = strdup(argument);
	json_error_t where;
	json_t *report;
	int err;

	*run = (struct run){0};
	if (!path)
		return log_error(-ENOMEM, "out of memory");
	err = split(path, run);
	if (err)
		goto out;
	errno = 0;
	report = json_load_file(path, 0, &where);
	if (!report && json_error_code(&where) == json_error_cannot_open_file)
		err = log_error(-ENOENT, "cannot read %s: %s", path, strerror(errno));
	else if (!json_is_object(report))
		err = log_error(-EINVAL, "%s: is no report of memsnoop's: -o FILE.json makes one",
				path);
	else
		err = run_take(report, path, run);
	json_decref(report);
out:
	free(path);
	return err;
}
