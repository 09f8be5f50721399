/* SPDX-License-Identifier: GPL-2.0 */
/* Whether a process runs code that a JIT made, and when to look again. */
#ifndef MS_JITWATCH_H
#define MS_JITWATCH_H

#include "target/mappings.h"

struct jit_watch {
	uint64_t due_ns;
};

/* Whether there is executable memory that is no file, or a library that will make some. */
bool jit_watch_found(const struct mappings *maps);
/* A look began and ended at these times: the next is due so much later that looking stays cheap. */
void jit_watch_looked(struct jit_watch *watch, uint64_t start_ns, uint64_t end_ns);

#endif
