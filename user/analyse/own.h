/* SPDX-License-Identifier: GPL-2.0 */
/* The user's own stages and categories: names, and what they are known by. */
#ifndef MS_OWN_H
#define MS_OWN_H

#include <regex.h>

#include "analyse/tensor.h"

struct own_rules {
	struct own_rule {
		char *name;
		char *begin,
		    *end;      /* a stage by tracepoints (USDT), "provider:name"; or NULL, and: */
		regex_t regex; /* extended */
	} items[MARK_OWN_MAX];
	size_t count;
	unsigned stages, categories; /* marks of the rules of each kind */
};

/*
 * Adds "NAME=REGEX", of a stage also "NAME=usdt:PROVIDER:BEGIN,PROVIDER:END"; its mark is MARK_OWN
 * << its number.  0; -EINVAL or -ENOMEM with one line in errbuf.
 */
int own_add(struct own_rules *rules, const char *text, bool is_stage, char *errbuf, size_t errlen);
void own_free(struct own_rules *rules);

/* The marks of a function, by its name and by "file:line"; of a range, by its name. */
unsigned own_marks(const struct own_rules *rules, const char *function, const char *file,
		   unsigned line);
/* The address that stands for a range of the user's: no object is there. */
uint64_t own_object(size_t rule);
/* The number of the rule that has the lowest of these marks. */
size_t own_number(unsigned marks);

#endif
