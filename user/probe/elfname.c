/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Searches string tables.  Large libraries have tens of megabytes of names, of
 * which none or a few are wanted, and memory that is touched for the first
 * time costs more than the search: so a table streams through a small buffer,
 * and what is kept is where the wanted names are, not the names.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "probe/elfname.h"

#define LINKER_SYMBOL "_rtld_global"
#define CHUNK 16384
#define PLACES_MAX (1u << 20)

/* The number of a pair of bytes in `endings`; of a name's end, and of any place in a table. */
static unsigned pair(const char *end, size_t room)
{
	return (room > 1 ? (unsigned char)end[-2] : 0) << 8 | (unsigned char)end[-1];
}

static void set_ending(struct elfnames *names, unsigned ending)
{
	names->endings[ending / 8] |= 1u << (ending % 8);
}

static void add_name(struct elfnames *names, const char *text, uint32_t row)
{
	size_t length = strlen(text);
	unsigned ending = pair(text + length, length);

	names->list[names->count++] = (struct elfname){text, length, row};
	if (length > names->longest)
		names->longest = length;
	set_ending(names, ending);
	/* Whatever stands before a name of one letter. */
	for (unsigned before = 1; length == 1 && before < 256; before++)
		set_ending(names, ending | before << 8);
}

void elfnames_init(struct elfnames *names, const struct probe_table *table, const char *path)
{
	memset(names, 0, sizeof(*names));
	for (uint32_t i = 0; i < table->count; i++) {
		const struct probe_row *row = &table->rows[i];
		struct elfname *old = NULL;

		if (probe_row_is_usdt(row) || !probe_row_matches(row, path))
			continue;
		/* Only a user's row can have a symbol that another has. */
		for (size_t k = 0; row->from_user && k < names->count; k++)
			if (strcmp(names->list[k].text, row->symbol) == 0)
				old = &names->list[k];
		if (!old)
			add_name(names, row->symbol, i);
		else if (!table->rows[old->row].from_user)
			old->row = i;
	}
	add_name(names, LINKER_SYMBOL, ELFNAME_LINKER);
}

static int add_place(struct elfplaces *out, uint64_t at, uint32_t row)
{
	struct elfplace *grown;

	if (out->count == PLACES_MAX)
		return -E2BIG;
	if (out->count == out->capacity) {
		out->capacity = out->capacity ? 2 * out->capacity : 256;
		grown = realloc(out->list, out->capacity * sizeof(*grown));
		if (!grown)
			return -ENOMEM;
		out->list = grown;
	}
	out->list[out->count++] = (struct elfplace){at, row};
	return 0;
}

/* Adds the names that end where `end` points; `room` bytes lie before, the table's byte `at` is
 * there. */
static int match_end(const struct elfnames *names, const char *end, size_t room, uint64_t at,
		     struct elfplaces *out)
{
	unsigned ending;
	int err = 0;

	if (room < 1)
		return 0;
	ending = pair(end, room);
	if (!(names->endings[ending / 8] & 1u << (ending % 8)))
		return 0;
	for (size_t i = 0; i < names->count && !err; i++) {
		const struct elfname *name = &names->list[i];

		if (name->length <= room &&
		    memcmp(end - name->length, name->text, name->length) == 0)
			err = add_place(out, at - name->length, name->row);
	}
	return err;
}

/* All names that end in buffer[from..length); the table's byte `at` is buffer[0]. */
static int match_chunk(const struct elfnames *names, const char *buffer, size_t from, size_t length,
		       uint64_t at, struct elfplaces *out)
{
	const char *p = buffer + from, *end, *version;
	int err = 0;

	while (!err && p < buffer + length) {
		if (*p == '\0' && p > buffer + from) { /* nothing ends behind an end */
			p++;
			continue;
		}
		end = memchr(p, '\0', buffer + length - p);
		if (!end)
			end = buffer + length;
		for (version = p; !err && (version = memchr(version, '@', end - version));
		     version++)
			err = match_end(names, version, version - buffer, at + (version - buffer),
					out);
		if (!err && end < buffer + length)
			err = match_end(names, end, end - buffer, at + (end - buffer), out);
		p = end + 1;
	}
	return err;
}

static int compare_places(const void *va, const void *vb)
{
	const struct elfplace *a = va, *b = vb;

	return (a->at > b->at) - (a->at < b->at);
}

int elfnames_find(const struct elfnames *names, const struct elfimage *image, uint64_t offset,
		  uint64_t size, struct elfplaces *out)
{
	size_t keep = 0, got;
	uint64_t done = 0;
	char *buffer;
	int err = 0;

	buffer = malloc(names->longest + CHUNK);
	if (!buffer)
		return -ENOMEM;
	while (!err && done < size) {
		got = size - done < CHUNK ? size - done : CHUNK;
		got = elfimage_read(image, offset + done, buffer + keep, got);
		if (got == 0)
			break;
		err = match_chunk(names, buffer, keep, keep + got, done - keep, out);
		done += got;
		/* A name may begin in this chunk and end in the next. */
		got += keep;
		keep = got < names->longest ? got : names->longest;
		memmove(buffer, buffer + got - keep, keep);
	}
	free(buffer);
	if (!err && out->count)
		qsort(out->list, out->count, sizeof(*out->list), compare_places);
	return err;
}

int elfplaces_row(const struct elfplaces *places, uint64_t at)
{
	struct elfplace key = {.at = at}, *found;

	if (!places->count)
		return -1;
	found = bsearch(&key, places->list, places->count, sizeof(key), compare_places);
	return found ? (int)found->row : -1;
}
