/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Runs call frame instructions.  Each says how the state at an address comes
 * from the one before; a row is what holds between two addresses.
 */
#include <dwarf.h>

#include "unwind/cfi.h"

/* Compilers save one state at a time; hand-written code nests two. */
#define REMEMBERED_MAX 16
/* The three instructions with an operand in the low six bits. */
#define PRIMARY(opcode) ((opcode)&0xc0)
#define OPERAND(opcode) ((opcode)&0x3f)
/* arm64's name for a number that SPARC has, too (DWARF for AArch64, 4.2). */
#define CFA_NEGATE_RA_STATE 0x2d

struct run {
	const struct cfi *cfi;
	const struct cfi_cie *cie;
	struct cursor code;
	struct cfi_state now;
	struct cfi_state *remembered; /* REMEMBERED_MAX of them */
	unsigned depth;
	uint64_t at, end; /* addresses */
	cfi_row *row;     /* NULL in a CIE, which is nowhere */
	void *context;
	bool refused;
};

/* True if there is more to come. */
static bool advance_to(struct run *run, uint64_t address)
{
	uint64_t end = address < run->end ? address : run->end;
	struct ms_unwind_rule rule;

	if (end > run->at) {
		if (cfi_rule(&run->now, run->cie->is_signal, &rule))
			run->refused = true;
		run->row(run->context, run->at, end, &rule);
		run->at = end;
	}
	return run->at < run->end;
}

static bool advance(struct run *run, uint64_t delta)
{
	uint64_t distance;

	if (!run->row)
		return false;
	if (__builtin_mul_overflow(delta, run->cie->code_factor, &distance) ||
	    distance > run->end - run->at)
		distance = run->end - run->at;
	return advance_to(run, run->at + distance);
}

/* Backwards is broken: the rows before have been said. */
static bool set_location(struct run *run)
{
	uint64_t address;

	if (!run->row ||
	    !cfi_read_address(&run->code, &run->cfi->section, run->cie->encoding, &address) ||
	    address < run->at)
		return false;
	return advance_to(run, address);
}

static int64_t factored(const struct run *run, uint64_t operand)
{
	return (int64_t)(operand * (uint64_t)run->cie->data_factor);
}

static struct cursor read_block(struct run *run)
{
	return cursor_part(&run->code, cursor_uleb(&run->code));
}

static void define_cfa(struct run *run, uint64_t reg, int64_t offset)
{
	/* A number that is no register's is one that no rule is made of. */
	uint8_t base = reg <= MS_REG_LAST ? (uint8_t)reg : CFI_BASE_NONE;

	run->now.cfa = (struct cfi_value){CFI_VALUE_SUM, base, offset, 0};
	run->now.cfa_is_plain = true;
}

static bool define_cfa_register(struct run *run, uint64_t reg)
{
	if (run->now.cfa_is_plain)
		define_cfa(run, reg, run->now.cfa.offset);
	return run->now.cfa_is_plain;
}

static bool define_cfa_offset(struct run *run, int64_t offset)
{
	run->now.cfa.offset = offset;
	return run->now.cfa_is_plain;
}

static void define_cfa_expression(struct run *run)
{
	run->now.cfa = cfi_value_run(read_block(run), NULL);
	run->now.cfa_is_plain = false;
}

static void save(struct run *run, uint64_t reg, struct cfi_saved saved)
{
	enum cfi_followed which = cfi_followed(reg);

	if (which < CFI_FOLLOWED)
		run->now.saved[which] = saved;
}

static void save_how(struct run *run, uint64_t reg, enum cfi_how how)
{
	save(run, reg, (struct cfi_saved){.how = how});
}

static void save_at(struct run *run, uint64_t reg, int64_t offset)
{
	save(run, reg, (struct cfi_saved){CFI_SAVED_AT, CFI_BASE_CFA, offset});
}

static void save_value(struct run *run, uint64_t reg, int64_t offset)
{
	save(run, reg, (struct cfi_saved){CFI_SAVED_IS, CFI_BASE_CFA, offset});
}

/* The expression says where the register is, or with `is_value` what it is. */
static void save_expression(struct run *run, bool is_value)
{
	static const struct cfi_value cfa = {CFI_VALUE_SUM, CFI_BASE_CFA, 0, 0};
	uint64_t reg = cursor_uleb(&run->code);
	struct cursor block = read_block(run);
	struct cfi_value value;

	if (cfi_followed(reg) == CFI_FOLLOWED)
		return;
	value = cfi_value_run(block, &cfa);
	if (value.kind == CFI_VALUE_SUM)
		save(run, reg,
		     (struct cfi_saved){is_value ? CFI_SAVED_IS : CFI_SAVED_AT, value.base,
					value.offset});
	else if (value.kind == CFI_VALUE_MEMORY && value.add == 0 && is_value)
		save(run, reg, (struct cfi_saved){CFI_SAVED_AT, value.base, value.offset});
	else
		save_how(run, reg, CFI_SAVED_ELSEWHERE);
}

static bool restore(struct run *run, uint64_t reg)
{
	enum cfi_followed which = cfi_followed(reg);

	if (which < CFI_FOLLOWED)
		run->now.saved[which] = run->cie->initial.saved[which];
	return run->row != NULL; /* a CIE has nothing to restore to */
}

static bool remember_state(struct run *run)
{
	if (run->depth == REMEMBERED_MAX)
		return false;
	run->remembered[run->depth++] = run->now;
	return true;
}

static bool restore_state(struct run *run)
{
	if (!run->depth)
		return false;
	run->now = run->remembered[--run->depth];
	return true;
}

/* Where the frame is; false if it is broken, or none of these. */
static bool run_cfa(struct run *run, uint8_t opcode)
{
	struct cursor *c = &run->code;
	uint64_t reg;

	switch (opcode) {
	case DW_CFA_def_cfa:
		reg = cursor_uleb(c);
		define_cfa(run, reg, (int64_t)cursor_uleb(c));
		return true;
	case DW_CFA_def_cfa_sf:
		reg = cursor_uleb(c);
		define_cfa(run, reg, factored(run, (uint64_t)cursor_sleb(c)));
		return true;
	case DW_CFA_def_cfa_register:
		return define_cfa_register(run, cursor_uleb(c));
	case DW_CFA_def_cfa_offset:
		return define_cfa_offset(run, (int64_t)cursor_uleb(c));
	case DW_CFA_def_cfa_offset_sf:
		return define_cfa_offset(run, factored(run, (uint64_t)cursor_sleb(c)));
	case DW_CFA_def_cfa_expression:
		define_cfa_expression(run);
		return true;
	default: /* of a vendor, or from the future: its length is not known */
		return false;
	}
}

/* Where the registers are. */
static bool run_register(struct run *run, uint8_t opcode)
{
	struct cursor *c = &run->code;
	uint64_t reg;

	switch (opcode) {
	case DW_CFA_undefined:
		save_how(run, cursor_uleb(c), CFI_UNDEFINED);
		return true;
	case DW_CFA_same_value:
		save_how(run, cursor_uleb(c), CFI_SAME);
		return true;
	case DW_CFA_register:
		save_how(run, cursor_uleb(c), CFI_SAVED_ELSEWHERE);
		cursor_uleb(c);
		return true;
	case DW_CFA_offset_extended:
		reg = cursor_uleb(c);
		save_at(run, reg, factored(run, cursor_uleb(c)));
		return true;
	case DW_CFA_offset_extended_sf:
		reg = cursor_uleb(c);
		save_at(run, reg, factored(run, (uint64_t)cursor_sleb(c)));
		return true;
	case DW_CFA_GNU_negative_offset_extended:
		reg = cursor_uleb(c);
		save_at(run, reg, factored(run, 0 - cursor_uleb(c)));
		return true;
	case DW_CFA_val_offset:
		reg = cursor_uleb(c);
		save_value(run, reg, factored(run, cursor_uleb(c)));
		return true;
	case DW_CFA_val_offset_sf:
		reg = cursor_uleb(c);
		save_value(run, reg, factored(run, (uint64_t)cursor_sleb(c)));
		return true;
	case DW_CFA_expression:
	case DW_CFA_val_expression:
		save_expression(run, opcode == DW_CFA_val_expression);
		return true;
	case DW_CFA_restore_extended:
		return restore(run, cursor_uleb(c));
	default:
		return run_cfa(run, opcode);
	}
}

static bool run_one(struct run *run)
{
	struct cursor *c = &run->code;
	uint8_t opcode = cursor_unsigned(c, 1);

	switch (PRIMARY(opcode)) {
	case DW_CFA_advance_loc:
		return advance(run, OPERAND(opcode));
	case DW_CFA_offset:
		save_at(run, OPERAND(opcode), factored(run, cursor_uleb(c)));
		return true;
	case DW_CFA_restore:
		return restore(run, OPERAND(opcode));
	default:
		break;
	}
	switch (opcode) {
	case DW_CFA_nop:
		return true;
	case DW_CFA_advance_loc1:
		return advance(run, cursor_unsigned(c, 1));
	case DW_CFA_advance_loc2:
		return advance(run, cursor_unsigned(c, 2));
	case DW_CFA_advance_loc4:
		return advance(run, cursor_unsigned(c, 4));
	case DW_CFA_set_loc:
		return set_location(run);
	case DW_CFA_remember_state:
		return remember_state(run);
	case DW_CFA_restore_state:
		return restore_state(run);
#ifdef MS_ARM64
	case CFA_NEGATE_RA_STATE: /* a signed address is stripped anyway */
		return true;
#endif
	case DW_CFA_GNU_args_size: /* matters to exceptions only */
		cursor_uleb(c);
		return true;
	default:
		return run_register(run, opcode);
	}
}

/* False if the instructions are broken. */
static bool run_all(struct run *run)
{
	while (cursor_left(&run->code)) {
		if (!run_one(run))
			return false;
	}
	return !run->code.bad;
}

bool cfi_run_initial(const struct cfi *cfi, struct cfi_cie *cie, struct cursor program)
{
	struct cfi_state remembered[REMEMBERED_MAX];
	struct run run = {.cfi = cfi, .cie = cie, .code = program, .remembered = remembered};

	if (!run_all(&run))
		return false;
	cie->initial = run.now;
	return true;
}

bool cfi_run(const struct cfi *cfi, const struct cfi_fde *fde, uint64_t end, cfi_row *row,
	     void *context)
{
	const struct cfi_cie *cie = &cfi->cies[fde->cie];
	struct ms_unwind_rule refused = cfi_rule_refused(CFI_REFUSED_PROGRAM);
	struct cfi_state remembered[REMEMBERED_MAX];
	struct run run = {.cfi = cfi, .cie = cie, .row = row, .context = context};

	run.code = (struct cursor){cfi->section.bytes + fde->program,
				   cfi->section.bytes + fde->past, false};
	run.now = cie->initial;
	run.remembered = remembered;
	run.at = fde->start;
	run.end = end < fde->end ? end : fde->end;
	if (run_all(&run)) {
		advance_to(&run, run.end);
	} else if (run.at < run.end) {
		run.refused = true;
		row(context, run.at, run.end, &refused);
	}
	return run.refused;
}
