/* SPDX-License-Identifier: GPL-2.0 */
#include "base/log.h"
#include "doctor/doctor.h"
#include "fit/run.h"
#include "options.h"
#include "session.h"
#include "slab/run.h"
#include "system/run.h"

#define STATUS_USAGE 2

static int run(const struct options *options)
{
	if (options->verb == VERB_DOCTOR)
		return doctor_run(options);
	if (options->verb == VERB_FIT)
		return fit_run(options);
	if (options->slab)
		return slab_run(options);
	return options->whole_system ? system_run(options) : session_run(options);
}

int main(int argc, char **argv)
{
	struct options options;
	int err = options_parse(argc, argv, &options), status = 0;

	log_set_verbose(options.verbose);
	if (err < 0)
		status = STATUS_USAGE;
	else if (!err)
		status = run(&options);
	options_free(&options);
	return status;
}
