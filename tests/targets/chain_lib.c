/* SPDX-License-Identifier: GPL-2.0 */
/* The chain target's shared library: called through the PLT, calls back. */
#include "chain_parts.h"

#include <stdlib.h>

#define STEPPED __attribute__((section("steps_lib")))

extern HIDDEN const char __start_steps_lib[], __stop_steps_lib[];

FN void lib_call(callback *next)
{
	ENTER();
	next();
	LEAVE();
}

FN void lib_alloc(void)
{
	ENTER();
	ALLOC();
	LEAVE();
}

/* Stepped through, also on the way here: nobody else calls it, so its PLT entry is unresolved. */
STEPPED FN void lib_stepped(void)
{
	BARRIER();
}

void lib_section(const char **start, const char **stop)
{
	*start = __start_steps_lib;
	*stop = __stop_steps_lib;
}
