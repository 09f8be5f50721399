/* SPDX-License-Identifier: GPL-2.0 */
/* The search table of .eh_frame_hdr: where functions start, and from .eh_frame their sizes. */
#include "symbol/starts.h"

#include <dwarf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define PHDRS_MAX 4096
/* Sixteen times what libtorch_cpu.so has. */
#define ENTRIES_MAX ((uint64_t)4 << 20)
/* .eh_frame is read in pieces; libtorch_cpu.so's takes 500. */
#define PIECE_SIZE ((size_t)64 << 10)
#define PIECES_MAX 4096

/* .eh_frame_hdr as ld.bfd, gold, lld and mold write it; the table follows. */
struct table_header {
	uint8_t version, frames_encoding, count_encoding, table_encoding;
	int32_t frames;
	uint32_t count;
};

/* An entry of it: distances from the address of its section. */
struct entry {
	int32_t start; /* of the function */
	int32_t frame; /* of its description in .eh_frame */
};

/* The beginning of a function's description. */
struct frame_head {
	uint32_t length, cie;
	uint8_t range[16]; /* the function's start and its size */
};

/*
 * How wide these may be.  The wide ones come first: the lower half of a wide
 * start reads as a narrow one.
 */
static const struct address_form {
	size_t width;
	bool relative; /* to where it is written */
} forms[] = {{8, true}, {8, false}, {4, true}, {4, false}};

struct piece {
	uint64_t offset; /* in the file */
	size_t size;
	unsigned reads;
	uint8_t bytes[PIECE_SIZE];
};

/* ---- the table --------------------------------------------------------- */

static bool segment_find(const struct image *image, GElf_Phdr *phdr)
{
	size_t i, count;

	if (elf_getphdrnum(image->elf, &count))
		return false;
	for (i = 0; i < count && i < PHDRS_MAX; i++) {
		if (gelf_getphdr(image->elf, (int)i, phdr) && phdr->p_type == PT_GNU_EH_FRAME)
			return true;
	}
	return false;
}

/* How many entries the table has: what it says, as far as section and file reach. */
static uint64_t entry_count(const GElf_Phdr *phdr, const struct table_header *header, int fd)
{
	uint64_t count = header->count, room = phdr->p_filesz;
	struct stat st;

	if (fstat(fd, &st) || (uint64_t)st.st_size < phdr->p_offset)
		return 0;
	if (room > (uint64_t)st.st_size - phdr->p_offset)
		room = (uint64_t)st.st_size - phdr->p_offset;
	if (room < sizeof(*header))
		return 0;
	room = (room - sizeof(*header)) / sizeof(struct entry);
	return count < room ? count : room;
}

static bool is_searchable(const struct table_header *header)
{
	return header->version == 1 &&
	       header->frames_encoding == (DW_EH_PE_pcrel | DW_EH_PE_sdata4) &&
	       header->count_encoding == DW_EH_PE_udata4 &&
	       header->table_encoding == (DW_EH_PE_datarel | DW_EH_PE_sdata4);
}

static int entry_order(const void *a, const void *b)
{
	const struct entry *x = a, *y = b;

	if (x->start != y->start)
		return x->start < y->start ? -1 : 1;
	return x->frame < y->frame ? -1 : x->frame > y->frame;
}

/* Linkers sort the table; who wrote this one is not known. */
static void entries_sort(struct entry *entries, size_t count)
{
	size_t i;

	for (i = 1; i < count; i++) {
		if (entry_order(&entries[i - 1], &entries[i]) > 0) {
			qsort(entries, count, sizeof(*entries), entry_order);
			return;
		}
	}
}

/* Reads the table, sorted; the caller frees it.  0 or a negative errno. */
static int table_read(const struct image *image, const GElf_Phdr *phdr, struct budget *budget,
		      struct entry **out, size_t *count)
{
	struct table_header header;
	struct entry *entries;
	uint64_t said;
	ssize_t size;

	if (phdr->p_offset > INT64_MAX - sizeof(header))
		return -ENOENT;
	size = pread(image->fd, &header, sizeof(header), (off_t)phdr->p_offset);
	if (size != sizeof(header) || !is_searchable(&header))
		return -ENOENT;
	said = entry_count(phdr, &header, image->fd);
	if (!said)
		return -ENOENT;
	if (said > ENTRIES_MAX || !budget_take(budget, said * sizeof(*entries)))
		return -EFBIG;
	entries = malloc(said * sizeof(*entries));
	if (!entries)
		return -ENOMEM;
	size = pread(image->fd, entries, said * sizeof(*entries),
		     (off_t)(phdr->p_offset + sizeof(header)));
	if (size < (ssize_t)sizeof(*entries)) {
		free(entries);
		return -ENOENT;
	}
	*count = (size_t)size / sizeof(*entries);
	entries_sort(entries, *count);
	*out = entries;
	return 0;
}

/* ---- sizes ------------------------------------------------------------- */

/* Copies what the file has at `offset`, mostly from the piece that was read last. */
static bool piece_copy(struct piece *piece, int fd, uint64_t offset, void *to, size_t size)
{
	ssize_t got;

	if (offset < piece->offset || offset - piece->offset > piece->size ||
	    piece->size - (offset - piece->offset) < size) {
		if (offset > INT64_MAX || piece->reads == PIECES_MAX)
			return false;
		piece->reads++;
		got = pread(fd, piece->bytes, sizeof(piece->bytes), (off_t)offset);
		piece->offset = offset;
		piece->size = got > 0 ? (size_t)got : 0;
		if (piece->size < size)
			return false;
	}
	memcpy(to, piece->bytes + (offset - piece->offset), size);
	return true;
}

static uint64_t number_read(const uint8_t *bytes, size_t width)
{
	uint64_t wide;
	int32_t narrow;

	if (width == sizeof(wide)) {
		memcpy(&wide, bytes, sizeof(wide));
		return wide;
	}
	memcpy(&narrow, bytes, sizeof(narrow));
	return (uint64_t)(int64_t)narrow;
}

/*
 * The size of the function that starts at `start` and is described at `frame`.
 * The form of its addresses is told elsewhere, but there are few, and in the
 * right one the start reads as the table says it.  0 if it does in none.
 */
static uint32_t size_of(const struct frame_head *head, uint64_t frame, uint64_t start)
{
	uint64_t here = frame + offsetof(struct frame_head, range), size;
	size_t i;

	for (i = 0; i < sizeof(forms) / sizeof(*forms); i++) {
		size_t width = forms[i].width;
		uint64_t read = number_read(head->range, width);

		if (head->length < sizeof(head->cie) + 2 * width ||
		    read + (forms[i].relative ? here : 0) != start)
			continue;
		size = number_read(head->range + width, width);
		return size < UINT32_MAX ? (uint32_t)size : 0;
	}
	return 0;
}

/* Puts what the caller is interested in in the entries' place. */
static int sizes_read(struct starts *starts, const struct image *image, struct entry *entries,
		      size_t count)
{
	struct piece *piece = calloc(1, sizeof(*piece));
	struct frame_head head;
	uint64_t frame, offset;
	size_t i;

	starts->items = malloc(count * sizeof(*starts->items));
	if (!piece || !starts->items) {
		free(piece);
		return -ENOMEM;
	}
	for (i = 0; i < count; i++) {
		struct start *to = &starts->items[i];

		*to = (struct start){.from = entries[i].start};
		frame = starts->address + (uint64_t)(int64_t)entries[i].frame;
		if (image_offset(image, frame, &offset) &&
		    piece_copy(piece, image->fd, offset, &head, sizeof(head)))
			to->size =
			    size_of(&head, frame, starts->address + (uint64_t)(int64_t)to->from);
	}
	starts->count = count;
	free(piece);
	return 0;
}

int starts_read(struct starts *starts, const struct image *image, struct budget *budget)
{
	struct entry *entries;
	GElf_Phdr phdr;
	size_t count;
	int err;

	*starts = (struct starts){0};
	if (image->fd < 0 || !segment_find(image, &phdr))
		return -ENOENT;
	err = table_read(image, &phdr, budget, &entries, &count);
	if (err)
		return err;
	starts->address = phdr.p_vaddr;
	err = sizes_read(starts, image, entries, count);
	free(entries);
	return err;
}

void starts_free(struct starts *starts)
{
	free(starts->items);
	*starts = (struct starts){0};
}

/* ---- asking ------------------------------------------------------------ */

bool starts_find(const struct starts *starts, const struct image *image, uint64_t address,
		 uint64_t *start)
{
	int64_t distance = (int64_t)(address - starts->address);
	size_t low = 0, high = starts->count;
	const struct start *found;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (starts->items[middle].from <= distance)
			low = middle + 1;
		else
			high = middle;
	}
	if (!low)
		return false;
	found = &starts->items[low - 1];
	*start = starts->address + (uint64_t)(int64_t)found->from;
	/* Without a size it ends where the next one starts, the last one with its segment. */
	return *start <= address && address < image_code_end(image, *start) &&
	       (!found->size || address - *start < found->size);
}
