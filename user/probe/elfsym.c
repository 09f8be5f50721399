/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Looks the probe table's symbols up in a file's .dynsym and .symtab: first
 * where the wanted names are in the table's strings, then every symbol, by the
 * place of its name.  Both stream through small buffers.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "probe/elfname.h"
#include "probe/elfsym.h"

/* Bytes of one table.  The largest of real programs have a quarter of this. */
#define TABLE_MAX (256u << 20)
/* More functions than rows times a few versions in two tables: not a library. */
#define FOUND_MAX 1024
#define CHUNK_SYMBOLS 512

struct match {
	struct elfsym sym;
	bool local;
};

struct search {
	const struct elfimage *image;
	const struct probe_table *table;
	struct elfnames names;
	struct elfplaces places; /* in the string table of the symbols that are read */
	struct match *found;
	size_t count, capacity;
	bool has_malloc; /* the file is an allocator */
	bool is_linker;  /* the file is glibc's dynamic linker */
	unsigned parts;  /* 1 << enum probe_part, of those that it has */
	Elf64_Sym symbols[CHUNK_SYMBOLS];
};

static int search_add(struct search *search, uint32_t row, const Elf64_Sym *sym)
{
	struct match *grown;

	if (search->count == search->capacity) {
		search->capacity = search->capacity ? 2 * search->capacity : 64;
		grown = realloc(search->found, search->capacity * sizeof(*grown));
		if (!grown)
			return -ENOMEM;
		search->found = grown;
	}
	search->found[search->count++] =
	    (struct match){.sym = {.row = row, .address = sym->st_value, .size = sym->st_size},
			   .local = ELF64_ST_BIND(sym->st_info) == STB_LOCAL};
	return 0;
}

/* One symbol with a wanted name.  An IFUNC's value is its resolver, not the function. */
static int take(struct search *search, uint32_t row, const Elf64_Sym *sym)
{
	unsigned type = ELF64_ST_TYPE(sym->st_info);

	if (sym->st_shndx == SHN_UNDEF || sym->st_shndx == SHN_ABS || sym->st_shndx == SHN_COMMON)
		return 0;
	if (row == ELFNAME_LINKER) {
		search->is_linker |= type == STT_OBJECT;
		return 0;
	}
	if (type != STT_FUNC || search->count == FOUND_MAX)
		return type == STT_FUNC ? -E2BIG : 0;
	search->has_malloc |= search->table->rows[row].is_malloc;
	return search_add(search, row, sym);
}

/* Every symbol of one table, of whose strings we know where the wanted ones are. */
static int scan_symbols(struct search *search, uint64_t offset, uint64_t size)
{
	int err = 0;

	while (!err && size >= sizeof(Elf64_Sym)) {
		size_t want = size < sizeof(search->symbols) ? size : sizeof(search->symbols);
		size_t n =
		    elfimage_read(search->image, offset, search->symbols, want) / sizeof(Elf64_Sym);

		if (n == 0)
			break;
		for (size_t i = 0; i < n && !err; i++) {
			int row = elfplaces_row(&search->places, search->symbols[i].st_name);

			if (row >= 0)
				err = take(search, row, &search->symbols[i]);
		}
		offset += n * sizeof(Elf64_Sym);
		size -= n * sizeof(Elf64_Sym);
	}
	return err;
}

static int scan(struct search *search, Elf_Scn *section)
{
	const struct elfimage *image = search->image;
	GElf_Shdr symbols, strings;
	int err;

	if (!elfimage_table(image, section, TABLE_MAX, &symbols) ||
	    !elfimage_table(image, elf_getscn(image->elf, symbols.sh_link), TABLE_MAX, &strings))
		return -ENOEXEC;
	search->places = (struct elfplaces){0};
	err = elfnames_find(&search->names, image, strings.sh_offset, strings.sh_size,
			    &search->places);
	if (!err && search->places.count)
		err = scan_symbols(search, symbols.sh_offset, symbols.sh_size);
	free(search->places.list);
	return err;
}

/* A file has at most one table of each kind; more are not a linker's work. */
static int scan_all(struct search *search)
{
	Elf_Scn *section = NULL, *dynsym = NULL, *symtab = NULL;
	GElf_Shdr header;
	int err = 0;

	while ((section = elf_nextscn(search->image->elf, section))) {
		if (!gelf_getshdr(section, &header))
			return -ENOEXEC;
		if (header.sh_type == SHT_DYNSYM && !dynsym)
			dynsym = section;
		if (header.sh_type == SHT_SYMTAB && !symtab)
			symtab = section;
	}
	if (dynsym)
		err = scan(search, dynsym);
	if (symtab && !err)
		err = scan(search, symtab);
	return err;
}

/*
 * Whether a match stands in this file.  A file-local function of the C
 * library's name is the real one where an allocator was linked in and hidden;
 * elsewhere it is anybody's helper.  The malloc of glibc's dynamic linker only
 * serves the linker itself until the C library is there.
 */
static bool stands_alone(const struct search *search, const struct match *match)
{
	const struct probe_row *row = &search->table->rows[match->sym.row];

	if (row->from_user || !probe_row_allocates(row))
		return true;
	if (search->is_linker)
		return false;
	return search->has_malloc || !(row->needs_malloc || match->local);
}

#define BOTH(part) (3u << (part))

/* And whether what belongs to it does. */
static bool stands(const struct search *search, const struct match *match)
{
	enum probe_part part = search->table->rows[match->sym.row].part;
	bool has_first = (search->parts & BOTH(PART_FIRST)) == BOTH(PART_FIRST);
	bool has_others = (search->parts & BOTH(PART_STAND_IN)) == BOTH(PART_STAND_IN);

	if (!stands_alone(search, match))
		return false;
	if (part == PART_FIRST || part == PART_FIRST_FREE || part == PART_WITH_FIRST)
		return has_first;
	return part == PART_NONE || (has_others && !has_first);
}

static int compare_address(const void *va, const void *vb)
{
	const struct elfsym *a = va, *b = vb;

	return (a->address > b->address) - (a->address < b->address);
}

/* Of two rows at one function: the user's, else the first. */
static uint32_t better_row(const struct probe_table *table, uint32_t a, uint32_t b)
{
	if (table->rows[a].from_user != table->rows[b].from_user)
		return table->rows[a].from_user ? a : b;
	return a < b ? a : b;
}

/* Keeps what stands, each address once. */
static void settle(struct search *search, struct elfsyms *out)
{
	size_t kept = 0;

	for (size_t i = 0; i < search->count; i++)
		if (stands_alone(search, &search->found[i]))
			search->parts |= 1u << search->table->rows[search->found[i].sym.row].part;
	for (size_t i = 0; i < search->count; i++)
		if (stands(search, &search->found[i]))
			out->list[out->count++] = search->found[i].sym;
	qsort(out->list, out->count, sizeof(*out->list), compare_address);
	for (size_t i = 0; i < out->count; i++) {
		struct elfsym *sym = &out->list[i], *last = &out->list[kept ? kept - 1 : 0];

		if (!kept || last->address != sym->address) {
			out->list[kept++] = *sym;
			continue;
		}
		last->row = better_row(search->table, last->row, sym->row);
		if (sym->size > last->size)
			last->size = sym->size;
	}
	out->count = kept;
}

int elfsym_find(const struct elfimage *image, const char *path, const struct probe_table *table,
		struct elfsyms *out, char *errbuf, size_t errlen)
{
	struct search *search = calloc(1, sizeof(*search));
	int err;

	*out = (struct elfsyms){0};
	if (!search)
		return -ENOMEM;
	search->image = image;
	search->table = table;
	elfnames_init(&search->names, table, path);
	err = scan_all(search);
	if (err == -ENOEXEC)
		elfimage_fail(errbuf, errlen, "its symbol table is broken or too large");
	if (err == -E2BIG)
		err = elfimage_fail(errbuf, errlen,
				    "it defines allocation functions by the thousand");
	if (err || !search->count)
		goto out;
	out->list = calloc(search->count, sizeof(*out->list));
	if (out->list)
		settle(search, out);
	else
		err = -ENOMEM;
out:
	free(search->found);
	free(search);
	return err;
}
