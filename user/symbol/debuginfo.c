/* SPDX-License-Identifier: GPL-2.0 */
/* DWARF lookups by way of two indexes: units by address, functions by address in a unit. */
#include "symbol/debuginfo.h"

#include <dwarf.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "symbol/debugname.h"
#include "symbol/dwarfcopy.h"
#include "symbol/ranges.h"
#include "symbol/unit.h"

/* Time that one module's DWARF may take from us, in all. */
#define CPU_MAX_NS ((uint64_t)30 * 1000000000)
#define UNITS_MAX ((size_t)1 << 20)
#define CHAIN_MAX 64
#define STOP_EVERY_BYTES 4096

struct debuginfo {
	const struct image *main;
	struct debuginfo_context context;
	struct dwarf_copy copy, shared_copy; /* shared: of a dwz file, or empty */
	Dwarf *dwarf, *shared;
	struct ranges units;     /* value: the address of the unit's DIE */
	struct pair_map by_unit; /* Dwarf_CU -> struct unit */
	uint64_t used_ns, started_ns;
	bool indexed, exhausted;
};

static uint64_t cpu_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

static bool must_stop(void *opaque)
{
	struct debuginfo *d = opaque;

	d->exhausted = d->exhausted || d->used_ns + (cpu_ns() - d->started_ns) > CPU_MAX_NS;
	return d->exhausted;
}

/*
 * The file that this one shares parts with.  Without it, what is there is
 * still right: libdw has no link that it could follow by itself.
 */
static void shared_open(struct debuginfo *d, const struct image *image)
{
	struct image shared;

	if (debugfile_open_shared(d->context.roots, image, &shared, d->context.budget))
		return;
	if (!dwarf_copy_open(&d->shared_copy, &shared, d->context.budget))
		d->shared = dwarf_begin_elf(d->shared_copy.elf, DWARF_C_READ, NULL);
	if (d->shared)
		dwarf_setalt(d->dwarf, d->shared);
	image_close(&shared);
}

int debuginfo_open(struct debuginfo **out, const struct image *image, const struct image *main,
		   const struct debuginfo_context *context)
{
	struct debuginfo *d;
	int err;

	*out = NULL;
	if (!dwarf_copy_possible(image))
		return -ENOENT;
	d = calloc(1, sizeof(*d));
	if (!d)
		return -ENOMEM;
	d->main = main;
	d->context = *context;
	err = dwarf_copy_open(&d->copy, image, context->budget);
	if (err)
		goto fail;
	err = -EINVAL;
	d->dwarf = dwarf_begin_elf(d->copy.elf, DWARF_C_READ, NULL);
	if (!d->dwarf)
		goto fail;
	shared_open(d, image);
	*out = d;
	return 0;
fail:
	debuginfo_close(d);
	return err;
}

void debuginfo_close(struct debuginfo *d)
{
	size_t i;

	if (!d)
		return;
	for (i = 0; i < d->by_unit.room; i++) {
		if (d->by_unit.slots[i].value) {
			unit_free(d->by_unit.slots[i].value);
			free(d->by_unit.slots[i].value);
		}
	}
	pair_map_free(&d->by_unit);
	ranges_free(&d->units);
	dwarf_end(d->dwarf);
	dwarf_end(d->shared);
	dwarf_copy_close(&d->copy);
	dwarf_copy_close(&d->shared_copy);
	free(d);
}

/* ---- the indexes ------------------------------------------------------- */

/* From the units' own ranges: .debug_aranges is absent as often as not. */
static void units_index(struct debuginfo *d)
{
	Dwarf_CU *cu = NULL;
	Dwarf_Die die;
	size_t count, found;
	uint8_t type;

	d->indexed = true;
	for (count = 0; count < UNITS_MAX; count++) {
		if (dwarf_get_units(d->dwarf, cu, &cu, NULL, &type, &die, NULL) || must_stop(d))
			break;
		if ((type == DW_UT_compile || type == DW_UT_skeleton) &&
		    unit_add_ranges(&d->units, &die, (uintptr_t)die.addr, d->main, &found))
			break;
	}
	ranges_sort(&d->units);
	if (!budget_take(d->context.budget, d->units.room * sizeof(*d->units.items)))
		d->exhausted = true;
}

static struct unit *unit_get(struct debuginfo *d, Dwarf_Die *die)
{
	struct unit *unit = pair_map_find(&d->by_unit, (uintptr_t)die->cu, 0);
	struct stop stop = {must_stop, d};
	Dwarf_Die unit_die;

	if (unit)
		return unit;
	if (!dwarf_diecu(die, &unit_die, NULL, NULL) || d->exhausted)
		return NULL;
	unit = calloc(1, sizeof(*unit));
	if (!unit)
		return NULL;
	/* What was read before an error is right, only not all. */
	unit_read(unit, &unit_die, d->main, stop, d->context.budget);
	if (pair_map_add(&d->by_unit, (uintptr_t)die->cu, 0, unit)) {
		unit_free(unit);
		free(unit);
		return NULL;
	}
	return unit;
}

static struct unit *unit_by_die(void *opaque, Dwarf_Die *die)
{
	return unit_get(opaque, die);
}

/* ---- lines ------------------------------------------------------------- */

/* A row of a line table can be one byte.  While it is read that takes libdw this much … */
#define COST_PER_LINE_BYTE 96
/* … and afterwards this much for each row. */
#define COST_PER_LINE 48

/* The length of the unit's line table. */
static uint64_t lines_length(const struct dwarf_copy *copy, struct unit *unit)
{
	Dwarf_Attribute attr;
	Dwarf_Word offset;
	uint32_t length;

	if (!dwarf_attr(&unit->die, DW_AT_stmt_list, &attr) || dwarf_formudata(&attr, &offset) ||
	    copy->lines_size < sizeof(length) || offset > copy->lines_size - sizeof(length))
		return 0;
	memcpy(&length, copy->lines + offset, sizeof(length));
	offset += sizeof(length);
	/* 64-bit DWARF, or a length past the end: all that is left. */
	return length < copy->lines_size - offset ? length : copy->lines_size - offset;
}

/* libdw decodes a unit's line table all at once: only if that is affordable. */
static bool lines_decode(struct debuginfo *d, struct unit *unit)
{
	uint64_t length = lines_length(&d->copy, unit);
	struct budget *budget = d->context.budget;
	Dwarf_Lines *lines;
	size_t count;

	return length && length <= budget->left / COST_PER_LINE_BYTE &&
	       !dwarf_getsrclines(&unit->die, &lines, &count) &&
	       budget_take(budget, COST_PER_LINE * (uint64_t)count);
}

static bool lines_usable(struct debuginfo *d, struct unit *unit)
{
	if (!unit->lines_checked) {
		unit->lines_checked = true;
		unit->lines_usable = lines_decode(d, unit);
	}
	return unit->lines_usable;
}

/* `file` as the unit means it: a relative name starts from where it was compiled. */
static void set_file(struct debuginfo *d, struct unit *unit, struct call *call, const char *file)
{
	char name[NAME_SIZE], whole[2 * NAME_SIZE];
	Dwarf_Attribute attr;
	const char *dir;

	if (!file)
		return;
	dir = dwarf_formstring(dwarf_attr(&unit->die, DW_AT_comp_dir, &attr));
	if (file[0] != '/' && dir && dir[0] == '/') {
		while (file[0] == '.' && file[1] == '/')
			file += 2;
		snprintf(whole, sizeof(whole), "%s/%s", dir, file);
		file = whole;
	}
	name_copy(name, sizeof(name), file);
	call->file = intern_text(d->context.strings, name, sizeof(name));
}

static void line_of_address(struct debuginfo *d, struct unit *unit, uint64_t address,
			    struct call *call)
{
	Dwarf_Line *line;
	int number;

	if (!lines_usable(d, unit))
		return;
	line = dwarf_getsrc_die(&unit->die, address);
	if (!line)
		return;
	set_file(d, unit, call, dwarf_linesrc(line, NULL, NULL));
	if (!dwarf_lineno(line, &number) && number > 0)
		call->line = (unsigned)number;
}

/* Where the inlined call `die` was written. */
static void line_of_call(struct debuginfo *d, struct unit *unit, Dwarf_Die *die, struct call *call)
{
	Dwarf_Attribute attr;
	Dwarf_Files *files;
	Dwarf_Word value;
	size_t count;

	if (!dwarf_formudata(dwarf_attr(die, DW_AT_call_line, &attr), &value) && value <= INT32_MAX)
		call->line = (unsigned)value;
	if (lines_usable(d, unit) &&
	    !dwarf_formudata(dwarf_attr(die, DW_AT_call_file, &attr), &value) &&
	    !dwarf_getsrcfiles(&unit->die, &files, &count) && value < count)
		set_file(d, unit, call, dwarf_filesrc(files, value, NULL, NULL));
}

/* ---- lookups ----------------------------------------------------------- */

/* A part of a function that may hold inlined calls without being one. */
static bool is_block(int tag)
{
	return tag == DW_TAG_lexical_block || tag == DW_TAG_try_block ||
	       tag == DW_TAG_catch_block || tag == DW_TAG_with_stmt;
}

/*
 * Finds below `parent` the block or inlined call that holds `address`.  Blocks
 * without ranges are looked through: a compiler may leave them off.
 */
static bool step_inward(struct debuginfo *d, Dwarf_Die *parent, uint64_t address, Dwarf_Die *found)
{
	Dwarf_Die levels[CHAIN_MAX], die;
	unsigned depth = 0;
	Dwarf_Off asked = 0;

	if (dwarf_child(parent, &die))
		return false;
	for (;;) {
		int tag = dwarf_tag(&die), covers = 0;

		if (tag == DW_TAG_inlined_subroutine || is_block(tag))
			covers = unit_die_covers(&die, address);
		if (covers > 0) {
			*found = die;
			return true;
		}
		if (dwarf_dieoffset(&die) - asked > STOP_EVERY_BYTES) {
			asked = dwarf_dieoffset(&die);
			if (must_stop(d))
				return false;
		}
		if (covers < 0 && is_block(tag) && depth < CHAIN_MAX) {
			levels[depth] = die;
			if (!dwarf_child(&die, &die)) {
				depth++;
				continue;
			}
			die = levels[depth];
		}
		while (dwarf_siblingof(&die, &die)) {
			if (!depth || must_stop(d))
				return false;
			die = levels[--depth];
		}
	}
}

/* The function and the inlined calls in it that hold `address`, outermost first. */
static size_t chain_find(struct debuginfo *d, const Dwarf_Die *function, uint64_t address,
			 Dwarf_Die chain[CHAIN_MAX])
{
	Dwarf_Die die = *function;
	size_t count = 1;
	unsigned steps;

	chain[0] = die;
	for (steps = 0; steps < 4 * CHAIN_MAX && count < CHAIN_MAX; steps++) {
		if (!step_inward(d, &die, address, &die))
			break;
		if (dwarf_tag(&die) == DW_TAG_inlined_subroutine)
			chain[count++] = die;
	}
	return count;
}

static size_t chain_to_calls(struct debuginfo *d, struct unit *unit, uint64_t address,
			     Dwarf_Die *chain, size_t count, struct call *calls, size_t max)
{
	struct name_context names = {d->context.strings, unit_by_die, d};
	size_t n = count < max ? count : max, used = 0, i;

	for (i = 0; i < n; i++) {
		size_t at = i + 1 < n ? count - 1 - i : 0;
		struct call *call = &calls[used];

		*call = (struct call){.inlined = at > 0};
		call->function = debugname(&names, &chain[at]);
		/* The function itself may be named by a symbol; an inlined call may not. */
		if (!call->function && at)
			continue;
		if (at == count - 1)
			line_of_address(d, unit, address, call);
		else
			line_of_call(d, unit, &chain[at + 1], call);
		used++;
	}
	return used;
}

static size_t lookup_in_unit(struct debuginfo *d, struct unit *unit, uint64_t address,
			     struct call *calls, size_t max)
{
	const struct range *r = ranges_find(&unit->functions, address);
	Dwarf_Die chain[CHAIN_MAX], function;

	if (!r || !dwarf_die_addr_die(d->dwarf, (void *)(uintptr_t)r->value, &function))
		return 0;
	return chain_to_calls(d, unit, address, chain, chain_find(d, &function, address, chain),
			      calls, max);
}

static size_t lookup(struct debuginfo *d, uint64_t address, struct call *calls, size_t max)
{
	const struct range *r;
	struct unit *unit, *first = NULL;
	Dwarf_Die die;
	size_t n;

	if (!d->indexed)
		units_index(d);
	for (r = ranges_find(&d->units, address); r; r = ranges_outer(&d->units, r, address)) {
		if (!dwarf_die_addr_die(d->dwarf, (void *)(uintptr_t)r->value, &die))
			continue;
		unit = unit_get(d, &die);
		if (!unit)
			return 0;
		n = lookup_in_unit(d, unit, address, calls, max);
		if (n)
			return n;
		first = first ? first : unit;
	}
	if (!first)
		return 0;
	calls[0] = (struct call){0};
	line_of_address(d, first, address, &calls[0]);
	return calls[0].file ? 1 : 0;
}

size_t debuginfo_lookup(struct debuginfo *d, uint64_t address, struct call *calls, size_t max)
{
	size_t n = 0;

	d->started_ns = cpu_ns();
	if (!d->exhausted)
		n = lookup(d, address, calls, max);
	d->used_ns += cpu_ns() - d->started_ns;
	return n;
}

bool debuginfo_exhausted(const struct debuginfo *d)
{
	return d->exhausted;
}
