/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Instructions are not decoded: what looks like a jump with a 32-bit distance is
 * taken for one.  In all of an interpreter's code, chance makes about one that
 * leads into the function; the real ones are hundreds.
 */
#include "unwind/python_cold.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define ENTRIES_MAX ((uint64_t)1 << 22)
#define CHUNK ((size_t)1 << 16)
#define JUMP_BYTES 6 /* of the longest: 0f 8x, distance */
#define JUMPS_LEAST 2

/* DW_EH_PE_*: how GNU ld and lld write .eh_frame_hdr. */
#define ENCODED_PTR 0x1b   /* pcrel, sdata4 */
#define ENCODED_COUNT 0x03 /* udata4 */
#define ENCODED_TABLE 0x3b /* datarel, sdata4 */

struct entry {
	int32_t start, fde; /* from the address of .eh_frame_hdr on */
};

struct search {
	const struct elfimage *image;
	uint64_t hdr; /* its address */
	struct entry *entries;
	uint32_t *jumps; /* for each entry: how many tie it to the function */
	size_t count;
	uint64_t start, end; /* the function */
	uint8_t chunk[CHUNK];
};

static int read_entries(struct search *s, const GElf_Phdr *segment)
{
	uint8_t head[12];
	uint32_t count;
	size_t size;

	if (elfimage_read(s->image, segment->p_offset, head, sizeof(head)) != sizeof(head) ||
	    head[0] != 1 || head[1] != ENCODED_PTR || head[2] != ENCODED_COUNT ||
	    head[3] != ENCODED_TABLE)
		return 0;
	memcpy(&count, head + 8, sizeof(count));
	if (!count || count > ENTRIES_MAX)
		return 0;
	size = count * sizeof(*s->entries);
	s->hdr = segment->p_vaddr;
	s->entries = malloc(size);
	s->jumps = calloc(count, sizeof(*s->jumps));
	if (!s->entries || !s->jumps)
		return -ENOMEM;
	if (elfimage_read(s->image, segment->p_offset + sizeof(head), s->entries, size) == size)
		s->count = count;
	return 0;
}

static int find_entries(struct search *s)
{
	GElf_Phdr segment;
	size_t count, i;

	if (elf_getphdrnum(s->image->elf, &count))
		return 0;
	for (i = 0; i < count; i++)
		if (gelf_getphdr(s->image->elf, (int)i, &segment) &&
		    segment.p_type == PT_GNU_EH_FRAME)
			return read_entries(s, &segment);
	return 0;
}

static uint64_t entry_start(const struct search *s, size_t i)
{
	return s->hdr + (uint64_t)(int64_t)s->entries[i].start;
}

/* The last entry at or before `address`; false if there is none. */
static bool entry_find(const struct search *s, uint64_t address, size_t *out)
{
	size_t low = 0, high = s->count;

	while (low < high) {
		size_t middle = (low + high) / 2;

		if (entry_start(s, middle) <= address)
			low = middle + 1;
		else
			high = middle;
	}
	*out = low - 1;
	return low;
}

/* A jump: into the middle of the function from elsewhere, or the other way. */
static void count_jump(struct search *s, uint64_t from, uint64_t to)
{
	bool inside = from >= s->start && from < s->end;
	uint64_t offset;
	size_t i;

	if (inside == (to >= s->start && to < s->end))
		return;
	/* To the start of another function is a call in the last place. */
	if (!entry_find(s, inside ? to : from, &i) || to == (inside ? entry_start(s, i) : s->start))
		return;
	if (elfimage_code(s->image, to, &offset, NULL))
		s->jumps[i]++;
}

static void scan_bytes(struct search *s, const uint8_t *bytes, size_t size, uint64_t address)
{
	int32_t distance;
	size_t i, length;

	for (i = 0; i + JUMP_BYTES <= size; i++) {
		if (bytes[i] == 0xe9)
			length = 5;
		else if (bytes[i] == 0x0f && (bytes[i + 1] & 0xf0) == 0x80)
			length = 6;
		else
			continue;
		memcpy(&distance, bytes + i + length - sizeof(distance), sizeof(distance));
		count_jump(s, address + i, address + i + length + (uint64_t)(int64_t)distance);
	}
}

static void scan_segment(struct search *s, size_t which)
{
	uint64_t at = 0, length = s->image->code[which].length;

	while (at < length) {
		size_t n = elfimage_read(s->image, s->image->code[which].offset + at, s->chunk,
					 length - at < CHUNK ? (size_t)(length - at) : CHUNK);

		scan_bytes(s, s->chunk, n, s->image->code[which].address + at);
		if (n < CHUNK)
			break;
		at += n - (JUMP_BYTES - 1);
	}
}

static void choose(const struct search *s, uint64_t *cold_address, uint64_t *cold_size)
{
	uint64_t start, end, offset, room;
	size_t best = 0, i;

	for (i = 1; i < s->count; i++)
		if (s->jumps[i] > s->jumps[best])
			best = i;
	start = entry_start(s, best);
	if (s->jumps[best] < JUMPS_LEAST || !elfimage_code(s->image, start, &offset, &room))
		return;
	end = start + room;
	if (best + 1 < s->count && entry_start(s, best + 1) < end)
		end = entry_start(s, best + 1);
	if (end <= start)
		return;
	*cold_address = start;
	*cold_size = end - start;
}

int python_cold_find(const struct elfimage *image, uint64_t address, uint64_t size,
		     uint64_t *cold_address, uint64_t *cold_size)
{
	struct search *s = calloc(1, sizeof(*s));
	size_t i;
	int err;

	*cold_address = *cold_size = 0;
	if (!s)
		return -ENOMEM;
	s->image = image;
	s->start = address;
	s->end = address + size;
	err = find_entries(s);
	if (!err && s->count) {
		for (i = 0; i < image->code_count; i++)
			scan_segment(s, i);
		choose(s, cold_address, cold_size);
	}
	free(s->entries);
	free(s->jumps);
	free(s);
	return err;
}
