/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Follows a function's first jump, directly or through the procedure linkage
 * table.  The jump must be the first instruction (but for endbr64): then the
 * arguments and the return address are still the caller's.
 */
#include <string.h>

#include "probe/elfplt.h"
#include "probe/elftail.h"

static bool same_spec(const struct probe_table *table, uint32_t a, uint32_t b)
{
	struct ms_row x = table->rows[a].spec, y = table->rows[b].spec;

	x.throws = y.throws = 0; /* a way out, not a meaning */
	return memcmp(&x, &y, sizeof(x)) == 0 &&
	       memcmp(&table->rows[a].gpu, &table->rows[b].gpu, sizeof(table->rows[a].gpu)) == 0;
}

bool elftail_jumps_on(const struct elfimage *image, const struct elfsyms *syms, size_t index,
		      const struct probe_table *table, const uint8_t *code, size_t length)
{
	const struct elfsym *sym = &syms->list[index];
	uint64_t target = elfplt_jump(code, length, sym->address);
	struct elfplt stub;

	if (!target || table->rows[sym->row].from_user)
		return false;
	for (size_t i = 0; i < syms->count; i++)
		if (i != index && syms->list[i].address == target)
			return same_spec(table, sym->row, syms->list[i].row);
	if (!elfplt_find(image, target, &stub))
		return false;
	for (uint32_t i = 0; i < table->count; i++)
		if (!table->rows[i].from_user && strcmp(table->rows[i].symbol, stub.name) == 0)
			return same_spec(table, sym->row, i);
	return false;
}
