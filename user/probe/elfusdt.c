/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The notes of section .note.stapsdt: for each tracepoint where it is, where the number of its
 * tracers is kept (its semaphore), what it is called, and where its arguments are.
 */
#include "probe/elfusdt.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "probe/operands.h"

#define NOTES ".note.stapsdt"
#define NOTES_BASE ".stapsdt.base"
#define NOTES_MAX (4u << 20) /* bytes; libc has 12 KiB of them */
#define SITES_MAX 256        /* of our rows: an inlined function has as many as callers */
#define NAMES_MAX (1u << 20) /* bytes of the names of sections, and how many of them */
#define SECTIONS_MAX 65536
#define NOTE_TYPE 3
#define NOTE_OWNER "stapsdt"

/* One note: addresses as they were linked, and three strings. */
struct note {
	uint64_t pc, base, semaphore;
	const char *provider, *name, *arguments;
};

struct find {
	const struct elfimage *image;
	const struct probe_table *table;
	const char *path;
	uint64_t base; /* where NOTES_BASE is; 0: not known */
	struct elfusdt *sites;
	size_t count;
};

/* ---- sections -------------------------------------------------------------------------- */

/* The names of all sections, with a NUL after, or NULL. */
static char *read_names(const struct elfimage *image, uint64_t *size)
{
	GElf_Shdr header;
	size_t index;
	char *names;

	if (elf_getshdrstrndx(image->elf, &index) ||
	    !elfimage_table(image, elf_getscn(image->elf, index), NAMES_MAX, &header))
		return NULL;
	names = malloc(header.sh_size + 1);
	if (!names)
		return NULL;
	*size = elfimage_read(image, header.sh_offset, names, header.sh_size);
	names[*size] = '\0';
	return names;
}

/* The section with the notes, NULL if there is none; and where the other one is. */
static Elf_Scn *find_sections(const struct elfimage *image, uint64_t *base)
{
	Elf_Scn *section = NULL, *notes = NULL;
	uint64_t size;
	char *names = read_names(image, &size);
	GElf_Shdr header;

	for (size_t i = 0; names && i < SECTIONS_MAX; i++) {
		section = elf_nextscn(image->elf, section);
		if (!section || !gelf_getshdr(section, &header))
			break;
		if (header.sh_name >= size)
			continue;
		if (!strcmp(names + header.sh_name, NOTES) && !notes)
			notes = section;
		if (!strcmp(names + header.sh_name, NOTES_BASE))
			*base = header.sh_addr;
	}
	free(names);
	return notes;
}

/* ---- one note ---------------------------------------------------------------------------- */

/* The next of several strings, or NULL if it has no end. */
static const char *take_string(const char **at, const char *end)
{
	const char *text = *at, *stop = memchr(text, '\0', (size_t)(end - text));

	if (!stop)
		return NULL;
	*at = stop + 1;
	return text;
}

static bool read_note(const char *data, size_t length, struct note *note)
{
	const char *at = data + 3 * sizeof(uint64_t), *end = data + length;

	if (length < 3 * sizeof(uint64_t))
		return false;
	memcpy(&note->pc, data, sizeof(uint64_t));
	memcpy(&note->base, data + sizeof(uint64_t), sizeof(uint64_t));
	memcpy(&note->semaphore, data + 2 * sizeof(uint64_t), sizeof(uint64_t));
	note->provider = take_string(&at, end);
	note->name = note->provider ? take_string(&at, end) : NULL;
	note->arguments = note->name ? take_string(&at, end) : NULL;
	return note->arguments;
}

/* "provider:name" */
static bool is_named(const struct note *note, const char *symbol)
{
	size_t length = strlen(note->provider);

	return !strncmp(symbol, note->provider, length) && symbol[length] == ':' &&
	       !strcmp(symbol + length + 1, note->name);
}

/* The nop that the macros of <sys/sdt.h> leave: one byte, or five in newer ones. */
static bool is_nop(const struct elfimage *image, uint64_t offset)
{
	static const uint8_t five[] = {0x0f, 0x1f, 0x44, 0x00, 0x00};
	uint8_t code[sizeof(five)] = {0};

	elfimage_read(image, offset, code, sizeof(code));
	return code[0] == 0x90 || !memcmp(code, five, sizeof(five));
}

/* Where a semaphore is in the file: in what is mapped to be written to, at an even place. */
static bool semaphore_at(const struct elfimage *image, uint64_t address, uint64_t *offset)
{
	GElf_Phdr segment;
	size_t i, count;

	if (elf_getphdrnum(image->elf, &count))
		return false;
	for (i = 0; i < count && gelf_getphdr(image->elf, (int)i, &segment); i++) {
		uint64_t distance = address - segment.p_vaddr;

		if (segment.p_type != PT_LOAD || !(segment.p_flags & PF_W) ||
		    address < segment.p_vaddr || segment.p_filesz < sizeof(uint16_t) ||
		    distance > segment.p_filesz - sizeof(uint16_t) ||
		    __builtin_add_overflow(segment.p_offset, distance, offset))
			continue;
		return *offset && *offset % sizeof(uint16_t) == 0 && *offset < image->size;
	}
	return false;
}

static bool can_read(const struct probe_row *row, const struct ms_usdt *layout)
{
	unsigned wanted = probe_row_args(row);

	for (size_t i = 0; wanted >> i; i++)
		if (wanted >> i & 1 &&
		    (i >= MS_USDT_ARGUMENTS || layout->argument[i].form == MS_USDT_NONE))
			return false;
	return true;
}

/* ---- all of them --------------------------------------------------------------------------- */

static int add_site(struct find *f, uint32_t row, const struct note *note)
{
	/* What moved the file's addresses since it was linked (prelink) did not know of notes. */
	uint64_t moved = f->base ? f->base - note->base : 0;
	struct elfusdt site = {.row = row}, *sites;

	if (!elfimage_code(f->image, note->pc + moved, &site.offset, NULL) ||
	    !is_nop(f->image, site.offset))
		return 0;
	if (note->semaphore &&
	    !semaphore_at(f->image, note->semaphore + moved, &site.usdt.semaphore))
		return 0;
	if (probe_row_args(&f->table->rows[row]))
		operands_parse(note->arguments, &site.usdt.layout);
	if (!can_read(&f->table->rows[row], &site.usdt.layout))
		return 0;
	sites = realloc(f->sites, (f->count + 1) * sizeof(*sites));
	if (!sites)
		return -ENOMEM;
	f->sites = sites;
	sites[f->count++] = site;
	return 0;
}

static int try_rows(struct find *f, const struct note *note)
{
	int err = 0;

	for (uint32_t i = 0; i < f->table->count && !err && f->count < SITES_MAX; i++) {
		const struct probe_row *row = &f->table->rows[i];

		if (probe_row_is_usdt(row) && is_named(note, row->symbol) &&
		    probe_row_matches(row, f->path))
			err = add_site(f, i, note);
	}
	return err;
}

/* Notes are padded to 4 bytes, name and contents. */
static uint64_t padded(uint32_t length)
{
	return ((uint64_t)length + 3) & ~(uint64_t)3;
}

static int try_notes(struct find *f, const char *data, uint64_t size)
{
	struct note note;
	int err = 0;

	while (!err && size >= sizeof(Elf64_Nhdr)) {
		const char *name = data + sizeof(Elf64_Nhdr);
		Elf64_Nhdr header;
		uint64_t length;

		memcpy(&header, data, sizeof(header));
		length = sizeof(header) + padded(header.n_namesz) + padded(header.n_descsz);
		if (length > size)
			break;
		if (header.n_type == NOTE_TYPE && header.n_namesz == sizeof(NOTE_OWNER) &&
		    !memcmp(name, NOTE_OWNER, sizeof(NOTE_OWNER)) &&
		    read_note(name + padded(header.n_namesz), header.n_descsz, &note))
			err = try_rows(f, &note);
		data += length;
		size -= length;
	}
	return err;
}

static bool any_row(const struct probe_table *table, const char *path)
{
	for (size_t i = 0; i < table->count; i++)
		if (probe_row_is_usdt(&table->rows[i]) && probe_row_matches(&table->rows[i], path))
			return true;
	return false;
}

int elfusdt_find(const struct elfimage *image, const char *path, const struct probe_table *table,
		 struct elfusdt **sites, size_t *count)
{
	struct find f = {.image = image, .table = table, .path = path};
	GElf_Shdr header;
	char *notes;
	int err = 0;

	*sites = NULL;
	*count = 0;
	/* The operands are read as this machine's. */
	if (image->header.e_machine != EM_X86_64 || !any_row(table, path) ||
	    !elfimage_table(image, find_sections(image, &f.base), NOTES_MAX, &header))
		return 0;
	notes = malloc(header.sh_size + 1);
	if (!notes)
		return -ENOMEM;
	if (elfimage_read(image, header.sh_offset, notes, header.sh_size) == header.sh_size)
		err = try_notes(&f, notes, header.sh_size);
	free(notes);
	if (err) {
		free(f.sites);
		return err;
	}
	*sites = f.sites;
	*count = f.count;
	return 0;
}
