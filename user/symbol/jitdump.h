/* SPDX-License-Identifier: GPL-2.0 */
/*
 * jitdump, jit-PID.dump: the binary records that a JIT writes for perf inject;
 * code with its name, its moves, and line numbers.  The format is described in
 * the kernel's tools/perf/Documentation/jitdump-specification.txt.
 */
#ifndef MS_JITDUMP_H
#define MS_JITDUMP_H

#include <stdbool.h>

#include "symbol/intern.h"
#include "symbol/jitcodes.h"

/* How far a file was read. */
struct jitdump {
	uint64_t offset;       /* 0: not yet begun */
	uint64_t lines;        /* the record of line numbers that waits for its code, or 0 */
	uint64_t lines_start;  /* and where that code starts */
	struct pair_map loads; /* (code index, 0) -> where its load is, (…, 1) -> its lines */
	bool closed;
};

/*
 * Adds the codes of the records from where the last call ended.  0, -ENOEXEC
 * for another format, version, byte order or machine, -EBADMSG for a record
 * that cannot be right (what came before it counts), or another negative errno.
 */
int jitdump_read(struct jitdump *dump, int fd, struct jit_codes *codes, struct budget *budget);
/* Copies the name of `code`, cut to fit; "" if it cannot be read. */
void jitdump_name(int fd, const struct jit_code *code, char *name, size_t size);
/* File and line of `address` in `code`: false if they are not known. */
bool jitdump_line(int fd, const struct jit_code *code, uint64_t address, char *file, size_t size,
		  unsigned *line);
void jitdump_free(struct jitdump *dump);

#endif
