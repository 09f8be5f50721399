/* SPDX-License-Identifier: GPL-2.0 */
/* Makes the checks one after the other, and gives back all that they held. */
#include "doctor/doctor.h"

#include <errno.h>
#include <linux/capability.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/log.h"
#include "doctor/check.h"

#define STATUS_ENVIRONMENT 1

static char out_of_memory[] = "out of memory";

static struct finding *add_finding(struct doctor *d)
{
	if (array_reserve(&d->findings, d->finding_count, &d->finding_room, sizeof(*d->findings)))
		return &d->spare;
	return &d->findings[d->finding_count++];
}

struct finding *doctor_say(struct doctor *d, const struct check *check, enum verdict verdict,
			   const char *format, ...)
{
	bool is_well = verdict == VERDICT_OK || verdict == VERDICT_UNKNOWN;
	struct finding *f = add_finding(d);
	va_list args;

	*f = (struct finding){
	    .group = check->group,
	    .name = check->name,
	    .verdict = verdict,
	    .needed = check->needed,
	    .without = is_well ? NULL : check->without,
	    .remedy = is_well ? NULL : check->remedy,
	};
	va_start(args, format);
	if (f == &d->spare || vasprintf(&f->text, format, args) < 0)
		f->text = out_of_memory;
	va_end(args);
	return f;
}

void doctor_say_untried(struct doctor *d, const struct check *check)
{
	if (d->may_trace)
		doctor_say(d, check, VERDICT_UNKNOWN, "not tried: %s",
			   d->child ? strerror(-d->trials_error) : "no child could be started");
	else
		doctor_say(d, check, VERDICT_UNKNOWN,
			   "not tried: that takes CAP_BPF and CAP_PERFMON");
}

int doctor_read_line(const char *path, char *line, size_t size)
{
	FILE *file = fopen(path, "re");
	int err = 0;

	if (!file)
		return -errno;
	errno = 0;
	if (!fgets(line, (int)size, file))
		err = errno ? -errno : -ENODATA;
	else
		line[strcspn(line, "\n")] = '\0';
	fclose(file);
	return err;
}

bool doctor_can_trace(const struct doctor *d)
{
	size_t i;

	for (i = 0; i < d->finding_count; i++)
		if (d->findings[i].needed && d->findings[i].verdict == VERDICT_MISSING)
			return false;
	return true;
}

static bool may_trace(uint64_t capabilities)
{
	const uint64_t both = 1ULL << CAP_BPF | 1ULL << CAP_PERFMON;

	return capabilities >> CAP_SYS_ADMIN & 1 || (capabilities & both) == both;
}

static void doctor_open(struct doctor *d)
{
	int err;

	d->capabilities = kernel_capabilities();
	d->may_trace = may_trace(d->capabilities);
	/* first, while we are small and hold nothing that it would hold, too */
	err = child_start(&d->child);
	if (err)
		log_warn("cannot start a child to try things on: %s", strerror(-err));
	if (d->may_trace)
		d->trials_error = trials_open(&d->trials);
}

static void doctor_close(struct doctor *d)
{
	size_t i;

	kernel_close(d->kernel);
	trials_close(d->trials);
	child_stop(d->child);
	for (i = 0; i < d->finding_count; i++)
		if (d->findings[i].text != out_of_memory)
			free(d->findings[i].text);
	free(d->findings);
}

int doctor_run(const struct options *options)
{
	struct doctor d = {.options = options};
	bool can_trace;
	size_t i;
	int err;

	doctor_open(&d);
	for (i = 0; i < check_count; i++)
		checks[i].look(&d, &checks[i]);
	can_trace = doctor_can_trace(&d);
	err = options->json ? doctor_print_json(&d) : doctor_print(&d);
	if (!err && fflush(stdout))
		err = -errno;
	if (err)
		log_error(err, "cannot write the report: %s", strerror(-err));
	doctor_close(&d);
	return can_trace && !err ? 0 : STATUS_ENVIRONMENT;
}
