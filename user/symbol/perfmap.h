/* SPDX-License-Identifier: GPL-2.0 */
/*
 * perf maps, /tmp/perf-PID.map: the text that a JIT writes for perf, a line
 * "START SIZE name" for each piece of code, the numbers hexadecimal.
 */
#ifndef MS_PERFMAP_H
#define MS_PERFMAP_H

#include "symbol/jitcodes.h"

/*
 * Adds the codes of the whole lines from *offset on and moves *offset behind
 * them, so that a file that grows is read once.  Lines that are not right are
 * passed over.  0 or a negative errno: what was added is right all the same.
 */
int perfmap_read(int fd, uint64_t *offset, struct jit_codes *codes, struct budget *budget);
/* Copies the name of `code`, cut to fit; "" if it cannot be read. */
void perfmap_name(int fd, const struct jit_code *code, char *name, size_t size);

#endif
