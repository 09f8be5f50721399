/* SPDX-License-Identifier: GPL-2.0 */
/* Follows code to its return instructions. */
#include <capstone/capstone.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "probe/elfplt.h"
#include "probe/elfret.h"

#define INSTRUCTIONS_MAX 16384 /* visited for one function */
#define SLOTS 65536            /* of the set of visited ones: a power of two, sparsely filled */
#define CHUNK 256              /* bytes read at a time */

/* Functions that do not come back: what lies behind a call of one is other code. */
static const char *const no_return[] = {
    "__cxa_throw",
    "__cxa_rethrow",
    "_Unwind_Resume",
    "_ZSt17__throw_bad_allocv",
    "_ZSt9terminatev",
    "__cxa_call_terminate",
    "__cxa_bad_cast",
    "abort",
    "exit",
    "_exit",
    "__stack_chk_fail",
    "__assert_fail",
};

struct follow {
	const struct elfimage *image;
	const struct elfsyms *syms;
	const struct probe_table *table;
	const struct elfsym *sym;
	csh decoder;
	cs_insn *insn;
	uint64_t *visited; /* addresses, 0: free */
	size_t visits;
	uint64_t *ahead; /* still to be followed */
	size_t ahead_count, ahead_room;
	struct elfret *out;
};

static int push(uint64_t **list, size_t *count, size_t *room, uint64_t address)
{
	if (array_reserve(list, *count, room, sizeof(**list)))
		return -ENOMEM;
	(*list)[(*count)++] = address;
	return 0;
}

/* True the first time. */
static bool visit(struct follow *f, uint64_t address)
{
	size_t at = (address * 0x9e3779b97f4a7c15ULL) >> 48 & (SLOTS - 1);

	for (; f->visited[at]; at = (at + 1) & (SLOTS - 1))
		if (f->visited[at] == address)
			return false;
	f->visited[at] = address;
	f->visits++;
	return true;
}

static int go(struct follow *f, uint64_t address)
{
	return push(&f->ahead, &f->ahead_count, &f->ahead_room, address);
}

/* The target of a direct jump or call, 0 if it is none. */
static uint64_t direct(const cs_insn *insn)
{
	const cs_x86 *x86 = &insn->detail->x86;

	return x86->op_count == 1 && x86->operands[0].type == X86_OP_IMM ? x86->operands[0].imm : 0;
}

/* The address of the pointer of "jmp *disp(%rip)", 0 if it is another jump. */
static uint64_t through(const cs_insn *insn)
{
	const cs_x86_op *op = &insn->detail->x86.operands[0];

	if (insn->detail->x86.op_count != 1 || op->type != X86_OP_MEM ||
	    op->mem.base != X86_REG_RIP || op->mem.index != X86_REG_INVALID)
		return 0;
	return insn->address + insn->size + op->mem.disp;
}

static int jump(struct follow *f, const cs_insn *insn)
{
	uint64_t target = direct(insn), slot = through(insn);
	struct elfplt stub;

	if (target && elfplt_find(f->image, target, &stub))
		target = stub.address;
	else if (slot)
		target = elfplt_slot(f->image, slot, &stub) ? stub.address : 0;
	if (!target) {
		f->out->partial = true; /* a table of jumps, or another file */
		return 0;
	}
	return go(f, target);
}

/* What an operator new that is not an allocator's own is built on. */
static const char *const foundations[] = {"malloc", "aligned_alloc", "posix_memalign", "memalign"};

static bool is_foundation(const struct follow *f, uint64_t address)
{
	const char *name = NULL;

	for (size_t i = 0; i < f->syms->count && !name; i++)
		if (f->syms->list[i].address == address)
			name = f->table->rows[f->syms->list[i].row].symbol;
	for (size_t i = 0; name && i < sizeof(foundations) / sizeof(foundations[0]); i++)
		if (!strcmp(name, foundations[i]))
			return true;
	return false;
}

/* Whether the instruction is in the function itself, not in what it jumps to. */
static bool is_own(const struct follow *f, const cs_insn *insn)
{
	return insn->address - f->sym->address < f->sym->size;
}

/* Whether the code behind a call is reached. */
static bool call_returns(struct follow *f, const cs_insn *insn)
{
	uint64_t target = direct(insn), slot = through(insn);
	struct elfplt stub;

	if (target && is_foundation(f, target)) {
		f->out->delegates |= is_own(f, insn);
		return true;
	}
	if (!(target && elfplt_find(f->image, target, &stub)) &&
	    !(slot && elfplt_slot(f->image, slot, &stub)))
		return true;
	if (stub.address && is_foundation(f, stub.address))
		f->out->delegates |= is_own(f, insn);
	for (size_t i = 0; i < sizeof(no_return) / sizeof(no_return[0]); i++)
		if (!strcmp(stub.name, no_return[i]))
			return false;
	return true;
}

/* One instruction: whether the next one is reached from it; a negative errno. */
static int step(struct follow *f, const cs_insn *insn)
{
	int err;

	switch (insn->id) {
	case X86_INS_RET:
		err = push(&f->out->sites, &f->out->count, &f->out->room, insn->address);
		return err ? err : 0;
	case X86_INS_JMP:
		return jump(f, insn);
	case X86_INS_CALL:
		return call_returns(f, insn);
	case X86_INS_HLT:
	case X86_INS_UD2:
	case X86_INS_INT3:
		return 0;
	}
	if (cs_insn_group(f->decoder, insn, CS_GRP_JUMP) && direct(insn)) {
		err = go(f, direct(insn));
		return err ? err : 1;
	}
	return 1;
}

/* Follows the code at `address` until it jumps, returns or was seen before. */
static int run(struct follow *f, uint64_t address)
{
	uint8_t code[CHUNK];
	uint64_t offset, room, at = address;
	const uint8_t *next = code;
	size_t left = 0;
	int more = 1;

	while (more > 0) {
		if (left < 16) { /* longer than any instruction */
			if (!elfimage_code(f->image, at, &offset, &room))
				break;
			left = elfimage_read(f->image, offset, code,
					     room < sizeof(code) ? room : sizeof(code));
			next = code;
		}
		if (f->visits >= INSTRUCTIONS_MAX ||
		    !cs_disasm_iter(f->decoder, &next, &left, &at, f->insn)) {
			f->out->partial = true;
			break;
		}
		if (!visit(f, f->insn->address))
			break;
		more = step(f, f->insn);
	}
	return more < 0 ? more : 0;
}

int elfret_find(const struct elfimage *image, const struct elfsyms *syms,
		const struct probe_table *table, const struct elfsym *sym, struct elfret *out)
{
	struct follow f = {.image = image, .syms = syms, .table = table, .sym = sym, .out = out};
	int err = -ENOMEM;

	*out = (struct elfret){0};
	if (cs_open(CS_ARCH_X86, CS_MODE_64, &f.decoder) != CS_ERR_OK)
		return -ENOMEM;
	cs_option(f.decoder, CS_OPT_DETAIL, CS_OPT_ON);
	f.insn = cs_malloc(f.decoder);
	f.visited = calloc(SLOTS, sizeof(*f.visited));
	if (!f.insn || !f.visited)
		goto out;
	err = go(&f, sym->address);
	while (!err && f.ahead_count)
		err = run(&f, f.ahead[--f.ahead_count]);
out:
	if (f.insn)
		cs_free(f.insn, 1);
	cs_close(&f.decoder);
	free(f.visited);
	free(f.ahead);
	if (err) {
		free(out->sites);
		*out = (struct elfret){0};
	}
	return err;
}
