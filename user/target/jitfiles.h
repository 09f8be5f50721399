/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Where the JIT of one process says what it made: /tmp/perf-PID.map and
 * jit-PID.dump, in its own root and with its own number there.  The directories
 * are held while it runs and the files from its end on, because its root may be
 * gone by the time that we read.
 */
#ifndef MS_JITFILES_H
#define MS_JITFILES_H

#include <stdint.h>
#include <sys/types.h>

#include "target/mappings.h"

struct jit_files {
	pid_t pid;         /* as the process itself knows it; 0: unknown */
	uid_t uids[2];     /* real and effective */
	int64_t started_s; /* CLOCK_REALTIME; what is older is of another process */
	int tmp, cwd;      /* its directories; -1: none */
	int map, dump;     /* the files, once held; -1: none */
};

/* Of live process `pid`; what cannot be had stays unknown. */
void jit_files_begin(struct jit_files *files, pid_t pid);
/* Takes notice of a dump among what `pid` maps: its JIT does so to say where it is. */
void jit_files_look(struct jit_files *files, pid_t pid, const struct mappings *maps);
/* The process ended, or became another program: holds its files, lets its directories go. */
void jit_files_end(struct jit_files *files);
void jit_files_free(struct jit_files *files);

/* An open perf map or dump, for the caller to close, or a negative errno. */
int jit_files_open_map(const struct jit_files *files);
int jit_files_open_dump(const struct jit_files *files);

#endif
