/* SPDX-License-Identifier: GPL-2.0 */
/* The same questions as cpython.c asks a process; the answers are in the file's data. */
#include "unwind/python_file.h"

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "probe/elfimage.h"
#include "unwind/cpython.h"
#include "unwind/python_offsets.h"

/* What the file puts at an address; false if it is not all there. */
static bool read_at(const struct elfimage *image, uint64_t address, void *buffer, size_t size)
{
	size_t i, count;
	GElf_Phdr p;

	if (elf_getphdrnum(image->elf, &count))
		return false;
	for (i = 0; i < count; i++) {
		if (!gelf_getphdr(image->elf, (int)i, &p) || p.p_type != PT_LOAD ||
		    address < p.p_vaddr || address - p.p_vaddr >= p.p_filesz ||
		    size > p.p_filesz - (address - p.p_vaddr))
			continue;
		return elfimage_read(image, p.p_offset + (address - p.p_vaddr), buffer, size) ==
		       size;
	}
	return false;
}

/* The name of a needed library that begins with "libpython". */
static void find_libpython(const struct elfimage *image, char *name, size_t size)
{
	Elf_Scn *section = NULL;
	GElf_Shdr header;
	GElf_Dyn entry;

	*name = '\0';
	while ((section = elf_nextscn(image->elf, section))) {
		Elf_Data *data;
		int i;

		if (!elfimage_table(image, section, UINT16_MAX, &header) ||
		    header.sh_type != SHT_DYNAMIC)
			continue;
		data = elf_getdata(section, NULL);
		for (i = 0; data && gelf_getdyn(data, i, &entry); i++) {
			const char *needed =
			    entry.d_tag == DT_NEEDED
				? elf_strptr(image->elf, header.sh_link, entry.d_un.d_val)
				: NULL;

			if (needed && !strncmp(needed, "libpython", strlen("libpython"))) {
				snprintf(name, size, "%s", needed);
				return;
			}
		}
	}
}

static unsigned find_minor(const struct elfimage *image, const struct python_symbols *symbols)
{
	uint32_t version;

	if (!symbols->at[PYTHON_SYMBOL_VERSION].address)
		return python_minor_without_version(symbols);
	if (!read_at(image, symbols->at[PYTHON_SYMBOL_VERSION].address, &version,
		     sizeof(version)) ||
	    version >> 24 != 3)
		return 0;
	return version >> 16 & 0xff;
}

static int judge(const struct elfimage *image, const struct python_symbols *symbols,
		 struct python_file *out)
{
	uint64_t numbers[PYTHON_SAYS_NR] = {0};
	struct python_offsets offsets;
	int err;

	out->minor = find_minor(image, symbols);
	err = python_known(symbols, out->minor, out->why, sizeof(out->why));
	if (err || out->minor < PYTHON_MINOR_SAYS)
		return err;
	offsets = *python_offsets_find(out->minor);
	read_at(image, symbols->at[PYTHON_SYMBOL_RUNTIME].address, numbers, sizeof(numbers));
	return python_offsets_take(numbers, &offsets, out->why, sizeof(out->why));
}

int python_file_check(int fd, struct python_file *out)
{
	struct python_symbols symbols;
	struct elfimage image;
	int err;

	*out = (struct python_file){0};
	err = elfimage_open(&image, fd, out->why, sizeof(out->why));
	if (err)
		return err;
	err = python_symbols_read(fd, &symbols);
	if (!err)
		err = judge(&image, &symbols, out);
	else if (err == -ENOENT)
		find_libpython(&image, out->library, sizeof(out->library));
	elfimage_close(&image);
	return err;
}
