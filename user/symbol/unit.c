/* SPDX-License-Identifier: GPL-2.0 */
/* One pass over a compilation unit's DIEs. */
#include "symbol/unit.h"

#include <dwarf.h>
#include <errno.h>
#include <stdlib.h>

#define DEPTH_MAX 128
/* Ranges of one DIE: real ones have a few, a unit's some ten thousand. */
#define DIE_RANGES_MAX ((size_t)1 << 20)
#define STOP_EVERY 1024
/* Bytes that may be passed over, in sizes of the unit. */
#define PASSES_MAX 64
#define UNIT_MAX ((uint64_t)512 << 20)

/* DIEs are kept by address: offsets are ambiguous, they count from two sections. */
struct scope {
	void *die;
	uint32_t outer;
};

struct member {
	uintptr_t die;
	uint32_t scope;
};

/* What may hold a function, and whether it is a part of that function's name. */
struct container {
	int tag;
	bool names;
};

static const struct container containers[] = {
    {DW_TAG_compile_unit, false},       {DW_TAG_partial_unit, false},
    {DW_TAG_namespace, true},           {DW_TAG_module, true},
    {DW_TAG_class_type, true},          {DW_TAG_structure_type, true},
    {DW_TAG_union_type, true},          {DW_TAG_interface_type, true},
    {DW_TAG_subprogram, true},          {DW_TAG_lexical_block, false},
    {DW_TAG_inlined_subroutine, false}, {DW_TAG_try_block, false},
    {DW_TAG_catch_block, false},        {DW_TAG_with_stmt, false},
};

static const struct container *container_find(int tag)
{
	size_t i;

	for (i = 0; i < sizeof(containers) / sizeof(*containers); i++) {
		if (containers[i].tag == tag)
			return &containers[i];
	}
	return NULL;
}

int unit_add_ranges(struct ranges *ranges, Dwarf_Die *die, uint64_t value, const struct image *main,
		    size_t *found)
{
	Dwarf_Addr base, low, high;
	ptrdiff_t at = 0;
	int err;

	*found = 0;
	while (*found < DIE_RANGES_MAX && (at = dwarf_ranges(die, at, &base, &low, &high)) > 0) {
		uint64_t end = image_code_end(main, low);

		++*found;
		/* Code that the linker dropped is left at 0 or at no address at all. */
		if (!end)
			continue;
		err = ranges_add(ranges, low, high < end ? high : end, value);
		if (err)
			return err;
	}
	return 0;
}

int unit_die_covers(Dwarf_Die *die, uint64_t address)
{
	Dwarf_Addr base, low, high;
	ptrdiff_t at = 0;
	size_t found = 0;

	while (found < DIE_RANGES_MAX && (at = dwarf_ranges(die, at, &base, &low, &high)) > 0) {
		if (low <= address && address < high)
			return 1;
		found++;
	}
	return found ? 0 : -1;
}

/* Makes room for one more of `size` bytes. */
static int array_grow(void **items, size_t count, size_t *room, size_t size)
{
	size_t more = *room ? 2 * *room : 64;
	void *bigger;

	if (count < *room)
		return 0;
	if (more > UINT32_MAX)
		return -E2BIG;
	bigger = realloc(*items, more * size);
	if (!bigger)
		return -ENOMEM;
	*items = bigger;
	*room = more;
	return 0;
}

static int scope_add(struct unit *unit, void *die, uint32_t outer)
{
	int err = array_grow((void **)&unit->scopes, unit->scope_count, &unit->scope_room,
			     sizeof(*unit->scopes));

	if (!err)
		unit->scopes[unit->scope_count++] = (struct scope){die, outer};
	return err;
}

static int member_add(struct unit *unit, uintptr_t die, uint32_t scope)
{
	int err = array_grow((void **)&unit->members, unit->member_count, &unit->member_room,
			     sizeof(*unit->members));

	if (!err)
		unit->members[unit->member_count++] = (struct member){die, scope};
	return err;
}

/* A name of its own, without the mangled one that would tell its scopes. */
static bool is_member(Dwarf_Die *die)
{
	return dwarf_hasattr(die, DW_AT_name) && !dwarf_hasattr(die, DW_AT_linkage_name) &&
	       !dwarf_hasattr(die, DW_AT_MIPS_linkage_name);
}

static int function_add(struct unit *unit, Dwarf_Die *die, uint32_t scope, const struct image *main,
			size_t *found)
{
	uintptr_t address = (uintptr_t)die->addr;
	int err;

	*found = 0;
	if (scope && is_member(die)) {
		err = member_add(unit, address, scope);
		if (err)
			return err;
	}
	return unit_add_ranges(&unit->functions, die, address, main, found);
}

/* A container that has been entered. */
struct level {
	Dwarf_Die die;
	uint32_t scope; /* of what is inside */
};

struct walk {
	struct level levels[DEPTH_MAX];
	unsigned depth;
	Dwarf_Die die;            /* where we are */
	const unsigned char *end; /* of the unit */
	uint64_t left;            /* bytes that may still be passed over */
	uint64_t work;            /* since we last asked whether to stop */
};

/* Charges the way to `to`; false when too much was passed over. */
static bool walk_charge(struct walk *w, const void *to)
{
	ptrdiff_t bytes = (const char *)to - (const char *)w->die.addr;

	if (bytes < 0 || (uint64_t)bytes > w->left)
		return false;
	w->left -= (uint64_t)bytes;
	w->work += (uint64_t)bytes / 64;
	return true;
}

/*
 * `nul` ends the list of DIEs we were in.  What follows it is the next DIE
 * around us, or ends that list, too: no need to pass over all that we have seen
 * once more to get there.
 */
static bool walk_out(struct walk *w, const unsigned char *nul)
{
	Dwarf *dwarf = dwarf_cu_getdwarf(w->die.cu);

	while (w->depth && nul + 1 < w->end && !*nul) {
		w->depth--;
		nul++;
		if (*nul)
			return walk_charge(w, nul) &&
			       dwarf_die_addr_die(dwarf, (void *)nul, &w->die);
	}
	return false;
}

/* Moves to the next DIE of this level or of one around it; false at the end. */
static bool walk_next(struct walk *w)
{
	for (;;) {
		Dwarf_Die next;
		int end = dwarf_siblingof(&w->die, &next);

		if (end < 0 || (next.addr && !walk_charge(w, next.addr)))
			return false;
		if (!end) {
			w->die = next;
			return true;
		}
		if (next.addr && (unsigned char *)next.addr < w->end)
			return walk_out(w, next.addr);
		/* libdw does not promise to say where a list ends. */
		if (!w->depth)
			return false;
		w->die = w->levels[--w->depth].die;
	}
}

/* Enters the DIE we are at, if it may hold functions and has children. */
static int walk_enter(struct unit *unit, struct walk *w, const struct container *c, uint32_t scope)
{
	Dwarf_Die child;
	int err;

	if (!c || w->depth == DEPTH_MAX || dwarf_child(&w->die, &child))
		return 0;
	if (c->names) {
		err = scope_add(unit, w->die.addr, scope);
		if (err)
			return err;
		scope = (uint32_t)(unit->scope_count - 1);
	}
	w->levels[w->depth++] = (struct level){w->die, scope};
	w->die = child;
	return 1;
}

static int walk_unit(struct unit *unit, struct walk *w, const struct image *main, struct stop stop)
{
	bool more = true;

	while (more) {
		int tag = dwarf_tag(&w->die), err = 0;
		uint32_t scope = w->depth ? w->levels[w->depth - 1].scope : 0;
		size_t found = 0;

		if (tag == DW_TAG_subprogram)
			err = function_add(unit, &w->die, scope, main, &found);
		if (err)
			return err;
		w->work += 1 + found;
		if (w->work >= STOP_EVERY) {
			w->work = 0;
			if (stop.now(stop.opaque))
				return -ETIME;
		}
		err = walk_enter(unit, w, container_find(tag), scope);
		if (err < 0)
			return err;
		more = err || walk_next(w);
	}
	return 0;
}

/* Whether the unit can be walked; then `w` knows where it ends. */
static bool walk_start(struct walk *w, Dwarf_Die *die)
{
	Dwarf_Off within = dwarf_cuoffset(die), start = dwarf_dieoffset(die) - within, next;
	size_t header;

	if (dwarf_next_unit(dwarf_cu_getdwarf(die->cu), start, &next, &header, NULL, NULL, NULL,
			    NULL, NULL, NULL) ||
	    next <= start || next - start > UNIT_MAX || dwarf_child(die, &w->die))
		return false;
	w->end = (unsigned char *)die->addr + (next - start - within);
	w->left = PASSES_MAX * (next - start);
	return true;
}

int unit_read(struct unit *unit, Dwarf_Die *die, const struct image *main, struct stop stop,
	      struct budget *budget)
{
	struct walk *w;
	int err;

	*unit = (struct unit){.die = *die};
	w = calloc(1, sizeof(*w));
	if (!w)
		return -ENOMEM;
	err = scope_add(unit, die->addr, 0);
	if (!err && walk_start(w, die))
		err = walk_unit(unit, w, main, stop);
	free(w);
	ranges_sort(&unit->functions);
	if (!budget_take(budget, unit->functions.room * sizeof(*unit->functions.items) +
				     unit->scope_room * sizeof(*unit->scopes) +
				     unit->member_room * sizeof(*unit->members)))
		err = err ? err : -EFBIG;
	return err;
}

void unit_free(struct unit *unit)
{
	ranges_free(&unit->functions);
	free(unit->scopes);
	free(unit->members);
	*unit = (struct unit){0};
}

static int member_order(const void *key, const void *item)
{
	const uintptr_t *die = key;
	const struct member *member = item;

	return *die < member->die ? -1 : *die > member->die;
}

size_t unit_scopes(const struct unit *unit, const Dwarf_Die *die, Dwarf_Die *scopes)
{
	uintptr_t address = (uintptr_t)die->addr;
	const struct member *m = NULL;
	uint32_t at;
	size_t n = 0;

	if (unit->member_count)
		m = bsearch(&address, unit->members, unit->member_count, sizeof(*m), member_order);
	for (at = m ? m->scope : 0; at && n < UNIT_SCOPES; at = unit->scopes[at].outer) {
		if (!dwarf_die_addr_die(dwarf_cu_getdwarf(die->cu), unit->scopes[at].die,
					&scopes[n++]))
			return 0;
	}
	return n;
}
