/* SPDX-License-Identifier: GPL-2.0 */
/* What libdw reads when a file is opened, checked and charged before it does. */
#include "symbol/dwarffile.h"

#include <errno.h>
#include <string.h>

/* What libdw reads; it tells sections by their names. */
static const char *const prefixes[] = {
    ".debug_",
    ".zdebug_",
    ".gnu.debuglto_",
    ".gnu_debugaltlink",
};

static bool is_debug_section(const char *name)
{
	size_t i;

	for (i = 0; i < sizeof(prefixes) / sizeof(*prefixes); i++) {
		if (!strncmp(name, prefixes[i], strlen(prefixes[i])))
			return true;
	}
	return false;
}

bool dwarf_file_present(const struct image *image)
{
	GElf_Shdr shdr;

	return image_section(image, ".debug_info", &shdr) ||
	       image_section(image, ".zdebug_info", &shdr);
}

/* The size a section has after libdw has read it; UINT64_MAX if it is not readable. */
static uint64_t unpacked_size(Elf_Scn *scn, const GElf_Shdr *shdr, const char *name)
{
	static const char magic[] = {'Z', 'L', 'I', 'B'};
	unsigned char header[sizeof(magic) + sizeof(uint64_t)];
	uint64_t size = 0;
	GElf_Chdr chdr;
	Elf_Data *data;
	size_t i;

	if (shdr->sh_flags & SHF_COMPRESSED)
		return gelf_getchdr(scn, &chdr) ? chdr.ch_size : UINT64_MAX;
	if (name[1] != 'z')
		return 0;
	data = elf_rawdata(scn, NULL);
	if (!data || !data->d_buf || data->d_size < sizeof(header))
		return UINT64_MAX;
	memcpy(header, data->d_buf, sizeof(header));
	if (memcmp(header, magic, sizeof(magic)))
		return UINT64_MAX;
	for (i = sizeof(magic); i < sizeof(header); i++)
		size = size << 8 | header[i];
	return size;
}

/* Charges all that libdw is about to read and unpack; it does so at once. */
static bool charge_sections(const struct image *image, struct budget *budget)
{
	Elf_Scn *scn = NULL;
	GElf_Shdr shdr;

	while ((scn = elf_nextscn(image->elf, scn))) {
		const char *name;

		if (!gelf_getshdr(scn, &shdr) || shdr.sh_type == SHT_NOBITS)
			continue;
		name = image_section_name(image, &shdr);
		if (!is_debug_section(name))
			continue;
		if (!budget_take(budget, shdr.sh_size) ||
		    !budget_take(budget, unpacked_size(scn, &shdr, name)))
			return false;
	}
	return true;
}

static Dwarf *begin(const struct image *image, struct budget *budget)
{
	if (!dwarf_file_present(image) || !charge_sections(image, budget))
		return NULL;
	return dwarf_begin_elf(image->elf, DWARF_C_READ, NULL);
}

/*
 * libdw would open whatever .gnu_debugaltlink names when it meets a reference
 * into it, so we give it the right file first, or do without this DWARF.
 */
static int shared_open(struct dwarf_file *file, const struct image *image,
		       struct debug_roots *roots, struct budget *budget)
{
	int err = debugfile_open_shared(roots, image, &file->shared_image, budget);
	GElf_Shdr shdr;

	if (err)
		return err == -ENOENT ? 0 : err;
	/* A shared file has no file that it shares with. */
	if (image_section(&file->shared_image, ".gnu_debugaltlink", &shdr))
		return -EINVAL;
	file->shared = begin(&file->shared_image, budget);
	if (!file->shared)
		return -EINVAL;
	dwarf_setalt(file->dwarf, file->shared);
	return 0;
}

static void line_section_open(struct dwarf_file *file, const struct image *image)
{
	static const char *const names[] = {".debug_line", ".zdebug_line"};
	GElf_Shdr shdr;
	size_t i;

	for (i = 0; i < sizeof(names) / sizeof(*names) && !file->lines; i++) {
		Elf_Scn *scn = image_section(image, names[i], &shdr);

		if (scn)
			file->lines = elf_getdata(scn, NULL);
	}
	file->big_endian = elf_getident(image->elf, NULL)[EI_DATA] == ELFDATA2MSB;
}

int dwarf_file_open(struct dwarf_file *file, const struct image *image, struct debug_roots *roots,
		    struct budget *budget)
{
	int err;

	*file = (struct dwarf_file){.shared_image.fd = -1};
	if (!dwarf_file_present(image))
		return -ENOENT;
	file->dwarf = begin(image, budget);
	err = file->dwarf ? shared_open(file, image, roots, budget) : -EINVAL;
	if (err)
		dwarf_file_close(file);
	else
		line_section_open(file, image);
	image_detach(&file->shared_image);
	return err;
}

void dwarf_file_close(struct dwarf_file *file)
{
	dwarf_end(file->dwarf);
	dwarf_end(file->shared);
	image_close(&file->shared_image);
	*file = (struct dwarf_file){.shared_image.fd = -1};
}
