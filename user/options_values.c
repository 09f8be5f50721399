/* SPDX-License-Identifier: GPL-2.0 */
/* What takes the value of an option, one small function each. */
#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "options_inside.h"
#include "render/render.h"
#include "render/system_columns.h"

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

int options_set_pids(struct options *o, const char *value, const void *argument)
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

int options_set_output(struct options *o, const char *value, const void *argument)
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

int options_set_plot(struct options *o, const char *value, const void *argument)
{
	const char *suffix = strrchr(value, '.');

	(void)argument;
	if (!suffix || strcmp(suffix, ".svg"))
		return log_error(-EINVAL, "--plot: '%s': the plot is an .svg file", value);
	o->plot = value;
	return 0;
}

int options_set_metric(struct options *o, const char *value, const void *argument)
{
	(void)argument;
	for (int i = 0; i < METRIC_NR; i++)
		if (!strcmp(value, metric_names[i])) {
			o->metric = i;
			return 0;
		}
	return bad("--metric", value, "one of peak, live, alloc, count");
}

int options_set_by(struct options *o, const char *value, const void *argument)
{
	(void)argument;
	o->by_category = !strcmp(value, "category");
	return o->by_category ? 0 : bad("--by", value, "category");
}

int options_set_sort(struct options *o, const char *value, const void *argument)
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

int options_set_layers(struct options *o, const char *value, const void *argument)
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

int options_set_probe(struct options *o, const char *value, const void *argument)
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

int options_set_stage(struct options *o, const char *value, const void *argument)
{
	(void)argument;
	return add_rule(o, "--stage", value, true);
}

int options_set_category(struct options *o, const char *value, const void *argument)
{
	(void)argument;
	return add_rule(o, "--category", value, false);
}

int options_set_refused(struct options *o, const char *value, const void *argument)
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
int options_set_size(struct options *o, const char *value, const void *argument)
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
int options_set_device(struct options *o, const char *value, const void *argument)
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

int options_set_seconds(struct options *o, const char *value, const void *argument)
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

int options_set_flag(struct options *o, const char *value, const void *argument)
{
	const struct option_row *row = argument;

	(void)value;
	*(bool *)((char *)o + row->offset) = true;
	return 0;
}
