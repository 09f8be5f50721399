/* SPDX-License-Identifier: GPL-2.0 */
/* Reads jump stubs and the relocations that say where they lead. */
#include <string.h>

#include "probe/elfplt.h"

/* What is searched for a jump's target: more than allocators have, little enough for each jump. */
#define SECTIONS_MAX 2
#define SECTION_MAX (1u << 20)

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

uint64_t elfplt_jump(const uint8_t *code, size_t length, uint64_t address)
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

/* The name and address of symbol `index` of the table that is section `link`. */
static bool symbol_read(const struct elfimage *image, size_t link, uint32_t index,
			struct elfplt *out)
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
	out->address = sym.st_shndx == SHN_UNDEF ? 0 : sym.st_value;
	length = strings.sh_size - sym.st_name;
	if (length > sizeof(out->name))
		length = sizeof(out->name);
	length = elfimage_read(image, strings.sh_offset + sym.st_name, out->name, length);
	if (!memchr(out->name, '\0', length))
		out->name[0] = '\0';
	return true;
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

bool elfplt_slot(const struct elfimage *image, uint64_t slot, struct elfplt *out)
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
			return symbol_read(image, header.sh_link, symbol, out);
	}
	return false;
}

bool elfplt_find(const struct elfimage *image, uint64_t address, struct elfplt *out)
{
	uint64_t slot = jump_slot(image, address);

	return slot && elfplt_slot(image, slot, out);
}
