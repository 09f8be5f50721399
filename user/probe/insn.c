/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The choice of a probe's instruction on x86-64.  Capstone decodes; which
 * instructions the kernel emulates is read from the bytes themselves, because
 * it goes by opcode and prefix, not by mnemonic: "push %r12" is emulated in
 * one encoding and single-stepped in another.
 */
#include <capstone/capstone.h>
#include <string.h>

#include "probe/insn.h"

/* Where the code is said to lie, so that no ordinary constant looks like one of its addresses. */
#define BASE 0x5b6d00000000ULL

/* What an instruction that may be passed over writes, beyond flags and memory. */
enum effect {
	READS_ONLY,    /* no register */
	WRITES_FIRST,  /* its first operand, if that is a register */
	WRITES_STACK,  /* the stack pointer */
	WRITES_POPPED, /* both of these */
};

/* Everything else (calls, divisions, exchanges, system calls …) ends the search. */
static const struct {
	unsigned id;
	enum effect effect;
} passable[] = {
    {X86_INS_ENDBR64, READS_ONLY},  {X86_INS_NOP, READS_ONLY},      {X86_INS_TEST, READS_ONLY},
    {X86_INS_CMP, READS_ONLY},      {X86_INS_BT, READS_ONLY},       {X86_INS_MOV, WRITES_FIRST},
    {X86_INS_MOVABS, WRITES_FIRST}, {X86_INS_MOVZX, WRITES_FIRST},  {X86_INS_MOVSX, WRITES_FIRST},
    {X86_INS_MOVSXD, WRITES_FIRST}, {X86_INS_LEA, WRITES_FIRST},    {X86_INS_ADD, WRITES_FIRST},
    {X86_INS_ADC, WRITES_FIRST},    {X86_INS_SUB, WRITES_FIRST},    {X86_INS_SBB, WRITES_FIRST},
    {X86_INS_AND, WRITES_FIRST},    {X86_INS_OR, WRITES_FIRST},     {X86_INS_XOR, WRITES_FIRST},
    {X86_INS_NOT, WRITES_FIRST},    {X86_INS_NEG, WRITES_FIRST},    {X86_INS_INC, WRITES_FIRST},
    {X86_INS_DEC, WRITES_FIRST},    {X86_INS_SHL, WRITES_FIRST},    {X86_INS_SHR, WRITES_FIRST},
    {X86_INS_SAR, WRITES_FIRST},    {X86_INS_ROL, WRITES_FIRST},    {X86_INS_ROR, WRITES_FIRST},
    {X86_INS_BSF, WRITES_FIRST},    {X86_INS_BSR, WRITES_FIRST},    {X86_INS_LZCNT, WRITES_FIRST},
    {X86_INS_TZCNT, WRITES_FIRST},  {X86_INS_MOVAPS, WRITES_FIRST}, {X86_INS_MOVUPS, WRITES_FIRST},
    {X86_INS_MOVDQA, WRITES_FIRST}, {X86_INS_MOVDQU, WRITES_FIRST}, {X86_INS_MOVD, WRITES_FIRST},
    {X86_INS_MOVQ, WRITES_FIRST},   {X86_INS_PXOR, WRITES_FIRST},   {X86_INS_XORPS, WRITES_FIRST},
    {X86_INS_PUSH, WRITES_STACK},   {X86_INS_POP, WRITES_POPPED},
};

/* The registers that matter, each under all its names; the bit is the argument's. */
#define STACK_POINTER (1u << 6)
static const struct {
	unsigned bit;
	x86_reg names[5];
} registers[] = {
    {1u << 0, {X86_REG_RDI, X86_REG_EDI, X86_REG_DI, X86_REG_DIL}},
    {1u << 1, {X86_REG_RSI, X86_REG_ESI, X86_REG_SI, X86_REG_SIL}},
    {1u << 2, {X86_REG_RDX, X86_REG_EDX, X86_REG_DX, X86_REG_DL, X86_REG_DH}},
    {1u << 3, {X86_REG_RCX, X86_REG_ECX, X86_REG_CX, X86_REG_CL, X86_REG_CH}},
    {1u << 4, {X86_REG_R8, X86_REG_R8D, X86_REG_R8W, X86_REG_R8B}},
    {1u << 5, {X86_REG_R9, X86_REG_R9D, X86_REG_R9W, X86_REG_R9B}},
    {STACK_POINTER, {X86_REG_RSP, X86_REG_ESP, X86_REG_SP, X86_REG_SPL}},
};

static unsigned register_bit(x86_reg reg)
{
	for (size_t i = 0; i < sizeof(registers) / sizeof(registers[0]); i++)
		for (size_t k = 0; k < 5; k++)
			if (registers[i].names[k] == reg && reg != X86_REG_INVALID)
				return registers[i].bit;
	return 0;
}

/* The registers `insn` writes, as bits, or ~0u if it may not be passed over. */
static unsigned registers_written(const cs_insn *insn)
{
	const cs_x86 *x86 = &insn->detail->x86;
	unsigned first = 0;

	if (x86->op_count > 0 && x86->operands[0].type == X86_OP_REG)
		first = register_bit(x86->operands[0].reg);
	for (size_t i = 0; i < sizeof(passable) / sizeof(passable[0]); i++) {
		if (passable[i].id != insn->id)
			continue;
		switch (passable[i].effect) {
		case READS_ONLY:
			return 0;
		case WRITES_FIRST:
			return first;
		case WRITES_STACK:
			return STACK_POINTER;
		case WRITES_POPPED:
			return STACK_POINTER | first;
		}
	}
	return ~0u;
}

/*
 * Why the kernel emulates the `n` bytes of an instruction, or NULL.  Branches
 * with a 0x66 prefix it refuses altogether; of the nops, 0x90 is the one that
 * kernels before 6.18 know.
 */
static const char *emulated_as(const uint8_t *b, size_t n)
{
	if (n == 1 && b[0] >= 0x50 && b[0] <= 0x57)
		return "push: emulated";
	if (n == 2 && b[0] == 0x41 && b[1] >= 0x50 && b[1] <= 0x57)
		return "push: emulated";
	if ((n == 1 && b[0] == 0x90) || (n == 2 && b[0] == 0x66 && b[1] == 0x90))
		return "nop: emulated";
	if (n > 1 && b[0] == 0xf2) { /* bnd */
		b++;
		n--;
	}
	if ((n == 5 && b[0] == 0xe9) || (n == 2 && b[0] == 0xeb))
		return "jump: emulated";
	if (n == 5 && b[0] == 0xe8)
		return "call: emulated";
	if (n == 2 && (b[0] & 0xf0) == 0x70)
		return "conditional jump: emulated";
	if (n == 6 && b[0] == 0x0f && (b[1] & 0xf0) == 0x80)
		return "conditional jump: emulated";
	return NULL;
}

/* A nop that kernels from 6.18 on emulate; the 5-byte one even becomes a call there. */
static bool is_long_nop(const uint8_t *b, size_t n)
{
	static const uint8_t nops[][5] = {
	    {0x0f, 0x1f, 0x00}, {0x0f, 0x1f, 0x40, 0x00}, {0x0f, 0x1f, 0x44, 0x00, 0x00}};

	return n >= 3 && n <= 5 && memcmp(b, nops[n - 3], n) == 0;
}

/* Decodes one instruction at *at and steps over it. */
static bool decode(csh handle, const uint8_t *code, size_t length, size_t *at, cs_insn *insn)
{
	const uint8_t *p = code + *at;
	size_t left = length - *at;
	uint64_t address = BASE + *at;

	if (left == 0 || !cs_disasm_iter(handle, &p, &left, &address, insn))
		return false;
	*at += insn->size;
	return true;
}

/*
 * Whether an instruction of the function may jump behind its entry, up to and
 * including `place`.  Only a relative branch can have an operand that looks
 * like an address of the code, whatever the branch is called.
 */
static bool jumped_to(csh handle, const uint8_t *code, size_t length, bool whole, size_t place,
		      cs_insn *insn)
{
	size_t at = 0;

	while (at < length) {
		if (!decode(handle, code, length, &at, insn))
			return whole;
		for (unsigned i = 0; i < insn->detail->x86.op_count; i++) {
			const cs_x86_op *op = &insn->detail->x86.operands[i];

			if (op->type == X86_OP_IMM && (uint64_t)op->imm > BASE &&
			    (uint64_t)op->imm <= BASE + place)
				return true;
		}
	}
	return false;
}

/* The first instruction that will do, jumps not considered. */
static struct insn_place walk(csh handle, const uint8_t *code, size_t length, unsigned keep,
			      cs_insn *insn)
{
	struct insn_place place = {0, "entry: no emulated instruction before it is too late",
				   false};
	bool have_nop = false;
	size_t at = 0, start;
	const char *reason;

	while (at < length && at < INSN_WINDOW) {
		start = at;
		if (!decode(handle, code, length, &at, insn))
			break;
		reason = emulated_as(code + start, insn->size);
		if (reason)
			return (struct insn_place){start, reason, true};
		if (!have_nop && is_long_nop(code + start, insn->size)) {
			have_nop = true;
			place.offset = start;
			place.reason = "long nop: emulated since Linux 6.18";
		}
		if (registers_written(insn) & keep)
			break;
	}
	return place;
}

/* The function's own test of an argument: where it is, and where it goes on if that is not 0. */
struct test {
	size_t branch, target;
};

static bool tests_zero(const cs_insn *insn, unsigned zero)
{
	const cs_x86 *x86 = &insn->detail->x86;

	return insn->id == X86_INS_TEST && x86->op_count == 2 &&
	       x86->operands[0].type == X86_OP_REG && x86->operands[1].type == X86_OP_REG &&
	       x86->operands[0].reg == x86->operands[1].reg && x86->operands[0].size == 8 &&
	       register_bit(x86->operands[0].reg) == zero;
}

/* Among the first straight-line instructions, with the arguments still there. */
static bool find_test(csh handle, const uint8_t *code, size_t length, unsigned keep, unsigned zero,
		      cs_insn *insn, struct test *test)
{
	bool tested = false;
	size_t at = 0;

	while (at < INSN_WINDOW) {
		test->branch = at;
		if (!decode(handle, code, length, &at, insn))
			return false;
		if (tested && (insn->id == X86_INS_JE || insn->id == X86_INS_JNE)) {
			uint64_t to = (uint64_t)insn->detail->x86.operands[0].imm - BASE;

			test->target = insn->id == X86_INS_JE ? at : to;
			return test->target >= at && test->target < length;
		}
		tested = tests_zero(insn, zero);
		if (registers_written(insn) & keep)
			return false;
	}
	return false;
}

/*
 * Whether `place` is come to only by the test's branch, and that only from the entry: no jump
 * leads between, and what lies before the target does not go on into it.
 */
static bool leads_only_to(csh handle, const uint8_t *code, size_t length, const struct test *test,
			  size_t place, cs_insn *insn)
{
	bool ends = true, seen = false;
	size_t at = 0, start;

	while (at < length) {
		start = at;
		seen |= start == test->target;
		if (start == test->target && !ends)
			return false;
		if (!decode(handle, code, length, &at, insn))
			return false;
		for (unsigned i = 0; i < insn->detail->x86.op_count; i++) {
			const cs_x86_op *op = &insn->detail->x86.operands[i];
			uint64_t to = (uint64_t)op->imm - BASE;

			if (op->type != X86_OP_IMM || start == test->branch)
				continue;
			if ((to > 0 && to <= test->branch) || (to >= test->target && to <= place))
				return false;
		}
		if (insn->id != X86_INS_NOP)
			ends = insn->id == X86_INS_RET || insn->id == X86_INS_JMP ||
			       start == test->branch;
	}
	return seen;
}

static bool choose_nonzero(csh handle, const uint8_t *code, size_t length, unsigned keep,
			   unsigned zero, cs_insn *insn, struct insn_place *place)
{
	struct test test;
	size_t at, start;

	if (!find_test(handle, code, length, keep, zero, insn, &test))
		return false;
	for (at = test.target; at < length && at < test.target + INSN_WINDOW;) {
		start = at;
		if (!decode(handle, code, length, &at, insn))
			return false;
		place->reason = emulated_as(code + start, insn->size);
		place->offset = start;
		if (place->reason)
			return leads_only_to(handle, code, length, &test, start, insn);
		if (registers_written(insn) & keep)
			return false;
	}
	return false;
}

/* Opens a decoder and room for an instruction; insn_close() takes both. */
static bool insn_open(csh *handle, cs_insn **insn)
{
	*insn = NULL;
	if (cs_open(CS_ARCH_X86, CS_MODE_64, handle) != CS_ERR_OK)
		return false;
	if (cs_option(*handle, CS_OPT_DETAIL, CS_OPT_ON) == CS_ERR_OK)
		*insn = cs_malloc(*handle);
	if (!*insn)
		cs_close(handle);
	return *insn != NULL;
}

static void insn_close(csh *handle, cs_insn *insn)
{
	cs_free(insn, 1);
	cs_close(handle);
}

struct insn_place insn_choose_nonzero(const uint8_t *code, size_t size, unsigned args,
				      unsigned zero)
{
	struct insn_place place = {.emulated = true};
	cs_insn *insn;
	csh handle;
	bool found;

	if (!insn_open(&handle, &insn))
		return (struct insn_place){0};
	found = choose_nonzero(handle, code, size, args | zero, zero, insn, &place);
	insn_close(&handle, insn);
	return found ? place : (struct insn_place){0};
}

struct insn_place insn_choose(const uint8_t *code, size_t length, size_t size, unsigned args,
			      bool entry_sp)
{
	struct insn_place place = {0, "entry: no disassembler", false};
	unsigned keep = (args & (STACK_POINTER - 1)) | (entry_sp ? STACK_POINTER : 0);
	cs_insn *insn;
	csh handle;

	if (size && size < length)
		length = size;
	if (!insn_open(&handle, &insn))
		return place;
	place = walk(handle, code, length, keep, insn);
	if (place.offset && size > length)
		place = (struct insn_place){0, "entry: the function is too long to search", false};
	else if (place.offset && jumped_to(handle, code, length, size != 0, place.offset, insn))
		place = (struct insn_place){0, "entry: a jump leads back near it", false};
	insn_close(&handle, insn);
	return place;
}

/* So many set out, and of so many of them one may end up elsewhere. */
#define SET_OUT 32
#define ASTRAY 8

bool insn_begins(const uint8_t *code, size_t length, size_t at)
{
	size_t from, place, come = 0;
	cs_insn *insn;
	csh handle;

	if (at < INSN_BEGINS_BYTES || at >= length || !insn_open(&handle, &insn))
		return false;
	for (from = at - INSN_BEGINS_BYTES; from < at - INSN_BEGINS_BYTES + SET_OUT; from++) {
		place = from;
		while (place < at)
			if (!decode(handle, code, length, &place, insn))
				place++; /* it was none */
		come += place == at;
	}
	insn_close(&handle, insn);
	return come >= SET_OUT - SET_OUT / ASTRAY;
}
