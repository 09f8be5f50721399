/* SPDX-License-Identifier: GPL-2.0 */
/* Finds what an unwinder needs in an ELF file that is not to be trusted. */
#include "unwind/sections.h"

#include <dwarf.h>
#include <elf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* As the kernel: headers beyond 64 KiB are no program's. */
#define SEGMENTS_MAX (65536 / sizeof(Elf64_Phdr))
#define NAMES_MAX ((uint64_t)1 << 20)
#define NOTE_MAX ((uint64_t)64 << 10)
#define NOTES_MAX 16

struct elf {
	struct unwind_source source;
	Elf64_Ehdr header;
	Elf64_Phdr *segments;
	size_t segment_count;
	Elf64_Shdr *sections;
	size_t section_count;
	char *names; /* ends in a NUL */
	size_t names_size;
};

/* ---- headers ----------------------------------------------------------- */

/* Section headers are optional: without them the segments say what is needed. */
static void read_section_headers(struct elf *elf)
{
	const Elf64_Ehdr *header = &elf->header;
	const Elf64_Shdr *names;

	if (header->e_shentsize != sizeof(*elf->sections) || header->e_shstrndx >= header->e_shnum)
		return;
	elf->sections = unwind_source_copy(&elf->source, header->e_shoff,
					   (uint64_t)header->e_shnum * sizeof(*names),
					   UINT16_MAX * sizeof(*names));
	if (!elf->sections)
		return;
	names = &elf->sections[header->e_shstrndx];
	elf->names = unwind_source_copy(&elf->source, names->sh_offset, names->sh_size, NAMES_MAX);
	if (!elf->names)
		return;
	elf->names_size = names->sh_size;
	elf->section_count = header->e_shnum;
}

static int read_headers(struct elf *elf)
{
	const Elf64_Ehdr *header = &elf->header;

	if (!unwind_source_read(&elf->source, 0, &elf->header, sizeof(elf->header)))
		return -ENOEXEC;
	if (memcmp(header->e_ident, ELFMAG, SELFMAG) || header->e_ident[EI_CLASS] != ELFCLASS64 ||
	    header->e_ident[EI_DATA] != ELFDATA2LSB || header->e_machine != MS_ELF_MACHINE ||
	    (header->e_type != ET_EXEC && header->e_type != ET_DYN) ||
	    header->e_phentsize != sizeof(*elf->segments) || header->e_phnum > SEGMENTS_MAX)
		return -ENOEXEC;
	elf->segments =
	    unwind_source_copy(&elf->source, header->e_phoff,
			       (uint64_t)header->e_phnum * sizeof(*elf->segments), UINT16_MAX);
	if (!elf->segments)
		return -ENOEXEC;
	elf->segment_count = header->e_phnum;
	read_section_headers(elf);
	return 0;
}

static const Elf64_Shdr *find_section(const struct elf *elf, const char *name)
{
	for (size_t i = 0; i < elf->section_count; i++) {
		const Elf64_Shdr *section = &elf->sections[i];

		if (section->sh_type != SHT_NOBITS && section->sh_size &&
		    section->sh_name < elf->names_size &&
		    !strcmp(elf->names + section->sh_name, name))
			return section;
	}
	return NULL;
}

static int compare_code(const void *a, const void *b)
{
	const struct unwind_code *x = a, *y = b;

	return x->offset < y->offset ? -1 : x->offset > y->offset;
}

static int find_code(const struct elf *elf, struct unwind_sections *out)
{
	for (size_t i = 0; i < elf->segment_count; i++) {
		const Elf64_Phdr *segment = &elf->segments[i];
		uint64_t length = segment->p_filesz;

		if (segment->p_type != PT_LOAD || !(segment->p_flags & PF_X) ||
		    segment->p_offset >= elf->source.size)
			continue;
		if (elf->source.size > UNWIND_FILE_MAX)
			return -EFBIG;
		if (length > elf->source.size - segment->p_offset)
			length = elf->source.size - segment->p_offset;
		if (!length || segment->p_vaddr + length < segment->p_vaddr)
			continue;
		if (out->code_count == SECTIONS_CODE_MAX)
			return -EFBIG;
		out->code[out->code_count++] =
		    (struct unwind_code){segment->p_vaddr, segment->p_offset, length};
	}
	if (out->code_count)
		qsort(out->code, out->code_count, sizeof(*out->code), compare_code);
	return 0;
}

const struct unwind_code *unwind_code_at(const struct unwind_sections *sections, uint64_t address)
{
	for (size_t i = 0; i < sections->code_count; i++) {
		const struct unwind_code *code = &sections->code[i];

		if (address - code->address < code->length)
			return code;
	}
	return NULL;
}

/* ---- the build id ------------------------------------------------------ */

static bool find_build_id(const uint8_t *notes, uint64_t size, uint64_t align,
			  struct unwind_sections *out)
{
	struct cursor c = {notes, notes + size, false};

	align = align == 8 ? 8 : 4;
	while (cursor_left(&c) && !c.bad) {
		uint64_t name_size = cursor_unsigned(&c, 4), id_size = cursor_unsigned(&c, 4);
		uint64_t type = cursor_unsigned(&c, 4);
		const uint8_t *name = cursor_take(&c, name_size), *id;

		cursor_take(&c, (uint64_t)(notes - c.at) % align);
		id = cursor_take(&c, id_size);
		if (name && id && type == NT_GNU_BUILD_ID && name_size == sizeof(ELF_NOTE_GNU) &&
		    !memcmp(name, ELF_NOTE_GNU, sizeof(ELF_NOTE_GNU))) {
			if (id_size <= SECTIONS_ID_MAX) {
				memcpy(out->build_id, id, id_size);
				out->build_id_size = id_size;
			}
			return true;
		}
		cursor_take(&c, (uint64_t)(notes - c.at) % align);
	}
	return false;
}

static void read_build_id(const struct elf *elf, struct unwind_sections *out)
{
	size_t notes = 0;
	bool found = false;

	for (size_t i = 0; !found && i < elf->segment_count && notes < NOTES_MAX; i++) {
		const Elf64_Phdr *segment = &elf->segments[i];
		uint8_t *bytes;

		if (segment->p_type != PT_NOTE)
			continue;
		notes++;
		bytes = unwind_source_copy(&elf->source, segment->p_offset, segment->p_filesz,
					   NOTE_MAX);
		if (!bytes)
			continue;
		found = find_build_id(bytes, segment->p_filesz, segment->p_align, out);
		free(bytes);
	}
}

/* ---- call frame information -------------------------------------------- */

/* Where in the file a loaded address is, and how many bytes of its segment follow. */
static bool file_offset(const struct elf *elf, uint64_t address, uint64_t *offset, uint64_t *room)
{
	for (size_t i = 0; i < elf->segment_count; i++) {
		const Elf64_Phdr *segment = &elf->segments[i];
		uint64_t distance = address - segment->p_vaddr;

		if (segment->p_type != PT_LOAD || distance >= segment->p_filesz ||
		    distance > elf->source.size || segment->p_offset > elf->source.size - distance)
			continue;
		*offset = segment->p_offset + distance;
		*room = segment->p_filesz - distance;
		if (*room > elf->source.size - *offset)
			*room = elf->source.size - *offset;
		return true;
	}
	return false;
}

/* The address of .eh_frame, and of the furthest entry that the search table of its header names. */
struct frames_header {
	uint64_t frames, last;
};

static bool read_frames_header(const struct cfi_section *header, struct frames_header *out)
{
	struct cursor c = {header->bytes, header->bytes + header->size, false};
	uint8_t version = cursor_unsigned(&c, 1), encoding = cursor_unsigned(&c, 1);
	uint8_t count_encoding = cursor_unsigned(&c, 1), table_encoding = cursor_unsigned(&c, 1);
	uint64_t count;

	if (version != 1 || !cfi_read_address(&c, header, encoding, &out->frames))
		return false;
	out->last = out->frames;
	if (table_encoding != (DW_EH_PE_datarel | DW_EH_PE_sdata4) ||
	    !cfi_read_address(&c, header, count_encoding, &count))
		return true;
	for (; count && cursor_left(&c) >= 8; count--) {
		uint64_t entry;

		cursor_take(&c, 4);
		entry = header->address + (uint64_t)cursor_signed(&c, 4);
		if (entry > out->last)
			out->last = entry;
	}
	return true;
}

/*
 * Without section headers, .eh_frame is known by PT_GNU_EH_FRAME.  Its size is
 * not: it is looked for from the last entry that the search table names.
 */
static void find_by_segment(const struct elf *elf, const Elf64_Phdr *segment,
			    struct unwind_frames *out)
{
	struct cfi_section header = {.address = segment->p_vaddr, .size = segment->p_filesz};
	struct frames_header found;
	uint64_t offset, room;

	header.bytes = unwind_source_copy(&elf->source, segment->p_offset, segment->p_filesz,
					  UNWIND_FRAMES_MAX);
	if (!header.bytes)
		return;
	if (read_frames_header(&header, &found) && file_offset(elf, found.frames, &offset, &room)) {
		if (room > UNWIND_FRAMES_MAX)
			room = UNWIND_FRAMES_MAX;
		*out = (struct unwind_frames){.offset = offset,
					      .size = room,
					      .address = found.frames,
					      .is_open_ended = true,
					      .last = found.last - found.frames};
	}
	free((void *)header.bytes);
}

/* What lies outside of the file is as if it were not there. */
static bool find_by_name(const struct elf *elf, const char *name, struct unwind_frames *out)
{
	const Elf64_Shdr *section = find_section(elf, name);

	if (!section || section->sh_offset > elf->source.size ||
	    section->sh_size > elf->source.size - section->sh_offset)
		return false;
	*out = (struct unwind_frames){.offset = section->sh_offset,
				      .size = section->sh_size,
				      .address = section->sh_addr,
				      .is_compressed = section->sh_flags & SHF_COMPRESSED};
	return true;
}

static void find_frames(const struct elf *elf, struct unwind_sections *out)
{
	find_by_name(elf, ".debug_frame", &out->debug_frame);
	out->debug_frame.is_debug = true;
	if (find_by_name(elf, ".eh_frame", &out->eh_frame))
		return;
	for (size_t i = 0; i < elf->segment_count; i++) {
		if (elf->segments[i].p_type == PT_GNU_EH_FRAME) {
			find_by_segment(elf, &elf->segments[i], &out->eh_frame);
			return;
		}
	}
}

/* Code that begins with one of some byte strings, behind what marks a place to jump to. */
struct code_start {
	uint8_t bytes[4], size;
};

/*
 * What only a process's first code does: it clears the frame pointer, or hands on the
 * stack pointer, where its arguments are.  Linkers write an entry into libraries, too,
 * which is any code.
 */
#ifdef MS_ARM64
static const struct code_start firsts[] = {
    {{0x1d, 0x00, 0x80, 0xd2}, 4}, /* mov x29, #0 */
    {{0xe0, 0x03, 0x00, 0x91}, 4}, /* mov x0, sp */
};
static const struct code_start mark = {{0x5f, 0x24, 0x03, 0xd5}, 4}; /* bti c */
#else
static const struct code_start firsts[] = {
    {{0x31, 0xed}, 2},       /* xor %ebp,%ebp */
    {{0x48, 0x31, 0xed}, 3}, /* xor %rbp,%rbp */
    {{0x48, 0x89, 0xe7}, 3}, /* mov %rsp,%rdi */
};
static const struct code_start mark = {{0xf3, 0x0f, 0x1e, 0xfa}, 4}; /* endbr64 */
#endif

static bool is_first_code(const uint8_t *code)
{
	if (!memcmp(code, mark.bytes, mark.size))
		code += mark.size;
	for (size_t i = 0; i < sizeof(firsts) / sizeof(firsts[0]); i++)
		if (!memcmp(code, firsts[i].bytes, firsts[i].size))
			return true;
	return false;
}

static void find_entry(const struct elf *elf, struct unwind_sections *out)
{
	const struct unwind_code *at = unwind_code_at(out, elf->header.e_entry);
	uint8_t code[8];
	uint64_t offset;

	if (!at)
		return;
	offset = elf->header.e_entry - at->address + at->offset;
	if (unwind_source_read(&elf->source, offset, code, sizeof(code)) && is_first_code(code))
		out->entry = offset;
}

int unwind_sections_find(struct unwind_sections *sections, const struct unwind_source *source)
{
	struct elf elf = {.source = *source};
	int err;

	*sections = (struct unwind_sections){.source = *source};
	err = read_headers(&elf);
	if (!err)
		err = find_code(&elf, sections);
	if (!err) {
		find_frames(&elf, sections);
		find_entry(&elf, sections);
		read_build_id(&elf, sections);
	}
	free(elf.segments);
	free(elf.sections);
	free(elf.names);
	return err;
}
