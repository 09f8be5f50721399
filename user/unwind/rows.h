/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The rules of a file's code in order: rows, each from an offset up to the next
 * row's, and the distinct rules that they name.  Private to unwind/.
 */
#ifndef MS_UNWIND_ROWS_H
#define MS_UNWIND_ROWS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "unwind.h"

/* The first rule of every set: MS_RULE_NONE. */
#define ROWS_NONE 0

/* Distinct rules, numbered. */
struct unwind_rules {
	struct ms_unwind_rule *items;
	uint32_t *slots; /* hash table: number + 1, 0 is free */
	size_t count, room;
};

/* Millions of them: packed. */
#define ROWS_START_BITS (64 - MS_UNWIND_RULE_BITS)
struct unwind_row {
	uint64_t start : ROWS_START_BITS; /* file offset */
	uint64_t rule : MS_UNWIND_RULE_BITS;
};

struct unwind_rows {
	struct unwind_row *items; /* ascending; neighbours differ */
	size_t count, room, max;
	int err; /* of the first failure; then nothing is added any more */
};

/* 0 or -ENOMEM; the caller calls rules_free(), also on failure. */
int rules_init(struct unwind_rules *rules);
/* The number of a rule; negative errno, -EFBIG if there are too many. */
int64_t rules_number(struct unwind_rules *rules, const struct ms_unwind_rule *rule);
void rules_free(struct unwind_rules *rules);

/* From `start`, which is not before the last row's, on this rule holds. */
void rows_add(struct unwind_rows *rows, uint64_t start, uint32_t rule);
/* `first`, and where it says nothing (ROWS_NONE) `second`; the error is in out->err. */
void rows_overlay(const struct unwind_rows *first, const struct unwind_rows *second,
		  struct unwind_rows *out);
/* The number of the row that `offset` is in, -1 if it is before the first. */
int64_t rows_find(const struct unwind_rows *rows, uint64_t offset);
void rows_free(struct unwind_rows *rows);

#endif
