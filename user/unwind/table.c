/* SPDX-License-Identifier: GPL-2.0 */
/* Searching and checking a table. */
#include "unwind/table.h"

#include <errno.h>
#include <sys/mman.h>

#include "unwind/layout.h"

/* A table's parts. */
struct parts {
	const struct ms_unwind_header *header;
	const struct ms_unwind_entry *directory;
	const uint32_t *rows;
	const struct ms_unwind_rule *rules;
};

static struct parts parts_of(const struct unwind_table *table)
{
	const struct ms_unwind_header *header = table->blocks;
	const char *bytes = table->blocks;

	return (struct parts){header,
			      (const void *)(bytes + (size_t)header->directory * MS_UNWIND_BLOCK),
			      (const void *)(bytes + (size_t)header->row_block * MS_UNWIND_BLOCK),
			      (const void *)(bytes + (size_t)header->rule_block * MS_UNWIND_BLOCK)};
}

const struct ms_unwind_rule *unwind_table_find(const struct unwind_table *table, uint64_t offset)
{
	const struct parts parts = parts_of(table);
	uint64_t distance = offset - parts.header->start;
	const struct ms_unwind_entry *entry;
	uint32_t row;

	if (distance >> MS_UNWIND_GRANULE_SHIFT >= parts.header->granules)
		return NULL;
	entry = &parts.directory[distance >> MS_UNWIND_GRANULE_SHIFT];
	row = unwind_search(parts.rows + entry->first / MS_UNWIND_ROWS * MS_UNWIND_ROWS,
			    entry->first % MS_UNWIND_ROWS, entry->nr, distance % MS_UNWIND_GRANULE);
	return parts.rules + MS_UNWIND_ROW_RULE(row);
}

/* The offset of the first row after `offset` in its granule, or of the next granule. */
static uint64_t row_end(const struct parts *parts, uint64_t offset)
{
	uint64_t distance = offset - parts->header->start;
	const struct ms_unwind_entry *entry =
	    &parts->directory[distance >> MS_UNWIND_GRANULE_SHIFT];
	uint64_t start = offset - distance % MS_UNWIND_GRANULE;

	for (uint32_t i = 0; i < entry->nr; i++) {
		uint64_t at = start + MS_UNWIND_ROW_OFFSET(parts->rows[entry->first + i]);

		if (at > offset)
			return at;
	}
	return start + MS_UNWIND_GRANULE;
}

bool unwind_table_next(const struct unwind_table *table, struct unwind_span *span)
{
	const struct parts parts = parts_of(table);
	uint64_t end = parts.header->start + (uint64_t)parts.header->granules * MS_UNWIND_GRANULE;

	span->start = span->rule ? span->end : parts.header->start;
	if (span->start >= end)
		return false;
	span->rule = unwind_table_find(table, span->start);
	span->end = span->start;
	do {
		span->end = row_end(&parts, span->end);
	} while (span->end < end && unwind_table_find(table, span->end) == span->rule);
	return true;
}

static bool rule_is_valid(const struct ms_unwind_rule *rule)
{
	return rule->kind <= MS_RULE_UNSUPPORTED && rule->fp <= MS_SAVED_CFA_VALUE &&
	       rule->third <= MS_SAVED_CFA_VALUE;
}

static bool granule_is_valid(const struct parts *parts, const struct ms_unwind_entry *entry,
			     size_t rows)
{
	const uint32_t *row = parts->rows + entry->first;

	if (!entry->nr || entry->nr > MS_UNWIND_ROWS || entry->first >= rows ||
	    entry->first % MS_UNWIND_ROWS + entry->nr > MS_UNWIND_ROWS)
		return false;
	if (MS_UNWIND_ROW_OFFSET(row[0]) || MS_UNWIND_ROW_RULE(row[0]) >= parts->header->rules)
		return false;
	for (uint32_t i = 1; i < entry->nr; i++) {
		if (MS_UNWIND_ROW_OFFSET(row[i]) <= MS_UNWIND_ROW_OFFSET(row[i - 1]) ||
		    MS_UNWIND_ROW_RULE(row[i]) >= parts->header->rules)
			return false;
	}
	return true;
}

int unwind_table_check(const struct unwind_table *table)
{
	const struct ms_unwind_header *header = table->blocks;
	struct parts parts;
	size_t rows;

	if (!table->block_count || header->magic != MS_UNWIND_MAGIC ||
	    header->blocks != table->block_count || header->directory != 1 ||
	    header->row_block < header->directory || header->rule_block < header->row_block ||
	    header->rule_block > header->blocks || header->start % MS_UNWIND_GRANULE ||
	    header->start + (uint64_t)header->granules * MS_UNWIND_GRANULE < header->start ||
	    header->build_id_size > sizeof(header->build_id))
		return -EBADMSG;
	if (header->granules > (header->row_block - header->directory) * MS_UNWIND_ENTRIES ||
	    header->rules > (header->blocks - header->rule_block) * MS_UNWIND_RULES)
		return -EBADMSG;
	parts = parts_of(table);
	rows = (header->rule_block - header->row_block) * MS_UNWIND_ROWS;
	for (size_t i = 0; i < header->granules; i++) {
		if (!granule_is_valid(&parts, &parts.directory[i], rows))
			return -EBADMSG;
	}
	for (size_t i = 0; i < header->rules; i++) {
		if (!rule_is_valid(&parts.rules[i]))
			return -EBADMSG;
	}
	return unwind_checksum(table) == header->checksum ? 0 : -EBADMSG;
}

void unwind_table_free(struct unwind_table *table)
{
	if (table->blocks)
		munmap(table->blocks, table->block_count * MS_UNWIND_BLOCK);
	*table = (struct unwind_table){0};
}
