/* SPDX-License-Identifier: GPL-2.0 */
#include "target/torch.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "probe/elfimage.h"

/* Bytes of one table.  PyTorch 2.6 has 30 MB of names. */
#define TABLE_MAX ((uint64_t)256 << 20)
#define CHUNK_SYMBOLS 512
/* Of a virtual table's symbol: the offset to the whole object and the type come first. */
#define VTABLE_HEAD 16

static const char *const symbols_of[MS_CLASS_NR] = {
    [MS_CLASS_TENSOR] = "_ZTVN3c1010TensorImplE",
    [MS_CLASS_STORAGE] = "_ZTVN3c1011StorageImplE",
    [MS_CLASS_AUTOGRAD] = "_ZTVN5torch8autograd12AutogradMetaE",
};

static void take(const Elf64_Sym *symbol, const char *names, uint64_t size, struct torch_file *out)
{
	size_t i;

	if (symbol->st_name >= size || symbol->st_shndx == SHN_UNDEF)
		return;
	for (i = 0; i < MS_CLASS_NR; i++)
		if (!strcmp(names + symbol->st_name, symbols_of[i]))
			out->vtable[i] = symbol->st_value;
}

static int scan(const struct elfimage *image, const GElf_Shdr *header, const char *names,
		uint64_t size, struct torch_file *out)
{
	uint64_t offset = header->sh_offset, left = header->sh_size;
	Elf64_Sym symbols[CHUNK_SYMBOLS];

	while (left >= sizeof(Elf64_Sym)) {
		size_t want = left < sizeof(symbols) ? left : sizeof(symbols);
		size_t i, n = elfimage_read(image, offset, symbols, want) / sizeof(Elf64_Sym);

		if (!n)
			return -ENOEXEC;
		for (i = 0; i < n; i++)
			take(&symbols[i], names, size, out);
		offset += n * sizeof(Elf64_Sym);
		left -= n * sizeof(Elf64_Sym);
	}
	return 0;
}

static int scan_exports(const struct elfimage *image, struct torch_file *out)
{
	GElf_Shdr symbols, table;
	Elf_Scn *section = NULL;
	char *names;
	int err;

	while ((section = elf_nextscn(image->elf, section)) && gelf_getshdr(section, &symbols) &&
	       symbols.sh_type != SHT_DYNSYM)
		;
	if (!section)
		return -ENOENT;
	if (!elfimage_table(image, section, TABLE_MAX, &symbols) ||
	    !elfimage_table(image, elf_getscn(image->elf, symbols.sh_link), TABLE_MAX, &table))
		return -ENOEXEC;
	names = malloc(table.sh_size + 1);
	if (!names)
		return -ENOMEM;
	names[table.sh_size] = '\0';
	err = elfimage_read(image, table.sh_offset, names, table.sh_size) == table.sh_size
		  ? scan(image, &symbols, names, table.sh_size, out)
		  : -ENOEXEC;
	free(names);
	return err;
}

static bool is_empty(const struct torch_file *file)
{
	size_t i;

	for (i = 0; i < MS_CLASS_NR; i++)
		if (file->vtable[i])
			return false;
	return true;
}

int torch_file_read(int fd, struct torch_file *out)
{
	struct elfimage image;
	char why[128];
	int err;

	*out = (struct torch_file){0};
	err = elfimage_open(&image, fd, why, sizeof(why));
	if (err)
		return err;
	if (image.header.e_ident[EI_CLASS] != ELFCLASS64 || !image.code_count)
		err = -ENOEXEC;
	if (!err)
		err = scan_exports(&image, out);
	if (!err) {
		out->shift = image.code[0].address - image.code[0].offset;
		err = is_empty(out) ? -ENOENT : 0;
	}
	elfimage_close(&image);
	return err;
}

/* True if it was not there. */
static bool add(__u64 *vtables, uint64_t address)
{
	size_t i;

	for (i = 0; i < MS_VTABLES; i++) {
		if (vtables[i] == address)
			return false;
		if (vtables[i])
			continue;
		vtables[i] = address;
		return true;
	}
	return false;
}

bool torch_add(struct ms_torch *torch, const struct torch_file *file, const struct mapping *m)
{
	uint64_t bias = m->start - m->offset - file->shift;
	bool added = false;
	size_t i;

	for (i = 0; i < MS_CLASS_NR; i++)
		if (file->vtable[i])
			added |= add(torch->vtable[i], file->vtable[i] + bias + VTABLE_HEAD);
	return added;
}
