/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The instructions by which a function is come to: the one that called it, or jumps at the end of
 * what was called in its place.  The truth is the assembler's: what is meant has a label.
 */
#include "probe_files.h"

#include <inttypes.h>

#include "probe/elfcalls.h"
#include "probe/insn.h"

/* Enough before each place for the decoders to agree; `garbage` has a jump's bytes in a constant.
 */
static const char assembly[] =
    ".text\n"
    ".macro func name\n .globl \\name\n .type \\name,@function\n\\name:\n .endm\n"
    ".macro place name\n .globl \\name\n\\name:\n .endm\n"
    ".macro filler\n .rept 40\n mov %rsi,%rdx\n add $7,%rdx\n .endr\n .endm\n"
    "func own\n push %rbx\n pop %rbx\n ret\n"
    "func caller\n filler\n place call_own\n call own\n place back_own\n ret\n"
    "func imports\n filler\n place call_other\n call other@PLT\n place back_other\n ret\n"
    "func indirect\n filler\n call *%rax\n place back_indirect\n ret\n"
    "func far\n filler\n call *%rax\n place back_far\n call own\n place back_behind\n ret\n"
    "func first\n filler\n place jump_first\n jmp other@PLT\n"
    "func second\n filler\n place jump_second\n jmp other@PLT\n"
    "func garbage\n filler\n movabs $0x11223344,%rax\n ret\n"
    "func conditional\n test %rdi,%rdi\n je other@PLT\n ret\n"
    ".section .note.GNU-stack,\"\",@progbits\n";

static int fd;

static int begin(void **state)
{
	char command[512];

	(void)state;
	assert_non_null(mkdtemp(dir));
	write_text("calls.s", assembly);
	snprintf(command, sizeof(command), "gcc -shared -nostdlib -Wl,-Bsymbolic -o %s %s",
		 in_dir("calls.so"), in_dir("calls.s"));
	assert_int_equal(system(command), 0);
	fd = open(in_dir("calls.so"), O_RDWR | O_CLOEXEC);
	return fd < 0;
}

static int end(void **state)
{
	char command[256];

	(void)state;
	close(fd);
	snprintf(command, sizeof(command), "rm -r %s", dir);
	return system(command);
}

/* Where a symbol is in the file: its code is mapped so that both agree but for a constant. */
static uint64_t offset_of(const char *symbol)
{
	char command[512];
	uint64_t address = 0, start = 0, at = 0;
	FILE *out;

	snprintf(command, sizeof(command),
		 "nm %s | awk '$3 == \"%s\" { print $1 }'; readelf -lW %s | "
		 "awk '/LOAD.* R E / { print $3, $2 }'",
		 in_dir("calls.so"), symbol, in_dir("calls.so"));
	out = popen(command, "r");
	assert_non_null(out);
	if (fscanf(out, "%" SCNx64 " %" SCNx64 " %" SCNx64, &address, &start, &at) != 3)
		fail_msg("no symbol %s", symbol);
	pclose(out);
	return address - start + at;
}

static size_t find(const char *symbol, const char *function, const char *back, uint64_t *sites,
		   size_t room)
{
	const struct elfcalls_wanted wanted = {
	    .symbol = symbol,
	    .function = function ? offset_of(function) : 0,
	    .back = offset_of(back),
	};

	return elfcalls_find(fd, &wanted, sites, room);
}

static void test_calls(void **state)
{
	uint64_t sites[4];

	(void)state;
	assert_int_equal(find("own", "own", "back_own", sites, 4), 1);
	assert_int_equal(sites[0], offset_of("call_own"));
	assert_int_equal(find("other", NULL, "back_other", sites, 4), 1);
	assert_int_equal(sites[0], offset_of("call_other"));
}

static void test_jumps(void **state)
{
	uint64_t sites[4];

	(void)state;
	assert_int_equal(find("other", NULL, "back_indirect", sites, 4), 2);
	assert_int_equal(sites[0], offset_of("jump_first"));
	assert_int_equal(sites[1], offset_of("jump_second"));
	assert_int_equal(find("other", NULL, "back_own", sites, 4), 2);      /* it called another */
	assert_int_equal(find("other", NULL, "back_indirect", sites, 1), 0); /* no room */
}

static void test_none(void **state)
{
	uint64_t sites[4];

	(void)state;
	assert_int_equal(find("nothing", NULL, "back_own", sites, 4), 0);
	assert_int_equal(find("own", "own", "back_far", sites, 4), 0); /* no jump to it */
	assert_int_equal(find("own", "own", "caller", sites, 4), 0);
	assert_int_equal(elfcalls_find(fd, &(struct elfcalls_wanted){.symbol = "own"}, sites, 4),
			 0);
	assert_int_equal(
	    elfcalls_find(fd, &(struct elfcalls_wanted){.symbol = "own", .back = ~0ULL}, sites, 4),
	    0);
}

/* Bytes that would be a jump, in the middle of an instruction, are none. */
static void test_constant(void **state)
{
	uint64_t at = offset_of("garbage"), target = offset_of("own"), sites[4];
	int64_t distance;
	uint8_t code[600];
	size_t i;

	(void)state;
	assert_int_equal(pread(fd, code, sizeof(code), at), sizeof(code));
	for (i = 0; code[i] != 0x48 || code[i + 1] != 0xb8; i++)
		assert_true(i < 590);
	distance = (int64_t)target - (int64_t)(at + i + 3 + 5);
	code[i + 3] = 0xe9;
	memcpy(code + i + 4, &distance, 4);
	assert_int_equal(pwrite(fd, code + i, 10, at + i), 10);
	assert_true(insn_begins(code, sizeof(code), i));
	assert_false(insn_begins(code, sizeof(code), i + 3));
	assert_int_equal(find("own", "own", "back_indirect", sites, 4), 0);
}

static void test_begins(void **state)
{
	uint8_t code[512];
	size_t i;

	(void)state;
	assert_int_equal(pread(fd, code, sizeof(code), offset_of("caller")), sizeof(code));
	/* mov, of three bytes, and add, of four */
	for (i = 140; i < 240; i++)
		assert_int_equal(insn_begins(code, sizeof(code), i), i % 7 == 0 || i % 7 == 3);
	assert_false(insn_begins(code, sizeof(code), INSN_BEGINS_BYTES - 1));
	assert_false(insn_begins(code, 140, 140));
}

static void test_no_file(void **state)
{
	const struct elfcalls_wanted wanted = {.symbol = "own", .back = 64};
	uint64_t sites[4];
	int other;

	(void)state;
	write_text("text", "no program");
	other = open(in_dir("text"), O_RDONLY | O_CLOEXEC);
	assert_true(other >= 0);
	assert_int_equal(elfcalls_find(other, &wanted, sites, 4), 0);
	close(other);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_calls),   cmocka_unit_test(test_jumps),
	    cmocka_unit_test(test_none),    cmocka_unit_test(test_begins),
	    cmocka_unit_test(test_no_file), cmocka_unit_test(test_constant),
	};

	return cmocka_run_group_tests_name("calls", tests, begin, end);
}
