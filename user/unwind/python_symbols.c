/* SPDX-License-Identifier: GPL-2.0 */
#include "unwind/python_symbols.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "probe/elfimage.h"
#include "unwind/python_cold.h"

/* Bytes of one table.  The largest of real programs have a quarter of this. */
#define TABLE_MAX ((uint64_t)256 << 20)
#define CHUNK_SYMBOLS 512

static const char *const names[PYTHON_SYMBOL_NR] = {
#define X(id, name) [PYTHON_SYMBOL_##id] = name,
    PYTHON_SYMBOLS(X)
#undef X
};

/* Strings of one symbol table: all of it, with a NUL after. */
struct strings {
	char *data;
	uint64_t size;
};

static void take(const struct strings *strings, const Elf64_Sym *sym, struct python_symbols *out)
{
	const char *name;
	int i;

	if (sym->st_name >= strings->size || sym->st_shndx == SHN_UNDEF || !sym->st_value)
		return;
	name = strings->data + sym->st_name;
	if (strncmp(name, "Py", 2) != 0 && strncmp(name, "_Py", 3) != 0)
		return;
	for (i = 0; i < PYTHON_SYMBOL_NR; i++)
		if (!strcmp(name, names[i]) && !out->at[i].address) {
			out->at[i].address = sym->st_value;
			out->at[i].size = sym->st_size;
		}
}

static void scan_symbols(const struct elfimage *image, const GElf_Shdr *header,
			 const struct strings *strings, struct python_symbols *out)
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
			take(strings, &symbols[i], out);
		offset += n * sizeof(Elf64_Sym);
		left -= n * sizeof(Elf64_Sym);
	}
}

/* One symbol table.  Its strings say cheaply that a file has nothing of Python's. */
static int scan(const struct elfimage *image, Elf_Scn *section, struct python_symbols *out)
{
	GElf_Shdr symbols, table;
	struct strings strings;
	int err = 0;

	if (!elfimage_table(image, section, TABLE_MAX, &symbols) ||
	    !elfimage_table(image, elf_getscn(image->elf, symbols.sh_link), TABLE_MAX, &table))
		return -ENOEXEC;
	strings.size = table.sh_size;
	strings.data = malloc(strings.size + 1);
	if (!strings.data)
		return -ENOMEM;
	strings.data[strings.size] = '\0';
	if (elfimage_read(image, table.sh_offset, strings.data, strings.size) != strings.size)
		err = -ENOEXEC;
	else if (memmem(strings.data, strings.size, names[PYTHON_SYMBOL_RUNTIME],
			strlen(names[PYTHON_SYMBOL_RUNTIME]) + 1))
		scan_symbols(image, &symbols, &strings, out);
	free(strings.data);
	return err;
}

static int scan_all(const struct elfimage *image, struct python_symbols *out)
{
	Elf_Scn *section = NULL;
	bool dynsym = false, symtab = false;
	GElf_Shdr header;
	int err = 0;

	/* A file has at most one table of each kind. */
	while (!err && (section = elf_nextscn(image->elf, section))) {
		if (!gelf_getshdr(section, &header))
			return -ENOEXEC;
		if (header.sh_type == SHT_DYNSYM && !dynsym) {
			dynsym = true;
			err = scan(image, section, out);
		} else if (header.sh_type == SHT_SYMTAB && !symtab) {
			symtab = true;
			err = scan(image, section, out);
		}
	}
	return err;
}

static bool find_segment(const struct elfimage *image, struct python_symbols *out)
{
	uint64_t eval = out->at[PYTHON_SYMBOL_EVAL].address;
	size_t i;

	for (i = 0; i < image->code_count; i++) {
		if (eval - image->code[i].address >= image->code[i].length)
			continue;
		out->code_address = image->code[i].address;
		out->code_offset = image->code[i].offset;
		out->code_length = image->code[i].length;
		return true;
	}
	return false;
}

int python_symbols_read(int fd, struct python_symbols *out)
{
	struct elfimage image;
	char why[128];
	int err;

	*out = (struct python_symbols){0};
	err = elfimage_open(&image, fd, why, sizeof(why));
	if (err)
		return err;
	if (image.header.e_ident[EI_CLASS] != ELFCLASS64)
		err = -ENOEXEC;
	if (!err)
		err = scan_all(&image, out);
	if (!err && (!out->at[PYTHON_SYMBOL_RUNTIME].address ||
		     !out->at[PYTHON_SYMBOL_EVAL].address || !find_segment(&image, out)))
		err = -ENOENT;
	if (!err)
		err = python_cold_find(&image, out->at[PYTHON_SYMBOL_EVAL].address,
				       out->at[PYTHON_SYMBOL_EVAL].size, &out->cold_address,
				       &out->cold_size);
	elfimage_close(&image);
	return err;
}
