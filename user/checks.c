/* SPDX-License-Identifier: GPL-2.0 */
/* What a user can get wrong, found out before it costs a run. */
#include "checks.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "render/render.h"
#include "target/launch.h"
#include "target/process.h"

int check_files(const struct options *o)
{
	size_t i, n = o->output_count + (o->plot != NULL);

	for (i = 0; i < n; i++) {
		const char *path = i < o->output_count ? o->outputs[i] : o->plot;
		int err = output_check(path);

		if (err)
			return log_error(err, "cannot write %s: %s", path, strerror(-err));
	}
	return 0;
}

int check_targets(const struct options *o)
{
	size_t i;
	int err = 0;

	for (i = 0; i < o->pid_count && !err; i++)
		err = process_check(o->pids[i]);
	if (o->command) {
		char *file = launch_find(o->command[0]);

		if (!file)
			return log_error(-errno, "cannot run %s: %s", o->command[0],
					 errno == ENOENT ? "there is no such command"
							 : strerror(errno));
		if (process_is_32_bit(file))
			err = log_error(-ENOEXEC,
					"%s is a 32-bit program: only 64-bit ones can be traced",
					file);
		free(file);
	}
	return err;
}

/* A --probe that finds nothing is a mistake: said now for running processes. */
int check_probes(const struct target *target, const struct probe_table *table, bool command)
{
	size_t i;

	for (i = 0; i < table->count; i++) {
		const struct probe_row *row = &table->rows[i];

		if (row->from_user && !target_row_matched(target, i))
			return log_error(
			    -ENOENT, "--probe: no file of the %s defines a function %s%s%s",
			    command ? "command" : "process", row->symbol,
			    row->library ? " in " : "", row->library ? row->library : "");
	}
	return 0;
}

/* What is looked for, by layer; others have no functions. */
static const char *const sought[MS_LAYER_NR] = {
    [MS_LAYER_HEAP] = "malloc, operator new and those of glibc, musl, jemalloc, tcmalloc, mimalloc",
    [MS_LAYER_TENSOR] = "PyTorch's, ggml's, TensorFlow's, ONNX Runtime's",
    [MS_LAYER_GPU] = "CUDA's, HSA's, Level Zero's, OpenCL's",
};

void check_functions(const struct target *target, const struct options *options)
{
	const struct probe_table *table = &options->table;
	const bool *layers = options->kernel.layers;
	struct image *const *images;
	size_t i, n = target_images(target, &images);
	char names[256] = "";

	for (i = 0; i < n; i++)
		if (images[i]->functions)
			return;
	for (i = 0; i < table->count; i++)
		if (target_row_matched(target, i) && probe_row_allocates(&table->rows[i]))
			return;
	for (i = 0; i < MS_LAYER_NR; i++)
		if (layers[i] && sought[i])
			snprintf(names + strlen(names), sizeof(names) - strlen(names), "%s%s",
				 *names ? "; " : "", sought[i]);
	if (*names)
		log_warn("no allocation function found: looked in %zu files for %s%s; --probe "
			 "names a function of your own",
			 target_files(target), names,
			 layers[MS_LAYER_RSS] ? "; resident memory is still recorded" : "");
}
