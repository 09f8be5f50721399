/* SPDX-License-Identifier: GPL-2.0 */
/* Opening ELF files that are not to be trusted. */
#include "symbol/image.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define SEGMENTS_MAX 256
#define PHDRS_MAX 4096
#define NOTE_MAX ((uint64_t)64 << 10)
#define NOTES_MAX 64
#define SECTION_NAMES_MAX ((uint64_t)4 << 20)

bool budget_take(struct budget *budget, uint64_t bytes)
{
	if (bytes > budget->left) {
		budget->refused++;
		return false;
	}
	budget->left -= bytes;
	return true;
}

/* Where the ELF header has its counts. */
struct header_layout {
	size_t size, shoff, shoff_size, phnum, shnum;
};

static const struct header_layout layouts[] = {
    [ELFCLASS32] = {sizeof(Elf32_Ehdr), offsetof(Elf32_Ehdr, e_shoff), sizeof(Elf32_Off),
		    offsetof(Elf32_Ehdr, e_phnum), offsetof(Elf32_Ehdr, e_shnum)},
    [ELFCLASS64] = {sizeof(Elf64_Ehdr), offsetof(Elf64_Ehdr, e_shoff), sizeof(Elf64_Off),
		    offsetof(Elf64_Ehdr, e_phnum), offsetof(Elf64_Ehdr, e_shnum)},
};

/*
 * libelf makes a record for every section before we can look at one.  Counts
 * over 16 bits hide in section 0 and may reach 2^32: no linked file needs them.
 */
static bool header_is_sane(const unsigned char *header, size_t size)
{
	static const unsigned char zero[sizeof(Elf64_Off)];
	static const unsigned char ones[sizeof(Elf64_Half)] = {0xff, 0xff};
	const struct header_layout *layout;

	if (size < EI_NIDENT || memcmp(header, ELFMAG, SELFMAG) || header[EI_DATA] != IMAGE_DATA ||
	    (header[EI_CLASS] != ELFCLASS32 && header[EI_CLASS] != ELFCLASS64))
		return false;
	layout = &layouts[header[EI_CLASS]];
	if (size < layout->size || !memcmp(header + layout->phnum, ones, sizeof(ones)))
		return false;
	return memcmp(header + layout->shnum, zero, sizeof(Elf64_Half)) ||
	       !memcmp(header + layout->shoff, zero, layout->shoff_size);
}

static int segments_read(struct image *image)
{
	size_t i, count;
	GElf_Phdr phdr;

	if (elf_getphdrnum(image->elf, &count))
		return -ENOEXEC;
	if (count > PHDRS_MAX)
		count = PHDRS_MAX;
	image->segments =
	    calloc(count < SEGMENTS_MAX ? count + 1 : SEGMENTS_MAX, sizeof(*image->segments));
	if (!image->segments)
		return -ENOMEM;
	for (i = 0; i < count && image->segment_count < SEGMENTS_MAX; i++) {
		if (!gelf_getphdr(image->elf, (int)i, &phdr) || phdr.p_type != PT_LOAD ||
		    !phdr.p_filesz || phdr.p_offset + phdr.p_filesz < phdr.p_offset ||
		    phdr.p_vaddr + phdr.p_filesz < phdr.p_vaddr)
			continue;
		image->segments[image->segment_count++] = (struct segment){
		    phdr.p_offset,
		    phdr.p_filesz,
		    phdr.p_vaddr,
		    phdr.p_flags & PF_X,
		};
	}
	return 0;
}

/* Whether section names can be looked up: libelf searches for their end on every look. */
static bool names_are_sane(Elf *elf)
{
	size_t index;
	GElf_Shdr shdr;
	Elf_Scn *scn;
	Elf_Data *data;

	if (elf_getshdrstrndx(elf, &index) || index == SHN_UNDEF)
		return false;
	scn = elf_getscn(elf, index);
	if (!scn || !gelf_getshdr(scn, &shdr) || shdr.sh_type != SHT_STRTAB ||
	    (shdr.sh_flags & SHF_COMPRESSED) || !shdr.sh_size || shdr.sh_size > SECTION_NAMES_MAX)
		return false;
	data = elf_getdata(scn, NULL);
	return data && data->d_buf && data->d_size && !((char *)data->d_buf)[data->d_size - 1];
}

static bool note_read_id(struct image *image, Elf_Data *data)
{
	size_t name, desc, at = 0;
	GElf_Nhdr note;

	while (data && data->d_buf && (at = gelf_getnote(data, at, &note, &name, &desc)) > 0) {
		if (note.n_type != NT_GNU_BUILD_ID || note.n_namesz != sizeof(ELF_NOTE_GNU) ||
		    memcmp((char *)data->d_buf + name, ELF_NOTE_GNU, sizeof(ELF_NOTE_GNU)) ||
		    !note.n_descsz || note.n_descsz > IMAGE_ID_MAX)
			continue;
		memcpy(image->id, (char *)data->d_buf + desc, note.n_descsz);
		image->id_size = note.n_descsz;
		return true;
	}
	return false;
}

/* By section where there are any: a debug file's segments point at what it lacks. */
static void id_read(struct image *image)
{
	Elf_Scn *scn = NULL;
	size_t i, count;
	unsigned notes = 0;
	GElf_Shdr shdr;
	GElf_Phdr phdr;

	while (image->has_sections && (scn = elf_nextscn(image->elf, scn))) {
		if (!gelf_getshdr(scn, &shdr) || shdr.sh_type != SHT_NOTE ||
		    shdr.sh_size > NOTE_MAX || (shdr.sh_flags & SHF_COMPRESSED))
			continue;
		if (note_read_id(image, elf_getdata(scn, NULL)) || ++notes == NOTES_MAX)
			return;
	}
	if (image->has_sections || elf_getphdrnum(image->elf, &count))
		return;
	for (i = 0; i < count && i < PHDRS_MAX; i++) {
		if (!gelf_getphdr(image->elf, (int)i, &phdr) || phdr.p_type != PT_NOTE ||
		    phdr.p_filesz > NOTE_MAX)
			continue;
		if (note_read_id(image, elf_getdata_rawchunk(
					    image->elf, (int64_t)phdr.p_offset, phdr.p_filesz,
					    phdr.p_align == 8 ? ELF_T_NHDR8 : ELF_T_NHDR)) ||
		    ++notes == NOTES_MAX)
			return;
	}
}

static int image_read(struct image *image)
{
	GElf_Ehdr ehdr;
	int err;

	if (!image->elf || elf_kind(image->elf) != ELF_K_ELF || !gelf_getehdr(image->elf, &ehdr) ||
	    (ehdr.e_type != ET_EXEC && ehdr.e_type != ET_DYN && ehdr.e_type != ET_REL))
		return -ENOEXEC;
	err = segments_read(image);
	if (err)
		return err;
	image->has_sections = names_are_sane(image->elf);
	id_read(image);
	return 0;
}

int image_open(struct image *image, int fd)
{
	unsigned char header[sizeof(Elf64_Ehdr)];
	struct stat st;
	ssize_t size;
	int err;

	*image = (struct image){.fd = fd};
	err = -ENOEXEC;
	if (fstat(fd, &st) || !S_ISREG(st.st_mode))
		goto fail;
	size = pread(fd, header, sizeof(header), 0);
	if (size < 0 || !header_is_sane(header, (size_t)size))
		goto fail;
	elf_version(EV_CURRENT);
	image->elf = elf_begin(fd, ELF_C_READ, NULL);
	err = image_read(image);
	if (err)
		goto fail;
	return 0;
fail:
	image_close(image);
	return err;
}

int image_open_memory(struct image *image, void *memory, size_t size)
{
	int err = -ENOEXEC;

	*image = (struct image){.fd = -1, .memory = memory};
	if (!header_is_sane(memory, size))
		goto fail;
	elf_version(EV_CURRENT);
	image->elf = elf_memory(memory, size);
	err = image_read(image);
	if (err)
		goto fail;
	return 0;
fail:
	image_close(image);
	return err;
}

void image_detach(struct image *image)
{
	if (image->fd < 0)
		return;
	if (image->elf)
		elf_cntl(image->elf, ELF_C_FDDONE);
	close(image->fd);
	image->fd = -1;
}

void image_close(struct image *image)
{
	elf_end(image->elf);
	if (image->fd >= 0)
		close(image->fd);
	free(image->memory);
	free(image->segments);
	*image = (struct image){.fd = -1};
}

const char *image_section_name(const struct image *image, const GElf_Shdr *shdr)
{
	const char *name = NULL;
	size_t index;

	if (image->has_sections && !elf_getshdrstrndx(image->elf, &index))
		name = elf_strptr(image->elf, index, shdr->sh_name);
	return name ? name : "";
}

Elf_Scn *image_section(const struct image *image, const char *name, GElf_Shdr *shdr)
{
	Elf_Scn *scn = NULL;

	while (image->has_sections && (scn = elf_nextscn(image->elf, scn))) {
		if (gelf_getshdr(scn, shdr) && shdr->sh_type != SHT_NOBITS && shdr->sh_size &&
		    !strcmp(image_section_name(image, shdr), name))
			return scn;
	}
	return NULL;
}

Elf_Data *image_data(Elf_Scn *scn, const GElf_Shdr *shdr, uint64_t limit, struct budget *budget)
{
	Elf_Data *data;

	if (!scn || shdr->sh_type == SHT_NOBITS || (shdr->sh_flags & SHF_COMPRESSED))
		return NULL;
	if (shdr->sh_size > limit) {
		budget->refused++;
		return NULL;
	}
	if (!budget_take(budget, shdr->sh_size))
		return NULL;
	data = elf_getdata(scn, NULL);
	return data && data->d_buf && data->d_size ? data : NULL;
}

bool image_address(const struct image *image, uint64_t offset, uint64_t *address)
{
	const struct segment *s, *found = NULL;

	for (s = image->segments; s < image->segments + image->segment_count; s++) {
		if (offset - s->offset < s->size && (!found || (s->code && !found->code)))
			found = s;
	}
	if (found)
		*address = found->address + (offset - found->offset);
	return found;
}

bool image_offset(const struct image *image, uint64_t address, uint64_t *offset)
{
	const struct segment *s;

	for (s = image->segments; s < image->segments + image->segment_count; s++) {
		if (address - s->address < s->size) {
			*offset = s->offset + (address - s->address);
			return true;
		}
	}
	return false;
}

uint64_t image_code_end(const struct image *image, uint64_t address)
{
	const struct segment *s;

	for (s = image->segments; s < image->segments + image->segment_count; s++) {
		if (s->code && address - s->address < s->size)
			return s->address + s->size;
	}
	return 0;
}
