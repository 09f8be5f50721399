/* SPDX-License-Identifier: GPL-2.0 */
/*
 * An image is one program in one process: it begins at attach, fork or exec and
 * ends at exec or exit.
 */
#ifndef MS_IMAGE_H
#define MS_IMAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "memsnoop.h"
#include "python.h"
#include "tensor.h"
#include "target/jitfiles.h"
#include "target/process.h"

struct image {
	uint32_t id; /* the kernel side's */
	pid_t pid, ppid;
	char *comm, *cmdline, *container;
	uint64_t start_ns, end_ns;    /* CLOCK_MONOTONIC; end_ns 0 while it runs */
	uint64_t ready_ns;            /* all probes were in; 0: never */
	bool execed;                  /* ended by exec */
	bool after_exec;              /* began by exec */
	bool followed;                /* found by fork or exec with nobody holding it */
	int wait_status;              /* as wait(2) gives it, if it exited */
	struct process_memory memory; /* as last read; the peak also from the kernel's at its end */
	uint64_t rss_peak_at_ns;      /* when the kernel's counters were highest; 0: not known */
	uint64_t maxrss_before;       /* pages: the most of the images before it */
	struct ms_mappings *table;    /* the last mapping table given to the kernel */
	struct ms_python *python;     /* its interpreter, NULL if it runs none that we know */
	bool python_refused;          /* it runs one that we do not know */
	struct ms_torch torch;        /* its PyTorch's classes; 0: none */
	size_t functions;             /* allocation functions probed */
	struct jit_files jit;
	const struct image *parent; /* it began as a copy of this one, or NULL */
};

/* A new image, described from /proc; NULL when out of memory. */
struct image *image_new(uint32_t id, pid_t pid, pid_t ppid, uint64_t start_ns);
void image_free(struct image *image);

#endif
