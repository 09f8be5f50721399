/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Copying DWARF out of a target's file.  libdw trusts what it is given in
 * ways that we cannot: it unpacks whatever a header promises, opens files that
 * sections name, and reads a string without an end past its section.  So it
 * gets an ELF file made here: the sections we use, unpacked, each followed by
 * zeros.
 */
#include "symbol/dwarffile.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <zlib.h>

/* What lookups need; places of variables, macros and indexes are left behind. */
static const char *const wanted[] = {
	".debug_info", ".debug_types",	     ".debug_abbrev", ".debug_line",   ".debug_line_str",
	".debug_str",  ".debug_str_offsets", ".debug_addr",   ".debug_ranges", ".debug_rnglists",
};

enum { WANTED = sizeof(wanted) / sizeof(*wanted) };

/* In the made file: section 0, those, and their names. */
enum { SECTIONS = WANTED + 2, NAMES = WANTED + 1 };

#define PADDING 64 /* after each section: a multiple of any alignment */
#define NAMES_SIZE 256

/* A section as it lies in the target's file. */
struct source {
	uint64_t offset, stored; /* its contents, packed or not */
	uint64_t size;		 /* unpacked; 0: there is no such section */
	bool packed;
};

static int read_all(int fd, void *buffer, uint64_t size, uint64_t offset)
{
	uint64_t done = 0;

	while (done < size) {
		ssize_t n = pread(fd, (char *)buffer + done, size - done, (off_t)(offset + done));

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n ? -errno : -ENODATA;
		done += (uint64_t)n;
	}
	return 0;
}

/* ".zdebug_…": "ZLIB", the size as eight bytes, the most significant first, and the contents. */
static int source_gnu(int fd, struct source *source)
{
	unsigned char header[12];
	size_t i;

	if (source->stored < sizeof(header) ||
	    read_all(fd, header, sizeof(header), source->offset) || memcmp(header, "ZLIB", 4))
		return -EINVAL;
	for (i = 4, source->size = 0; i < sizeof(header); i++)
		source->size = source->size << 8 | header[i];
	source->offset += sizeof(header);
	source->stored -= sizeof(header);
	source->packed = true;
	return 0;
}

/* SHF_COMPRESSED: a header in the format of the file's class, and the contents. */
static int source_elf(int fd, int class, struct source *source)
{
	union {
		Elf32_Chdr e32;
		Elf64_Chdr e64;
	} header;
	size_t size = class == ELFCLASS32 ? sizeof(header.e32) : sizeof(header.e64);

	if (source->stored < size || read_all(fd, &header, size, source->offset))
		return -EINVAL;
	/* The type comes first in both. */
	if (header.e32.ch_type != ELFCOMPRESS_ZLIB)
		return -EINVAL;
	source->size = class == ELFCLASS32 ? header.e32.ch_size : header.e64.ch_size;
	source->offset += size;
	source->stored -= size;
	source->packed = true;
	return 0;
}

/* Finds the section called `name`, or its GNU-compressed form. */
static int source_find(const struct image *image, const char *name, struct source *source)
{
	char packed[32] = ".z";
	GElf_Shdr shdr;
	bool gnu = false;

	*source = (struct source){0};
	if (!image_section(image, name, &shdr)) {
		strncat(packed, name + 1, sizeof(packed) - 3);
		gnu = image_section(image, packed, &shdr);
		if (!gnu)
			return 0;
	}
	*source = (struct source){shdr.sh_offset, shdr.sh_size, shdr.sh_size, false};
	if (shdr.sh_flags & SHF_COMPRESSED)
		return source_elf(image->fd, gelf_getclass(image->elf), source);
	return gnu ? source_gnu(image->fd, source) : 0;
}

bool dwarf_file_present(const struct image *image)
{
	GElf_Shdr shdr;

	return image_section(image, ".debug_info", &shdr) ||
	       image_section(image, ".zdebug_info", &shdr);
}

static int source_unpack(int fd, const struct source *source, void *out, struct budget *budget)
{
	uLongf size = source->size;
	void *packed;
	int err;

	/* Short-lived, but it must fit. */
	if (source->stored > budget->left) {
		budget->refused++;
		return -EFBIG;
	}
	packed = malloc(source->stored);
	if (!packed)
		return -ENOMEM;
	err = read_all(fd, packed, source->stored, source->offset);
	if (!err && (uncompress(out, &size, packed, source->stored) != Z_OK || size != source->size))
		err = -EINVAL;
	free(packed);
	return err;
}

static uint64_t padded(uint64_t size)
{
	return (size + 2 * PADDING - 1) & ~(uint64_t)(PADDING - 1);
}

/* What all sections take in the made file; 0: more than the budget has. */
static uint64_t total_size(const struct source *sources, struct budget *budget)
{
	uint64_t total =
	    padded(sizeof(Elf64_Ehdr)) + padded(SECTIONS * sizeof(Elf64_Shdr)) + NAMES_SIZE;
	size_t i;

	for (i = 0; i < WANTED; i++) {
		if (sources[i].size > budget->left - total || total > budget->left) {
			budget->refused++;
			return 0;
		}
		total += padded(sources[i].size);
	}
	return budget_take(budget, total) ? total : 0;
}

/* Writes the headers; the sections' contents begin where it returns. */
static uint64_t write_headers(unsigned char *memory, const struct source *sources, int machine)
{
	Elf64_Ehdr *ehdr = (Elf64_Ehdr *)memory;
	Elf64_Shdr *shdrs = (Elf64_Shdr *)(memory + padded(sizeof(*ehdr)));
	uint64_t names_at = padded(sizeof(*ehdr)) + padded(SECTIONS * sizeof(*shdrs)), at;
	char *names = (char *)memory + names_at;
	size_t i, used = 1;

	*ehdr = (Elf64_Ehdr){
		.e_ident = {ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS64, IMAGE_DATA, EV_CURRENT},
		.e_type = ET_EXEC,
		.e_machine = (Elf64_Half)machine,
		.e_version = EV_CURRENT,
		.e_shoff = padded(sizeof(*ehdr)),
		.e_ehsize = sizeof(*ehdr),
		.e_shentsize = sizeof(*shdrs),
		.e_shnum = SECTIONS,
		.e_shstrndx = NAMES,
	};
	for (i = 0, at = names_at + NAMES_SIZE; i < WANTED; i++) {
		shdrs[i + 1] = (Elf64_Shdr){
			.sh_name = (Elf64_Word)used,
			.sh_type = sources[i].size ? SHT_PROGBITS : SHT_NULL,
			.sh_offset = at,
			.sh_size = sources[i].size,
			.sh_addralign = 1,
		};
		strcpy(names + used, wanted[i]);
		used += strlen(wanted[i]) + 1;
		at += padded(sources[i].size);
	}
	shdrs[NAMES] = (Elf64_Shdr){
		.sh_type = SHT_STRTAB,
		.sh_offset = names_at,
		.sh_size = NAMES_SIZE,
		.sh_addralign = 1,
	};
	return names_at + NAMES_SIZE;
}

static int copy_sections(const struct image *image, const struct source *sources,
			 unsigned char *out, struct budget *budget)
{
	size_t i;
	int err;

	for (i = 0; i < WANTED; i++) {
		const struct source *s = &sources[i];

		if (s->packed)
			err = source_unpack(image->fd, s, out, budget);
		else
			err = read_all(image->fd, out, s->size, s->offset);
		if (err)
			return err;
		memset(out + s->size, 0, padded(s->size) - s->size);
		out += padded(s->size);
	}
	return 0;
}

static void dwarf_image_close(struct dwarf_image *d)
{
	dwarf_end(d->dwarf);
	elf_end(d->elf);
	free(d->memory);
	*d = (struct dwarf_image){0};
}

static int dwarf_image_open(struct dwarf_image *d, const struct image *image, struct budget *budget)
{
	struct source sources[WANTED];
	uint64_t total, headers;
	GElf_Ehdr ehdr;
	size_t i;
	int err;

	*d = (struct dwarf_image){0};
	for (i = 0; i < WANTED; i++) {
		err = source_find(image, wanted[i], &sources[i]);
		if (err)
			return err;
	}
	total = total_size(sources, budget);
	if (!total)
		return -EFBIG;
	if (!gelf_getehdr(image->elf, &ehdr))
		return -EINVAL;
	d->memory = malloc(total);
	if (!d->memory)
		return -ENOMEM;
	headers = padded(sizeof(Elf64_Ehdr)) + padded(SECTIONS * sizeof(Elf64_Shdr)) + NAMES_SIZE;
	memset(d->memory, 0, headers);
	write_headers(d->memory, sources, ehdr.e_machine);
	err = copy_sections(image, sources, (unsigned char *)d->memory + headers, budget);
	if (err)
		goto fail;
	d->elf = elf_memory(d->memory, total);
	d->dwarf = d->elf ? dwarf_begin_elf(d->elf, DWARF_C_READ, NULL) : NULL;
	if (d->dwarf)
		return 0;
	err = -EINVAL;
fail:
	dwarf_image_close(d);
	return err;
}
