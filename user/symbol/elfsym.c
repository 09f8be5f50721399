/* SPDX-License-Identifier: GPL-2.0 */
/* Symbol tables made searchable by address. */
#include "symbol/elfsym.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"

#define SYMBOLS_MAX ((size_t)8 << 20)
#define TABLE_MAX ((uint64_t)1 << 30)
/* Names are compared up to here: a hostile table may name one long string many times. */
#define NAME_COMPARED 4096

struct elfsym {
	uint64_t address, size;
	uint64_t limit; /* end of its section */
	const char *name;
	uint32_t length;
	uint16_t underscores;
	bool local;
};

/* Of several symbols at one address the first in this order gives its name. */
static int alias_order(const struct elfsym *x, const struct elfsym *y)
{
	if (!x->size != !y->size)
		return !x->size - !y->size;
	if (x->local != y->local)
		return x->local - y->local;
	if (x->underscores != y->underscores)
		return x->underscores < y->underscores ? -1 : 1;
	if (x->length != y->length)
		return x->length < y->length ? -1 : 1;
	return strncmp(x->name, y->name, NAME_COMPARED);
}

static int symbol_order(const void *a, const void *b)
{
	const struct elfsym *x = a, *y = b;

	if (x->address != y->address)
		return x->address < y->address ? -1 : 1;
	return alias_order(x, y);
}

static int symbol_add(struct elfsyms *syms, const struct elfsym *sym)
{
	if (array_reserve(&syms->items, syms->count, &syms->room, sizeof(*syms->items)))
		return -ENOMEM;
	syms->items[syms->count++] = *sym;
	return 0;
}

struct table {
	Elf *elf;
	Elf_Data *symbols, *names;
	size_t names_size; /* up to and with the last NUL */
	int machine;
};

/* Whether symbol `i` may name code; if so, fills `out`. */
static bool symbol_read(const struct table *t, size_t i, struct elfsym *out)
{
	GElf_Shdr shdr;
	GElf_Sym sym;
	unsigned type;

	if (!gelf_getsym(t->symbols, (int)i, &sym) || sym.st_name >= t->names_size)
		return false;
	type = GELF_ST_TYPE(sym.st_info);
	if ((type != STT_FUNC && type != STT_GNU_IFUNC && type != STT_NOTYPE) ||
	    sym.st_shndx == SHN_UNDEF || sym.st_shndx >= SHN_LORESERVE)
		return false;
	if (!gelf_getshdr(elf_getscn(t->elf, sym.st_shndx), &shdr) ||
	    !(shdr.sh_flags & SHF_EXECINSTR))
		return false;
	out->name = (char *)t->names->d_buf + sym.st_name;
	/* "$x", "$d": where code and data begin, on ARM. */
	if (!*out->name || (type == STT_NOTYPE && *out->name == '$'))
		return false;
	out->address = sym.st_value;
	if (t->machine == EM_ARM && type == STT_FUNC)
		out->address &= ~(uint64_t)1;
	out->size = sym.st_size;
	out->limit = shdr.sh_addr + shdr.sh_size;
	out->local = GELF_ST_BIND(sym.st_info) == STB_LOCAL;
	out->length = (uint32_t)strnlen(out->name, NAME_COMPARED);
	out->underscores = (uint16_t)strspn(out->name, "_") & 0xff;
	return true;
}

static int table_collect(struct elfsyms *syms, const struct table *t, size_t count)
{
	struct elfsym sym;
	size_t i;
	int err;

	for (i = 1; i < count && syms->count < SYMBOLS_MAX; i++) {
		if (!symbol_read(t, i, &sym))
			continue;
		err = symbol_add(syms, &sym);
		if (err)
			return err;
	}
	return 0;
}

static int table_open(struct elfsyms *syms, const struct image *image, Elf_Scn *scn,
		      const GElf_Shdr *shdr, struct budget *budget)
{
	struct table t = {.elf = image->elf};
	Elf_Scn *names = elf_getscn(image->elf, shdr->sh_link);
	GElf_Shdr names_shdr;
	GElf_Ehdr ehdr;
	const char *last;

	if (!shdr->sh_entsize || !names || !gelf_getshdr(names, &names_shdr) ||
	    names_shdr.sh_type != SHT_STRTAB || !gelf_getehdr(image->elf, &ehdr))
		return 0;
	t.machine = ehdr.e_machine;
	t.symbols = image_data(scn, shdr, TABLE_MAX, budget);
	t.names = t.symbols ? image_data(names, &names_shdr, TABLE_MAX, budget) : NULL;
	if (!t.names)
		return 0;
	last = memrchr(t.names->d_buf, '\0', t.names->d_size);
	if (!last)
		return 0;
	t.names_size = (size_t)(last - (char *)t.names->d_buf) + 1;
	return table_collect(syms, &t,
			     t.symbols->d_size / gelf_fsize(image->elf, ELF_T_SYM, 1, EV_CURRENT));
}

static int section_collect(struct elfsyms *syms, const struct image *image, Elf_Scn *scn,
			   struct budget *budget)
{
	GElf_Shdr shdr;

	if (!gelf_getshdr(scn, &shdr))
		return 0;
	if (shdr.sh_type == SHT_SYMTAB || shdr.sh_type == SHT_DYNSYM)
		return table_open(syms, image, scn, &shdr, budget);
	if ((shdr.sh_flags & SHF_EXECINSTR) &&
	    !strncmp(image_section_name(image, &shdr), ".plt", 4) &&
	    ranges_add(&syms->stubs, shdr.sh_addr, shdr.sh_addr + shdr.sh_size, 0) == -ENOMEM)
		return -ENOMEM;
	return 0;
}

int elfsyms_collect(struct elfsyms *syms, const struct image *image, struct budget *budget)
{
	Elf_Scn *scn = NULL;
	int err;

	while (image->has_sections && (scn = elf_nextscn(image->elf, scn))) {
		err = section_collect(syms, image, scn, budget);
		if (err)
			return err;
	}
	return 0;
}

/*
 * Adds the symbols [first, next) of one address; what follows begins at
 * `after`.  *covered is where the sized ones before end: a symbol without a size
 * in there is a label in a function, and not a function.
 */
static int group_add(struct elfsyms *syms, const struct elfsym *first, const struct elfsym *next,
		     uint64_t after, uint64_t *covered)
{
	uint64_t size = first->size, end;
	const struct elfsym *s;

	for (s = first; s < next; s++)
		size = s->size > size ? s->size : size;
	if (size) {
		end = first->address + size;
		if (end < first->address)
			end = first->limit;
		*covered = end > *covered ? end : *covered;
		return ranges_add(&syms->sized, first->address, end, (uintptr_t)first->name);
	}
	if (first->address < *covered)
		return 0;
	end = after < first->limit ? after : first->limit;
	return ranges_add(&syms->unsized, first->address, end, (uintptr_t)first->name);
}

int elfsyms_finish(struct elfsyms *syms, const struct image *main)
{
	uint64_t covered = 0;
	size_t i, next;
	int err = 0;

	if (syms->count)
		qsort(syms->items, syms->count, sizeof(*syms->items), symbol_order);
	for (i = 0; i < syms->count && err != -ENOMEM; i = next) {
		const struct elfsym *items = syms->items;

		for (next = i + 1; next < syms->count; next++) {
			if (items[next].address != items[i].address)
				break;
		}
		if (image_code_end(main, items[i].address))
			err = group_add(syms, items + i, items + next,
					next < syms->count ? items[next].address : UINT64_MAX,
					&covered);
	}
	free(syms->items);
	syms->items = NULL;
	syms->count = syms->room = 0;
	ranges_sort(&syms->sized);
	ranges_sort(&syms->unsized);
	ranges_sort(&syms->stubs);
	return err == -ENOMEM ? err : 0;
}

const char *elfsyms_find(const struct elfsyms *syms, uint64_t address)
{
	const struct range *r = ranges_find(&syms->sized, address);

	if (!r)
		r = ranges_find(&syms->unsized, address);
	return r ? (const char *)(uintptr_t)r->value : NULL;
}

bool elfsyms_is_stub(const struct elfsyms *syms, uint64_t address)
{
	return ranges_find(&syms->stubs, address);
}

void elfsyms_free(struct elfsyms *syms)
{
	free(syms->items);
	ranges_free(&syms->sized);
	ranges_free(&syms->unsized);
	ranges_free(&syms->stubs);
	*syms = (struct elfsyms){0};
}
