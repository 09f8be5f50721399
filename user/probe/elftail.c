/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Follows a function's first jump, directly or through the procedure linkage
 * table.  The jump must be the first instruction (but for endbr64): then the
 * arguments and the return address are still the caller's.
 */
#include <string.h>

#include "probe/elftail.h"

static const uint8_t endbr64[] = {0xf3, 0x0f, 0x1e, 0xfa};

/* Steps over endbr64 and over a bnd prefix; returns how many bytes. */
static size_t skip_decoration(const uint8_t *code, size_t length)
{
	size_t at = 0;

	if (length >= sizeof(endbr64) && memcmp(code, endbr64, sizeof(endbr64)) == 0)
		at = sizeof(endbr64);
	if (at < length && code[at] == 0xf2)
		at++;
	return at;
}

/* Where a direct jump at the start of the code at `address` leads, 0 if there is none. */
static uint64_t jump_target(const uint8_t *code, size_t length, uint64_t address)
{
	size_t at = skip_decoration(code, length);
	int32_t distance;

	if (length - at >= 5 && code[at] == 0xe9) {
		memcpy(&distance, code + at + 1, sizeof(distance));
		return address + at + 5 + distance;
	}
	if (length - at >= 2 && code[at] == 0xeb)
		return address + at + 2 + (int8_t)code[at + 1];
	return 0;
}

/* The address of the pointer through which the code at `address` jumps: jmp *disp(%rip). */
static uint64_t jump_slot(const struct elfimage *image, uint64_t address)
{
	uint8_t code[16];
	uint64_t offset, room;
	size_t length, at;
	int32_t distance;

	if (!elfimage_code(image, address, &offset, &room))
		return 0;
	length = elfimage_read(image, offset, code, room < sizeof(code) ? room : sizeof(code));
	at = skip_decoration(code, length);
	if (length - at < 6 || code[at] != 0xff || code[at + 1] != 0x25)
		return 0;
	memcpy(&distance, code + at + 2, sizeof(distance));
	return address + at + 6 + distance;
}

/* The name of symbol `index` of the table that section `link` holds, or NULL. */
static const char *symbol_name(const struct elfimage *image, size_t link, size_t index)
{
	Elf_Scn *section = elf_getscn(image->elf, link);
	Elf_Data *symbols = elfimage_section(image, section);
	GElf_Shdr header;
	GElf_Sym sym;

	if (!symbols || index > INT32_MAX || !gelf_getsym(symbols, index, &sym) ||
	    !gelf_getshdr(section, &header))
		return NULL;
	return elfimage_string(elfimage_section(image, elf_getscn(image->elf, header.sh_link)),
			       sym.st_name);
}

/* The name of the function whose address the dynamic linker writes to `slot`, or NULL. */
static const char *slot_name(const struct elfimage *image, uint64_t slot)
{
	Elf_Scn *section = NULL;
	GElf_Shdr header;

	while ((section = elf_nextscn(image->elf, section))) {
		const Elf_Data *data;
		const Elf64_Rela *rela;

		if (!gelf_getshdr(section, &header) || header.sh_type != SHT_RELA)
			continue;
		data = elfimage_section(image, section);
		rela = data ? data->d_buf : NULL;
		for (size_t n = rela ? data->d_size / sizeof(*rela) : 0; n > 0; n--, rela++) {
			uint32_t type = ELF64_R_TYPE(rela->r_info);

			if (rela->r_offset == slot &&
			    (type == R_X86_64_JUMP_SLOT || type == R_X86_64_GLOB_DAT))
				return symbol_name(image, header.sh_link,
						   ELF64_R_SYM(rela->r_info));
		}
	}
	return NULL;
}

static bool same_spec(const struct probe_table *table, uint32_t a, uint32_t b)
{
	return memcmp(&table->rows[a].spec, &table->rows[b].spec, sizeof(struct ms_row)) == 0;
}

bool elftail_jumps_on(const struct elfimage *image, const struct elfsyms *syms, size_t index,
		      const struct probe_table *table, const uint8_t *code, size_t length)
{
	const struct elfsym *sym = &syms->list[index];
	uint64_t target = jump_target(code, length, sym->address);
	uint64_t slot;
	const char *name;

	if (!target || table->rows[sym->row].from_user)
		return false;
	for (size_t i = 0; i < syms->count; i++)
		if (i != index && syms->list[i].address == target)
			return same_spec(table, sym->row, syms->list[i].row);
	slot = jump_slot(image, target);
	name = slot ? slot_name(image, slot) : NULL;
	if (!name)
		return false;
	for (uint32_t i = 0; i < table->count; i++)
		if (!table->rows[i].from_user && strcmp(table->rows[i].symbol, name) == 0)
			return same_spec(table, sym->row, i);
	return false;
}
