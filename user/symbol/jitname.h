/* SPDX-License-Identifier: GPL-2.0 */
/* What JITs call their code, taken apart: function, file and line. */
#ifndef MS_JITNAME_H
#define MS_JITNAME_H

#include <stdbool.h>

#include "symbol/demangle.h"

struct jit_name {
	char function[NAME_SIZE]; /* never "" */
	char file[NAME_SIZE];     /* "": not known */
	unsigned line;            /* 0: not known */
	bool exact; /* lines that a dump gives for its code are wrong: this one is not */
};

/* "JS:*foo /path/a.js:12:3" is foo in line 12 of /path/a.js; an unknown form stays as it is. */
void jit_name_parse(const char *raw, struct jit_name *name);

#endif
