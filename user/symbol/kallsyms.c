/* SPDX-License-Identifier: GPL-2.0 */
/*
 * One line is "ffffffff81a9e7e0 t load_msg", and for a module's "\t[name]" behind it.
 * Symbols have no size: a function goes up to the next symbol of any kind.
 */
#include "symbol/kallsyms.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "symbol/intern.h"

/* No function is larger; what lies further behind the last symbol is another's. */
#define FUNCTION_MAX ((uint64_t)1 << 20)

struct symbol {
	uint64_t address;
	const char *name; /* NULL: not code, it only ends what is before it */
	const char *module;
	uint32_t rank; /* of several at one address the lowest counts */
	uint32_t line;
};

struct kallsyms {
	struct intern *texts;
	struct symbol *symbols; /* sorted by address, each address once */
	size_t count, room;
	size_t functions;
	size_t hidden; /* lines with a name and no address */
};

/* ---- one line ------------------------------------------------------------- */

/* A name that others use, too, before a local one, before an alias of either. */
static uint32_t rank_of(char type)
{
	switch (type) {
	case 'T':
		return 0;
	case 't':
		return 1;
	case 'W':
	case 'w':
		return 2;
	default:
		return 3;
	}
}

static int add(struct kallsyms *k, const struct symbol *symbol)
{
	if (array_reserve(&k->symbols, k->count, &k->room, sizeof(*k->symbols)))
		return -ENOMEM;
	k->symbols[k->count++] = *symbol;
	return 0;
}

/* "\t[name]" of a module, or what stands for the kernel itself. */
static const char *module_of(struct kallsyms *k, const char *text)
{
	size_t length;

	while (isspace((unsigned char)*text))
		text++;
	length = strcspn(text, "]\n");
	if (*text != '[' || length < 2)
		return intern_text(k->texts, "vmlinux", SIZE_MAX);
	return intern_text(k->texts, text + 1, length - 1);
}

static int take_line(struct kallsyms *k, const char *line, uint32_t number)
{
	struct symbol symbol = {.line = number};
	char *end, type;
	size_t length;

	if (!isxdigit((unsigned char)*line))
		return 0;
	errno = 0;
	symbol.address = strtoull(line, &end, 16);
	if (errno || end[0] != ' ' || !isalpha((unsigned char)end[1]) || end[2] != ' ')
		return 0;
	type = end[1];
	length = strcspn(end + 3, " \t\n");
	if (!length)
		return 0;
	symbol.rank = rank_of(type);
	if (!symbol.address) {
		k->hidden += symbol.rank < 3;
		return 0;
	}
	if (symbol.rank < 3) {
		symbol.name = intern_text(k->texts, end + 3, length);
		symbol.module = module_of(k, end + 3 + length);
		if (!symbol.name || !symbol.module)
			return -ENOMEM;
	}
	return add(k, &symbol);
}

/* ---- all of them ------------------------------------------------------------ */

static int compare(const void *a, const void *b)
{
	const struct symbol *x = a, *y = b;

	if (x->address != y->address)
		return x->address < y->address ? -1 : 1;
	if (x->rank != y->rank)
		return x->rank < y->rank ? -1 : 1;
	return x->line < y->line ? -1 : x->line > y->line;
}

static void sort(struct kallsyms *k)
{
	size_t i, count = 0;

	if (k->count)
		qsort(k->symbols, k->count, sizeof(*k->symbols), compare);
	for (i = 0; i < k->count; i++) {
		if (count && k->symbols[count - 1].address == k->symbols[i].address)
			continue;
		k->symbols[count++] = k->symbols[i];
		k->functions += k->symbols[i].name != NULL;
	}
	k->count = count;
}

int kallsyms_read(const char *path, struct kallsyms **out)
{
	struct kallsyms *k = calloc(1, sizeof(*k));
	FILE *file = fopen(path, "re");
	char *line = NULL;
	size_t room = 0;
	uint32_t number = 0;
	int err = k ? 0 : -ENOMEM;

	*out = k;
	if (!file) {
		err = err ? err : -errno;
		return err;
	}
	if (!err) {
		k->texts = intern_new();
		err = k->texts ? 0 : -ENOMEM;
	}
	while (!err && getline(&line, &room, file) > 0)
		err = take_line(k, line, number++);
	if (!err && ferror(file))
		err = -EIO;
	if (!err)
		sort(k);
	free(line);
	fclose(file);
	return err;
}

void kallsyms_free(struct kallsyms *k)
{
	if (!k)
		return;
	intern_free(k->texts);
	free(k->symbols);
	free(k);
}

size_t kallsyms_count(const struct kallsyms *k)
{
	return k->functions;
}

bool kallsyms_hidden(const struct kallsyms *k)
{
	return !k->functions && k->hidden;
}

bool kallsyms_find(const struct kallsyms *k, uint64_t address, const char **function,
		   const char **module)
{
	const struct symbol *symbol;
	size_t low = 0, high = k->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (k->symbols[middle].address <= address)
			low = middle + 1;
		else
			high = middle;
	}
	if (!low)
		return false;
	symbol = &k->symbols[low - 1];
	if (!symbol->name || address - symbol->address >= FUNCTION_MAX)
		return false;
	*function = symbol->name;
	*module = symbol->module;
	return true;
}
