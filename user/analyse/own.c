/* SPDX-License-Identifier: GPL-2.0 */
#include "analyse/own.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define bad(...) (snprintf(errbuf, errlen, __VA_ARGS__), -EINVAL)

#define USDT "usdt:"

/* "provider:name" of `length` characters, or NULL. */
static char *copy_tracepoint(const char *text, size_t length)
{
	size_t provider = strcspn(text, ":");

	if (!length || provider == 0 || provider >= length - 1 ||
	    memchr(text + provider + 1, ':', length - provider - 1) || memchr(text, ' ', length))
		return NULL;
	return strndup(text, length);
}

static int take_tracepoints(struct own_rule *rule, const char *text, char *errbuf, size_t errlen)
{
	size_t first = strcspn(text, ",");

	rule->begin = copy_tracepoint(text, first);
	rule->end =
	    text[first] ? copy_tracepoint(text + first + 1, strlen(text + first + 1)) : NULL;
	if (!rule->begin || !rule->end)
		return bad("is not NAME=usdt:PROVIDER:BEGIN,PROVIDER:END");
	return 0;
}

static int take_regex(struct own_rule *rule, const char *text, char *errbuf, size_t errlen)
{
	char why[128];
	int err = regcomp(&rule->regex, text, REG_EXTENDED | REG_NOSUB);

	if (!err)
		return 0;
	regerror(err, &rule->regex, why, sizeof(why));
	return bad("'%s' is no regular expression: %s", text, why);
}

static void rule_free(struct own_rule *rule)
{
	if (!rule->begin)
		regfree(&rule->regex);
	free(rule->begin);
	free(rule->end);
	free(rule->name);
}

/* The report would have two of that name. */
static bool is_taken(const char *name, size_t length)
{
	size_t i;

	for (i = 0; i < CATEGORY_NR; i++)
		if (strlen(category_names[i]) == length && !memcmp(category_names[i], name, length))
			return true;
	return false;
}

int own_add(struct own_rules *rules, const char *text, bool is_stage, char *errbuf, size_t errlen)
{
	const char *equals = strchr(text, '=');
	struct own_rule rule = {0};
	bool is_usdt;
	int err;

	if (!equals || equals == text || !equals[1])
		return bad("is not NAME=REGEX");
	if (rules->count == MARK_OWN_MAX)
		return bad("there can be %d stages and categories of one's own", MARK_OWN_MAX);
	is_usdt = !strncmp(equals + 1, USDT, strlen(USDT));
	if (!is_stage && is_taken(text, (size_t)(equals - text)))
		return bad("there is a category of that name");
	if (is_usdt && !is_stage)
		return bad("tracepoints begin and end stages, they allocate nothing");
	err = is_usdt ? take_tracepoints(&rule, equals + 1 + strlen(USDT), errbuf, errlen)
		      : take_regex(&rule, equals + 1, errbuf, errlen);
	if (err) {
		free(rule.begin);
		free(rule.end);
		return err;
	}
	rule.name = strndup(text, (size_t)(equals - text));
	if (!rule.name) {
		rule_free(&rule);
		snprintf(errbuf, errlen, "out of memory");
		return -ENOMEM;
	}
	*(is_stage ? &rules->stages : &rules->categories) |= (unsigned)MARK_OWN << rules->count;
	rules->items[rules->count++] = rule;
	return 0;
}

void own_free(struct own_rules *rules)
{
	while (rules->count)
		rule_free(&rules->items[--rules->count]);
	rules->stages = rules->categories = 0;
}

static bool is_named(const struct own_rule *rule, const char *function, const char *place)
{
	return !rule->begin && (!regexec(&rule->regex, function, 0, NULL, 0) ||
				(*place && !regexec(&rule->regex, place, 0, NULL, 0)));
}

unsigned own_marks(const struct own_rules *rules, const char *function, const char *file,
		   unsigned line)
{
	char place[4352] = "";
	unsigned marks = 0;
	size_t i;

	if (!rules || !rules->count)
		return 0;
	if (*file)
		snprintf(place, sizeof(place), "%s:%u", file, line);
	for (i = 0; i < rules->count; i++)
		if (is_named(&rules->items[i], function, place))
			marks |= (unsigned)MARK_OWN << i;
	return marks;
}

uint64_t own_object(size_t rule)
{
	return UINT64_MAX - rule;
}

size_t own_number(unsigned marks)
{
	return (size_t)__builtin_ctz(marks / MARK_OWN);
}
