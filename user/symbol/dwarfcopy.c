/* SPDX-License-Identifier: GPL-2.0 */
/* Reading, unpacking and laying out DWARF sections. */
#include "symbol/dwarfcopy.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <zlib.h>

/* What lookups need; places of variables, macros and indexes are left behind. */
static const char *const wanted[] = {
    ".debug_info", ".debug_types",       ".debug_abbrev", ".debug_line",   ".debug_line_str",
    ".debug_str",  ".debug_str_offsets", ".debug_addr",   ".debug_ranges", ".debug_rnglists",
};

#define WANTED (sizeof(wanted) / sizeof(*wanted))
#define PADDING ((uint64_t)64) /* zeros after each section, at least */
#define NAME_MAX_SIZE 24

/* A section as it lies in the target's file. */
struct source {
	uint64_t offset, stored; /* its contents, packed or not */
	uint64_t size;           /* unpacked; 0: there is no such section */
	bool packed;
};

/* How the copy begins; the sections follow in the order of `wanted`. */
struct headers {
	Elf64_Ehdr ehdr;
	Elf64_Shdr null, sections[WANTED], names;
	char name[WANTED + 1][NAME_MAX_SIZE]; /* [0] is empty */
};

/* The room that a section of this size takes. */
static uint64_t padded(uint64_t size)
{
	return (size + 2 * PADDING - 1) & ~(PADDING - 1);
}

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

/* Takes `size` bytes off the front of the contents. */
static int read_front(int fd, struct source *source, void *buffer, uint64_t size)
{
	int err;

	if (source->stored < size)
		return -ENODATA;
	err = read_all(fd, buffer, size, source->offset);
	source->offset += size;
	source->stored -= size;
	return err;
}

/* ".zdebug_…": "ZLIB", then the size as eight bytes, the most significant first. */
static int unpack_gnu_header(int fd, struct source *source)
{
	unsigned char header[12];
	size_t i;

	if (read_front(fd, source, header, sizeof(header)) || memcmp(header, "ZLIB", 4))
		return -EINVAL;
	for (i = 4, source->size = 0; i < sizeof(header); i++)
		source->size = source->size << 8 | header[i];
	source->packed = true;
	return 0;
}

/* SHF_COMPRESSED: a header in the format of the file's class. */
static int unpack_elf_header(int fd, int class, struct source *source)
{
	Elf32_Chdr header32;
	Elf64_Chdr header64;
	uint32_t type;

	if (class == ELFCLASS32) {
		if (read_front(fd, source, &header32, sizeof(header32)))
			return -EINVAL;
		type = header32.ch_type;
		source->size = header32.ch_size;
	} else {
		if (read_front(fd, source, &header64, sizeof(header64)))
			return -EINVAL;
		type = header64.ch_type;
		source->size = header64.ch_size;
	}
	source->packed = true;
	return type == ELFCOMPRESS_ZLIB ? 0 : -EINVAL;
}

/* No more of zlib's output can come from a byte of input. */
#define ZLIB_RATIO_MAX 1032

/* Whether the contents can be what the headers say, so far as that is seen from outside. */
static bool source_is_sane(const struct source *source, uint64_t file_size)
{
	return source->stored <= file_size && source->offset <= file_size - source->stored &&
	       (!source->packed || source->size / ZLIB_RATIO_MAX <= source->stored);
}

/* Finds the section called `name`, or its GNU-compressed form. */
static int source_find(const struct image *image, uint64_t file_size, const char *name,
		       struct source *source)
{
	char packed[NAME_MAX_SIZE + 1] = ".z";
	GElf_Shdr shdr;
	bool gnu = false;
	int err = 0;

	*source = (struct source){0};
	if (!image_section(image, name, &shdr)) {
		strcpy(packed + 2, name + 1);
		gnu = image_section(image, packed, &shdr);
		if (!gnu)
			return 0;
	}
	*source = (struct source){shdr.sh_offset, shdr.sh_size, shdr.sh_size, false};
	if (shdr.sh_flags & SHF_COMPRESSED)
		err = unpack_elf_header(image->fd, gelf_getclass(image->elf), source);
	else if (gnu)
		err = unpack_gnu_header(image->fd, source);
	if (!err && !source_is_sane(source, file_size))
		err = -EINVAL;
	return err;
}

bool dwarf_copy_possible(const struct image *image)
{
	GElf_Shdr shdr;

	return image_section(image, ".debug_info", &shdr) ||
	       image_section(image, ".zdebug_info", &shdr);
}

/* What the copy takes, charged; 0: more than there is. */
static uint64_t total_size(const struct source *sources, struct budget *budget)
{
	uint64_t total = padded(sizeof(struct headers));
	size_t i;

	for (i = 0; i < WANTED; i++) {
		if (total > budget->left || sources[i].size > budget->left - total) {
			budget->refused++;
			return 0;
		}
		total += padded(sources[i].size);
	}
	return budget_take(budget, total) ? total : 0;
}

static void write_headers(struct headers *h, const struct source *sources, int machine)
{
	uint64_t at = padded(sizeof(*h));
	size_t i;

	memset(h, 0, padded(sizeof(*h)));
	h->ehdr = (Elf64_Ehdr){
	    .e_ident = {ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS64, IMAGE_DATA, EV_CURRENT},
	    .e_type = ET_EXEC,
	    .e_machine = (Elf64_Half)machine,
	    .e_version = EV_CURRENT,
	    .e_shoff = offsetof(struct headers, null),
	    .e_ehsize = sizeof(h->ehdr),
	    .e_shentsize = sizeof(h->null),
	    .e_shnum = WANTED + 2,
	    .e_shstrndx = WANTED + 1,
	};
	for (i = 0; i < WANTED; i++) {
		strcpy(h->name[i + 1], wanted[i]);
		h->sections[i] = (Elf64_Shdr){
		    .sh_name = (Elf64_Word)((i + 1) * NAME_MAX_SIZE),
		    .sh_type = SHT_PROGBITS,
		    .sh_offset = at,
		    .sh_size = sources[i].size,
		    .sh_addralign = 1,
		};
		at += padded(sources[i].size);
	}
	h->names = (Elf64_Shdr){
	    .sh_type = SHT_STRTAB,
	    .sh_offset = offsetof(struct headers, name),
	    .sh_size = sizeof(h->name),
	    .sh_addralign = 1,
	};
}

static int unpack(int fd, const struct source *source, void *out, struct budget *budget)
{
	uLongf size = source->size;
	void *packed;
	int err;

	/* It is gone again at once, but it must fit. */
	if (source->stored > budget->left) {
		budget->refused++;
		return -EFBIG;
	}
	packed = malloc(source->stored);
	if (!packed)
		return -ENOMEM;
	err = read_all(fd, packed, source->stored, source->offset);
	if (!err &&
	    (uncompress(out, &size, packed, source->stored) != Z_OK || size != source->size))
		err = -EINVAL;
	free(packed);
	return err;
}

static int copy_sections(struct dwarf_copy *copy, int fd, const struct source *sources,
			 struct budget *budget)
{
	unsigned char *out = (unsigned char *)copy->memory + padded(sizeof(struct headers));
	size_t i;
	int err;

	for (i = 0; i < WANTED; i++) {
		const struct source *s = &sources[i];

		err =
		    s->packed ? unpack(fd, s, out, budget) : read_all(fd, out, s->size, s->offset);
		if (err)
			return err;
		if (!strcmp(wanted[i], ".debug_line")) {
			copy->lines = out;
			copy->lines_size = s->size;
		}
		memset(out + s->size, 0, padded(s->size) - s->size);
		out += padded(s->size);
	}
	return 0;
}

static int sources_find(const struct image *image, struct source *sources)
{
	struct stat st;
	size_t i;
	int err;

	if (fstat(image->fd, &st))
		return -errno;
	for (i = 0; i < WANTED; i++) {
		err = source_find(image, (uint64_t)st.st_size, wanted[i], &sources[i]);
		if (err)
			return err;
	}
	return 0;
}

int dwarf_copy_open(struct dwarf_copy *copy, const struct image *image, struct budget *budget)
{
	struct source sources[WANTED] = {0};
	GElf_Ehdr ehdr;
	uint64_t total;
	int err;

	*copy = (struct dwarf_copy){0};
	err = sources_find(image, sources);
	if (err)
		return err;
	if (!gelf_getehdr(image->elf, &ehdr))
		return -EINVAL;
	total = total_size(sources, budget);
	if (!total)
		return -EFBIG;
	copy->memory = malloc(total);
	if (!copy->memory)
		return -ENOMEM;
	write_headers(copy->memory, sources, ehdr.e_machine);
	err = copy_sections(copy, image->fd, sources, budget);
	if (err)
		goto fail;
	err = -EINVAL;
	copy->elf = elf_memory(copy->memory, total);
	if (!copy->elf)
		goto fail;
	return 0;
fail:
	dwarf_copy_close(copy);
	return err;
}

void dwarf_copy_close(struct dwarf_copy *copy)
{
	elf_end(copy->elf);
	free(copy->memory);
	*copy = (struct dwarf_copy){0};
}
