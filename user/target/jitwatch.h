/* SPDX-License-Identifier: GPL-2.0 */
/* Whether a process runs code that a JIT made, and when to look again. */
#ifndef MS_JITWATCH_H
#define MS_JITWATCH_H

#include "target/mappings.h"

struct jit_watch {
	uint64_t due_ns, wait_ns;
};

/* Whether there is executable memory that is no file, or a library that will make some. */
bool jit_watch_found(const struct mappings *maps);
/* Often at first, then once a second: whether it is time to read a process's mappings. */
bool jit_watch_is_due(struct jit_watch *watch, uint64_t now_ns);

#endif
