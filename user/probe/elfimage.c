/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Opens an ELF file.  It is read, never mapped: the target may truncate it at
 * any moment, and a mapped page that is gone kills the reader.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "probe/elfimage.h"

/* As the kernel: headers beyond 64 KiB are no program's. */
#define PROGRAM_HEADERS_MAX (65536 / sizeof(Elf64_Phdr))
/* Read at one time. */
#define CHUNK_SYMBOLS 512

int elfimage_fail(char *errbuf, size_t errlen, const char *text)
{
	snprintf(errbuf, errlen, "%s", text);
	return -ENOEXEC;
}

size_t elfimage_read(const struct elfimage *image, uint64_t offset, void *buffer, size_t length)
{
	size_t done = 0;
	ssize_t n;

	if (offset >= image->size)
		return 0;
	while (done < length) {
		n = pread(image->fd, (char *)buffer + done, length - done, offset + done);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			break;
		done += n;
	}
	return done;
}

/* A path that is cut or has no end is still one: the file is not static. */
static void read_interp(struct elfimage *image, const GElf_Phdr *segment)
{
	size_t length = sizeof(image->interp) - 1;

	if (segment->p_filesz < length)
		length = segment->p_filesz;
	length = elfimage_read(image, segment->p_offset, image->interp, length);
	image->interp[length] = '\0';
}

static int read_segments(struct elfimage *image, char *errbuf, size_t errlen)
{
	GElf_Phdr segment;
	size_t count;

	if (elf_getphdrnum(image->elf, &count) || count > PROGRAM_HEADERS_MAX)
		return elfimage_fail(errbuf, errlen, "its program headers are broken");
	for (size_t i = 0; i < count; i++) {
		if (!gelf_getphdr(image->elf, i, &segment))
			return elfimage_fail(errbuf, errlen, "its program headers are broken");
		if (segment.p_type == PT_INTERP)
			read_interp(image, &segment);
		if (segment.p_type != PT_LOAD || !(segment.p_flags & PF_X))
			continue;
		if (segment.p_offset >= image->size)
			continue;
		if (image->code_count == ELFIMAGE_SEGMENTS_MAX)
			return elfimage_fail(errbuf, errlen, "it has too many segments");
		if (segment.p_filesz > image->size - segment.p_offset)
			segment.p_filesz = image->size - segment.p_offset;
		image->code[image->code_count].address = segment.p_vaddr;
		image->code[image->code_count].offset = segment.p_offset;
		image->code[image->code_count].length = segment.p_filesz;
		image->code_count++;
	}
	return 0;
}

int elfimage_open(struct elfimage *image, int fd, char *errbuf, size_t errlen)
{
	struct stat st;
	int err;

	*image = (struct elfimage){.fd = fd};
	if (fstat(fd, &st))
		return elfimage_fail(errbuf, errlen, strerror(errno));
	if (!S_ISREG(st.st_mode))
		return elfimage_fail(errbuf, errlen, "not a regular file");
	image->size = st.st_size;
	if (elf_version(EV_CURRENT) == EV_NONE)
		return elfimage_fail(errbuf, errlen, elf_errmsg(-1));
	image->elf = elf_begin(fd, ELF_C_READ, NULL);
	if (!image->elf)
		return elfimage_fail(errbuf, errlen, elf_errmsg(-1));
	if (elf_kind(image->elf) != ELF_K_ELF || !gelf_getehdr(image->elf, &image->header)) {
		err = elfimage_fail(errbuf, errlen, "not an ELF file");
		goto out;
	}
	if (image->header.e_type != ET_EXEC && image->header.e_type != ET_DYN) {
		err = elfimage_fail(errbuf, errlen, "neither a program nor a library");
		goto out;
	}
	err = read_segments(image, errbuf, errlen);
out:
	if (err)
		elfimage_close(image);
	return err;
}

void elfimage_close(struct elfimage *image)
{
	elf_end(image->elf);
	image->elf = NULL;
}

bool elfimage_code(const struct elfimage *image, uint64_t address, uint64_t *offset, uint64_t *room)
{
	for (size_t i = 0; i < image->code_count; i++) {
		uint64_t distance = address - image->code[i].address;

		if (address < image->code[i].address || distance >= image->code[i].length)
			continue;
		*offset = image->code[i].offset + distance;
		if (room)
			*room = image->code[i].length - distance;
		return true;
	}
	return false;
}

bool elfimage_address(const struct elfimage *image, uint64_t offset, uint64_t *address)
{
	for (size_t i = 0; i < image->code_count; i++) {
		uint64_t distance = offset - image->code[i].offset;

		if (offset < image->code[i].offset || distance >= image->code[i].length)
			continue;
		*address = image->code[i].address + distance;
		return true;
	}
	return false;
}

bool elfimage_table(const struct elfimage *image, Elf_Scn *section, uint64_t max, GElf_Shdr *header)
{
	return section && gelf_getshdr(section, header) && header->sh_type != SHT_NOBITS &&
	       header->sh_offset <= image->size &&
	       header->sh_size <= image->size - header->sh_offset && header->sh_size <= max;
}

/* ---- symbols ------------------------------------------------------------------------ */

/* All names of one symbol table, with a NUL after. */
struct names {
	char *data;
	uint64_t size;
};

static void each_symbol(const struct elfimage *image, const GElf_Shdr *header,
			const struct names *names, elfimage_symbol_fn *fn, void *context)
{
	uint64_t offset = header->sh_offset, left = header->sh_size;
	Elf64_Sym symbols[CHUNK_SYMBOLS];

	while (left >= sizeof(Elf64_Sym)) {
		size_t want = left < sizeof(symbols) ? left : sizeof(symbols);
		size_t n = elfimage_read(image, offset, symbols, want) / sizeof(Elf64_Sym);
		size_t i;

		if (!n)
			break;
		for (i = 0; i < n; i++)
			if (symbols[i].st_name < names->size && symbols[i].st_shndx != SHN_UNDEF)
				fn(&symbols[i], names->data + symbols[i].st_name, context);
		offset += n * sizeof(Elf64_Sym);
		left -= n * sizeof(Elf64_Sym);
	}
}

int elfimage_symbols(const struct elfimage *image, Elf_Scn *section, uint64_t max,
		     const char *wanted, elfimage_symbol_fn *fn, void *context)
{
	GElf_Shdr symbols, table;
	struct names names;
	int err = 0;

	if (!elfimage_table(image, section, max, &symbols) ||
	    !elfimage_table(image, elf_getscn(image->elf, symbols.sh_link), max, &table))
		return -ENOEXEC;
	names.size = table.sh_size;
	names.data = malloc(names.size + 1);
	if (!names.data)
		return -ENOMEM;
	names.data[names.size] = '\0';
	if (elfimage_read(image, table.sh_offset, names.data, names.size) != names.size)
		err = -ENOEXEC;
	else if (!wanted || memmem(names.data, names.size, wanted, strlen(wanted) + 1))
		each_symbol(image, &symbols, &names, fn, context);
	free(names.data);
	return err;
}
