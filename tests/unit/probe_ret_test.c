/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Return instructions of functions that may throw: all of them, along every
 * jump, and none behind a call that does not come back.  The truth is the
 * assembler's: each instruction that must be found has a label.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <inttypes.h>

#include "probe_files.h"

static const char assembly[] =
    ".text\n"
    ".macro func name\n .globl \\name\n .type \\name,@function\n\\name:\n .endm\n"
    ".macro good name\n .globl \\name\n\\name: ret\n .endm\n"
    "func malloc\n push %rbx\n pop %rbx\n ret\n .size malloc,.-malloc\n"
    "func _Znwm\n"
    " test %rdi,%rdi\n je 1f\n cmp $9,%rdi\n ja slow\n"
    " cmp $8,%rdi\n je shared@PLT\n"
    " good ret_fast\n"
    "1: cmp $7,%rsi\n jne 2f\n call abort@PLT\n"
    /* behind abort() there is other code */
    " .globl bad_behind_abort\nbad_behind_abort: ret\n"
    "2: jmp 1b\n"
    " .size _Znwm,.-_Znwm\n"
    "slow: call helper\n jz 3f\n good ret_slow\n"
    "3: .byte 0xf3\n good ret_rep\n"
    "helper: ret\n"
    "func shared\n jmp tail\n .size shared,.-shared\n"
    "tail: push %rax\n pop %rax\n good ret_shared\n"
    /* built on malloc, which is probed: it needs no probe */
    "func _Znam\n call malloc\n test %rax,%rax\n je 4f\n ret\n4: call abort@PLT\n"
    " .size _Znam,.-_Znam\n"
    ".section .note.GNU-stack,\"\",@progbits\n";

/* The address of a symbol, by nm. */
static uint64_t address_of(const char *library, const char *symbol)
{
	char command[512];
	uint64_t address = 0;
	FILE *out;

	snprintf(command, sizeof(command), "nm '%s' | awk '$3 == \"%s\" { print $1 }'", library,
		 symbol);
	out = popen(command, "r");
	assert_non_null(out);
	if (fscanf(out, "%" SCNx64, &address) != 1)
		fail_msg("no symbol %s", symbol);
	pclose(out);
	return address;
}

static bool is_site(const struct elf_file *file, uint64_t offset)
{
	for (size_t i = 0; i < file->hit_count; i++)
		if (file->hits[i].offset == offset)
			return file->hits[i].is_return;
	return false;
}

static void test_return_instructions(void **state)
{
	static const char *const found[] = {"ret_fast", "ret_slow", "ret_shared"};
	struct elf_file file;
	char errbuf[200];
	size_t returns = 0, entries = 0;
	int fd;

	(void)state;
	write_text("ret.s", assembly);
	/* file offsets are addresses then */
	assert_int_equal(run("cc -shared -Wl,-z,noseparate-code -o ret.so ret.s"), 0);
	fd = open(in_dir("ret.so"), O_RDONLY | O_CLOEXEC);
	assert_true(fd >= 0);
	assert_int_equal(elf_scan(fd, "ret.so", &table, &file, errbuf, sizeof(errbuf)), 0);
	close(fd);
	for (size_t i = 0; i < sizeof(found) / sizeof(found[0]); i++)
		if (!is_site(&file, address_of(in_dir("ret.so"), found[i])))
			fail_msg("%s was not found", found[i]);
	/* "rep ret" begins with its prefix */
	assert_true(is_site(&file, address_of(in_dir("ret.so"), "ret_rep") - 1));
	assert_false(is_site(&file, address_of(in_dir("ret.so"), "bad_behind_abort")));
	for (size_t i = 0; i < file.hit_count; i++) {
		const char *symbol = table.rows[file.hits[i].row].symbol;

		returns += file.hits[i].is_return;
		entries += !file.hits[i].is_return;
		if (!file.hits[i].is_return)
			assert_true(!strcmp(symbol, "malloc") || !strcmp(symbol, "_Znwm"));
	}
	assert_int_equal(returns, 4);
	assert_int_equal(entries, 2);
	assert_int_equal(file.function_count, 2);
	elf_free(&file);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_return_instructions),
	};

	return cmocka_run_group_tests_name("probe returns", tests, group_setup, group_teardown);
}
