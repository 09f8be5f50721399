/* SPDX-License-Identifier: GPL-2.0 */
/* Rows in order, and distinct rules by a hash. */
#include "unwind/rows.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Code has hundreds of distinct rules, libtorch_cpu.so a few thousand. */
#define RULES_FIRST 1024
#define RULES_MAX ((size_t)1 << MS_UNWIND_RULE_BITS)
#define ROWS_FIRST 4096

static size_t rule_hash(const struct ms_unwind_rule *rule)
{
	uint64_t words[2];

	_Static_assert(sizeof(words) == sizeof(*rule), "no padding: rules are compared as bytes");
	memcpy(words, rule, sizeof(words));
	words[0] = (words[0] ^ words[1] * 0x9e3779b97f4a7c15) * 0xd6e8feb86659fd93;
	return words[0] ^ words[0] >> 32;
}

/* The slot of a rule, or the free one where it belongs: half of them are free. */
static uint32_t *rule_slot(const struct unwind_rules *rules, const struct ms_unwind_rule *rule)
{
	size_t mask = 2 * rules->room - 1, at = rule_hash(rule) & mask;

	while (rules->slots[at] && memcmp(&rules->items[rules->slots[at] - 1], rule, sizeof(*rule)))
		at = (at + 1) & mask;
	return &rules->slots[at];
}

static int rules_resize(struct unwind_rules *rules, size_t room)
{
	struct ms_unwind_rule *items = realloc(rules->items, room * sizeof(*items));
	uint32_t *slots;

	if (!items)
		return -ENOMEM;
	rules->items = items;
	slots = calloc(2 * room, sizeof(*slots));
	if (!slots)
		return -ENOMEM;
	free(rules->slots);
	rules->slots = slots;
	rules->room = room;
	for (size_t i = 0; i < rules->count; i++)
		*rule_slot(rules, &items[i]) = i + 1;
	return 0;
}

int rules_init(struct unwind_rules *rules)
{
	static const struct ms_unwind_rule none = {.kind = MS_RULE_NONE};
	int err;

	*rules = (struct unwind_rules){0};
	err = rules_resize(rules, RULES_FIRST);
	return err ? err : (int)rules_number(rules, &none);
}

int64_t rules_number(struct unwind_rules *rules, const struct ms_unwind_rule *rule)
{
	uint32_t *slot = rule_slot(rules, rule);
	int err;

	if (*slot)
		return *slot - 1;
	if (rules->count == RULES_MAX)
		return -EFBIG;
	if (rules->count == rules->room) {
		err = rules_resize(rules, rules->room * 2);
		if (err)
			return err;
		slot = rule_slot(rules, rule);
	}
	rules->items[rules->count++] = *rule;
	*slot = rules->count;
	return *slot - 1;
}

void rules_free(struct unwind_rules *rules)
{
	free(rules->items);
	free(rules->slots);
	*rules = (struct unwind_rules){0};
}

static bool rows_make_room(struct unwind_rows *rows)
{
	size_t room = rows->room ? rows->room * 2 : ROWS_FIRST;
	struct unwind_row *items;

	if (rows->count < rows->room)
		return true;
	if (rows->count >= rows->max) {
		rows->err = -EFBIG;
		return false;
	}
	items = realloc(rows->items, room * sizeof(*items));
	if (!items) {
		rows->err = -ENOMEM;
		return false;
	}
	rows->items = items;
	rows->room = room;
	return true;
}

void rows_add(struct unwind_rows *rows, uint64_t start, uint32_t rule)
{
	if (rows->err)
		return;
	/* What begins at the same place leaves nothing of the row before. */
	if (rows->count && rows->items[rows->count - 1].start == start)
		rows->count--;
	if (rows->count && rows->items[rows->count - 1].rule == rule)
		return;
	if (rows_make_room(rows))
		rows->items[rows->count++] = (struct unwind_row){start, rule};
}

void rows_overlay(const struct unwind_rows *first, const struct unwind_rows *second,
		  struct unwind_rows *out)
{
	uint32_t over = ROWS_NONE, under = ROWS_NONE;
	size_t i = 0, j = 0;

	while (i < first->count || j < second->count) {
		bool from_first =
		    j == second->count ||
		    (i < first->count && first->items[i].start <= second->items[j].start);
		const struct unwind_row *next =
		    from_first ? &first->items[i++] : &second->items[j++];

		if (from_first)
			over = next->rule;
		else
			under = next->rule;
		rows_add(out, next->start, over == ROWS_NONE ? under : over);
	}
}

int64_t rows_find(const struct unwind_rows *rows, uint64_t offset)
{
	size_t low = 0, high = rows->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (rows->items[middle].start <= offset)
			low = middle + 1;
		else
			high = middle;
	}
	return (int64_t)low - 1;
}

void rows_free(struct unwind_rows *rows)
{
	free(rows->items);
	*rows = (struct unwind_rows){0};
}
