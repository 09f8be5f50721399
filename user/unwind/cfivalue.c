/* SPDX-License-Identifier: GPL-2.0 */
/* DWARF expressions on symbolic values. */
#include "unwind/cfivalue.h"

#include <dwarf.h>

/* No expression of an unwind rule needs more than three. */
#define STACK_MAX 8

struct machine {
	struct cursor code;
	struct cfi_value stack[STACK_MAX];
	unsigned depth;
};

static const struct cfi_value unknown = {.kind = CFI_VALUE_UNKNOWN};

static bool push(struct machine *m, struct cfi_value value)
{
	if (m->depth == STACK_MAX)
		return false;
	m->stack[m->depth++] = value;
	return true;
}

static bool push_constant(struct machine *m, int64_t value)
{
	return push(m, (struct cfi_value){.kind = CFI_VALUE_CONST, .add = value});
}

static bool push_register(struct machine *m, uint64_t reg)
{
	int64_t offset = cursor_sleb(&m->code);

	if (reg > MS_REG_LAST)
		return false;
	return push(m, (struct cfi_value){CFI_VALUE_SUM, (uint8_t)reg, offset, 0});
}

static int64_t wrapping_sum(int64_t a, int64_t b)
{
	return (int64_t)((uint64_t)a + (uint64_t)b);
}

/* value + constant */
static struct cfi_value increase(struct cfi_value value, int64_t constant)
{
	switch (value.kind) {
	case CFI_VALUE_CONST:
	case CFI_VALUE_MEMORY:
		value.add = wrapping_sum(value.add, constant);
		return value;
	case CFI_VALUE_SUM:
	case CFI_VALUE_PLT:
		value.offset = wrapping_sum(value.offset, constant);
		return value;
	default:
		return unknown;
	}
}

static struct cfi_value sum(struct cfi_value a, struct cfi_value b)
{
	if (b.kind == CFI_VALUE_CONST)
		return increase(a, b.add);
	if (a.kind == CFI_VALUE_CONST)
		return increase(b, a.add);
	if (a.kind == CFI_VALUE_SUM && b.kind == CFI_VALUE_RIP_LATE && b.offset == 3)
		return (struct cfi_value){CFI_VALUE_PLT, a.base, a.offset, b.add};
	if (b.kind == CFI_VALUE_SUM && a.kind == CFI_VALUE_RIP_LATE && a.offset == 3)
		return (struct cfi_value){CFI_VALUE_PLT, b.base, b.offset, a.add};
	return unknown;
}

static bool is_rip(struct cfi_value v)
{
	return v.kind == CFI_VALUE_SUM && v.base == MS_REG_RETURN && v.offset == 0;
}

static bool is_constant(struct cfi_value v, int64_t constant)
{
	return v.kind == CFI_VALUE_CONST && v.add == constant;
}

/* `a` is the deeper one of the two on top of the stack. */
static struct cfi_value combine(uint8_t operation, struct cfi_value a, struct cfi_value b)
{
	switch (operation) {
	case DW_OP_plus:
		return sum(a, b);
	case DW_OP_minus:
		if (b.kind == CFI_VALUE_CONST)
			return increase(a, (int64_t)(0 - (uint64_t)b.add));
		return unknown;
	case DW_OP_and:
		if ((is_rip(a) && is_constant(b, 15)) || (is_rip(b) && is_constant(a, 15)))
			return (struct cfi_value){.kind = CFI_VALUE_RIP_LOW};
		return unknown;
	case DW_OP_ge:
		if (a.kind == CFI_VALUE_RIP_LOW && b.kind == CFI_VALUE_CONST)
			return (struct cfi_value){.kind = CFI_VALUE_RIP_LATE, .add = b.add};
		return unknown;
	case DW_OP_shl:
		if (a.kind == CFI_VALUE_RIP_LATE && a.offset == 0 && is_constant(b, 3))
			return (struct cfi_value){CFI_VALUE_RIP_LATE, 0, 3, a.add};
		return unknown;
	default:
		return unknown;
	}
}

static bool apply(struct machine *m, uint8_t operation)
{
	struct cfi_value *top;

	if (m->depth < 2)
		return false;
	top = &m->stack[--m->depth - 1];
	*top = combine(operation, top[0], top[1]);
	return top->kind != CFI_VALUE_UNKNOWN;
}

static bool dereference(struct machine *m)
{
	struct cfi_value *top;

	if (!m->depth)
		return false;
	top = &m->stack[m->depth - 1];
	if (top->kind != CFI_VALUE_SUM)
		return false;
	*top = (struct cfi_value){CFI_VALUE_MEMORY, top->base, top->offset, 0};
	return true;
}

/* False if it is of no use to go on. */
static bool step(struct machine *m)
{
	uint8_t operation = cursor_unsigned(&m->code, 1);

	if (operation >= DW_OP_lit0 && operation <= DW_OP_lit31)
		return push_constant(m, operation - DW_OP_lit0);
	if (operation >= DW_OP_breg0 && operation <= DW_OP_breg31)
		return push_register(m, operation - DW_OP_breg0);
	switch (operation) {
	case DW_OP_nop:
		return true;
	case DW_OP_bregx:
		return push_register(m, cursor_uleb(&m->code));
	case DW_OP_const1u:
		return push_constant(m, cursor_unsigned(&m->code, 1));
	case DW_OP_const2u:
		return push_constant(m, cursor_unsigned(&m->code, 2));
	case DW_OP_const4u:
		return push_constant(m, cursor_unsigned(&m->code, 4));
	case DW_OP_const8u:
	case DW_OP_const8s:
		return push_constant(m, cursor_signed(&m->code, 8));
	case DW_OP_const1s:
		return push_constant(m, cursor_signed(&m->code, 1));
	case DW_OP_const2s:
		return push_constant(m, cursor_signed(&m->code, 2));
	case DW_OP_const4s:
		return push_constant(m, cursor_signed(&m->code, 4));
	case DW_OP_constu:
		return push_constant(m, (int64_t)cursor_uleb(&m->code));
	case DW_OP_consts:
		return push_constant(m, cursor_sleb(&m->code));
	case DW_OP_plus_uconst:
		return push_constant(m, (int64_t)cursor_uleb(&m->code)) && apply(m, DW_OP_plus);
	case DW_OP_deref:
		return dereference(m);
	default:
		return apply(m, operation);
	}
}

struct cfi_value cfi_value_run(struct cursor expression, const struct cfi_value *initial)
{
	struct machine m = {.code = expression};

	if (initial)
		push(&m, *initial);
	while (cursor_left(&m.code)) {
		if (!step(&m))
			return unknown;
	}
	return m.depth && !m.code.bad ? m.stack[m.depth - 1] : unknown;
}
