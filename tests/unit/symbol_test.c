/* SPDX-License-Identifier: GPL-2.0 */
/* The symboliser on programs of several compilers, with and without debug information. */
#include "symbol_workshop.h"

#include <errno.h>

#include <gelf.h>
#include <lzma.h>

/* ---- compilers --------------------------------------------------------- */

static const struct build {
	const char *compiler, *flags, *source;
} builds[] = {
    {"gcc", "-O0 -g", "symbol_plain.c"},
    {"gcc", "-O2 -g", "symbol_plain.c"},
    {"gcc", "-O2 -g -gdwarf-4", "symbol_plain.c"},
    {"gcc", "-O2 -g -gdwarf-2", "symbol_plain.c"},
    {"gcc", "-O2 -g -gz", "symbol_plain.c"},
    {"gcc", "-O2 -g -gz=zlib-gnu", "symbol_plain.c"},
    {"gcc", "-O2 -g -flto", "symbol_plain.c"},
    {"gcc", "-O1 -g -static -no-pie", "symbol_plain.c"},
    {"gcc", "-O2 -g -no-pie -Wl,-z,noseparate-code", "symbol_plain.c"},
    {"clang", "-O2 -g", "symbol_plain.c"},
    {"clang", "-O2 -gdwarf-4", "symbol_plain.c"},
    {"g++", "-O0 -g", "symbol_names.cpp"},
    {"g++", "-O2 -g", "symbol_names.cpp"},
    {"g++", "-O2 -g -gdwarf-4 -fdebug-types-section", "symbol_names.cpp"},
    {"clang++", "-O1 -g", "symbol_names.cpp"},
    {"rustc", "-g -O", "symbol_names.rs"},
    {"rustc", "-g -C symbol-mangling-version=v0", "symbol_names.rs"},
};

static void names_and_lines(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(builds); i++) {
		const struct build *b = &builds[i];

		if (!have(b->compiler))
			continue;
		print_message("             %s %s %s\n", b->compiler, b->flags, b->source);
		run("%s %s -o built %s/%s", b->compiler, b->flags, targets, b->source);
		check_program("built", "built", LINES);
		/* The same from its symbol table. */
		run("strip -g -o no_debug built");
		check_program("no_debug", "built", FUNCTIONS);
	}
}

/* It need not run here, so nm says where its functions are: in a PIE code is at its offset. */
static void programs_of_32_bits(void **state)
{
	struct symbols *s;
	uint64_t address;
	char name[256], line[1024], command[8192];
	unsigned known = 0;
	FILE *nm;

	(void)state;
	run("gcc -m32 -pie -fPIE -O2 -g -o built %s/symbol_plain.c", targets);
	s = open_program("built");
	snprintf(command, sizeof(command), "nm -P %s", path_of("built"));
	nm = popen(command, "r");
	assert_non_null(nm);
	while (fgets(line, sizeof(line), nm)) {
		struct frame frame;

		if (sscanf(line, "%255s %*c %lx", name, &address) != 2 ||
		    (strcmp(name, "exported") && strcmp(name, "hidden") && strcmp(name, "outer")))
			continue;
		known++;
		assert_int_equal(symbols_resolve(s, ID, address, &frame, 1), 1);
		assert_string_equal(frame.function, name);
		assert_true(frame.line > 0);
	}
	assert_int_equal(pclose(nm), 0);
	assert_int_equal(known, 3);
	symbols_free(s);
}

static void files_are_whole_paths(void **state)
{
	struct truth truths[TRUTHS_MAX];
	struct frame frames[SYMBOL_INLINE_MAX];
	char expected[8192];
	struct symbols *s;
	size_t i, j, n, k;

	(void)state;
	/* Compiled by a relative name: DWARF then has the directory apart. */
	run("mkdir -p source && cp %s/symbol_plain.c %s/symbol_report.h source && "
	    "gcc -O2 -g -o built source/symbol_plain.c",
	    targets, targets);
	snprintf(expected, sizeof(expected), "%s/source/symbol_plain.c", work);
	n = truth_of("built", truths);
	s = open_program("built");
	for (i = 0; i < n; i++) {
		k = symbols_resolve(s, ID, truths[i].offset, frames, SYMBOL_INLINE_MAX);
		for (j = 0; j < k; j++) {
			assert_string_equal(frames[j].file, expected);
			assert_string_equal(frames[j].module, path_of("built"));
		}
	}
	symbols_free(s);
}

/* GCC's split DWARF: the rest is in a .dwo file that the program names. */
static void split_files_are_not_opened(void **state)
{
	(void)state;
	run("gcc -O2 -g -gsplit-dwarf -c -o split.o %s/symbol_plain.c && gcc -o built split.o",
	    targets);
	/* Whoever opens it waits for ever. */
	run("rm -f *.dwo && mkfifo split.dwo");
	check_program("built", "built", FUNCTIONS);
}

/* ---- symbol tables ----------------------------------------------------- */

static void symbols_cover_what_they_should(void **state)
{
	(void)state;
	run("gcc -O1 -o built %s/symbol_asm.c", targets);
	check_program("built", "built", FUNCTIONS);
	run("gcc -O1 -static -o built %s/symbol_asm.c", targets);
	check_program("built", "built", FUNCTIONS);
}

static void stripped_to_dynsym(void **state)
{
	(void)state;
	run("gcc -O2 -g -rdynamic -o built %s/symbol_plain.c && strip -s -o stripped built",
	    targets);
	check_program("stripped", "built", EXPORTED);
	/* And to nothing at all. */
	run("gcc -O2 -g -o built %s/symbol_plain.c && strip -s -o stripped built", targets);
	check_program("stripped", "built", NOTHING);
}

static void compress_file(const char *from, const char *to)
{
	size_t size, used = 0, room;
	void *data = read_file(from, &size);
	uint8_t *out;

	room = lzma_stream_buffer_bound(size);
	out = malloc(room);
	assert_non_null(out);
	assert_int_equal(
	    lzma_easy_buffer_encode(6, LZMA_CHECK_CRC32, NULL, data, size, out, &used, room),
	    LZMA_OK);
	write_file(to, out, used);
	free(out);
	free(data);
}

static void symbols_in_gnu_debugdata(void **state)
{
	static const char zeros[1 << 20];

	(void)state;
	run("gcc -O2 -o built %s/symbol_plain.c && strip -s -o stripped built && "
	    "objcopy --only-keep-debug built mini",
	    targets);
	compress_file("mini", "mini.xz");
	run("objcopy --add-section .gnu_debugdata=mini.xz stripped with_mini");
	check_program("with_mini", "built", FUNCTIONS);
	/* Broken, or far larger than it looks. */
	run("head -c 100 mini.xz >cut.xz && "
	    "objcopy --add-section .gnu_debugdata=cut.xz stripped with_cut");
	check_program("with_cut", "built", NOTHING);
	write_file("zeros", zeros, sizeof(zeros));
	run("truncate -s 300M zeros");
	compress_file("zeros", "bomb.xz");
	run("rm zeros; objcopy --add-section .gnu_debugdata=bomb.xz stripped with_bomb");
	check_program("with_bomb", "built", NOTHING);
}

static void stubs_have_no_neighbours_name(void **state)
{
	struct symbols *s;
	Elf_Scn *scn = NULL;
	unsigned stubs = 0;
	size_t names;
	Elf *elf;
	int fd;

	(void)state;
	run("gcc -O2 -fcf-protection=none -o built %s/symbol_plain.c", targets);
	s = open_program("built");
	fd = open(path_of("built"), O_RDONLY | O_CLOEXEC);
	elf_version(EV_CURRENT);
	elf = elf_begin(fd, ELF_C_READ, NULL);
	assert_non_null(elf);
	assert_int_equal(elf_getshdrstrndx(elf, &names), 0);
	while ((scn = elf_nextscn(elf, scn))) {
		GElf_Shdr shdr;

		assert_non_null(gelf_getshdr(scn, &shdr));
		if (strncmp(elf_strptr(elf, names, shdr.sh_name), ".plt", 4))
			continue;
		stubs++;
		assert_string_equal(answer(s, shdr.sh_offset + 1, false), "[built.plt]");
		assert_string_equal(answer(s, shdr.sh_offset + shdr.sh_size - 1, false),
				    "[built.plt]");
	}
	assert_true(stubs > 0);
	elf_end(elf);
	close(fd);
	symbols_free(s);
}

/* ---- the contract ------------------------------------------------------ */

static void what_is_unknown_has_a_name(void **state)
{
	static const struct {
		const char *path, *shown;
	} paths[] = {
	    {"/usr/lib/libfoo.so.1", "[libfoo.so.1+0x1234]"},
	    {"/tmp/gone (deleted)", "[gone+0x1234]"},
	    {"/memfd:jit (deleted)", "[memfd:jit+0x1234]"},
	    {"[vdso]", "[vdso+0x1234]"},
	    {"plain", "[plain+0x1234]"},
	    {"", "[unknown+0x1234]"},
	    {NULL, "[unknown+0x1234]"},
	    {"/", "[/+0x1234]"},
	};
	struct symbols *s = symbols_new();
	struct frame frame;
	uint32_t i;

	(void)state;
	for (i = 0; i < COUNT(paths); i++) {
		assert_int_equal(symbols_add_module(s, i + 1, -1, paths[i].path), 0);
		assert_int_equal(symbols_resolve(s, i + 1, 0x1234, &frame, 1), 1);
		assert_string_equal(frame.function, paths[i].shown);
		assert_null(frame.file);
		assert_int_equal(frame.line, 0);
		if (paths[i].path && *paths[i].path)
			assert_string_equal(frame.module, paths[i].path);
		else
			assert_null(frame.module);
	}
	/* No module: an address.  A module nobody told of: not known. */
	assert_int_equal(symbols_resolve(s, 0, 0x7f1234567890, &frame, 1), 1);
	assert_string_equal(frame.function, "[0x7f1234567890]");
	assert_null(frame.module);
	assert_int_equal(symbols_resolve(s, 99, 0x10, &frame, 1), 1);
	assert_string_equal(frame.function, "[unknown+0x10]");
	assert_int_equal(symbols_add_module(s, 0, -1, "/none"), -EINVAL);
	symbols_free(s);
	symbols_free(NULL);
}

static void answers_are_the_same_twice(void **state)
{
	struct truth truths[TRUTHS_MAX];
	struct frame first[SYMBOL_INLINE_MAX], second[SYMBOL_INLINE_MAX];
	size_t i, j, n, count;
	struct symbols *s;

	(void)state;
	run("gcc -O2 -g -o built %s/symbol_plain.c", targets);
	count = truth_of("built", truths);
	s = open_program("built");
	for (i = 0; i < count; i++) {
		n = symbols_resolve(s, ID, truths[i].offset, first, SYMBOL_INLINE_MAX);
		assert_int_equal(symbols_add_module(s, ID, -1, "/again"), 0);
		assert_int_equal(
		    symbols_resolve(s, ID, truths[i].offset, second, SYMBOL_INLINE_MAX), n);
		for (j = 0; j < n; j++) {
			assert_ptr_equal(first[j].function, second[j].function);
			assert_ptr_equal(first[j].file, second[j].file);
			assert_ptr_equal(first[j].module, second[j].module);
			assert_int_equal(first[j].line, second[j].line);
			/* One text, one pointer, wherever it comes from. */
			assert_ptr_equal(symbols_intern(s, first[j].function), first[j].function);
			assert_ptr_equal(symbols_intern(s, first[j].file), first[j].file);
		}
	}
	assert_string_equal(symbols_demangle(s, "_ZN2ns5Class6methodEi"), "ns::Class::method");
	assert_ptr_equal(symbols_demangle(s, "_ZN2ns5Class6methodEi"),
			 symbols_intern(s, "ns::Class::method"));
	assert_ptr_equal(symbols_demangle(s, "main"), symbols_intern(s, "main"));
	symbols_free(s);
}

static void the_file_outlives_its_name(void **state)
{
	struct symbols *s;

	(void)state;
	run("gcc -O2 -g -o built %s/symbol_plain.c && cp built deleted", targets);
	s = open_program("deleted");
	assert_int_equal(unlink(path_of("deleted")), 0);
	check(s, "deleted", "built", LINES);
	symbols_free(s);
}

static int open_files(void)
{
	int n = 0, fd;

	for (fd = 0; fd < 1024; fd++)
		n += fcntl(fd, F_GETFD) >= 0;
	return n;
}

static void modules_do_not_hold_files(void **state)
{
	struct symbols *s;
	struct frame frame;
	int before;

	(void)state;
	run("gcc -O2 -g -Wl,--build-id=none -o built %s/symbol_plain.c && "
	    "objcopy --only-keep-debug built held.debug && "
	    "objcopy -S --add-gnu-debuglink=held.debug built held",
	    targets);
	before = open_files();
	s = open_program("held");
	/* Its own duplicate, and the host's root. */
	assert_int_equal(open_files(), before + 2);
	symbols_resolve(s, ID, 0x1100, &frame, 1);
	assert_int_equal(open_files(), before + 1);
	check(s, "held", "built", LINES);
	symbols_free(s);
	assert_int_equal(open_files(), before);
}

/* A module first known by name alone may be given its file later. */
static void the_file_may_come_later(void **state)
{
	struct symbols *s = symbols_new();
	int fd;

	(void)state;
	run("gcc -O2 -g -o built %s/symbol_plain.c", targets);
	assert_int_equal(symbols_add_module(s, ID, -1, path_of("built")), 0);
	fd = open(path_of("built"), O_RDONLY | O_CLOEXEC);
	assert_int_equal(symbols_add_module(s, ID, fd, path_of("built")), 0);
	close(fd);
	check(s, "built", "built", LINES);
	symbols_free(s);
}

enum { NESTED = 40 };

/* f0 is a function, f1 … are inlined into it, each into the one before. */
static void write_nested(void)
{
	FILE *out = fopen(path_of("nested.c"), "w");
	int i;

	assert_non_null(out);
	fprintf(out, "#include \"%s/symbol_report.h\"\n", targets);
	fprintf(out,
		"__attribute__((always_inline)) static inline void f%d(void)"
		"{ report(\"x\", 1, \"\"); STAY(); }\n",
		NESTED);
	for (i = NESTED - 1; i > 0; i--)
		fprintf(out,
			"__attribute__((always_inline)) static inline void f%d(void)"
			"{ f%d(); }\n",
			i, i + 1);
	fprintf(out, "__attribute__((noinline)) void f0(void) { f1(); }\n"
		     "int main(void) { f0(); return 0; }\n");
	assert_int_equal(fclose(out), 0);
}

static void of_too_many_the_function_stays(void **state)
{
	struct frame frames[SYMBOL_INLINE_MAX];
	struct truth truth[TRUTHS_MAX];
	struct symbols *s;
	size_t max, i, n;
	char name[16];

	(void)state;
	write_nested();
	run("gcc -O2 -g -o nested nested.c");
	assert_int_equal(truth_of("nested", truth), 1);
	s = open_program("nested");
	for (max = SYMBOL_INLINE_MAX; max > 0; max--) {
		memset(frames, 0xff, sizeof(frames));
		n = symbols_resolve(s, ID, truth[0].offset, frames, max);
		assert_int_equal(n, max);
		for (i = 0; i < n; i++) {
			snprintf(name, sizeof(name), "f%zu", i + 1 < n ? NESTED - i : 0);
			assert_string_equal(frames[i].function, name);
			assert_int_equal(frames[i].inlined, i + 1 < n);
			/* f40 is in the source's second line, f39 in its third … */
			assert_int_equal(frames[i].line, i + 1 < n ? 2 + i : 2 + NESTED);
		}
	}
	assert_int_equal(symbols_resolve(s, ID, truth[0].offset, frames, 0), 0);
	symbols_free(s);
}

static void long_names_are_cut(void **state)
{
	struct truth truth[TRUTHS_MAX];
	struct frame frame;
	struct symbols *s;
	int debug;

	(void)state;
	for (debug = 0; debug < 2; debug++) {
		run("name=$(printf 'n%%.0s' $(seq 3000)); "
		    "printf '#include \"%%s\"\n__attribute__((noinline)) void %%s(void)"
		    "{ report(\"x\", 1, \"\"); STAY(); }\nint main(void) { %%s(); return 0; }\n' "
		    "%s/symbol_report.h $name $name >long.c && gcc -O2 %s -o long long.c",
		    targets, debug ? "-g" : "");
		assert_int_equal(truth_of("long", truth), 1);
		s = open_program("long");
		assert_int_equal(symbols_resolve(s, ID, truth[0].offset, &frame, 1), 1);
		assert_int_equal(strlen(frame.function), 1024);
		assert_memory_equal(frame.function, "nnnn", 4);
		assert_string_equal(frame.function + 1021, "\xe2\x80\xa6");
		symbols_free(s);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(names_and_lines),
	    cmocka_unit_test(programs_of_32_bits),
	    cmocka_unit_test(files_are_whole_paths),
	    cmocka_unit_test(split_files_are_not_opened),
	    cmocka_unit_test(symbols_cover_what_they_should),
	    cmocka_unit_test(stripped_to_dynsym),
	    cmocka_unit_test(symbols_in_gnu_debugdata),
	    cmocka_unit_test(stubs_have_no_neighbours_name),
	    cmocka_unit_test(what_is_unknown_has_a_name),
	    cmocka_unit_test(answers_are_the_same_twice),
	    cmocka_unit_test(the_file_outlives_its_name),
	    cmocka_unit_test(the_file_may_come_later),
	    cmocka_unit_test(modules_do_not_hold_files),
	    cmocka_unit_test(of_too_many_the_function_stays),
	    cmocka_unit_test(long_names_are_cut),
	};

	return cmocka_run_group_tests(tests, set_up, clean_up);
}
