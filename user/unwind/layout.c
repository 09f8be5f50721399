/* SPDX-License-Identifier: GPL-2.0 */
/* From rows to blocks. */
#include "unwind/layout.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <zlib.h>

struct layout {
	const struct unwind_rows *rows;
	uint64_t start; /* file offset of the first granule */
	struct ms_unwind_entry *directory;
	size_t granules;
	uint32_t *packed; /* rows as the table has them, with what pads the blocks */
	size_t packed_count, packed_room;
	size_t used; /* rows without padding */
};

static size_t blocks_for(size_t count, size_t per_block)
{
	return (count + per_block - 1) / per_block;
}

/* A granule's rows: `nr` of them, in one block. */
static int pack(struct layout *layout, const uint32_t *rows, uint32_t nr,
		struct ms_unwind_entry *entry)
{
	size_t at = layout->packed_count, rest = MS_UNWIND_ROWS - at % MS_UNWIND_ROWS;

	/* Most of a large gap is granules that are all alike. */
	if (nr == 1 && entry > layout->directory && entry[-1].nr == 1 &&
	    layout->packed[entry[-1].first] == rows[0]) {
		*entry = entry[-1];
		return 0;
	}
	if (nr > rest)
		at += rest;
	if (!layout->packed || at + nr > layout->packed_room) {
		size_t room = 2 * (at + nr) + MS_UNWIND_ROWS;
		uint32_t *larger = realloc(layout->packed, room * sizeof(*larger));

		if (!larger)
			return -ENOMEM;
		layout->packed = larger;
		layout->packed_room = room;
	}
	for (size_t i = layout->packed_count; i < at; i++)
		layout->packed[i] = 0;
	memcpy(layout->packed + at, rows, nr * sizeof(*rows));
	layout->packed_count = at + nr;
	layout->used += nr;
	*entry = (struct ms_unwind_entry){(uint32_t)at, nr};
	return 0;
}

/* Cuts the rows at granules: each has the row that holds where it begins. */
static int pack_all(struct layout *layout, size_t max)
{
	const struct unwind_rows *rows = layout->rows;
	uint32_t granule[MS_UNWIND_GRANULE], rule = ROWS_NONE;
	size_t next = 0;
	int err = 0;

	for (size_t g = 0; g < layout->granules && !err; g++) {
		uint64_t start = layout->start + (uint64_t)g * MS_UNWIND_GRANULE;
		uint32_t nr = 0;

		if (next == rows->count || rows->items[next].start != start)
			granule[nr++] = MS_UNWIND_ROW(0, rule);
		for (; next < rows->count && rows->items[next].start - start < MS_UNWIND_GRANULE;
		     next++) {
			rule = rows->items[next].rule;
			granule[nr++] = MS_UNWIND_ROW(rows->items[next].start - start, rule);
		}
		err = pack(layout, granule, nr, &layout->directory[g]);
		if (layout->packed_count > max / sizeof(*layout->packed))
			err = -EFBIG;
	}
	return err;
}

static int assemble(const struct layout *layout, const struct unwind_rules *rules,
		    struct ms_unwind_header header, size_t max, struct unwind_table *out)
{
	size_t directory = blocks_for(layout->granules, MS_UNWIND_ENTRIES);
	size_t rows = blocks_for(layout->packed_count, MS_UNWIND_ROWS);
	size_t blocks = 1 + directory + rows + blocks_for(rules->count, MS_UNWIND_RULES);
	char *bytes;

	if (blocks > max / MS_UNWIND_BLOCK)
		return -EFBIG;
	bytes = mmap(NULL, blocks * MS_UNWIND_BLOCK, PROT_READ | PROT_WRITE,
		     MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
	if (bytes == MAP_FAILED)
		return -ENOMEM;
	header.magic = MS_UNWIND_MAGIC;
	header.blocks = blocks;
	header.start = layout->start;
	header.granules = layout->granules;
	header.directory = 1;
	header.row_block = 1 + directory;
	header.rule_block = 1 + directory + rows;
	header.rows = layout->used;
	header.rules = rules->count;
	memcpy(bytes + MS_UNWIND_BLOCK, layout->directory,
	       layout->granules * sizeof(*layout->directory));
	memcpy(bytes + (size_t)header.row_block * MS_UNWIND_BLOCK, layout->packed,
	       layout->packed_count * sizeof(*layout->packed));
	memcpy(bytes + (size_t)header.rule_block * MS_UNWIND_BLOCK, rules->items,
	       rules->count * sizeof(*rules->items));
	memcpy(bytes, &header, sizeof(header));
	out->blocks = bytes;
	out->block_count = blocks;
	header.checksum = unwind_checksum(out);
	memcpy(bytes, &header, sizeof(header));
	return 0;
}

int unwind_layout(const struct unwind_rows *rows, const struct unwind_rules *rules,
		  const struct ms_unwind_header *header, size_t max, struct unwind_table *out)
{
	struct layout layout = {.rows = rows};
	uint64_t end = rows->items[rows->count - 1].start;
	int err = -EFBIG;

	layout.start = rows->items[0].start & -(uint64_t)MS_UNWIND_GRANULE;
	if ((end - layout.start) / MS_UNWIND_GRANULE >= max / sizeof(*layout.directory))
		return err;
	layout.granules = blocks_for(end - layout.start, MS_UNWIND_GRANULE);
	layout.directory = calloc(layout.granules, sizeof(*layout.directory));
	err = layout.directory ? pack_all(&layout, max) : -ENOMEM;
	if (!err)
		err = assemble(&layout, rules, *header, max, out);
	free(layout.directory);
	free(layout.packed);
	return err;
}

uint32_t unwind_checksum(const struct unwind_table *table)
{
	struct ms_unwind_header header;
	uLong crc;

	memcpy(&header, table->blocks, sizeof(header));
	header.checksum = 0;
	crc = crc32(0, (const Bytef *)&header, sizeof(header));
	return crc32_z(crc, (const Bytef *)table->blocks + sizeof(header),
		       table->block_count * MS_UNWIND_BLOCK - sizeof(header));
}
