/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Reads --probe's argument, "LIB:SYMBOL key=value …", into a row of the probe
 * table.  Whatever is wrong with it is named, with what is allowed instead.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "probe/table.h"

#define ARGS_MAX 6 /* arguments in registers, on x86-64; arm64 has two more */
#define BLANKS " \t\r\n,"

enum key { KEY_KIND, KEY_SIZE, KEY_PTR, KEY_OLD, KEY_OK, KEY_LAYER, KEY_THROWS, KEY_NR };

struct spec {
	struct ms_row row;
	bool given[KEY_NR];
	bool ptr_ret; /* ptr=ret was written out */
	char *errbuf;
	size_t errlen;
};

#define bad(spec, ...) (snprintf((spec)->errbuf, (spec)->errlen, __VA_ARGS__), -EINVAL)

/* "argN": N, and *end behind it; 0 if it is not that. */
static unsigned read_arg(const char *text, const char **end)
{
	if (strncmp(text, "arg", 3) != 0 || text[3] < '1' || text[3] > '0' + ARGS_MAX)
		return 0;
	*end = text + 4;
	return text[3] - '0';
}

/* "argN" and nothing else: N, or 0. */
static unsigned only_arg(const char *text)
{
	const char *end;
	unsigned arg = read_arg(text, &end);

	return arg && *end == '\0' ? arg : 0;
}

static bool set_kind(struct spec *spec, const char *value)
{
	static const struct {
		const char *name;
		enum ms_kind kind;
	} kinds[] = {
	    {"alloc", MS_KIND_ALLOC}, {"free", MS_KIND_FREE}, {"realloc", MS_KIND_REALLOC}};

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		if (strcmp(value, kinds[i].name) == 0) {
			spec->row.kind = kinds[i].kind;
			return true;
		}
	}
	return false;
}

static bool set_size(struct spec *spec, const char *value)
{
	const char *end;

	spec->row.size_arg = read_arg(value, &end);
	if (!spec->row.size_arg)
		return false;
	if (*end == '\0')
		return true;
	spec->row.size_arg2 = *end == '*' ? only_arg(end + 1) : 0;
	return spec->row.size_arg2 != 0;
}

static bool set_ptr(struct spec *spec, const char *value)
{
	spec->ptr_ret = strcmp(value, "ret") == 0;
	if (spec->ptr_ret)
		return true;
	spec->row.ptr_out = *value == '*';
	spec->row.ptr_arg = only_arg(value + spec->row.ptr_out);
	return spec->row.ptr_arg != 0;
}

static bool set_old(struct spec *spec, const char *value)
{
	spec->row.old_arg = only_arg(value);
	return spec->row.old_arg != 0;
}

static bool set_ok(struct spec *spec, const char *value)
{
	spec->row.zero_is_ok = strcmp(value, "zero") == 0;
	return spec->row.zero_is_ok || strcmp(value, "nonnull") == 0;
}

static bool set_layer(struct spec *spec, const char *value)
{
	static const struct {
		const char *name;
		enum ms_layer layer;
	} layers[] = {{"heap", MS_LAYER_HEAP}, {"tensor", MS_LAYER_TENSOR}, {"gpu", MS_LAYER_GPU}};

	for (size_t i = 0; i < sizeof(layers) / sizeof(layers[0]); i++) {
		if (strcmp(value, layers[i].name) == 0) {
			spec->row.layer = layers[i].layer;
			return true;
		}
	}
	return false;
}

static bool set_throws(struct spec *spec, const char *value)
{
	spec->row.throws = strcmp(value, "yes") == 0;
	return spec->row.throws || strcmp(value, "no") == 0;
}

static const struct {
	const char *name;
	bool (*set)(struct spec *spec, const char *value);
	const char *allowed;
} keys[KEY_NR] = {
    [KEY_KIND] = {"kind", set_kind, "alloc, free or realloc"},
    [KEY_SIZE] = {"size", set_size, "argN or argN*argM, with N and M from 1 to 6"},
    [KEY_PTR] = {"ptr", set_ptr, "ret, argN or *argN, with N from 1 to 6"},
    [KEY_OLD] = {"old", set_old, "argN, with N from 1 to 6"},
    [KEY_OK] = {"ok", set_ok, "zero or nonnull"},
    [KEY_LAYER] = {"layer", set_layer, "heap, tensor or gpu"},
    [KEY_THROWS] = {"throws", set_throws, "yes or no"},
};

static int read_pair(struct spec *spec, char *pair)
{
	char *value = strchr(pair, '=');
	size_t key;

	if (!value)
		return bad(spec, "'%s' is not key=value", pair);
	*value++ = '\0';
	for (key = 0; key < KEY_NR; key++)
		if (strcmp(pair, keys[key].name) == 0)
			break;
	if (key == KEY_NR)
		return bad(spec,
			   "unknown key '%s': there are kind, size, ptr, old, ok, layer and throws",
			   pair);
	if (spec->given[key])
		return bad(spec, "%s= is given twice", pair);
	spec->given[key] = true;
	if (!keys[key].set(spec, value))
		return bad(spec, "%s='%s': it can be %s", pair, value, keys[key].allowed);
	return 0;
}

/* What the keys must be together; fills in the defaults. */
static int complete(struct spec *spec)
{
	struct ms_row *row = &spec->row;

	if (!spec->given[KEY_KIND])
		return bad(spec, "kind= is missing: it can be %s", keys[KEY_KIND].allowed);
	if (spec->given[KEY_OLD] && row->kind != MS_KIND_REALLOC)
		return bad(spec, "old= belongs to kind=realloc only");
	if (row->kind == MS_KIND_FREE) {
		if (spec->given[KEY_SIZE])
			return bad(spec, "size= does not belong to kind=free");
		if (spec->given[KEY_OK])
			return bad(spec, "ok= does not belong to kind=free, which counts at entry");
		if (spec->given[KEY_THROWS])
			return bad(spec,
				   "throws= does not belong to kind=free, which counts at entry");
		if (spec->ptr_ret || row->ptr_out)
			return bad(spec, "ptr= of kind=free can only be argN, with N from 1 to 6");
		if (!spec->given[KEY_PTR])
			row->ptr_arg = 1;
		return 0;
	}
	if (!spec->given[KEY_SIZE])
		return bad(spec, "size= is missing: it can be %s", keys[KEY_SIZE].allowed);
	if (row->kind == MS_KIND_REALLOC && !spec->given[KEY_OLD])
		row->old_arg = 1;
	if (!spec->given[KEY_OK])
		row->zero_is_ok = row->ptr_out;
	if (row->zero_is_ok && !row->ptr_arg)
		return bad(spec, "ok=zero cannot go with ptr=ret: the address returned is not 0");
	return 0;
}

/* "LIB:SYMBOL": cuts it in two. */
static int split_name(struct spec *spec, char *name, const char **library, const char **symbol)
{
	char *colon = strchr(name, ':');
	const char *c;

	if (!colon)
		return bad(spec, "'%s' has no ':': write LIB:SYMBOL, as in '*:my_malloc'", name);
	*colon = '\0';
	*library = name;
	*symbol = colon + 1;
	if (!**library)
		return bad(spec, "no library before ':%s': write a file name, a pattern or '*'",
			   *symbol);
	if (!**symbol)
		return bad(spec, "no symbol after '%s:'", *library);
	for (c = *symbol; *c; c++)
		if (!strchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.$",
			    *c))
			return bad(spec, "'%c' in symbol '%s': write it as nm prints it, mangled%s",
				   *c, *symbol, *c == '@' ? " and without version" : "");
	return 0;
}

/* Appends the row; the table owns copies of both strings. */
static int append(struct probe_table *table, const char *library, const char *symbol,
		  const struct ms_row *spec, bool from_user)
{
	struct probe_row *rows;
	char **owned;

	rows = realloc(table->rows, (table->count + 1) * sizeof(*rows));
	if (!rows)
		return -ENOMEM;
	table->rows = rows;
	owned = realloc(table->owned, (table->owned_count + 2) * sizeof(*owned));
	if (!owned)
		return -ENOMEM;
	table->owned = owned;
	owned += table->owned_count;
	owned[0] = strdup(library);
	owned[1] = strdup(symbol);
	if (!owned[0] || !owned[1]) {
		free(owned[0]);
		free(owned[1]);
		return -ENOMEM;
	}
	table->owned_count += 2;
	rows[table->count++] = (struct probe_row){
	    .library = owned[0], .symbol = owned[1], .spec = *spec, .from_user = from_user};
	return 0;
}

int probe_table_add(struct probe_table *table, const char *text, char *errbuf, size_t errlen)
{
	struct spec spec = {.errbuf = errbuf, .errlen = errlen};
	const char *library, *symbol;
	char *copy, *part, *save;
	int err;

	if (table->count >= MS_ROWS_MAX)
		return bad(&spec, "the probe table is full (%d rows)", MS_ROWS_MAX);
	copy = strdup(text);
	if (!copy)
		return -ENOMEM;
	part = strtok_r(copy, BLANKS, &save);
	err = part ? split_name(&spec, part, &library, &symbol)
		   : bad(&spec, "nothing in it: write LIB:SYMBOL kind=alloc size=arg1 ptr=ret");
	while (!err && (part = strtok_r(NULL, BLANKS, &save)))
		err = read_pair(&spec, part);
	if (!err)
		err = complete(&spec);
	/* A C++ function may throw unless we are told that it does not. */
	if (!err && !spec.given[KEY_THROWS] && spec.row.kind != MS_KIND_FREE)
		spec.row.throws = strncmp(symbol, "_Z", 2) == 0;
	if (!err)
		err = append(table, library, symbol, &spec.row, true);
	free(copy);
	return err;
}

int probe_table_add_moment(struct probe_table *table, const char *name, char *errbuf, size_t errlen)
{
	struct spec spec = {.errbuf = errbuf, .errlen = errlen};
	const struct ms_row row = {.kind = MS_KIND_MOMENT, .layer = MS_LAYER_TENSOR};

	for (size_t i = 0; i < table->count; i++) {
		if (!probe_row_is_usdt(&table->rows[i]) || strcmp(table->rows[i].symbol, name) != 0)
			continue;
		/* One place has one probe. */
		return table->rows[i].spec.kind == MS_KIND_MOMENT
			   ? 0
			   : bad(&spec, "%s is what memsnoop itself listens to", name);
	}
	if (table->count >= MS_ROWS_MAX)
		return bad(&spec, "the probe table is full (%d rows)", MS_ROWS_MAX);
	return append(table, "*", name, &row, false);
}
