/* SPDX-License-Identifier: GPL-2.0 */
#include "target/torch.h"

#include <errno.h>
#include <string.h>

#include "probe/elfimage.h"

/* Bytes of one table.  PyTorch 2.6 has 30 MB of names. */
#define TABLE_MAX ((uint64_t)256 << 20)
/* Of a virtual table's symbol: the offset to the whole object and the type come first. */
#define VTABLE_HEAD 16

static const char *const symbols_of[MS_CLASS_NR] = {
    [MS_CLASS_TENSOR] = "_ZTVN3c1010TensorImplE",
    [MS_CLASS_STORAGE] = "_ZTVN3c1011StorageImplE",
    [MS_CLASS_AUTOGRAD] = "_ZTVN5torch8autograd12AutogradMetaE",
};

static void take(const Elf64_Sym *symbol, const char *name, void *context)
{
	struct torch_file *out = context;
	size_t i;

	for (i = 0; i < MS_CLASS_NR; i++)
		if (!strcmp(name, symbols_of[i]))
			out->vtable[i] = symbol->st_value;
}

static int scan_exports(const struct elfimage *image, struct torch_file *out)
{
	Elf_Scn *section = NULL;
	GElf_Shdr header;

	while ((section = elf_nextscn(image->elf, section)) && gelf_getshdr(section, &header))
		if (header.sh_type == SHT_DYNSYM)
			return elfimage_symbols(image, section, TABLE_MAX, NULL, take, out);
	return -ENOENT;
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
