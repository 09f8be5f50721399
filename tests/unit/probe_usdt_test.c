/* SPDX-License-Identifier: GPL-2.0 */
/* Tracepoints of programs (USDT): their arguments, and the notes that say where they are. */
#include "probe_files.h"

#include <asm/ptrace.h>
#include <stddef.h>

#include "probe/operands.h"

/* ---- arguments ------------------------------------------------------------------- */

#define PLACE(name) (uint16_t) offsetof(struct pt_regs, name)
#define REGISTER(bytes, is_signed, name)                                                           \
	{                                                                                          \
		.form = MS_USDT_REGISTER, .size = bytes, .sign = is_signed, .base = PLACE(name)    \
	}

/* One argument: as it is written, and what it says; nothing: it is of no form that is known. */
static const struct {
	const char *text;
	struct ms_usdt_argument wanted;
} operands[] = {
    {"8@%rax", REGISTER(8, 0, rax)},
    {"-8@%r13", REGISTER(8, 1, r13)},
    {"-1@%dl", REGISTER(1, 1, rdx)},
    {"1@%sil", REGISTER(1, 0, rsi)},
    {"2@%bp", REGISTER(2, 0, rbp)},
    {"-4@%r8d", REGISTER(4, 1, r8)},
    {"2@%r15w", REGISTER(2, 0, r15)},
    {"1@%r9b", REGISTER(1, 0, r9)},
    {"  8@%rsp ", REGISTER(8, 0, rsp)},
    {"8@$16", {.form = MS_USDT_CONSTANT, .size = 8, .value = 16}},
    {"-4@$-1", {.form = MS_USDT_CONSTANT, .size = 4, .sign = 1, .value = -1}},
    {"8@$0x10", {.form = MS_USDT_CONSTANT, .size = 8, .value = 16}},
    {"-8@-104(%rbp)",
     {.form = MS_USDT_MEMORY, .size = 8, .sign = 1, .base = PLACE(rbp), .value = -104}},
    {"4@(%rcx)", {.form = MS_USDT_MEMORY, .size = 4, .base = PLACE(rcx)}},
    {"4@8+16(%rsp)", {.form = MS_USDT_MEMORY, .size = 4, .base = PLACE(rsp), .value = 24}},
    {"8@-8(%rax,%rdx,4)",
     {.form = MS_USDT_MEMORY,
      .size = 8,
      .base = PLACE(rax),
      .index = PLACE(rdx),
      .indexed = 1,
      .shift = 2,
      .value = -8}},
    {"8@(%rax,%r10)",
     {.form = MS_USDT_MEMORY, .size = 8, .base = PLACE(rax), .index = PLACE(r10), .indexed = 1}},
    /* None of these. */
    {"", {0}},
    {"8@", {0}},
    {"8", {0}},
    {"@%rax", {0}},
    {"3@%rax", {0}},
    {"16@%rax", {0}},
    {"0@%rax", {0}},
    {"-0@%rax", {0}},
    {"99999999999999999999@%rax", {0}},
    {"8@$99999999999999999999", {0}},
    {"8@$ 5", {0}},
    {"8@$", {0}},
    {"8@%", {0}},
    {"8@%ah", {0}},
    {"8@%xmm0", {0}},
    {"8f@%xmm0", {0}},
    {"8@%raxx", {0}},
    {"8@%rax,", {0}},
    {"8@%rax8", {0}},
    {"8@counter(%rip)", {0}},
    {"8@8(%rip)", {0}},
    {"8@8(%eax)", {0}},
    {"8@8(%rax", {0}},
    {"8@8(%rax,", {0}},
    {"8@8(%rax,%rdx,3)", {0}},
    {"8@8(%rax,%rdx,16)", {0}},
    {"8@8(%rax,%rdx,", {0}},
    {"8@8", {0}},
    {"8@8+(%rax)", {0}},
    {"8@9223372036854775807+1(%rax)", {0}},
};

static void expect_argument(const char *text, const struct ms_usdt_argument *got,
			    const struct ms_usdt_argument *wanted)
{
	if (memcmp(got, wanted, sizeof(*got)))
		fail_msg("%s: form %d, %d bytes, sign %d, base %d, index %d (%d << %d), value %lld",
			 text, got->form, got->size, got->sign, got->base, got->index, got->indexed,
			 got->shift, (long long)got->value);
}

static void test_operands(void **state)
{
	const struct ms_usdt_argument none = {0};
	struct ms_usdt layout;

	(void)state;
	for (size_t i = 0; i < COUNT(operands); i++) {
		operands_parse(operands[i].text, &layout);
		expect_argument(operands[i].text, &layout.argument[0], &operands[i].wanted);
		expect_argument("behind it", &layout.argument[1], &none);
	}
}

/* One that is not known keeps its place, and more than there is room for is left out. */
static void test_several(void **state)
{
	const struct ms_usdt_argument rdi = REGISTER(8, 0, rdi), none = {0};
	struct ms_usdt layout;

	(void)state;
	operands_parse("8@%rdi 4@%xmm0 8@x(%rip) 8@%rdi 8@%rdi 8@%rdi 8@%rdi 8@%rdi 8@%rdi 8@%rdi",
		       &layout);
	for (size_t i = 0; i < MS_USDT_ARGUMENTS; i++)
		expect_argument("several", &layout.argument[i], i == 1 || i == 2 ? &none : &rdi);
}

/* ---- notes -------------------------------------------------------------------------- */

/* A library with one tracepoint, whose note is as it is told to be. */
struct lie {
	const char *name; /* what is wrong */
	const char *pc, *base, *semaphore, *strings;
	const char *owner, *lengths; /* "name, contents" */
	int type;
};

#define GOOD ".asciz \"pytorch\"\n.asciz \"malloc\"\n.asciz \"8@%rax -1@%dl 8@%rcx -8@%rsi\"\n"
#define GOOD_LENGTHS "8, 2f-1f"

static void write_library(const char *name, const struct lie *lie)
{
	char text[4096];

	snprintf(text, sizeof(text),
		 ".text\n.globl f\n.type f, @function\nf: ret\nsite: nop\nfive: .byte 0x0f, 0x1f, "
		 "0x44, 0, 0\n"
		 "other: mov %%rax, %%rbx\nret\n"
		 ".section .probes, \"aw\"\n.balign 4\nzero: .word 0\nsemaphore: .word 0\n"
		 ".section .rodata\n.balign 4\nfixed: .word 0\n"
		 ".section .stapsdt.base, \"a\"\nanchor: .space 1\n"
		 ".section .note.stapsdt, \"\", \"note\"\n.balign 4\n"
		 ".4byte %s, %d\n.asciz \"%s\"\n.balign 4\n"
		 "1: .8byte %s\n.8byte %s\n.8byte %s\n%s2: .balign 4\n"
		 ".section .note.GNU-stack, \"\"\n",
		 lie->lengths ? lie->lengths : GOOD_LENGTHS, lie->type ? lie->type : 3,
		 lie->owner ? lie->owner : "stapsdt", lie->pc ? lie->pc : "site",
		 lie->base ? lie->base : "anchor", lie->semaphore ? lie->semaphore : "semaphore",
		 lie->strings ? lie->strings : GOOD);
	write_text("notes.S", text);
	if (run("gcc -nostdlib -shared -x assembler -o %s notes.S", name))
		fail_msg("%s: cannot be built", lie->name);
}

static struct elf_file scan_lie(const struct lie *lie)
{
	write_library("libnotes.so", lie);
	return scan(in_dir("libnotes.so"));
}

static uint64_t file_bytes(const char *path, uint64_t offset, size_t length)
{
	uint64_t value = 0;
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	assert_int_equal(pread(fd, &value, length, (off_t)offset), length);
	close(fd);
	return value;
}

static void expect_good(const struct lie *lie, uint8_t code, bool semaphore)
{
	struct elf_file file = scan_lie(lie);
	const struct ms_usdt_argument rax = REGISTER(8, 0, rax);

	if (file.hit_count != 1 || file.usdt_count != 1)
		fail_msg("%s: %zu hits", lie->name, file.hit_count);
	assert_int_equal(file.hits[0].usdt, 1);
	assert_true(probe_row_is_usdt(&table.rows[file.hits[0].row]));
	assert_int_equal(file_bytes(in_dir("libnotes.so"), file.hits[0].offset, 1), code);
	assert_int_equal(!!file.usdts[0].semaphore, semaphore);
	/* The first of the section is another one's: 2 bytes on. */
	if (semaphore)
		assert_int_equal(file.usdts[0].semaphore % 4, 2);
	expect_argument(lie->name, &file.usdts[0].layout.argument[0], &rax);
	assert_int_equal(file.function_count, 0);
	elf_free(&file);
}

static void test_notes(void **state)
{
	(void)state;
	expect_good(&(struct lie){.name = "as it should be"}, 0x90, true);
	expect_good(&(struct lie){.name = "five bytes", .pc = "five"}, 0x0f, true);
	expect_good(&(struct lie){.name = "no semaphore", .semaphore = "0"}, 0x90, false);
	/* All addresses were moved by this much after the note was written. */
	expect_good(&(struct lie){.name = "moved",
				  .pc = "site - 0x10000",
				  .base = "anchor - 0x10000",
				  .semaphore = "semaphore - 0x10000"},
		    0x90, true);
	/* What the row does not read may be anything. */
	expect_good(&(struct lie){.name = "more arguments",
				  .strings = ".asciz \"pytorch\"\n.asciz \"malloc\"\n"
					     ".asciz \"8@%rax 1@%dl 8@%rcx 8@%rsi 4@%xmm0\"\n"},
		    0x90, true);
}

static const struct lie lies[] = {
    {.name = "no nop", .pc = "other"},
    {.name = "outside of the code", .pc = "semaphore"},
    {.name = "outside of the file", .pc = "0x7fffffffffffffff"},
    {.name = "moved away", .base = "0"},
    {.name = "semaphore not writable", .semaphore = "fixed"},
    {.name = "semaphore at an odd place", .semaphore = "semaphore + 1"},
    {.name = "semaphore outside", .semaphore = "0xffffffffffffffff"},
    {.name = "another owner", .owner = "stapsdX"},
    {.name = "an owner of another length", .owner = "stapsd", .lengths = "7, 2f-1f"},
    {.name = "another type", .type = 2},
    {.name = "longer than the section", .lengths = "8, 0xffff"},
    {.name = "of the greatest length", .lengths = "8, 0xffffffff"},
    {.name = "a name of the greatest length", .lengths = "0xffffffff, 8"},
    {.name = "no room for addresses", .lengths = "8, 23"},
    {.name = "strings without an end", .lengths = "8, 2f-1f-1"},
    {.name = "no strings", .strings = ""},
    {.name = "one string", .strings = ".asciz \"pytorch\"\n"},
    {.name = "another provider",
     .strings = ".asciz \"pytorcx\"\n.asciz \"malloc\"\n.asciz \"8@%rax\"\n"},
    {.name = "a provider with the name",
     .strings = ".asciz \"pytorch:malloc\"\n.asciz \"\"\n.asciz \"8@%rax\"\n"},
    {.name = "another name",
     .strings = ".asciz \"pytorch\"\n.asciz \"mallox\"\n.asciz \"8@%rax\"\n"},
    {.name = "too few arguments",
     .strings = ".asciz \"pytorch\"\n.asciz \"malloc\"\n.asciz \"8@%rax 1@%dl 8@%rcx\"\n"},
    {.name = "an argument that cannot be read",
     .strings = ".asciz \"pytorch\"\n.asciz \"malloc\"\n"
		".asciz \"8@%rax 1@%dl 8@n(%rip) 8@%rsi\"\n"},
};

/* A moment reads no argument, and is told of wherever the tracepoint is. */
static void test_moment(void **state)
{
	struct probe_table moments = {0};
	struct elf_file file;
	char errbuf[200];

	(void)state;
	assert_int_equal(probe_table_add_moment(&moments, "app:step", errbuf, sizeof(errbuf)), 0);
	assert_int_equal(probe_table_add_moment(&moments, "app:step", errbuf, sizeof(errbuf)), 0);
	assert_int_equal(moments.count, 1);
	write_library("libmoment.so",
		      &(struct lie){.name = "a moment",
				    .strings = ".asciz \"app\"\n.asciz \"step\"\n"
					       ".asciz \"8@%xmm0 4@what(%rip)\"\n"});
	assert_int_equal(scan_as(in_dir("libmoment.so"), "libmoment.so", &moments, &file, errbuf,
				 sizeof(errbuf)),
			 0);
	assert_int_equal(file.hit_count, 1);
	assert_int_equal(file.hits[0].usdt, 1);
	elf_free(&file);
	probe_table_free(&moments);
	assert_int_equal(probe_table_add_moment(&table, "pytorch:malloc", errbuf, sizeof(errbuf)),
			 -EINVAL);
}

static void test_lies(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(lies); i++) {
		struct elf_file file = scan_lie(&lies[i]);

		if (file.hit_count)
			fail_msg("%s: it is believed", lies[i].name);
		assert_int_equal(file.usdt_count, 0);
		elf_free(&file);
	}
}

/* A symbol that has the name of a tracepoint is none, and no function of ours either. */
static void test_symbol(void **state)
{
	struct elf_file file;

	(void)state;
	write_text("symbol.S", ".globl \"pytorch:malloc\"\n.type \"pytorch:malloc\", @function\n"
			       "\"pytorch:malloc\": mov %rax, %rbx\nret\n"
			       ".size \"pytorch:malloc\", .-\"pytorch:malloc\"\n"
			       ".section .note.GNU-stack, \"\"\n");
	assert_int_equal(run("gcc -nostdlib -shared -x assembler -o libsymbol.so symbol.S"), 0);
	file = scan(in_dir("libsymbol.so"));
	assert_int_equal(file.hit_count, 0);
	elf_free(&file);
}

/* Cut anywhere, or with any byte of its notes changed, it is no harm. */
static void test_broken(void **state)
{
	const struct lie good = {.name = "good"};
	struct elf_file file;
	char errbuf[200], *bytes;
	size_t size, i;
	FILE *in;

	(void)state;
	write_library("whole.so", &good);
	in = fopen(in_dir("whole.so"), "re");
	assert_non_null(in);
	bytes = malloc(1 << 20);
	assert_non_null(bytes);
	size = fread(bytes, 1, 1 << 20, in);
	fclose(in);
	for (i = 64; i < size; i += 61) {
		write_file(in_dir("cut.so"), bytes, i);
		if (!scan_as(in_dir("cut.so"), "cut.so", &table, &file, errbuf, sizeof(errbuf)))
			elf_free(&file);
	}
	for (i = 0; i < size; i += 7) {
		bytes[i] ^= 0xff;
		write_file(in_dir("changed.so"), bytes, size);
		if (!scan_as(in_dir("changed.so"), "changed.so", &table, &file, errbuf,
			     sizeof(errbuf)))
			elf_free(&file);
		bytes[i] ^= 0xff;
	}
	free(bytes);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_operands), cmocka_unit_test(test_several),
	    cmocka_unit_test(test_notes),    cmocka_unit_test(test_lies),
	    cmocka_unit_test(test_symbol),   cmocka_unit_test(test_broken),
	    cmocka_unit_test(test_moment),
	};

	return cmocka_run_group_tests(tests, group_setup, group_teardown);
}
