/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The interpreter of call frame information against sections assembled here:
 * each instruction, each form of an expression, each form of an entry, and what
 * must be refused.  What it says is compared as text (tests/tools/unwind_text.h).
 */
#include <dwarf.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../tools/unwind_text.h"
#include "unwind/cfi.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
/* An array of bytes and its size, as two arguments or initialisers. */
#define BYTES(...) ((const uint8_t[]){__VA_ARGS__}), sizeof((const uint8_t[]){__VA_ARGS__})
#define NOTHING ((const uint8_t *)""), 0
#define SLEB(x) ((x)&0x7f) /* -64..63 */

/* Where the section and the function are. */
#define SECTION 0x5000
#define FUNCTION 0x1000
#define LENGTH 0x100

enum { RAX, RDX, RCX, RBX, RSI, RDI, RBP, RSP, R8, R9, R10, RIP = 16 };

/* ---- a section --------------------------------------------------------- */

struct builder {
	uint8_t bytes[16384];
	size_t size, entry;
	bool is_debug, is_64;
};

static void put(struct builder *b, const void *bytes, size_t size)
{
	assert_true(b->size + size <= sizeof(b->bytes));
	if (size)
		memcpy(b->bytes + b->size, bytes, size);
	b->size += size;
}

static void put_number(struct builder *b, uint64_t value, size_t size)
{
	put(b, &value, size);
}

static size_t id_size(const struct builder *b)
{
	return b->is_64 ? 8 : 4;
}

static void entry_begin(struct builder *b)
{
	if (b->is_64)
		put_number(b, UINT32_MAX, 4);
	b->entry = b->size;
	put_number(b, 0, id_size(b));
}

static void entry_end(struct builder *b)
{
	uint64_t length;

	while (b->size % 8)
		put_number(b, DW_CFA_nop, 1);
	length = b->size - b->entry - id_size(b);
	memcpy(b->bytes + b->entry, &length, id_size(b));
}

struct cie {
	uint8_t version;
	const char *augmentation;
	const uint8_t *data; /* of the augmentation, with its size if it has one */
	size_t data_size;
	uint8_t code_factor;
	int8_t data_factor; /* a SLEB() */
	uint8_t return_column;
};

#define PCREL (DW_EH_PE_pcrel | DW_EH_PE_sdata4)

static const struct cie usual = {1, "zR", BYTES(1, PCREL), 1, SLEB(-8), RIP};
static const struct cie of_signal = {1, "zRS", BYTES(1, PCREL), 1, SLEB(-8), RIP};

/* CFA = RSP + 8, and the return address is on top. */
#define INITIAL BYTES(DW_CFA_def_cfa, RSP, 8, DW_CFA_offset | RIP, 1)

static uint64_t add_cie(struct builder *b, const struct cie *cie, const uint8_t *program,
			size_t size)
{
	uint64_t offset = b->size;

	entry_begin(b);
	put_number(b, b->is_debug ? UINT64_MAX : 0, id_size(b));
	put_number(b, cie->version, 1);
	put(b, cie->augmentation, strlen(cie->augmentation) + 1);
	if (cie->version == 4)
		put(b, BYTES(8, 0));
	put_number(b, cie->code_factor, 1);
	put_number(b, (uint8_t)cie->data_factor, 1);
	put_number(b, cie->return_column, 1);
	put(b, cie->data, cie->data_size);
	put(b, program, size);
	entry_end(b);
	return offset;
}

static void fde_begin(struct builder *b, uint64_t cie)
{
	entry_begin(b);
	put_number(b, b->is_debug ? cie : b->size - cie, id_size(b));
}

static void add_fde_at(struct builder *b, uint64_t cie, uint64_t start, uint64_t length,
		       const uint8_t *program, size_t size)
{
	fde_begin(b, cie);
	put_number(b, start - (SECTION + b->size), 4);
	put_number(b, length, 4);
	put_number(b, 0, 1);
	put(b, program, size);
	entry_end(b);
}

static void add_fde(struct builder *b, uint64_t cie, const uint8_t *program, size_t size)
{
	add_fde_at(b, cie, FUNCTION, LENGTH, program, size);
}

/* ---- what is said of it ------------------------------------------------ */

struct said {
	char text[4096];
	size_t used;
	uint64_t start, end;
	bool refused;
};

static void say(void *context, uint64_t start, uint64_t end, const struct ms_unwind_rule *rule)
{
	struct said *said = context;
	char text[UNWIND_TEXT_SIZE];

	/* In order, without gaps. */
	assert_int_equal(start, said->end);
	assert_true(end > start);
	said->end = end;
	said->used += (size_t)snprintf(
	    said->text + said->used, sizeof(said->text) - said->used, "%s%lx %s",
	    said->used ? "; " : "", (unsigned long)(start - said->start), unwind_text(rule, text));
	assert_true(said->used < sizeof(said->text));
}

static struct cfi open_section(const struct builder *b)
{
	/* Of its exact size, so that a sanitizer sees a step out of it. */
	uint8_t *copy = malloc(b->size);
	struct cfi_section section = {copy, b->size, SECTION, b->is_debug};
	struct cfi cfi;

	assert_non_null(copy);
	memcpy(copy, b->bytes, b->size);
	assert_int_equal(cfi_open(&cfi, &section), 0);
	return cfi;
}

static void close_section(struct cfi *cfi)
{
	free((void *)cfi->section.bytes);
	cfi_close(cfi);
}

static struct said run_function(const struct cfi *cfi, size_t number)
{
	struct said said = {.start = cfi->fdes[number].start, .end = cfi->fdes[number].start};

	said.refused = cfi_run(cfi, &cfi->fdes[number], UINT64_MAX, say, &said);
	assert_int_equal(said.end, cfi->fdes[number].end);
	assert_int_equal(said.refused, strstr(said.text, "refused") != NULL);
	return said;
}

static void check_only(const struct builder *b, const char *name, const char *expected)
{
	struct cfi cfi = open_section(b);
	struct said said;

	assert_int_equal(cfi.fde_count, 1);
	assert_int_equal(cfi.unreadable, 0);
	assert_int_equal(cfi.fdes[0].start, FUNCTION);
	assert_int_equal(cfi.fdes[0].end, FUNCTION + LENGTH);
	said = run_function(&cfi, 0);
	if (strcmp(said.text, expected))
		fail_msg("%s: expected \"%s\", got \"%s\"", name, expected, said.text);
	close_section(&cfi);
}

struct program {
	const char *name;
	const uint8_t *bytes;
	size_t size;
	const char *expected;
};

static void check_programs(const struct cie *cie, const struct program *programs, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		struct builder b = {0};
		uint64_t offset = add_cie(&b, cie, INITIAL);

		add_fde(&b, offset, programs[i].bytes, programs[i].size);
		check_only(&b, programs[i].name, programs[i].expected);
	}
}

/* ---- instructions ------------------------------------------------------ */

#define CFA_IS(offset) DW_CFA_def_cfa_offset, (offset)

static const struct program instructions[] = {
    {"nothing", NOTHING, "0 rsp+8"},
    {"advance_loc", BYTES(DW_CFA_advance_loc | 1, CFA_IS(16), DW_CFA_advance_loc | 63, CFA_IS(8)),
     "0 rsp+8; 1 rsp+16; 40 rsp+8"},
    {"advance_loc by nothing", BYTES(CFA_IS(16), DW_CFA_advance_loc, CFA_IS(24)), "0 rsp+24"},
    {"advance_loc1", BYTES(DW_CFA_advance_loc1, 0x80, CFA_IS(16)), "0 rsp+8; 80 rsp+16"},
    {"advance_loc2", BYTES(DW_CFA_advance_loc2, 0x90, 0, CFA_IS(16)), "0 rsp+8; 90 rsp+16"},
    {"advance_loc4", BYTES(DW_CFA_advance_loc4, 0xff, 0, 0, 0, CFA_IS(16)), "0 rsp+8; ff rsp+16"},
    {"advance to the end", BYTES(DW_CFA_advance_loc2, 0, 1, CFA_IS(16)), "0 rsp+8"},
    {"advance past the end", BYTES(DW_CFA_advance_loc4, 0xff, 0xff, 0xff, 0xff, CFA_IS(16)),
     "0 rsp+8"},
    /* Neighbours that are equal are for the caller to join. */
    {"advance without a change", BYTES(DW_CFA_advance_loc | 4, DW_CFA_nop), "0 rsp+8; 4 rsp+8"},
    {"def_cfa", BYTES(DW_CFA_def_cfa, RBP, 0x90, 0x01), "0 rbp+144"},
    {"def_cfa of rbx", BYTES(DW_CFA_def_cfa, RBX, 0), "0 rbx+0"},
    {"def_cfa_sf", BYTES(DW_CFA_def_cfa_sf, RBP, SLEB(-2)), "0 rbp+16"},
    {"def_cfa_sf below", BYTES(DW_CFA_def_cfa_sf, RBP, 2), "0 rbp-16"},
    {"def_cfa_register", BYTES(CFA_IS(16), DW_CFA_def_cfa_register, RBP), "0 rbp+16"},
    {"def_cfa_offset_sf", BYTES(DW_CFA_def_cfa_offset_sf, SLEB(-4)), "0 rsp+32"},
    {"offset", BYTES(CFA_IS(16), DW_CFA_offset | RBP, 2, DW_CFA_offset | RBX, 3),
     "0 rsp+16 rbp=c-16 rbx=c-24"},
    {"offset of another", BYTES(DW_CFA_offset | R8, 2), "0 rsp+8"},
    {"offset_extended", BYTES(DW_CFA_offset_extended, RBP, 0x82, 0x01), "0 rsp+8 rbp=c-1040"},
    {"offset_extended_sf", BYTES(DW_CFA_offset_extended_sf, RBP, SLEB(-1)), "0 rsp+8 rbp=c+8"},
    {"negative_offset", BYTES(DW_CFA_GNU_negative_offset_extended, RBX, 2), "0 rsp+8 rbx=c+16"},
    {"val_offset", BYTES(DW_CFA_val_offset, RBP, 2), "0 rsp+8 rbp=v-16"},
    {"val_offset_sf", BYTES(DW_CFA_val_offset_sf, RBX, SLEB(-2)), "0 rsp+8 rbx=v+16"},
    {"undefined", BYTES(DW_CFA_offset | RBP, 2, DW_CFA_undefined, RBP), "0 rsp+8"},
    {"same_value", BYTES(DW_CFA_offset | RBX, 2, DW_CFA_same_value, RBX), "0 rsp+8"},
    {"restore", BYTES(DW_CFA_offset | RBP, 2, DW_CFA_advance_loc | 1, DW_CFA_restore | RBP),
     "0 rsp+8 rbp=c-16; 1 rsp+8"},
    {"restore_extended",
     BYTES(DW_CFA_undefined, RIP, DW_CFA_advance_loc | 1, DW_CFA_restore_extended, RIP),
     "0 end; 1 rsp+8"},
    {"remember, restore",
     BYTES(DW_CFA_offset | RBP, 2, DW_CFA_remember_state, DW_CFA_advance_loc | 2, CFA_IS(64),
	   DW_CFA_remember_state, DW_CFA_restore | RBP, DW_CFA_advance_loc | 2,
	   DW_CFA_restore_state, DW_CFA_advance_loc | 2, DW_CFA_restore_state),
     "0 rsp+8 rbp=c-16; 2 rsp+64; 4 rsp+64 rbp=c-16; 6 rsp+8 rbp=c-16"},
    {"args_size", BYTES(DW_CFA_GNU_args_size, 0x90, 0x01, CFA_IS(16)), "0 rsp+16"},
    {"the return address undefined", BYTES(DW_CFA_undefined, RIP), "0 end"},
    {"the stack pointer said", BYTES(DW_CFA_val_offset, RSP, 0), "0 rsp+8"},
};

static const struct program refused[] = {
    {"another base", BYTES(DW_CFA_advance_loc | 4, DW_CFA_def_cfa, R10, 0),
     "0 rsp+8; 4 refused BASE"},
    {"no register", BYTES(DW_CFA_def_cfa, 0x80, 0x02, 0), "0 refused BASE"},
    {"a far return address", BYTES(DW_CFA_offset | RIP, 2), "0 refused RETURN"},
    {"a register has it", BYTES(DW_CFA_register, RIP, RDX), "0 refused RETURN"},
    {"it is said to stay", BYTES(DW_CFA_same_value, RIP), "0 refused RETURN"},
    {"rbp in a register", BYTES(DW_CFA_register, RBP, R9), "0 refused SAVED"},
    {"another stack pointer", BYTES(DW_CFA_register, RSP, R8), "0 refused STACK"},
    {"the stack pointer in memory", BYTES(DW_CFA_offset | RSP, 3), "0 refused STACK"},
    {"a stack pointer elsewhere", BYTES(DW_CFA_val_offset, RSP, 1), "0 refused STACK"},
    {"a large frame", BYTES(DW_CFA_def_cfa_offset, 0x80, 0x80, 0x80, 0x80, 0x08),
     "0 refused RANGE"},
    {"far away", BYTES(DW_CFA_offset | RBP, 0x81, 0x20), "0 refused RANGE"},
    {"unknown", BYTES(DW_CFA_advance_loc | 4, 0x3f, CFA_IS(16)), "0 rsp+8; 4 refused PROGRAM"},
    {"of another machine", BYTES(DW_CFA_GNU_window_save), "0 refused PROGRAM"},
    {"nothing remembered", BYTES(DW_CFA_advance_loc | 4, DW_CFA_restore_state),
     "0 rsp+8; 4 refused PROGRAM"},
    {"cut short",
     BYTES(DW_CFA_advance_loc | 4, DW_CFA_nop, DW_CFA_nop, DW_CFA_def_cfa, 0x80, 0x80, 0x80),
     "0 rsp+8; 4 refused PROGRAM"},
    {"an expression cut short", BYTES(DW_CFA_advance_loc | 4, DW_CFA_def_cfa_expression, 120),
     "0 rsp+8; 4 refused PROGRAM"},
    {"an offset without a register",
     BYTES(DW_CFA_def_cfa_expression, 3, DW_OP_breg7, 8, DW_OP_deref, CFA_IS(16)),
     "0 refused PROGRAM"},
    {"a register without an offset",
     BYTES(DW_CFA_def_cfa_expression, 3, DW_OP_breg7, 8, DW_OP_deref, DW_CFA_def_cfa_register, RBP),
     "0 refused PROGRAM"},
};

static void each_instruction(void **state)
{
	(void)state;
	check_programs(&usual, instructions, COUNT(instructions));
}

static void what_is_refused(void **state)
{
	(void)state;
	check_programs(&usual, refused, COUNT(refused));
}

static void remembering_has_a_limit(void **state)
{
	uint8_t program[64];

	(void)state;
	memset(program, DW_CFA_remember_state, sizeof(program));
	check_programs(&usual, &(struct program){"16", program, 16, "0 rsp+8"}, 1);
	check_programs(&usual, &(struct program){"17", program, 17, "0 refused PROGRAM"}, 1);
}

static void set_loc(void **state)
{
	struct builder b = {0};
	const struct cie absolute = {1, "zR", BYTES(1, DW_EH_PE_udata4), 1, SLEB(-8), RIP};
	uint64_t cie = add_cie(&b, &absolute, INITIAL);

	(void)state;
	fde_begin(&b, cie);
	put_number(&b, FUNCTION, 4);
	put_number(&b, LENGTH, 4);
	put_number(&b, 0, 1);
	put(&b, BYTES(DW_CFA_set_loc, 0x20, 0x10, 0, 0, CFA_IS(16), DW_CFA_set_loc, 0x30, 0x10, 0,
		      0, CFA_IS(24), DW_CFA_set_loc, 0x2f, 0x10, 0, 0, CFA_IS(32)));
	entry_end(&b);
	/* Not back again. */
	check_only(&b, "set_loc", "0 rsp+8; 20 rsp+16; 30 refused PROGRAM");
}

static void code_factor(void **state)
{
	struct cie four = usual;
	const struct program program = {
	    "by 4", BYTES(DW_CFA_advance_loc | 2, CFA_IS(16), DW_CFA_advance_loc1, 4, CFA_IS(24)),
	    "0 rsp+8; 8 rsp+16; 18 rsp+24"};

	(void)state;
	four.code_factor = 4;
	check_programs(&four, &program, 1);
}

/* ---- expressions ------------------------------------------------------- */

/* "breg7 a; breg16 0; lit15; and; lit n; ge; lit3; shl; plus" in different words. */
#define EXPRESSION(...)                                                                            \
	BYTES(DW_CFA_def_cfa_expression, sizeof((uint8_t[]){__VA_ARGS__}), __VA_ARGS__)
#define SAVED(how, reg, ...) BYTES(how, reg, sizeof((uint8_t[]){__VA_ARGS__}), __VA_ARGS__)

static const struct program expressions[] = {
    {"plt",
     EXPRESSION(DW_OP_breg7, 8, DW_OP_breg16, 0, DW_OP_lit15, DW_OP_and, DW_OP_lit11, DW_OP_ge,
		DW_OP_lit3, DW_OP_shl, DW_OP_plus),
     "0 plt rsp+8 11"},
    {"plt, other constants",
     EXPRESSION(DW_OP_breg7, 16, DW_OP_bregx, 16, 0, DW_OP_const1u, 15, DW_OP_and, DW_OP_constu, 6,
		DW_OP_ge, DW_OP_consts, 3, DW_OP_shl, DW_OP_plus),
     "0 plt rsp+16 6"},
    {"plt, the other way round",
     EXPRESSION(DW_OP_lit15, DW_OP_breg16, 0, DW_OP_and, DW_OP_lit10, DW_OP_ge, DW_OP_lit3,
		DW_OP_shl, DW_OP_breg7, 0, DW_OP_plus, DW_OP_plus_uconst, 8),
     "0 plt rsp+8 10"},
    {"realigned", EXPRESSION(DW_OP_breg6, SLEB(-8), DW_OP_deref), "0 *(rbp-8)+0"},
    {"realigned, more", EXPRESSION(DW_OP_breg7, 40, DW_OP_deref, DW_OP_plus_uconst, 8),
     "0 *(rsp+40)+8"},
    {"realigned, added", EXPRESSION(DW_OP_breg3, 0, DW_OP_deref, DW_OP_lit8, DW_OP_plus),
     "0 *(rbx+0)+8"},
    {"a sum", EXPRESSION(DW_OP_breg7, 8, DW_OP_lit8, DW_OP_plus), "0 rsp+16"},
    {"a difference", EXPRESSION(DW_OP_breg6, 32, DW_OP_const2s, 0x18, 0, DW_OP_minus), "0 rbp+8"},
    {"a register", EXPRESSION(DW_OP_bregx, RBP, SLEB(-16)), "0 rbp-16"},
    {"nothing to do", EXPRESSION(DW_OP_nop, DW_OP_breg7, 8), "0 rsp+8"},
    {"large constants",
     EXPRESSION(DW_OP_breg7, 0, DW_OP_const4u, 0, 0, 1, 0, DW_OP_plus, DW_OP_const8s, 8, 0, 0, 0, 0,
		0, 0, 0, DW_OP_plus, DW_OP_const4s, 0xff, 0xff, 0xff, 0xff, DW_OP_plus,
		DW_OP_const2u, 1, 0, DW_OP_plus, DW_OP_const1s, 0xfe, DW_OP_plus),
     "0 rsp+65542"},
    {"rbp by an expression", SAVED(DW_CFA_expression, RBP, DW_OP_breg6, 0), "0 rsp+8 rbp=(rbp+0)"},
    {"rbx by an expression", SAVED(DW_CFA_expression, RBX, DW_OP_breg6, SLEB(-40)),
     "0 rsp+8 rbx=(rbp-40)"},
    {"from rsp", SAVED(DW_CFA_expression, RBP, DW_OP_breg7, SLEB(-8)), "0 rsp+8 rbp=c-16"},
    {"from the CFA", SAVED(DW_CFA_expression, RBP, DW_OP_plus_uconst, 16), "0 rsp+8 rbp=c+16"},
    {"a value", SAVED(DW_CFA_val_expression, RBP, DW_OP_breg7, 24), "0 rsp+8 rbp=v+16"},
    {"a value in memory", SAVED(DW_CFA_val_expression, RBX, DW_OP_breg6, SLEB(-24), DW_OP_deref),
     "0 rsp+8 rbx=(rbp-24)"},
    {"the stack pointer by one", SAVED(DW_CFA_val_expression, RSP, DW_OP_breg7, 8), "0 rsp+8"},
    {"of another", SAVED(DW_CFA_expression, R9, DW_OP_call_frame_cfa), "0 rsp+8"},
    {"the return address by one", SAVED(DW_CFA_expression, RIP, DW_OP_breg7, 0), "0 rsp+8"},
};

static const struct program odd_expressions[] = {
    {"empty", BYTES(DW_CFA_def_cfa_expression, 0), "0 refused FORM"},
    {"plt with another mask",
     EXPRESSION(DW_OP_breg7, 8, DW_OP_breg16, 0, DW_OP_lit7, DW_OP_and, DW_OP_lit11, DW_OP_ge,
		DW_OP_lit3, DW_OP_shl, DW_OP_plus),
     "0 refused FORM"},
    {"plt of another address",
     EXPRESSION(DW_OP_breg7, 8, DW_OP_breg16, 1, DW_OP_lit15, DW_OP_and, DW_OP_lit11, DW_OP_ge,
		DW_OP_lit3, DW_OP_shl, DW_OP_plus),
     "0 refused FORM"},
    {"plt with another size",
     EXPRESSION(DW_OP_breg7, 8, DW_OP_breg16, 0, DW_OP_lit15, DW_OP_and, DW_OP_lit11, DW_OP_ge,
		DW_OP_lit4, DW_OP_shl, DW_OP_plus),
     "0 refused FORM"},
    {"plt on rbp",
     EXPRESSION(DW_OP_breg6, 8, DW_OP_breg16, 0, DW_OP_lit15, DW_OP_and, DW_OP_lit11, DW_OP_ge,
		DW_OP_lit3, DW_OP_shl, DW_OP_plus),
     "0 refused FORM"},
    {"twice in memory", EXPRESSION(DW_OP_breg7, 8, DW_OP_deref, DW_OP_deref), "0 refused FORM"},
    {"another base", EXPRESSION(DW_OP_breg10, 0, DW_OP_deref), "0 refused BASE"},
    {"too little", EXPRESSION(DW_OP_plus), "0 refused FORM"},
    {"nothing to read", EXPRESSION(DW_OP_deref), "0 refused FORM"},
    {"cut short", EXPRESSION(DW_OP_const4u, 1), "0 refused FORM"},
    {"no address", EXPRESSION(DW_OP_lit8), "0 refused FORM"},
    {"a branch", EXPRESSION(DW_OP_breg7, 8, DW_OP_skip, 0xfd, 0xff), "0 refused FORM"},
    {"too deep",
     EXPRESSION(DW_OP_lit0, DW_OP_lit0, DW_OP_lit0, DW_OP_lit0, DW_OP_lit0, DW_OP_lit0, DW_OP_lit0,
		DW_OP_lit0, DW_OP_lit0),
     "0 refused FORM"},
    {"too much added",
     EXPRESSION(DW_OP_breg6, 0, DW_OP_deref, DW_OP_plus_uconst, 0x80, 0x80, 0x80, 0x80, 0x10),
     "0 refused RANGE"},
    {"rbp by another base", SAVED(DW_CFA_expression, RBP, DW_OP_breg3, 0), "0 refused SAVED"},
    {"rbp by an unknown one", SAVED(DW_CFA_expression, RBP, DW_OP_call_frame_cfa),
     "0 refused SAVED"},
    {"a value of rbp", SAVED(DW_CFA_val_expression, RBX, DW_OP_breg6, 0), "0 refused SAVED"},
    {"in memory in memory", SAVED(DW_CFA_expression, RBP, DW_OP_breg6, 0, DW_OP_deref),
     "0 refused SAVED"},
    {"a return address elsewhere", SAVED(DW_CFA_expression, RIP, DW_OP_breg7, 8),
     "0 refused RETURN"},
};

static void each_expression(void **state)
{
	(void)state;
	check_programs(&usual, expressions, COUNT(expressions));
	check_programs(&usual, odd_expressions, COUNT(odd_expressions));
}

/* ---- signal frames ----------------------------------------------------- */

/* glibc's __restore_rt: a register lies at `at` in the ucontext, which RSP points to. */
#define HIGH(x) (((x) >> 7) & 0x7f)
#define BREG7(x) DW_OP_breg7, ((x)&0x7f) | 0x80, HIGH(x)
#define IN_CONTEXT(reg, at) DW_CFA_expression, reg, 3, BREG7(at)
#define FRAME_AT(at) DW_CFA_def_cfa_expression, 4, BREG7(at), DW_OP_deref

static const struct program signal_frames[] = {
    {"glibc's",
     BYTES(FRAME_AT(160), IN_CONTEXT(R8, 40), IN_CONTEXT(RBP, 120), IN_CONTEXT(RBX, 128),
	   IN_CONTEXT(RSP, 160), IN_CONTEXT(RIP, 168)),
     "0 signal rsp+0"},
    {"one that keeps the return address",
     BYTES(FRAME_AT(168), IN_CONTEXT(RBP, 128), IN_CONTEXT(RBX, 136), IN_CONTEXT(RIP, 176)),
     "0 signal rsp+8"},
    {"values",
     BYTES(FRAME_AT(160), DW_CFA_val_expression, RBP, 4, BREG7(120), DW_OP_deref,
	   IN_CONTEXT(RBX, 128), IN_CONTEXT(RIP, 168)),
     "0 signal rsp+0"},
    {"one register elsewhere",
     BYTES(FRAME_AT(160), IN_CONTEXT(RBP, 112), IN_CONTEXT(RBX, 128), IN_CONTEXT(RIP, 168)),
     "0 refused SIGNAL"},
    {"no rbx", BYTES(FRAME_AT(160), IN_CONTEXT(RBP, 120), IN_CONTEXT(RIP, 168)),
     "0 refused SIGNAL"},
    {"another stack pointer",
     BYTES(FRAME_AT(160), IN_CONTEXT(RBP, 120), IN_CONTEXT(RBX, 128), IN_CONTEXT(RSP, 152),
	   IN_CONTEXT(RIP, 168)),
     "0 refused SIGNAL"},
    {"an ordinary frame", NOTHING, "0 refused SIGNAL"},
    {"the end", BYTES(DW_CFA_undefined, RIP), "0 end"},
};

static void frames_of_signals(void **state)
{
	const struct program not_marked = {
	    "without S",
	    BYTES(FRAME_AT(160), IN_CONTEXT(RBP, 120), IN_CONTEXT(RBX, 128), IN_CONTEXT(RIP, 168)),
	    "0 refused RETURN"};

	(void)state;
	check_programs(&of_signal, signal_frames, COUNT(signal_frames));
	check_programs(&usual, &not_marked, 1);
}

/* ---- entries ----------------------------------------------------------- */

static const struct program plain = {"", BYTES(DW_CFA_advance_loc | 4, CFA_IS(16)),
				     "0 rsp+8; 4 rsp+16"};

static void augmentations(void **state)
{
	const struct {
		struct cie cie;
		bool has_sizes;
	} cases[] = {
	    {{1, "zR", BYTES(1, PCREL), 1, SLEB(-8), RIP}, true},
	    {{3, "zPLR", BYTES(7, DW_EH_PE_indirect | PCREL, 1, 2, 3, 4, DW_EH_PE_udata4, PCREL), 1,
	      SLEB(-8), RIP},
	     true},
	    {{1, "zPR", BYTES(10, DW_EH_PE_udata8, 1, 2, 3, 4, 5, 6, 7, 8, PCREL), 1, SLEB(-8),
	      RIP},
	     true},
	    {{1, "zPR", BYTES(2, DW_EH_PE_omit, PCREL), 1, SLEB(-8), RIP}, true},
	    {{1, "zPR", BYTES(4, DW_EH_PE_udata2, 1, 2, PCREL), 1, SLEB(-8), RIP}, true},
	    {{1, "zPR", BYTES(4, DW_EH_PE_uleb128, 0x81, 2, PCREL), 1, SLEB(-8), RIP}, true},
	    {{1, "zRB", BYTES(1, PCREL), 1, SLEB(-8), RIP}, true},
	    /* more data than is known */
	    {{1, "zR", BYTES(4, PCREL, 9, 9, 9), 1, SLEB(-8), RIP}, true},
	    {{1, "R", BYTES(PCREL), 1, SLEB(-8), RIP}, false},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct builder b = {0};
		uint64_t cie = add_cie(&b, &cases[i].cie, INITIAL);

		fde_begin(&b, cie);
		put_number(&b, FUNCTION - (SECTION + b.size), 4);
		put_number(&b, LENGTH, 4);
		if (cases[i].has_sizes)
			put(&b, BYTES(2, 0xff, 0xff));
		put(&b, plain.bytes, plain.size);
		entry_end(&b);
		check_only(&b, cases[i].cie.augmentation, plain.expected);
	}
}

/* An aligned pointer depends on where it is; the personality's does too. */
static void aligned_pointers(void **state)
{
	const struct cie aligned = {1, "zR", BYTES(1, DW_EH_PE_aligned), 1, SLEB(-8), RIP};
	struct builder b = {0};
	uint64_t cie = add_cie(&b, &aligned, INITIAL);

	(void)state;
	fde_begin(&b, cie);
	while (b.size % 8)
		put_number(&b, 0xee, 1);
	put_number(&b, FUNCTION, 8);
	put_number(&b, LENGTH, 8); /* the low half of "aligned" is absptr */
	put_number(&b, 0, 1);
	put(&b, plain.bytes, plain.size);
	entry_end(&b);
	check_only(&b, "aligned", plain.expected);
}

static void encodings(void **state)
{
	const struct {
		uint8_t encoding, size;
		bool is_relative;
	} cases[] = {
	    {DW_EH_PE_absptr, 8, false},
	    {DW_EH_PE_udata2, 2, false},
	    {DW_EH_PE_udata4, 4, false},
	    {DW_EH_PE_udata8, 8, false},
	    {DW_EH_PE_sdata2, 2, false},
	    {DW_EH_PE_sdata4, 4, false},
	    {DW_EH_PE_sdata8, 8, false},
	    {DW_EH_PE_signed, 8, false},
	    {DW_EH_PE_pcrel | DW_EH_PE_absptr, 8, true},
	    {DW_EH_PE_pcrel | DW_EH_PE_sdata2, 2, true},
	    {DW_EH_PE_pcrel | DW_EH_PE_sdata8, 8, true},
	};
	struct builder b = {0};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct cie cie = usual;
		const uint8_t data[] = {1, cases[i].encoding};
		uint64_t offset;

		cie.data = data;
		b.size = 0;
		offset = add_cie(&b, &cie, INITIAL);
		fde_begin(&b, offset);
		put_number(&b, FUNCTION - (cases[i].is_relative ? SECTION + b.size : 0),
			   cases[i].size);
		put_number(&b, LENGTH, cases[i].size);
		put_number(&b, 0, 1);
		put(&b, plain.bytes, plain.size);
		entry_end(&b);
		check_only(&b, "encoding", plain.expected);
	}
}

static void leb_encodings(void **state)
{
	const struct cie cies[] = {
	    {1, "zR", BYTES(1, DW_EH_PE_uleb128), 1, SLEB(-8), RIP},
	    {1, "zR", BYTES(1, DW_EH_PE_sleb128), 1, SLEB(-8), RIP},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cies); i++) {
		struct builder b = {0};
		uint64_t cie = add_cie(&b, &cies[i], INITIAL);

		fde_begin(&b, cie);
		put(&b, BYTES(0x80, 0x20, 0x80, 0x02, 0));
		put(&b, plain.bytes, plain.size);
		entry_end(&b);
		check_only(&b, "leb128", plain.expected);
	}
}

/* .debug_frame: plain addresses, CIEs of every version, also after their functions. */
static void debug_frame(void **state)
{
	const struct cie cies[] = {
	    {1, "", NOTHING, 1, SLEB(-8), RIP},
	    {3, "", NOTHING, 1, SLEB(-8), RIP},
	    {4, "", NOTHING, 1, SLEB(-8), RIP},
	};

	(void)state;
	for (size_t i = 0; i < 4 * COUNT(cies); i++) {
		struct builder b = {.is_debug = true, .is_64 = i & 1};
		bool cie_first = i & 2;
		uint64_t cie = cie_first ? add_cie(&b, &cies[i / 4], INITIAL) : b.is_64 ? 40 : 32;

		fde_begin(&b, cie);
		put_number(&b, FUNCTION, 8);
		put_number(&b, LENGTH, 8);
		put(&b, plain.bytes, plain.size);
		entry_end(&b);
		if (!cie_first)
			assert_int_equal(add_cie(&b, &cies[i / 4], INITIAL), cie);
		check_only(&b, "debug_frame", plain.expected);
	}
}

static void dwarf64_eh_frame(void **state)
{
	struct builder b = {.is_64 = true};
	uint64_t cie = add_cie(&b, &usual, INITIAL);

	(void)state;
	add_fde(&b, cie, plain.bytes, plain.size);
	check_only(&b, "DWARF64", plain.expected);
}

/* A terminator in the middle, two CIEs, and each function with its own one's state. */
static void several_entries(void **state)
{
	static const char *const expected[] = {"0 rsp+8; 4 rsp+16", "0 rbp+16; 4 refused PROGRAM",
					       "0 rsp+8; 4 rsp+16", "0 rbp+16"};
	struct builder b = {0};
	uint64_t first = add_cie(&b, &usual, INITIAL), second;
	struct cfi cfi;

	(void)state;
	add_fde_at(&b, first, 0x3000, 16, plain.bytes, plain.size);
	put_number(&b, 0, 4);
	second = add_cie(&b, &usual, BYTES(DW_CFA_def_cfa, RBP, 16, DW_CFA_offset | RIP, 1));
	add_fde_at(&b, second, 0x1000, 16, BYTES(DW_CFA_advance_loc | 4, DW_CFA_restore_state));
	add_fde_at(&b, first, 0x2000, 16, plain.bytes, plain.size);
	add_fde_at(&b, second, 0x4000, 16, NOTHING);
	cfi = open_section(&b);
	assert_int_equal(cfi.cie_count, 2);
	assert_int_equal(cfi.fde_count, COUNT(expected));
	for (size_t i = 0; i < COUNT(expected); i++)
		assert_string_equal(run_function(&cfi, i).text, expected[i]);
	close_section(&cfi);
}

/* What is no function, and what cannot be read. */
static void what_is_left_out(void **state)
{
	const struct cie bad[] = {
	    {2, "zR", BYTES(1, PCREL), 1, SLEB(-8), RIP},
	    {1, "zR", BYTES(1, PCREL), 1, SLEB(-8), RDI},
	    {1, "zRX", BYTES(1, PCREL), 1, SLEB(-8), RIP},
	    {1, "zR", BYTES(200, PCREL), 1, SLEB(-8), RIP},
	    {1, "zR", BYTES(1, DW_EH_PE_datarel | DW_EH_PE_sdata4), 1, SLEB(-8), RIP},
	    {1, "zR", BYTES(1, DW_EH_PE_indirect | PCREL), 1, SLEB(-8), RIP},
	    {1, "zR", BYTES(1, DW_EH_PE_omit), 1, SLEB(-8), RIP},
	    {1, "zR", BYTES(1, 0x0f), 1, SLEB(-8), RIP},
	};
	struct builder b = {0};
	uint64_t cie = add_cie(&b, &usual, INITIAL);
	struct cfi cfi;

	(void)state;
	add_fde_at(&b, cie, 0x1000, 0, NOTHING);          /* empty */
	add_fde_at(&b, cie, 0, 0x10, NOTHING);            /* thrown away */
	add_fde_at(&b, cie, (uint64_t)-8, 0x10, NOTHING); /* wraps around */
	cfi = open_section(&b);
	assert_int_equal(cfi.fde_count, 0);
	assert_int_equal(cfi.unreadable, 0);
	close_section(&cfi);
	for (size_t i = 0; i < COUNT(bad); i++)
		add_fde_at(&b, add_cie(&b, &bad[i], INITIAL), 0x1000, 0x10, NOTHING);
	/* A CIE does not move; its instructions must be whole. */
	add_fde_at(&b, add_cie(&b, &usual, BYTES(DW_CFA_advance_loc | 1)), 0x1000, 0x10, NOTHING);
	add_fde_at(&b, add_cie(&b, &usual, BYTES(DW_CFA_restore | RBP)), 0x1000, 0x10, NOTHING);
	add_fde_at(&b, add_cie(&b, &usual, BYTES(0x3f)), 0x1000, 0x10, NOTHING);
	add_fde_at(&b, cie + 4, 0x1000, 0x10, NOTHING); /* no CIE there */
	add_fde(&b, cie, plain.bytes, plain.size);
	cfi = open_section(&b);
	assert_int_equal(cfi.unreadable, COUNT(bad) + 4);
	assert_int_equal(cfi.fde_count, 1);
	assert_string_equal(run_function(&cfi, 0).text, plain.expected);
	close_section(&cfi);
}

/* Up to an address within the function; and every section cut short anywhere. */
static void limits(void **state)
{
	struct builder b = {0};
	uint64_t cie = add_cie(&b, &usual, INITIAL);
	struct said said = {.start = FUNCTION, .end = FUNCTION};
	struct cfi cfi;
	size_t whole;

	(void)state;
	add_fde(&b, cie, plain.bytes, plain.size);
	cfi = open_section(&b);
	assert_false(cfi_run(&cfi, &cfi.fdes[0], FUNCTION + 5, say, &said));
	assert_string_equal(said.text, plain.expected);
	assert_int_equal(said.end, FUNCTION + 5);
	said = (struct said){.start = FUNCTION, .end = FUNCTION};
	assert_false(cfi_run(&cfi, &cfi.fdes[0], FUNCTION + 4, say, &said));
	assert_string_equal(said.text, "0 rsp+8");
	close_section(&cfi);
	for (whole = b.size; b.size > 1;) {
		b.size--;
		cfi = open_section(&b);
		assert_int_equal(cfi.fde_count, 0);
		close_section(&cfi);
	}
	assert_true(whole > 40);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(each_instruction),
	    cmocka_unit_test(what_is_refused),
	    cmocka_unit_test(remembering_has_a_limit),
	    cmocka_unit_test(set_loc),
	    cmocka_unit_test(code_factor),
	    cmocka_unit_test(each_expression),
	    cmocka_unit_test(frames_of_signals),
	    cmocka_unit_test(augmentations),
	    cmocka_unit_test(aligned_pointers),
	    cmocka_unit_test(encodings),
	    cmocka_unit_test(leb_encodings),
	    cmocka_unit_test(debug_frame),
	    cmocka_unit_test(dwarf64_eh_frame),
	    cmocka_unit_test(several_entries),
	    cmocka_unit_test(what_is_left_out),
	    cmocka_unit_test(limits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
