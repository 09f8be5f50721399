/* SPDX-License-Identifier: GPL-2.0 */
#include "unwind/python_symbols.h"

#include <errno.h>
#include <string.h>

#include "probe/elfimage.h"
#include "unwind/python_cold.h"

/* Bytes of one table.  The largest of real programs have a quarter of this. */
#define TABLE_MAX ((uint64_t)256 << 20)

static const char *const names[PYTHON_SYMBOL_NR] = {
#define X(id, name) [PYTHON_SYMBOL_##id] = name,
    PYTHON_SYMBOLS(X)
#undef X
};

static void take(const Elf64_Sym *sym, const char *name, void *context)
{
	struct python_symbols *out = context;
	int i;

	if (!sym->st_value || (strncmp(name, "Py", 2) != 0 && strncmp(name, "_Py", 3) != 0))
		return;
	for (i = 0; i < PYTHON_SYMBOL_NR; i++)
		if (!strcmp(name, names[i]) && !out->at[i].address) {
			out->at[i].address = sym->st_value;
			out->at[i].size = sym->st_size;
		}
}

/* One symbol table.  Its names say cheaply that a file has nothing of Python's. */
static int scan(const struct elfimage *image, Elf_Scn *section, struct python_symbols *out)
{
	return elfimage_symbols(image, section, TABLE_MAX, names[PYTHON_SYMBOL_RUNTIME], take, out);
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
