/* SPDX-License-Identifier: GPL-2.0 */
/* Function names from DWARF. */
#include "symbol/debugname.h"

#include <dwarf.h>
#include <stdio.h>
#include <string.h>

#include "symbol/unit.h"

#define ORIGINS_MAX 16
/* A function in a class in a function …, each of them named by this file. */
#define NESTING_MAX 4
#define SCOPE_ROOM 16 /* less is not worth a scope */

static bool write_name(const struct name_context *context, Dwarf_Die *die, char *out, size_t size,
		       unsigned nesting);

/* The mangled name tells all scopes; the origin of an inlined call or a copy has it. */
static bool write_mangled(Dwarf_Die *die, char *out, size_t size)
{
	Dwarf_Attribute attr;
	const char *name;

	name = dwarf_formstring(dwarf_attr_integrate(die, DW_AT_linkage_name, &attr));
	if (!name)
		name = dwarf_formstring(dwarf_attr_integrate(die, DW_AT_MIPS_linkage_name, &attr));
	return name && demangle_name(name, out, size);
}

/* Moves `die` along its origins to the first that has a name, and returns that. */
static const char *plain_name(Dwarf_Die *die)
{
	Dwarf_Attribute attr;
	unsigned i;

	for (i = 0; i < ORIGINS_MAX; i++) {
		if (dwarf_attr(die, DW_AT_name, &attr))
			return dwarf_formstring(&attr);
		if (!dwarf_attr(die, DW_AT_abstract_origin, &attr) &&
		    !dwarf_attr(die, DW_AT_specification, &attr))
			return NULL;
		if (!dwarf_formref_die(&attr, die))
			return NULL;
	}
	return NULL;
}

/* `inside`: the name of the function, if `die` is the scope right around it. */
static size_t write_scope(const struct name_context *context, Dwarf_Die *die, const char *inside,
			  char *out, size_t size, unsigned nesting)
{
	const char *name = NULL;

	if (dwarf_tag(die) == DW_TAG_subprogram) {
		if (!write_name(context, die, out, size, nesting + 1))
			return 0;
		return strlen(out);
	}
	name = dwarf_diename(die);
	if (!name && dwarf_tag(die) == DW_TAG_namespace)
		name = "(anonymous namespace)";
	if (!name)
		name = inside && !strcmp(inside, "operator()") ? "{lambda}" : "{unnamed type}";
	name_copy(out, size, name);
	return strlen(out);
}

/* Writes "outer::inner::" for the scopes around the declaration `die`; returns its length. */
static size_t write_scopes(const struct name_context *context, Dwarf_Die *die, const char *name,
			   char *out, size_t size, unsigned nesting)
{
	struct unit *unit = context->unit_of(context->opaque, die);
	size_t i, count, used = 0;
	Dwarf_Die scopes[UNIT_SCOPES];

	count = unit ? unit_scopes(unit, die, scopes) : 0;
	/* A function's name has the scopes around it already. */
	for (i = 0; i < count; i++) {
		if (dwarf_tag(&scopes[i]) == DW_TAG_subprogram)
			count = i + 1;
	}
	while (count-- && size - used > SCOPE_ROOM) {
		size_t length = write_scope(context, &scopes[count], count ? NULL : name,
					    out + used, size - used - 2, nesting);

		if (!length)
			continue;
		used += length + 2;
		out[used - 2] = out[used - 1] = ':';
	}
	return used;
}

static bool write_name(const struct name_context *context, Dwarf_Die *die, char *out, size_t size,
		       unsigned nesting)
{
	Dwarf_Die named = *die;
	const char *name;
	char whole[2 * NAME_SIZE];
	size_t used;

	if (write_mangled(die, out, size))
		return true;
	name = plain_name(&named);
	if (!name || !*name)
		return false;
	used = nesting < NESTING_MAX
		   ? write_scopes(context, &named, name, whole, NAME_SIZE, nesting)
		   : 0;
	name_copy(whole + used, sizeof(whole) - used, name);
	name_copy(out, size, whole);
	return true;
}

const char *debugname(const struct name_context *context, Dwarf_Die *die)
{
	char name[NAME_SIZE];

	if (!write_name(context, die, name, sizeof(name), 0))
		return NULL;
	return intern_text(context->strings, name, sizeof(name));
}
