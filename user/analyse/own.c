/* SPDX-License-Identifier: GPL-2.0 */
#include "analyse/own.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define bad(...) (snprintf(errbuf, errlen, __VA_ARGS__), -EINVAL)

int own_add(struct own_rules *rules, const char *text, bool is_stage, char *errbuf, size_t errlen)
{
	const char *equals = strchr(text, '=');
	struct own_rule *rule = &rules->items[rules->count];
	char why[128];
	int err;

	if (!equals || equals == text || !equals[1])
		return bad("is not NAME=REGEX");
	if (rules->count == MARK_OWN_MAX)
		return bad("there can be %d stages and categories of one's own", MARK_OWN_MAX);
	err = regcomp(&rule->regex, equals + 1, REG_EXTENDED | REG_NOSUB);
	if (err) {
		regerror(err, &rule->regex, why, sizeof(why));
		return bad("'%s' is no regular expression: %s", equals + 1, why);
	}
	rule->name = strndup(text, (size_t)(equals - text));
	if (!rule->name) {
		regfree(&rule->regex);
		snprintf(errbuf, errlen, "out of memory");
		return -ENOMEM;
	}
	*(is_stage ? &rules->stages : &rules->categories) |= (unsigned)MARK_OWN << rules->count;
	rules->count++;
	return 0;
}

void own_free(struct own_rules *rules)
{
	while (rules->count) {
		struct own_rule *rule = &rules->items[--rules->count];

		regfree(&rule->regex);
		free(rule->name);
	}
	rules->stages = rules->categories = 0;
}

unsigned own_marks(const struct own_rules *rules, const char *function, const char *file,
		   unsigned line)
{
	char place[4352];
	unsigned marks = 0;
	size_t i;

	if (!rules || !rules->count)
		return 0;
	snprintf(place, sizeof(place), "%s:%u", file, line);
	for (i = 0; i < rules->count; i++)
		if (!regexec(&rules->items[i].regex, function, 0, NULL, 0) ||
		    (*file && !regexec(&rules->items[i].regex, place, 0, NULL, 0)))
			marks |= (unsigned)MARK_OWN << i;
	return marks;
}

size_t own_number(unsigned marks)
{
	return (size_t)__builtin_ctz(marks / MARK_OWN);
}
