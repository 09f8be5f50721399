/* SPDX-License-Identifier: GPL-2.0 */
/* Reads jump stubs and the relocations that say where they lead. */
#include <stdlib.h>
#include <string.h>

#include "probe/elfplt.h"

/* What is searched for a jump's target: more than allocators have, little enough for each jump. */
#define SECTIONS_MAX 2
#define SECTION_MAX (1u << 20)
/* Of symbols; libtorch_cpu has one MiB. */
#define SYMBOLS_MAX (32u << 20)

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

/* jmp *disp(%rip) */
uint64_t elfplt_pointer(const uint8_t *code, size_t length, uint64_t address)
{
	size_t at = skip_decoration(code, length);
	int32_t distance;

	if (length - at < 6 || code[at] != 0xff || code[at + 1] != 0x25)
		return 0;
	memcpy(&distance, code + at + 2, sizeof(distance));
	return address + at + 6 + distance;
}

uint64_t elfplt_through(const struct elfimage *image, uint64_t address)
{
	uint8_t code[ELFPLT_STUB];
	uint64_t offset, room;
	size_t length;

	if (!elfimage_code(image, address, &offset, &room))
		return 0;
	length = elfimage_read(image, offset, code, room < sizeof(code) ? room : sizeof(code));
	return elfplt_pointer(code, length, address);
}

/* The symbols that a section of relocations is about, and their names. */
struct symbols {
	GElf_Shdr table, names;
};

static bool symbols_find(const struct elfimage *image, size_t link, struct symbols *symbols)
{
	return elfimage_table(image, elf_getscn(image->elf, link), UINT64_MAX, &symbols->table) &&
	       elfimage_table(image, elf_getscn(image->elf, symbols->table.sh_link), UINT64_MAX,
			      &symbols->names);
}

static bool symbol_read(const struct elfimage *image, const struct symbols *symbols, uint32_t index,
			Elf64_Sym *sym)
{
	return index < symbols->table.sh_size / sizeof(*sym) &&
	       elfimage_read(image, symbols->table.sh_offset + index * sizeof(*sym), sym,
			     sizeof(*sym)) == sizeof(*sym) &&
	       sym->st_name < symbols->names.sh_size;
}

/* Empty if there is no room for it. */
static void symbol_name(const struct elfimage *image, const struct symbols *symbols,
			const Elf64_Sym *sym, char name[ELFPLT_NAME])
{
	size_t length = symbols->names.sh_size - sym->st_name;

	if (length > ELFPLT_NAME)
		length = ELFPLT_NAME;
	length = elfimage_read(image, symbols->names.sh_offset + sym->st_name, name, length);
	if (!memchr(name, '\0', length))
		name[0] = '\0';
}

static uint64_t symbol_address(const Elf64_Sym *sym)
{
	return sym->st_shndx == SHN_UNDEF ? 0 : sym->st_value;
}

/* The name and address of symbol `index` of the table that is section `link`. */
static bool stub_read(const struct elfimage *image, size_t link, uint32_t index, struct elfplt *out)
{
	struct symbols symbols;
	Elf64_Sym sym;

	if (!symbols_find(image, link, &symbols) || !symbol_read(image, &symbols, index, &sym))
		return false;
	out->address = symbol_address(&sym);
	symbol_name(image, &symbols, &sym, out->name);
	return true;
}

/*
 * `fn` for each pointer of one section that the dynamic linker fills in with the address of a
 * symbol, until it returns true; whether it did.
 */
typedef bool slot_fn(uint64_t slot, uint32_t symbol, void *context);

static bool each_slot(const struct elfimage *image, const GElf_Shdr *section, slot_fn *fn,
		      void *context)
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

			if ((type == R_X86_64_JUMP_SLOT || type == R_X86_64_GLOB_DAT) &&
			    fn(relocations[i].r_offset, ELF64_R_SYM(relocations[i].r_info),
			       context))
				return true;
		}
		done += n * sizeof(relocations[0]);
	}
	return false;
}

/* The next section of relocations, of the `left` that are looked at; NULL: there is none. */
static Elf_Scn *next_relocations(const struct elfimage *image, Elf_Scn *section, int *left,
				 GElf_Shdr *header)
{
	while (*left > 0 && (section = elf_nextscn(image->elf, section)))
		if (elfimage_table(image, section, SECTION_MAX, header) &&
		    header->sh_type == SHT_RELA) {
			--*left;
			return section;
		}
	return NULL;
}

struct slot_search {
	uint64_t slot;
	uint32_t symbol;
};

static bool is_slot(uint64_t slot, uint32_t symbol, void *context)
{
	struct slot_search *search = context;

	if (slot != search->slot || !symbol)
		return false;
	search->symbol = symbol;
	return true;
}

bool elfplt_slot(const struct elfimage *image, uint64_t slot, struct elfplt *out)
{
	struct slot_search search = {.slot = slot};
	Elf_Scn *section = NULL;
	GElf_Shdr header;
	int left = SECTIONS_MAX;

	while ((section = next_relocations(image, section, &left, &header)))
		if (each_slot(image, &header, is_slot, &search))
			return stub_read(image, header.sh_link, search.symbol, out);
	return false;
}

struct function_search {
	const struct elfimage *image;
	const char *name;
	uint64_t address;
	struct symbols symbols;
	Elf64_Sym *table; /* all of them */
	uint64_t *slots;
	size_t count, room;
};

static bool leads_to(uint64_t slot, uint32_t symbol, void *context)
{
	struct function_search *search = context;
	const Elf64_Sym *sym = &search->table[symbol];
	char name[ELFPLT_NAME];

	/* Most are not, by their address, and names are read for the others only. */
	if (symbol >= search->symbols.table.sh_size / sizeof(*sym) ||
	    sym->st_name >= search->symbols.names.sh_size || symbol_address(sym) != search->address)
		return false;
	symbol_name(search->image, &search->symbols, sym, name);
	if (!strcmp(name, search->name))
		search->slots[search->count++] = slot;
	return search->count == search->room;
}

/* True if there is room for no more slots. */
static bool search_section(struct function_search *search, const GElf_Shdr *section)
{
	const GElf_Shdr *table = &search->symbols.table;
	bool full = false;

	if (!symbols_find(search->image, section->sh_link, &search->symbols) ||
	    table->sh_size > SYMBOLS_MAX)
		return false;
	search->table = malloc(table->sh_size + 1);
	if (search->table && elfimage_read(search->image, table->sh_offset, search->table,
					   table->sh_size) == table->sh_size)
		full = each_slot(search->image, section, leads_to, search);
	free(search->table);
	return full;
}

size_t elfplt_slots(const struct elfimage *image, const char *name, uint64_t address,
		    uint64_t *slots, size_t room)
{
	struct function_search search = {
	    .image = image, .name = name, .address = address, .slots = slots, .room = room};
	Elf_Scn *section = NULL;
	GElf_Shdr header;
	int left = SECTIONS_MAX;

	while ((section = next_relocations(image, section, &left, &header)))
		if (search_section(&search, &header))
			break;
	return search.count;
}

bool elfplt_find(const struct elfimage *image, uint64_t address, struct elfplt *out)
{
	uint64_t slot = elfplt_through(image, address);

	return slot && elfplt_slot(image, slot, out);
}
