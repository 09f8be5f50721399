/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Tables of ELF files that are assembled here: wherever the information lies,
 * the table is the same; functions that overlap or are nowhere; files that are
 * none; and files with damage, of which no table may be made that a search
 * leaves.
 */
#include "unwind_workshop.h"

#include <elf.h>
#include <sys/auxv.h>

/* Two functions with a gap between, and one that nobody called. */
#define BODY                                                                                       \
	".globl _start, first\n"                                                                   \
	".text\n"                                                                                  \
	".balign 4096\n"                                                                           \
	"first: .cfi_startproc\n"                                                                  \
	".skip 4, 0x90\n .cfi_def_cfa_offset 16\n .cfi_offset %rbp, -16\n"                         \
	".skip 3, 0x90\n .cfi_def_cfa_register %rbp\n"                                             \
	".skip 9, 0x90\n .cfi_endproc\n"                                                           \
	".skip 7, 0x90\n"                                                                          \
	"_start: .cfi_startproc\n .cfi_undefined %rip\n .skip 5, 0x90\n .cfi_endproc\n"            \
	".cfi_startproc\n .skip 2, 0x90\n .cfi_def_cfa %r10, 0\n .skip 6, 0x90\n .cfi_endproc\n"
#define BODY_TABLE                                                                                 \
	"4 rsp+8; 3 rsp+16 rbp=c-16; 9 rbp+16 rbp=c-16; 7 none; 5 end; 2 rsp+8; 6 refused BASE"
#define IN_EH_FRAME BODY
#define IN_DEBUG_FRAME ".cfi_sections .debug_frame\n" BODY

/* ---- where the information is ------------------------------------------ */

static void strip_sections(const char *from, const char *to)
{
	size_t size;
	uint8_t *bytes = read_file(from, &size);
	Elf64_Ehdr *header = (Elf64_Ehdr *)bytes;

	header->e_shoff = header->e_shnum = header->e_shstrndx = 0;
	write_file(to, bytes, size);
	free(bytes);
}

static void eh_frame(void **state)
{
	static const char *const options[] = {"-shared", "-static", "-static -Wl,-N",
					      "-pie -Wl,-z,noseparate-code",
					      "-shared -Wl,--no-ld-generated-unwind-info"};

	(void)state;
	for (size_t i = 0; i < COUNT(options); i++) {
		assemble("plain", IN_EH_FRAME, options[i]);
		expect_table("plain", BODY_TABLE);
	}
}

static void no_section_headers(void **state)
{
	(void)state;
	assemble("plain", IN_EH_FRAME, "-shared");
	strip_sections("plain", "stripped");
	expect_table("stripped", BODY_TABLE);
	assemble("plain", IN_EH_FRAME, "-static -Wl,--eh-frame-hdr");
	strip_sections("plain", "stripped");
	expect_table("stripped", BODY_TABLE);
	/* Only .eh_frame_hdr says where it is. */
	assemble("plain", IN_EH_FRAME, "-static -Wl,--no-eh-frame-hdr");
	strip_sections("plain", "stripped");
	assert_int_equal(build_file("stripped", UNWIND_TABLE_MAX, &(struct unwind_table){0}),
			 -ENODATA);
}

/* The first function ends in four zeros, which become a terminator. */
static void put_terminator(uint8_t *bytes, const char *section)
{
	const Elf64_Ehdr *header = (const Elf64_Ehdr *)bytes;
	const Elf64_Shdr *sections = (const Elf64_Shdr *)(bytes + header->e_shoff), *names;
	uint32_t *word, cie;

	names = &sections[header->e_shstrndx];
	while (strcmp((char *)bytes + names->sh_offset + sections->sh_name, section) != 0)
		sections++;
	word = (uint32_t *)(bytes + sections->sh_offset);
	cie = word[0];
	word += 1 + cie / 4; /* the first function */
	assert_int_equal(word[word[0] / 4], 0);
	word[0] -= 4;
}

/* Without the size of the section, one in the middle is not taken for its end. */
static void a_terminator_in_the_middle(void **state)
{
	size_t size;
	uint8_t *bytes;

	(void)state;
	assemble(
	    "plain",
	    ".globl _start\n .text\n .balign 4096\n _start: .cfi_startproc\n .skip 4, 0x90\n"
	    /* advance_loc4: the linker takes what does nothing away */
	    ".cfi_def_cfa_offset 16\n .cfi_escape 4, 0, 0, 0, 0\n .skip 4, 0x90\n .cfi_endproc\n "
	    ".cfi_startproc\n"
	    ".cfi_def_cfa_offset 32\n .skip 8, 0x90\n .cfi_endproc\n",
	    "-static -Wl,--eh-frame-hdr");
	bytes = read_file("plain", &size);
	put_terminator(bytes, ".eh_frame");
	write_file("plain", bytes, size);
	free(bytes);
	expect_table("plain", "4 rsp+8; 4 refused PROGRAM; 8 rsp+32");
	strip_sections("plain", "stripped");
	expect_table("stripped", "4 rsp+8; 4 refused PROGRAM; 8 rsp+32");
}

static void debug_frame(void **state)
{
	static const char *const compression[] = {"none", "zlib", "zlib-gabi"};

	(void)state;
	for (size_t i = 0; i < COUNT(compression); i++) {
		char options[80];

		snprintf(options, sizeof(options), "-static -Wl,--compress-debug-sections=%s",
			 compression[i]);
		assemble("debug", IN_DEBUG_FRAME, options);
		expect_table("debug", BODY_TABLE);
	}
}

/* What .eh_frame leaves out; where both speak, it is the one that counts. */
static void both(void **state)
{
	static const char source[] =
	    ".globl _start\n .text\n .balign 4096\n"
	    "_start: .skip 16, 0x90\n second: .skip 16, 0x90\n end:\n"
	    /* .debug_frame: 24 bytes from _start, CFA = RSP + 64 */
	    ".section .debug_frame,\"\",@progbits\n"
	    "debug_cie: .long 20, 0xffffffff\n"
	    ".byte 1, 0, 1, 0x78, 16, 0x0c, 7, 64, 0x90, 1, 0, 0, 0, 0, 0, 0\n"
	    ".long 20, debug_cie\n .quad _start, 24\n"
	    /* .eh_frame: 8 bytes from `second`, CFA = RSP + 8, but -8 of what? */
	    ".text\n .org second - _start + 4096\n";
	static const char eh[] =
	    ".section .eh_frame,\"a\",@progbits\n"
	    "cie: .long 20, 0\n"
	    ".byte 1\n .asciz \"zR\"\n .byte 1, 0x78, 16, 1, 0x1b\n"
	    ".byte 0x0c, 7, 8, 0x90, 1, 0, 0\n"
	    "fde: .long 16, . - cie\n .long second - ., 4\n .byte 0, 0, 0, 0\n";
	char text[4096];

	(void)state;
	snprintf(text, sizeof(text), "%.*s%s", (int)(strstr(source, ".text\n .org") - source),
		 source, eh);
	assemble("both", text, "-static");
	expect_table("both", "10 rsp+64; 4 rsp+8; 4 rsp+64");
}

static void from_memory(void **state)
{
	struct unwind_table table;
	size_t size;
	uint8_t *bytes;

	(void)state;
	assemble("plain", IN_EH_FRAME, "-shared");
	bytes = read_file("plain", &size);
	assert_int_equal(unwind_table_from_memory(bytes, size, UNWIND_TABLE_MAX, &table), 0);
	assert_string_equal(table_text(&table), BODY_TABLE);
	unwind_table_free(&table);
	assert_int_equal(unwind_table_from_memory(bytes, 0, UNWIND_TABLE_MAX, &table), -EINVAL);
	free(bytes);
}

/* The kernel's own, as a process has it; all of it is ordinary code. */
static void vdso(void **state)
{
	uintptr_t start = getauxval(AT_SYSINFO_EHDR), end = 0, low, high;
	FILE *maps = fopen("/proc/self/maps", "re");
	struct unwind_table table;
	char line[512];

	(void)state;
	assert_non_null(maps);
	while (fgets(line, sizeof(line), maps)) {
		if (sscanf(line, "%lx-%lx", &low, &high) == 2 && low == start)
			end = high;
	}
	fclose(maps);
	if (!start || !end)
		skip();
	assert_int_equal(
	    unwind_table_from_memory((void *)start, end - start, UNWIND_TABLE_MAX, &table), 0);
	assert_int_equal(unwind_table_check(&table), 0);
	assert_non_null(strstr(table_text(&table), " rsp+8; "));
	assert_int_equal(unwind_table_header(&table)->refused, 0);
	unwind_table_free(&table);
}

static void build_id(void **state)
{
	static const uint8_t id[] = {0xde, 0xad, 0xbe, 0xef, 1};
	static const struct {
		const char *option;
		size_t size;
	} cases[] = {
	    {"-shared -Wl,--build-id=0xdeadbeef01", 5},
	    {"-shared -Wl,--build-id=none", 0},
	    /* longer than there is room for */
	    {"-shared -Wl,--build-id=0xdeadbeef01020304050607080910111213141516171819202122232425"
	     "2627282930",
	     0},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct unwind_table table;

		assemble("plain", IN_EH_FRAME, cases[i].option);
		assert_int_equal(build_file("plain", UNWIND_TABLE_MAX, &table), 0);
		assert_int_equal(unwind_table_header(&table)->build_id_size, cases[i].size);
		assert_memory_equal(unwind_table_header(&table)->build_id, id, cases[i].size);
		assert_int_equal(unwind_table_header(&table)->refused, 1);
		unwind_table_free(&table);
	}
}

/* ---- functions in odd places ------------------------------------------- */

/* An .eh_frame by hand, of functions with CFA = RSP + `cfa` each. */
static void assemble_raw(const char *name, const char *functions)
{
	char text[4096];

	snprintf(text, sizeof(text),
		 ".globl _start\n .text\n .balign 4096\n _start: .skip 64, 0x90\n end:\n"
		 ".data\n data: .skip 64\n"
		 ".section .eh_frame,\"a\",@progbits\n"
		 "cie: .long 20, 0\n .byte 1\n .asciz \"zR\"\n .byte 1, 0x78, 16, 1, 0x1b\n"
		 ".byte 0x0c, 7, 8, 0x90, 1, 0, 0\n"
		 ".macro function start, length, cfa\n"
		 ".long 16, . - cie\n .long \\start - ., \\length\n .byte 0, 0x0e, \\cfa, 0\n"
		 ".endm\n%s",
		 functions);
	/* ld drops what it takes for duplicates only where it makes a search table. */
	assemble(name, text, "-static -Wl,--no-eh-frame-hdr");
}

static void odd_places(void **state)
{
	static const struct {
		const char *functions, *expected;
	} cases[] = {
	    {"function _start, 16, 8\n function _start+16, 16, 24\n", "10 rsp+8; 10 rsp+24"},
	    /* in any order */
	    {"function _start+16, 16, 24\n function _start, 16, 8\n", "10 rsp+8; 10 rsp+24"},
	    /* overlapping: the later one begins, and nobody resumes */
	    {"function _start, 32, 8\n function _start+8, 8, 24\n function _start+48, 4, 16\n",
	     "8 rsp+8; 8 rsp+24; 20 none; 4 rsp+16"},
	    /* at the same place: the last one */
	    {"function _start, 16, 8\n function _start, 8, 24\n", "8 rsp+24"},
	    /* alike: one row */
	    {"function _start, 16, 8\n function _start+16, 16, 8\n", "20 rsp+8"},
	    /* in no code, of no length, from before the code */
	    {"function data, 16, 8\n function _start+4, 0, 8\n function _start-8192, 16384, 8\n"
	     "function _start+32, 8, 16\n",
	     "8 rsp+16"},
	    /* past the end of the code */
	    {"function _start+48, 0x7fffffff, 8\n", "10 rsp+8"},
	    /* terminators in the middle */
	    {"function _start, 16, 8\n .long 0, 0\n function _start+32, 16, 16\n .long 0\n",
	     "10 rsp+8; 10 none; 10 rsp+16"},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		assemble_raw("odd", cases[i].functions);
		expect_table("odd", cases[i].expected);
	}
}

#define SIGRETURN "movq $15, %rax\n syscall\n"

/* musl's: a nop, and no information. */
static void sigreturn(void **state)
{
	static const char gap[] = ".globl _start\n .text\n .balign 4096\n"
				  "_start: .skip 300, 0x90\n" SIGRETURN ".skip 300, 0x90\n";
	static const char few[] = ".globl _start\n .text\n .balign 4096\n"
				  "_start: .skip 20, 0x90\n" SIGRETURN ".skip 20, 0x90\n"
				  ".cfi_startproc\n .skip 8, 0x90\n .cfi_endproc\n";
	static const char twice[] =
	    ".globl _start\n .text\n .balign 4096\n"
	    "_start: .skip 65520, 0x90\n" SIGRETURN SIGRETURN ".skip 300, 0x90\n";
	static const char covered[] =
	    ".globl _start\n .text\n .balign 4096\n"
	    ".cfi_startproc\n _start: .skip 300, 0x90\n" SIGRETURN ".cfi_endproc\n";

	(void)state;
	assemble("musl", gap, "-static");
	expect_table("musl", "a signal rsp+0");
	/* Across the pieces that are read at a time. */
	assemble("musl", twice, "-static");
	expect_table("musl", "13 signal rsp+0");
	/* A gap as small as between functions is not searched. */
	assemble("musl", few, "-static");
	expect_table("musl", "8 rsp+8");
	assemble("musl", covered, "-static");
	expect_table("musl", "135 rsp+8");
}

/* ---- what is no table -------------------------------------------------- */

static void expect_error(const char *name, int err)
{
	struct unwind_table table;

	assert_int_equal(build_file(name, UNWIND_TABLE_MAX, &table), err);
}

static void no_table(void **state)
{
	struct unwind_table table;
	int fd;

	(void)state;
	assemble("none", ".globl _start\n _start: ret\n", "-static");
	expect_error("none", -ENODATA);
	write_file("text", "#!/bin/sh\n", 10);
	expect_error("text", -ENOEXEC);
	write_file("empty", "", 0);
	expect_error("empty", -ENOEXEC);
	write_file("source.s", IN_EH_FRAME, strlen(IN_EH_FRAME));
	run("gcc -c -o object source.s");
	expect_error("object", -ENOEXEC);
	fd = open(work, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_int_equal(unwind_table_build(fd, UNWIND_TABLE_MAX, &table), -EINVAL);
	close(fd);
	assemble("plain", IN_EH_FRAME, "-shared");
	assert_int_equal(build_file("plain", 3 * MS_UNWIND_BLOCK, &table), -EFBIG);
	assert_int_equal(build_file("plain", 4 * MS_UNWIND_BLOCK, &table), 0);
	unwind_table_free(&table);
}

/* Only a table that is whole, or an error; a sanitizer sees the rest. */
static unsigned try_image(const uint8_t *bytes, size_t size)
{
	struct unwind_table table;
	uint8_t *copy = malloc(size);
	int err;

	assert_non_null(copy);
	memcpy(copy, bytes, size);
	err = unwind_table_from_memory(copy, size, UNWIND_TABLE_MAX, &table);
	free(copy);
	if (err)
		return 0;
	assert_int_equal(unwind_table_check(&table), 0);
	unwind_table_free(&table);
	return 1;
}

static void damaged_files(void **state)
{
	static const char *const sources[] = {IN_EH_FRAME, IN_DEBUG_FRAME};
	uint64_t seed = 1;
	unsigned tables = 0;

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		size_t size;
		uint8_t *bytes;

		assemble("plain", sources[i % 2], "-static -Wl,--compress-debug-sections=zlib");
		if (i == 2)
			strip_sections("plain", "plain");
		bytes = read_file("plain", &size);
		for (size_t cut = 1; cut < size; cut += cut < 1024 ? 1 : 37)
			tables += try_image(bytes, cut);
		for (unsigned round = 0; round < 3000; round++) {
			uint8_t kept[4];
			size_t at[4];

			for (unsigned n = 0; n < 4; n++) {
				seed = seed * 6364136223846793005u + 1442695040888963407u;
				/* Most of a file is padding: headers and sections are hit. */
				at[n] = (seed >> 33) % (round % 2 ? size : 600);
				kept[n] = bytes[at[n]];
				bytes[at[n]] = (uint8_t)(seed >> 24);
			}
			tables += try_image(bytes, size);
			for (unsigned n = 4; n--;)
				bytes[at[n]] = kept[n];
		}
		free(bytes);
	}
	assert_true(tables > 100);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(eh_frame),
	    cmocka_unit_test(no_section_headers),
	    cmocka_unit_test(a_terminator_in_the_middle),
	    cmocka_unit_test(debug_frame),
	    cmocka_unit_test(both),
	    cmocka_unit_test(from_memory),
	    cmocka_unit_test(vdso),
	    cmocka_unit_test(build_id),
	    cmocka_unit_test(odd_places),
	    cmocka_unit_test(sigreturn),
	    cmocka_unit_test(no_table),
	    cmocka_unit_test(damaged_files),
	};

	return cmocka_run_group_tests(tests, set_up, clean_up);
}
