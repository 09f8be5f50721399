/* SPDX-License-Identifier: GPL-2.0 */
/* The command line, parsed and checked. */
#ifndef MS_OPTIONS_H
#define MS_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "analyse/own.h"
#include "collect/kernel.h"
#include "collect/snapshot.h"
#include "probe/table.h"

/* What is to be done: the first word, or to trace if it is none of these. */
enum verb { VERB_TRACE, VERB_DOCTOR, VERB_FIT, VERB_NR };

struct options {
	enum verb verb;
	pid_t *pids;
	size_t pid_count;
	char **command; /* NULL with -p */
	char **runs;    /* of fit: reports, with batch sizes */
	size_t run_count;
	uint64_t device_bytes; /* --device; 0: none */
	bool slab;             /* the kernel's memory, of no process */
	bool whole_system;     /* no process and no command was named */
	const char **outputs;  /* -o */
	size_t output_count;
	const char *plot;
	enum metric metric;
	bool by_category; /* --by category: of flame graphs and folded stacks */
	bool json;
	bool verbose, quiet;
	double interval_s; /* 0: the default for where the table goes */
	double duration_s; /* 0: no end */
	double tick_s;
	size_t top;
	int sort;               /* the column's number (render/system_columns.h); -1: the default */
	size_t max_unwind;      /* bytes of unwind tables in the kernel */
	bool no_unwind;         /* --no-feature unwind */
	struct own_rules rules; /* --stage, --category */
	struct kernel_options kernel;
	struct probe_table table;
};

/*
 * Parses and checks.  0: go on.  1: said what was asked (--help, --version),
 * leave with status 0.  -EINVAL: one line was printed, leave with status 2.
 * options_free() in every case.
 */
int options_parse(int argc, char **argv, struct options *options);
void options_free(struct options *options);

#endif
