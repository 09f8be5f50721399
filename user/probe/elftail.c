/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Follows a function's first jump, directly or through the procedure linkage
 * table.  The jump must be the first instruction (but for endbr64): then the
 * arguments and the return address are still the caller's.
 */
#include <string.h>

#include "probe/elftail.h"

/* What is searched for a jump's target: more than allocators have, little enough for each jump. */
#define SECTIONS_MAX 2
#define SECTION_MAX (1u << 20)
#define NAME_MAX_LENGTH 64 /* longer than any of the table's */

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

/* The name of symbol `index` of the table that is section `link`; false if there is none that fits.
 */
static bool symbol_name(const struct elfimage *image, size_t link, uint32_t index, char *name,
			size_t size)
{
	GElf_Shdr symbols, strings;
	Elf64_Sym sym;
	size_t length;

	if (!elfimage_table(image, elf_getscn(image->elf, link), UINT64_MAX, &symbols) ||
	    !elfimage_table(image, elf_getscn(image->elf, symbols.sh_link), UINT64_MAX, &strings) ||
	    index >= symbols.sh_size / sizeof(sym) ||
	    elfimage_read(image, symbols.sh_offset + index * sizeof(sym), &sym, sizeof(sym)) !=
		sizeof(sym) ||
	    sym.st_name >= strings.sh_size)
		return false;
	length = strings.sh_size - sym.st_name < size ? strings.sh_size - sym.st_name : size;
	length = elfimage_read(image, strings.sh_offset + sym.st_name, name, length);
	return memchr(name, '\0', length) != NULL;
}

/* The symbol whose address the dynamic linker writes to `slot`, by one section; 0 if none. */
static uint32_t slot_symbol(const struct elfimage *image, const GElf_Shdr *section, uint64_t slot)
{
	Elf64_Rela relocations[128];
	uint64_t done = 0;
	size_t n;

	while (done < section->sh_size) {
		n = section->sh_size - done;
		if (n > sizeof(relocations))
			n = sizeof(relocations);
		n = elfimage_read(image, section->sh_offset + done, relocations, n);
		n /= sizeof(relocations[0]);
		if (n == 0)
			break;
		for (size_t i = 0; i < n; i++) {
			uint32_t type = ELF64_R_TYPE(relocations[i].r_info);

			if (relocations[i].r_offset == slot &&
			    (type == R_X86_64_JUMP_SLOT || type == R_X86_64_GLOB_DAT))
				return ELF64_R_SYM(relocations[i].r_info);
		}
		done += n * sizeof(relocations[0]);
	}
	return 0;
}

/* The name of the function whose address the dynamic linker writes to `slot`. */
static bool slot_name(const struct elfimage *image, uint64_t slot, char *name, size_t size)
{
	Elf_Scn *section = NULL;
	GElf_Shdr header;
	uint32_t symbol;
	int left = SECTIONS_MAX;

	while (left > 0 && (section = elf_nextscn(image->elf, section))) {
		if (!elfimage_table(image, section, SECTION_MAX, &header) ||
		    header.sh_type != SHT_RELA)
			continue;
		left--;
		symbol = slot_symbol(image, &header, slot);
		if (symbol)
			return symbol_name(image, header.sh_link, symbol, name, size);
	}
	return false;
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
	char name[NAME_MAX_LENGTH];
	uint64_t slot;

	if (!target || table->rows[sym->row].from_user)
		return false;
	for (size_t i = 0; i < syms->count; i++)
		if (i != index && syms->list[i].address == target)
			return same_spec(table, sym->row, syms->list[i].row);
	slot = jump_slot(image, target);
	if (!slot || !slot_name(image, slot, name, sizeof(name)))
		return false;
	for (uint32_t i = 0; i < table->count; i++)
		if (!table->rows[i].from_user && strcmp(table->rows[i].symbol, name) == 0)
			return same_spec(table, sym->row, i);
	return false;
}
