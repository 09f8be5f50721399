/* SPDX-License-Identifier: GPL-2.0 */
/* Whether a process runs code that a JIT made, and when to look again. */
#ifndef MS_JITWATCH_H
#define MS_JITWATCH_H

#include "target/mappings.h"

/*
 * Looking means reading all of /proc/PID/maps: milliseconds for a process with as many
 * libraries as PyTorch has.  So we look when the kernel counts more or less code than it did
 * at the last look, and else a second later, and twice as long each time that was in vain, for
 * what that count does not show: memory to execute that is to be written too, and code in the
 * place of as much other code.
 */
struct jit_watch {
	uint64_t due_ns;      /* not to look before */
	uint64_t overdue_ns;  /* to look from then on, whatever is counted */
	uint64_t code_bytes;  /* counted when the last look began */
	uint64_t patience_ns; /* from due to overdue */
};

/* Whether there is executable memory that is no file, or a library that will make some. */
bool jit_watch_found(const struct mappings *maps);
/* Whether to look now, `code_bytes` being what process_memory() has read. */
bool jit_watch_due(const struct jit_watch *watch, uint64_t code_bytes, uint64_t now_ns);
/*
 * A look began and ended at these times, `code_bytes` read before it: the next is due so much
 * later that looking stays cheap.
 */
void jit_watch_looked(struct jit_watch *watch, uint64_t code_bytes, uint64_t start_ns,
		      uint64_t end_ns);

#endif
