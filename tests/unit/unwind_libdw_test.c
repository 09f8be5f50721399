/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Unwind tables against libdw, for every function of the libraries that are
 * everywhere: at each address the rule is what libdw says, or it is
 * refused where libdw says something that no rule can express.
 */
#include <elfutils/libdw.h>
#include <dwarf.h>
#include <fcntl.h>
#include <gelf.h>
#include <glob.h>
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "../tools/unwind_text.h"
#include "unwind/table.h"

#define REG_RIP 16
#define NAMES_SHOWN 6

struct function {
	uint64_t start, end; /* addresses */
};

struct file {
	const char *path;
	int fd;
	Elf *elf;
	Dwarf_CFI *cfi;
	struct unwind_table table;
	struct function *functions;
	size_t count, room;
	size_t rows, refused;
};

/* ---- what libdw says --------------------------------------------------- */

static bool is_register(const Dwarf_Op *op, uint64_t *reg, int64_t *offset)
{
	if (op->atom >= DW_OP_breg0 && op->atom <= DW_OP_breg31) {
		*reg = op->atom - DW_OP_breg0;
		*offset = (int64_t)op->number;
		return true;
	}
	*reg = op->number;
	*offset = (int64_t)op->number2;
	return op->atom == DW_OP_bregx;
}

static bool is_base(uint64_t reg)
{
	return reg == MS_REG_SP || reg == MS_REG_FP || reg == MS_REG_THIRD;
}

static bool is_plt(const Dwarf_Op *ops, size_t count)
{
	static const uint8_t atoms[] = {DW_OP_lit15, DW_OP_and, DW_OP_lit0, DW_OP_ge,
					DW_OP_lit3,  DW_OP_shl, DW_OP_plus};

	if (count != 9 || ops[1].atom != DW_OP_breg16 || ops[1].number)
		return false;
	for (size_t i = 0; i < sizeof(atoms); i++) {
		if (i == 2 ? ops[4].atom < DW_OP_lit0 || ops[4].atom > DW_OP_lit31
			   : ops[2 + i].atom != atoms[i])
			return false;
	}
	return true;
}

/* False: no rule can express it. */
static bool true_cfa(Dwarf_Frame *frame, struct ms_unwind_rule *rule)
{
	Dwarf_Op *ops;
	size_t count;
	uint64_t reg;
	int64_t offset;

	if (dwarf_frame_cfa(frame, &ops, &count) || !count || !is_register(ops, &reg, &offset) ||
	    !is_base(reg))
		return false;
	rule->reg = (uint8_t)reg;
	rule->cfa_offset = (int32_t)offset;
	if (count == 1) {
		rule->kind = MS_RULE_CFA;
		return true;
	}
	if (is_plt(ops, count)) {
		rule->kind = MS_RULE_PLT;
		rule->param = ops[4].atom - DW_OP_lit0;
		return reg == MS_REG_SP;
	}
	rule->kind = MS_RULE_DEREF;
	rule->param = count == 3 ? (int32_t)ops[2].number : 0;
	return ops[1].atom == DW_OP_deref &&
	       (count == 2 || (count == 3 && ops[2].atom == DW_OP_plus_uconst));
}

enum where { UNSAVED, UNDEFINED, AT_CFA, AT_REGISTER, CFA_VALUE, ELSEWHERE };

static enum where true_register(Dwarf_Frame *frame, int number, uint64_t *reg, int64_t *offset)
{
	Dwarf_Op memory[3], *ops;
	size_t count;

	if (dwarf_frame_register(frame, number, memory, &ops, &count))
		return ELSEWHERE;
	if (!count)
		return ops ? UNDEFINED : UNSAVED;
	if (ops[0].atom != DW_OP_call_frame_cfa)
		return ELSEWHERE;
	*offset = 0;
	if (count == 1)
		return AT_CFA;
	if (ops[1].atom == DW_OP_stack_value && count == 2)
		return CFA_VALUE;
	if (is_register(&ops[1], reg, offset))
		return count == 2 ? AT_REGISTER : ELSEWHERE;
	*offset = (int64_t)ops[1].number;
	if (ops[1].atom != DW_OP_plus_uconst)
		return ELSEWHERE;
	if (count == 3 && ops[2].atom == DW_OP_stack_value)
		return CFA_VALUE;
	return count == 2 ? AT_CFA : ELSEWHERE;
}

static bool true_saved(Dwarf_Frame *frame, int number, uint8_t *how, int16_t *offset_out)
{
	uint64_t reg = 0;
	int64_t offset = 0;

	switch (true_register(frame, number, &reg, &offset)) {
	case UNSAVED:
	case UNDEFINED:
		*how = MS_SAVED_SAME;
		return true;
	case AT_CFA:
		*how = MS_SAVED_AT_CFA;
		break;
	case AT_REGISTER:
		*how = MS_SAVED_AT_FP;
		if (reg != MS_REG_FP)
			return false;
		break;
	case CFA_VALUE:
		*how = MS_SAVED_CFA_VALUE;
		break;
	default:
		return false;
	}
	*offset_out = (int16_t)offset;
	return offset == *offset_out;
}

static bool lies_at(Dwarf_Frame *frame, int number, int64_t expected)
{
	uint64_t reg = 0;
	int64_t offset = 0;

	return true_register(frame, number, &reg, &offset) == AT_REGISTER && reg == MS_REG_SP &&
	       offset == expected;
}

/* As glibc's sysdeps/unix/sysv/linux/x86_64/sigaction.c has it: offsets of the kernel's ucontext.
 */
static bool true_signal(Dwarf_Frame *frame, struct ms_unwind_rule *rule)
{
	struct ms_unwind_rule cfa = {0};

	rule->kind = MS_RULE_SIGNAL;
	rule->reg = MS_REG_SP;
	if (!true_cfa(frame, &cfa) || cfa.kind != MS_RULE_DEREF || cfa.reg != MS_REG_SP ||
	    cfa.param)
		return false;
	rule->cfa_offset = cfa.cfa_offset - 160;
	return lies_at(frame, MS_REG_FP, rule->cfa_offset + 120) &&
	       lies_at(frame, MS_REG_THIRD, rule->cfa_offset + 128) &&
	       lies_at(frame, REG_RIP, rule->cfa_offset + 168);
}

static bool true_rule(Dwarf_Frame *frame, bool is_signal, struct ms_unwind_rule *rule)
{
	uint64_t reg = 0;
	int64_t offset = 0;
	enum where where = true_register(frame, REG_RIP, &reg, &offset);

	*rule = (struct ms_unwind_rule){0};
	if (where == UNDEFINED) {
		rule->kind = MS_RULE_END;
		return true;
	}
	if (is_signal)
		return true_signal(frame, rule);
	if (where != AT_CFA || offset != -8 || !true_cfa(frame, rule))
		return false;
	where = true_register(frame, MS_REG_SP, &reg, &offset);
	return where == CFA_VALUE && offset == 0 &&
	       true_saved(frame, MS_REG_FP, &rule->fp, &rule->fp_offset) &&
	       true_saved(frame, MS_REG_THIRD, &rule->third, &rule->third_offset);
}

/* ---- a file ------------------------------------------------------------ */

static uint64_t file_offset(const struct file *file, uint64_t address)
{
	GElf_Phdr segment;
	size_t count;

	assert_int_equal(elf_getphdrnum(file->elf, &count), 0);
	for (size_t i = 0; i < count; i++) {
		assert_non_null(gelf_getphdr(file->elf, (int)i, &segment));
		if (segment.p_type == PT_LOAD && (segment.p_flags & PF_X) &&
		    address - segment.p_vaddr < segment.p_filesz)
			return segment.p_offset + (address - segment.p_vaddr);
	}
	fail_msg("%s: no code at %" PRIx64, file->path, address);
	return 0;
}

static Elf_Scn *section(const struct file *file, const char *name, GElf_Shdr *header)
{
	Elf_Scn *found = NULL;
	size_t names;

	assert_int_equal(elf_getshdrstrndx(file->elf, &names), 0);
	while ((found = elf_nextscn(file->elf, found))) {
		assert_non_null(gelf_getshdr(found, header));
		if (!strcmp(elf_strptr(file->elf, names, header->sh_name), name))
			return found;
	}
	return NULL;
}

static void add_function(struct file *file, uint64_t start, uint64_t end)
{
	if (file->count == file->room) {
		file->room = file->room ? 2 * file->room : 4096;
		file->functions = realloc(file->functions, file->room * sizeof(*file->functions));
		assert_non_null(file->functions);
	}
	file->functions[file->count++] = (struct function){start, end};
}

static int compare_function(const void *a, const void *b)
{
	const struct function *x = a, *y = b;

	return x->start < y->start ? -1 : x->start > y->start;
}

/* By libdw's reader of entries; compilers here use one encoding of addresses. */
static void list_functions(struct file *file)
{
	Elf_Data *data;
	GElf_Ehdr header;
	GElf_Shdr frames;
	Elf_Scn *eh_frame = section(file, ".eh_frame", &frames);
	Dwarf_Off at = 0, next;
	Dwarf_CFI_Entry entry;

	assert_non_null(eh_frame);
	data = elf_rawdata(eh_frame, NULL);
	assert_non_null(data);
	assert_non_null(gelf_getehdr(file->elf, &header));
	for (int r; (r = dwarf_next_cfi(header.e_ident, data, true, at, &next, &entry)) <= 0;
	     at = next) {
		const uint8_t *pointer = entry.fde.start;
		int32_t relative, length;
		uint64_t start;

		assert_int_equal(r, 0);
		if (dwarf_cfi_cie_p(&entry)) {
			assert_int_equal(entry.cie.augmentation[0], 'z');
			assert_int_equal(
			    entry.cie.augmentation_data[entry.cie.augmentation_data_size -
							(entry.cie.augmentation[1] == 'R'
							     ? entry.cie.augmentation_data_size
							     : 1)],
			    DW_EH_PE_pcrel | DW_EH_PE_sdata4);
			continue;
		}
		memcpy(&relative, pointer, 4);
		memcpy(&length, pointer + 4, 4);
		start = frames.sh_addr + (uint64_t)(pointer - (uint8_t *)data->d_buf) +
			(uint64_t)(int64_t)relative;
		if (length)
			add_function(file, start, start + (uint32_t)length);
	}
	qsort(file->functions, file->count, sizeof(*file->functions), compare_function);
}

static void file_open(struct file *file, const char *path)
{
	*file = (struct file){.path = path, .fd = open(path, O_RDONLY | O_CLOEXEC)};
	assert_true(file->fd >= 0);
	elf_version(EV_CURRENT);
	file->elf = elf_begin(file->fd, ELF_C_READ_MMAP, NULL);
	assert_non_null(file->elf);
	file->cfi = dwarf_getcfi_elf(file->elf);
	assert_non_null(file->cfi);
	list_functions(file);
	assert_int_equal(unwind_table_build(file->fd, UNWIND_TABLE_MAX, &file->table), 0);
	assert_int_equal(unwind_table_check(&file->table), 0);
}

static void file_close(struct file *file)
{
	dwarf_cfi_end(file->cfi);
	elf_end(file->elf);
	close(file->fd);
	unwind_table_free(&file->table);
	free(file->functions);
}

/* ---- comparison -------------------------------------------------------- */

/* Assembly that begins a process, and of which libdw knows nothing: it has no caller. */
static bool is_entry(const struct file *file, uint64_t address)
{
	GElf_Ehdr header;

	return gelf_getehdr(file->elf, &header) && address >= header.e_entry &&
	       address - header.e_entry < 96;
}

static void check_rule(const struct file *file, uint64_t address, uint64_t offset,
		       const struct ms_unwind_rule *truth)
{
	const struct ms_unwind_rule *rule = unwind_table_find(&file->table, offset);
	char expected[UNWIND_TEXT_SIZE], got[UNWIND_TEXT_SIZE];

	assert_non_null(rule);
	if (truth && truth->kind == MS_RULE_NONE && rule->kind == MS_RULE_END &&
	    is_entry(file, address))
		return;
	if (truth ? !memcmp(rule, truth, sizeof(*rule)) : rule->kind == MS_RULE_UNSUPPORTED)
		return;
	fail_msg("%s: at %" PRIx64 " libdw says %s, the table %s", file->path, address,
		 truth ? unwind_text(truth, expected) : "what no rule says",
		 unwind_text(rule, got));
}

/*
 * Compares what libdw says from `address` on, within a function, at each byte, up to
 * the end of libdw's row, which is returned.  (Where that begins is not asked
 * for: after DW_CFA_restore_state, libdw 0.188 says where the state was remembered.)
 */
static uint64_t check_row(struct file *file, const struct function *function, uint64_t address,
			  bool *refused)
{
	Dwarf_Frame *frame = NULL;
	Dwarf_Addr end = function->end;
	struct ms_unwind_rule rule;
	bool is_signal = false, can_say = false;
	uint64_t offset = file_offset(file, address);

	if (!dwarf_cfi_addrframe(file->cfi, address, &frame)) {
		dwarf_frame_info(frame, NULL, &end, &is_signal);
		can_say = true_rule(frame, is_signal, &rule);
		free(frame);
	}
	if (end > function->end)
		end = function->end;
	assert_true(address < end);
	for (uint64_t at = address; at < end; at++)
		check_rule(file, at, offset + (at - address), can_say ? &rule : NULL);
	file->rows++;
	*refused |= !can_say;
	return end;
}

static void check_nothing(const struct file *file, uint64_t start, uint64_t end)
{
	static const struct ms_unwind_rule none = {.kind = MS_RULE_NONE};

	if (start >= end)
		return;
	check_rule(file, start, file_offset(file, start), &none);
	check_rule(file, end - 1, file_offset(file, end - 1), &none);
}

/* The name of the symbol that begins last before an address, of those that everybody may see. */
static const char *name_of(const struct file *file, uint64_t address)
{
	GElf_Shdr header;
	Elf_Scn *symbols = section(file, ".dynsym", &header);
	Elf_Data *data = symbols ? elf_getdata(symbols, NULL) : NULL;
	const char *name = "?";
	uint64_t best = 0;
	GElf_Sym symbol;

	for (int i = 0; data && gelf_getsym(data, i, &symbol); i++) {
		if (GELF_ST_TYPE(symbol.st_info) == STT_FUNC && symbol.st_value > best &&
		    symbol.st_value <= address) {
			best = symbol.st_value;
			name = elf_strptr(file->elf, header.sh_link, symbol.st_name);
		}
	}
	return name;
}

static void count_refused(struct file *file, const struct function *function)
{
	if (file->refused++ < NAMES_SHOWN)
		print_message("    refused: %" PRIx64 " near %s\n", function->start,
			      name_of(file, function->start));
}

static void check_file(const char *path)
{
	struct file file;

	file_open(&file, path);
	for (size_t i = 0; i < file.count; i++) {
		const struct function *f = &file.functions[i];
		bool refused = false;

		for (uint64_t at = f->start; at < f->end;)
			at = check_row(&file, f, at, &refused);
		if (refused)
			count_refused(&file, f);
		if (i + 1 < file.count)
			check_nothing(&file, f->end, file.functions[i + 1].start);
	}
	print_message("    %s: %zu functions, %zu rows compared, %zu functions refused\n", path,
		      file.count, file.rows, file.refused);
	assert_int_equal(unwind_table_header(&file.table)->refused, file.refused);
	assert_true(file.count > 10);
	file_close(&file);
}

/* The first file that a pattern names; a skipped test if there is none. */
static void check_pattern(const char *pattern)
{
	glob_t found;

	if (glob(pattern, GLOB_BRACE, NULL, &found)) {
		print_message("    %s is not installed\n", pattern);
		skip();
	}
	check_file(found.gl_pathv[0]);
	globfree(&found);
}

#define LIBRARIES "{/usr/lib/x86_64-linux-gnu,/lib/x86_64-linux-gnu,/usr/lib64,/usr/lib}/"

static void libc(void **state)
{
	(void)state;
	check_pattern(LIBRARIES "libc.so.6");
}

static void the_dynamic_linker(void **state)
{
	(void)state;
	check_pattern("/lib64/ld-linux-x86-64.so.2");
}

/* Its _start has no call frame information, and no caller; what it calls has. */
static void the_dynamic_linkers_first_code_ends_a_walk(void **state)
{
	const struct ms_unwind_rule *rule;
	struct file file;
	GElf_Ehdr header;
	GElf_Phdr segment;
	uint64_t entry = 0;

	(void)state;
	file_open(&file, "/lib64/ld-linux-x86-64.so.2");
	assert_non_null(gelf_getehdr(file.elf, &header));
	for (int i = 0; i < header.e_phnum; i++)
		if (gelf_getphdr(file.elf, i, &segment) && segment.p_type == PT_LOAD &&
		    header.e_entry - segment.p_vaddr < segment.p_filesz)
			entry = header.e_entry - segment.p_vaddr + segment.p_offset;
	assert_int_not_equal(entry, 0);
	for (uint64_t at = entry; at < entry + 16; at++) {
		rule = unwind_table_find(&file.table, at);
		assert_non_null(rule);
		assert_int_equal(rule->kind, MS_RULE_END);
	}
	rule = unwind_table_find(&file.table, entry + 4096);
	assert_non_null(rule);
	assert_int_not_equal(rule->kind, MS_RULE_END);
	file_close(&file);
}

static void libstdcxx(void **state)
{
	(void)state;
	check_pattern(LIBRARIES "libstdc++.so.6");
}

static void python(void **state)
{
	(void)state;
	check_pattern("/usr/bin/python3.[0-9]*[0-9]");
}

/* Hand-written code that realigns its stack, in many ways. */
static void libcrypto(void **state)
{
	(void)state;
	check_pattern(LIBRARIES "libcrypto.so*");
}

static void this_program(void **state)
{
	(void)state;
	check_file("/proc/self/exe");
}

static void libtorch(void **state)
{
	(void)state;
	check_pattern(LIBRARIES "libtorch_cpu.so*");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(libc),
	    cmocka_unit_test(the_dynamic_linker),
	    cmocka_unit_test(the_dynamic_linkers_first_code_ends_a_walk),
	    cmocka_unit_test(libstdcxx),
	    cmocka_unit_test(python),
	    cmocka_unit_test(libcrypto),
	    cmocka_unit_test(this_program),
	    cmocka_unit_test(libtorch),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
