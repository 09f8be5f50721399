/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What a file's probes are: files built here with the compiler and checked
 * against nm and the program headers, and the allocators of this machine.
 */
#include "probe_files.h"

#include "probe/elfname.h"

static bool have(const char *command)
{
	return run("command -v %s >/dev/null 2>&1", command) == 0;
}

static const struct elf_hit *hit_of(const struct elf_file *file, const char *symbol)
{
	for (size_t i = 0; i < file->hit_count; i++)
		if (strcmp(table.rows[file->hits[i].row].symbol, symbol) == 0)
			return &file->hits[i];
	return NULL;
}

static size_t hits_of(const struct elf_file *file, const char *symbol)
{
	size_t n = 0;

	for (size_t i = 0; i < file->hit_count; i++)
		n += strcmp(table.rows[file->hits[i].row].symbol, symbol) == 0;
	return n;
}

/* The file offset of an address, from the program headers; 0 if no segment has it. */
static uint64_t offset_of(const char *path, uint64_t address)
{
	uint64_t offset = 0;
	Elf64_Phdr segment;
	Elf64_Ehdr header;
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(pread(fd, &header, sizeof(header), 0), sizeof(header));
	for (int i = 0; i < header.e_phnum; i++) {
		assert_int_equal(
		    pread(fd, &segment, sizeof(segment), header.e_phoff + i * sizeof(segment)),
		    sizeof(segment));
		if (segment.p_type == PT_LOAD && address >= segment.p_vaddr &&
		    address < segment.p_vaddr + segment.p_filesz)
			offset = address - segment.p_vaddr + segment.p_offset;
	}
	close(fd);
	return offset;
}

/* What nm says of one file: read once, asked often. */
struct symbols {
	char path[256];
	bool dynamic;
	struct stat st;
	struct {
		char name[400];
		uint64_t address;
	} list[20000];
	size_t count;
};

static void read_symbols(struct symbols *symbols)
{
	char command[512], line[512], name[400], type;
	unsigned long at;
	FILE *f;

	snprintf(command, sizeof(command), "nm %s --defined-only '%s' 2>/dev/null",
		 symbols->dynamic ? "-D" : "", symbols->path);
	f = popen(command, "re");
	assert_non_null(f);
	symbols->count = 0;
	while (symbols->count < COUNT(symbols->list) && fgets(line, sizeof(line), f)) {
		if (sscanf(line, "%lx %c %399s", &at, &type, name) != 3)
			continue;
		name[strcspn(name, "@")] = '\0';
		snprintf(symbols->list[symbols->count].name, sizeof(symbols->list[0].name), "%s",
			 name);
		symbols->list[symbols->count++].address = at;
	}
	pclose(f);
}

/* A symbol's address by nm (of several versions the last), 0 if it is not defined. */
static uint64_t nm_address(const char *path, const char *symbol, bool dynamic)
{
	static struct symbols symbols;
	uint64_t address = 0;
	struct stat st;

	assert_int_equal(stat(path, &st), 0);
	if (strcmp(path, symbols.path) != 0 || dynamic != symbols.dynamic ||
	    st.st_ino != symbols.st.st_ino || st.st_mtim.tv_sec != symbols.st.st_mtim.tv_sec ||
	    st.st_mtim.tv_nsec != symbols.st.st_mtim.tv_nsec) {
		snprintf(symbols.path, sizeof(symbols.path), "%s", path);
		symbols.dynamic = dynamic;
		symbols.st = st;
		read_symbols(&symbols);
	}
	for (size_t i = 0; i < symbols.count; i++)
		if (strcmp(symbols.list[i].name, symbol) == 0)
			address = symbols.list[i].address;
	return address;
}

/* The hit of `symbol` is where nm and the program headers say. */
static void check_truth(const struct elf_file *file, const char *path, const char *symbol,
			bool dynamic)
{
	uint64_t address = nm_address(path, symbol, dynamic);
	const struct elf_hit *hit = hit_of(file, symbol);

	if (!hit || !address)
		fail_msg("%s: %s: %s", path, symbol, address ? "no hit" : "unknown to nm");
	assert_int_equal(hit->function, offset_of(path, address));
}

/* Every built-in symbol, in one library: all are found, and where they are. */
static void test_every_symbol(void **state)
{
	FILE *f = fopen(in_dir("all.c"), "we");
	struct elf_file file;

	(void)state;
	assert_non_null(f);
	fprintf(f, "#include \"f.h\"\n");
	for (size_t i = 0; i < table.count; i++)
		if (is_function(i))
			fprintf(f, "F(%s)\n", table.rows[i].symbol);
	fclose(f);
	assert_int_equal(run("cc -O1 -fno-builtin -w -shared -fPIC -o all.so all.c"), 0);
	for (int stripped = 0; stripped < 2; stripped++) {
		file = scan(in_dir("all.so"));
		assert_int_equal(file.bits, 64);
		assert_string_equal(file.interp, "");
		assert_int_equal(file.entry, 0);
		assert_int_equal(file.hit_count, function_count());
		for (size_t i = 0; i < table.count; i += 7)
			if (is_function(i))
				check_truth(&file, in_dir("all.so"), table.rows[i].symbol, true);
		for (size_t i = 0; i < table.count; i++)
			assert_int_equal(hits_of(&file, table.rows[i].symbol), is_function(i));
		elf_free(&file);
		assert_null(file.hits);
		assert_int_equal(run("strip all.so"), 0);
	}
}

static void test_needs_malloc(void **state)
{
	static const char *const allocators[] = {"malloc", "je_malloc", "tc_malloc", "mi_malloc"};
	struct elf_file file;

	(void)state;
	write_text("cxx.c", "#include \"f.h\"\nF(_Znwm) F(_ZdlPvm) F(reallocarray) F(calloc)\n");
	assert_int_equal(run("cc -O1 -fno-builtin -w -shared -fPIC -o cxx.so cxx.c"), 0);
	file = scan(in_dir("cxx.so"));
	assert_int_equal(file.hit_count, 1);
	check_truth(&file, in_dir("cxx.so"), "calloc", true);
	elf_free(&file);
	for (size_t i = 0; i < COUNT(allocators); i++) {
		assert_int_equal(run("(cat cxx.c; echo 'F(%s)') >own.c && "
				     "cc -O1 -fno-builtin -w -shared -fPIC -o own.so own.c",
				     allocators[i]),
				 0);
		file = scan(in_dir("own.so"));
		assert_int_equal(file.hit_count, 5);
		check_truth(&file, in_dir("own.so"), "_Znwm", true);
		check_truth(&file, in_dir("own.so"), allocators[i], true);
		elf_free(&file);
	}
	/* It is not enough to use malloc. */
	write_text("use.c", "#include \"f.h\"\n#include <stdlib.h>\nF(_Znwm)\n"
			    "void *f(void) { return malloc(1); }\n");
	assert_int_equal(run("cc -O1 -fno-builtin -w -shared -fPIC -o use.so use.c"), 0);
	file = scan(in_dir("use.so"));
	assert_int_equal(file.hit_count, 0);
	elf_free(&file);
}

/* Names for one function are one hit, the table's first; the user's before it. */
static void test_aliases(void **state)
{
	struct probe_table own;
	struct elf_file file;
	char errbuf[200];

	(void)state;
	write_text("alias.c", "#include \"f.h\"\nF(free)\n"
			      "extern __typeof(free) cfree __attribute__((alias(\"free\")));\n"
			      "extern __typeof(free) tc_free __attribute__((alias(\"free\")));\n"
			      "extern __typeof(free) mine __attribute__((alias(\"free\")));\n");
	assert_int_equal(run("cc -O1 -fno-builtin -w -shared -fPIC -o alias.so alias.c"), 0);
	file = scan(in_dir("alias.so"));
	assert_int_equal(file.hit_count, 1);
	check_truth(&file, in_dir("alias.so"), "free", true);
	elf_free(&file);

	assert_int_equal(probe_table_init(&own), 0);
	assert_int_equal(probe_table_add(&own, "alias.so:mine kind=free ptr=arg3", errbuf, 200), 0);
	for (int named = 0; named < 2; named++) {
		const char *name = named ? "/x/alias.so" : "/alias.so/other";

		assert_int_equal(scan_as(in_dir("alias.so"), name, &own, &file, errbuf, 200), 0);
		assert_int_equal(file.hit_count, 1);
		assert_int_equal(own.rows[file.hits[0].row].from_user, named);
		elf_free(&file);
	}
	probe_table_free(&own);
}

/* The user's row for a name that has a built-in one. */
static void test_user_row(void **state)
{
	struct probe_table own;
	struct elfnames names;
	struct elf_file file;
	char errbuf[200];
	size_t usdts = 0;

	(void)state;
	write_text("user.c", "#include \"f.h\"\nF(malloc) F(f) static F(g)\n"
			     "void *h(void) { return g(1, 2, 3); }\n");
	assert_int_equal(run("cc -O1 -fno-builtin -fno-inline -w -shared -fPIC -o user.so user.c"),
			 0);
	assert_int_equal(probe_table_init(&own), 0);
	assert_int_equal(probe_table_add(&own, "*:malloc kind=alloc size=arg2", errbuf, 200), 0);
	assert_int_equal(probe_table_add(&own, "user.so:f kind=alloc size=arg1", errbuf, 200), 0);
	assert_int_equal(probe_table_add(&own, "user.so:g kind=alloc size=arg1", errbuf, 200), 0);
	assert_int_equal(probe_table_add(&own, "other.so:h kind=free", errbuf, 200), 0);
	assert_int_equal(scan_as(in_dir("user.so"), "user.so", &own, &file, errbuf, 200), 0);
	/* One name has two rows, one row is of another library; the linker's name is one more. */
	elfnames_init(&names, &own, "user.so");
	for (size_t i = 0; i < own.count; i++)
		usdts += probe_row_is_usdt(&own.rows[i]);
	assert_int_equal(names.count, own.count - 2 + 1 - usdts);
	/* g is local, and found all the same: the user asked for it. */
	assert_int_equal(file.hit_count, 3);
	for (size_t i = 0; i < 3; i++)
		assert_true(own.rows[file.hits[i].row].from_user);
	elf_free(&file);
	probe_table_free(&own);
}

/* Local functions count where an allocator was linked in and hidden, else not. */
static void test_local_symbols(void **state)
{
	struct elf_file file;

	(void)state;
	write_text("helper.c", "#include \"f.h\"\nstatic F(free) static F(je_valloc)\n"
			       "void *f(void) { free(1, 2, 3); return je_valloc(1, 2, 3); }\n");
	assert_int_equal(
	    run("cc -O1 -fno-builtin -fno-inline -w -shared -fPIC -o helper.so helper.c"), 0);
	assert_true(nm_address(in_dir("helper.so"), "free", false) != 0);
	file = scan(in_dir("helper.so"));
	assert_int_equal(file.hit_count, 0);
	elf_free(&file);

	write_text("hidden.c", "#include \"f.h\"\nF(malloc) F(free) F(f)\n");
	write_text("hidden.map", "{ global: f; local: *; };\n");
	assert_int_equal(run("cc -O1 -fno-builtin -w -shared -fPIC "
			     "-Wl,--version-script=hidden.map -o hidden.so hidden.c"),
			 0);
	assert_true(nm_address(in_dir("hidden.so"), "malloc", true) == 0);
	file = scan(in_dir("hidden.so"));
	assert_int_equal(file.hit_count, 2);
	check_truth(&file, in_dir("hidden.so"), "malloc", false);
	check_truth(&file, in_dir("hidden.so"), "free", false);
	elf_free(&file);
	assert_int_equal(run("strip hidden.so"), 0);
	file = scan(in_dir("hidden.so"));
	assert_int_equal(file.hit_count, 0);
	elf_free(&file);
}

/* Versions of a function are functions, each with a hit. */
static void test_versions(void **state)
{
	struct elf_file file;
	uint64_t old, new;

	(void)state;
	write_text("version.c", "#include \"f.h\"\nF(malloc) F(old) F(new) F(same)\n"
				"__asm__(\".symver old,memalign@V1\");\n"
				"__asm__(\".symver new,memalign@@V2\");\n"
				"__asm__(\".symver same,valloc@V1\");\n"
				"__asm__(\".symver same,valloc@@V2\");\n");
	write_text("version.map", "V1 { global: malloc; old; new; same; };\nV2 { } V1;\n");
	assert_int_equal(run("cc -O1 -fno-builtin -fno-toplevel-reorder -w -shared -fPIC "
			     "-Wl,--version-script=version.map -o version.so version.c"),
			 0);
	old = offset_of(in_dir("version.so"), nm_address(in_dir("version.so"), "old", false));
	new = offset_of(in_dir("version.so"), nm_address(in_dir("version.so"), "new", false));
	assert_true(old && new &&old != new);
	for (int stripped = 0; stripped < 2; stripped++) {
		file = scan(in_dir("version.so"));
		assert_int_equal(file.hit_count, 4);
		assert_int_equal(hits_of(&file, "memalign"), 2);
		assert_int_equal(hits_of(&file, "valloc"), 1);
		for (size_t i = 0; i < file.hit_count; i++)
			if (strcmp(table.rows[file.hits[i].row].symbol, "memalign") == 0)
				assert_true(file.hits[i].function == old ||
					    file.hits[i].function == new);
		elf_free(&file);
		assert_int_equal(run("strip version.so"), 0);
	}
}

/* Functions that are not there, or are not functions. */
static void test_not_functions(void **state)
{
	struct elf_file file;

	(void)state;
	write_text(
	    "not.c",
	    "#include \"f.h\"\nF(malloc)\n"
	    "static F(real)\n"
	    "static void *pick(void) { return real; }\n"
	    "void *calloc(size_t, size_t) __attribute__((ifunc(\"pick\")));\n"
	    "int valloc = 3;\n"
	    "extern void free(void *);\n"
	    "void *f(void) { free(0); return calloc; }\n"
	    "__asm__(\".globl pvalloc\\n .type pvalloc,@function\\n pvalloc = 0x1010\\n\");\n");
	assert_int_equal(run("cc -O1 -fno-builtin -w -shared -fPIC -o not.so not.c"), 0);
	file = scan(in_dir("not.so"));
	assert_int_equal(file.hit_count, 1);
	check_truth(&file, in_dir("not.so"), "malloc", true);
	elf_free(&file);
}

/* A function that only jumps to another of the same meaning is left to that one. */
static void test_tail_jumps(void **state)
{
	struct elf_file file;

	(void)state;
	write_text("tail.s",
		   ".text\n"
		   ".macro func name\n .globl \\name\n .type \\name,@function\n"
		   "\\name:\n .endm\n"
		   "func malloc\n.Lmalloc: push %rbx\n pop %rbx\n ret\n"
		   " .size malloc,.-malloc\n"
		   /* the same meaning, in this file */
		   "func _Znwm\n jmp .Lmalloc\n .size _Znwm,.-_Znwm\n"
		   "func _Znam\n endbr64\n jmp .Lmalloc\n .size _Znam,.-_Znam\n"
		   /* the same, by the dynamic linker */
		   "func _ZdlPv\n jmp free@PLT\n .size _ZdlPv,.-_ZdlPv\n"
		   "func _ZdaPv\n bnd jmp free@PLT\n .size _ZdaPv,.-_ZdaPv\n"
		   /* another meaning; not at once; not to a known function */
		   "func calloc\n jmp .Lmalloc\n .size calloc,.-calloc\n"
		   "func memalign\n jmp valloc@PLT\n .size memalign,.-memalign\n"
		   "func mallocx\n mov %rdi,%rax\n jmp .Lmalloc\n .size mallocx,.-mallocx\n"
		   "func pvalloc\n jmp other@PLT\n .size pvalloc,.-pvalloc\n"
		   ".section .note.GNU-stack,\"\",@progbits\n");
	assert_int_equal(run("cc -shared -o tail.so tail.s"), 0);
	file = scan(in_dir("tail.so"));
	assert_int_equal(file.hit_count, 5);
	assert_non_null(hit_of(&file, "malloc"));
	assert_non_null(hit_of(&file, "calloc"));
	assert_non_null(hit_of(&file, "memalign"));
	assert_non_null(hit_of(&file, "mallocx"));
	assert_non_null(hit_of(&file, "pvalloc"));
	elf_free(&file);
	/* The other shapes of a linkage table. */
	assert_int_equal(run("cc -shared -Wl,-z,ibtplt,-z,now -o ibt.so tail.s"), 0);
	file = scan(in_dir("ibt.so"));
	assert_int_equal(file.hit_count, 5);
	elf_free(&file);
}

/* The place is chosen with the row's arguments, and with the function's size. */
static void test_places(void **state)
{
	static const struct {
		const char *symbol;
		unsigned place;
		bool emulated;
	} expected[] = {{"malloc", 4, true},        {"free", 3, true},    {"calloc", 0, false},
			{"aligned_alloc", 3, true}, {"valloc", 0, false}, {"pvalloc", 4, true},
			{"memalign", 0, false}};
	struct elf_file file;

	(void)state;
	write_text(
	    "place.s",
	    ".text\n"
	    ".macro func name\n .globl \\name\n .type \\name,@function\n\\name:\n .endm\n"
	    "func malloc\n endbr64\n push %rbp\n pop %rbp\n ret\n .size malloc,.-malloc\n"
	    "func free\n test %rdi,%rdi\n je 1f\n push %rbx\n pop %rbx\n1: ret\n"
	    " .size free,.-free\n"
	    /* the second factor is lost */
	    "func calloc\n mov %rdi,%rsi\n push %rbx\n pop %rbx\n ret\n .size calloc,.-calloc\n"
	    /* the alignment is lost, and is not needed */
	    "func aligned_alloc\n mov %rsi,%rdi\n push %rbx\n pop %rbx\n ret\n"
	    " .size aligned_alloc,.-aligned_alloc\n"
	    /* a loop to the push, out of the window */
	    "func valloc\n endbr64\n2: push %rbx\n pop %rbx\n .fill 100,1,0x90\n jmp 2b\n"
	    " .size valloc,.-valloc\n"
	    /* too long to search */
	    "func memalign\n endbr64\n push %rbx\n pop %rbx\n .fill 20000,1,0x90\n ret\n"
	    " .size memalign,.-memalign\n"
	    /* the same without a size: nobody can know */
	    "func pvalloc\n endbr64\n2: push %rbx\n pop %rbx\n .fill 100,1,0x90\n jmp 2b\n"
	    ".section .note.GNU-stack,\"\",@progbits\n");
	assert_int_equal(run("cc -shared -o place.so place.s"), 0);
	file = scan(in_dir("place.so"));
	assert_int_equal(file.hit_count, COUNT(expected));
	for (size_t i = 0; i < COUNT(expected); i++) {
		const struct elf_hit *hit = hit_of(&file, expected[i].symbol);

		assert_non_null(hit);
		check_truth(&file, in_dir("place.so"), expected[i].symbol, true);
		assert_int_equal(hit->offset - hit->function, expected[i].place);
		assert_int_equal(hit->emulated, expected[i].emulated);
	}
	elf_free(&file);
}

static void test_dynamic_linker(void **state)
{
	struct elf_file file;

	(void)state;
	write_text("ld.c", "#include \"f.h\"\nF(malloc) F(free) F(calloc) F(_Znwm)\n"
			   "void _dl_debug_state(void) { }\n"
			   "#ifdef GLIBC\nchar _rtld_global[100] = {1};\n#endif\n");
	assert_int_equal(run("cc -O1 -fno-builtin -w -shared -fPIC -DGLIBC -o ld.so ld.c"), 0);
	file = scan(in_dir("ld.so"));
	assert_int_equal(file.hit_count, 1);
	check_truth(&file, in_dir("ld.so"), "_dl_debug_state", true);
	elf_free(&file);
	/* In musl the dynamic linker is the C library. */
	assert_int_equal(run("cc -O1 -fno-builtin -w -shared -fPIC -o ld.so ld.c"), 0);
	file = scan(in_dir("ld.so"));
	assert_int_equal(file.hit_count, 5);
	elf_free(&file);
}

static const char program[] =
    "#include <stdlib.h>\n#include <malloc.h>\n"
    "int main(int c, char **v) { void *p = malloc(c); p = realloc(p, c * 3); free(p);\n"
    "p = calloc(c, 2); free(p); if (posix_memalign(&p, 64, c)) return 1; free(p);\n"
    "free(memalign(64, c)); free(aligned_alloc(64, 64)); return v == 0; }\n";

static void test_static_program(void **state)
{
	static const char *const symbols[] = {"malloc", "free", "calloc", "realloc",
					      "posix_memalign"};
	struct elf_file file;

	(void)state;
	write_text("prog.c", program);
	if (run("cc -O1 -fno-builtin -static -o static prog.c 2>/dev/null"))
		skip(); /* no static C library */
	file = scan(in_dir("static"));
	assert_string_equal(file.interp, "");
	assert_true(file.entry != 0);
	assert_int_equal(
	    file.entry, offset_of(in_dir("static"), nm_address(in_dir("static"), "_start", false)));
	for (size_t i = 0; i < COUNT(symbols); i++)
		check_truth(&file, in_dir("static"), symbols[i], false);
	/* __libc_malloc, cfree and the like are names of the same functions. */
	for (size_t i = 0; i < file.hit_count; i++)
		for (size_t k = 0; k < i; k++)
			assert_true(file.hits[i].function != file.hits[k].function);
	elf_free(&file);
	assert_int_equal(run("strip static"), 0);
	file = scan(in_dir("static"));
	assert_int_equal(file.hit_count, 0);
	elf_free(&file);
}

static void test_dynamic_program(void **state)
{
	struct elf_file file;

	(void)state;
	write_text("prog.c", program);
	assert_int_equal(run("cc -O1 -o dynamic prog.c"), 0);
	file = scan(in_dir("dynamic"));
	assert_int_equal(file.hit_count, 0);
	assert_true(file.entry != 0);
	assert_int_equal(file.entry, offset_of(in_dir("dynamic"),
					       nm_address(in_dir("dynamic"), "_start", false)));
	assert_int_equal(access(file.interp, R_OK), 0);
	elf_free(&file);
}

static void test_musl(void **state)
{
	struct elf_file file, loader;
	uint64_t size;
	struct stat st;

	(void)state;
	if (!have("musl-gcc"))
		skip();
	write_text("prog.c", program);
	assert_int_equal(run("musl-gcc -O1 -fno-builtin -static -o mstatic prog.c"), 0);
	file = scan(in_dir("mstatic"));
	assert_string_equal(file.interp, "");
	check_truth(&file, in_dir("mstatic"), "malloc", false);
	check_truth(&file, in_dir("mstatic"), "free", false);
	check_truth(&file, in_dir("mstatic"), "realloc", false);
	check_truth(&file, in_dir("mstatic"), "calloc", false);
	check_truth(&file, in_dir("mstatic"), "posix_memalign", false);
	elf_free(&file);

	assert_int_equal(run("musl-gcc -O1 -o mdynamic prog.c"), 0);
	file = scan(in_dir("mdynamic"));
	assert_int_equal(file.hit_count, 0);
	loader = scan(file.interp);
	assert_int_equal(stat(file.interp, &st), 0);
	size = st.st_size;
	check_hits(&loader, size);
	check_truth(&loader, file.interp, "malloc", true);
	check_truth(&loader, file.interp, "free", true);
	check_truth(&loader, file.interp, "aligned_alloc", true);
	check_truth(&loader, file.interp, "_dl_debug_state", true);
	elf_free(&loader);
	elf_free(&file);
}

/*
 * The search in string tables, by itself: a wanted name at every place around
 * the border of the pieces in which they are read, and in every surrounding.
 */
static void test_string_table(void **state)
{
	static const struct {
		const char *text;
		const char *rows[3]; /* whose names are in it */
		unsigned at[3];      /* and where */
	} cases[] = {
	    {"malloc", {"malloc"}, {0}},
	    {"malloc@@V2", {"malloc"}, {0}},
	    {"malloc@V1", {"malloc"}, {0}},
	    {"je_malloc", {"je_malloc", "malloc"}, {0, 3}},
	    {"OPENSSL_free", {"free"}, {8}},
	    {"xje_free@V", {"je_free", "free"}, {1, 4}},
	    {"_ZdaPvSt11align_val_tRKSt9nothrow_t", {"_ZdaPvSt11align_val_tRKSt9nothrow_t"}, {0}},
	    {"malloc_", {NULL}, {0}},
	    {"mallo", {NULL}, {0}},
	    {"c", {NULL}, {0}},
	    {"@", {NULL}, {0}},
	};
	static char bytes[2 * 16384 + 100];
	struct elfnames names;
	int fd = memfd_create("strings", MFD_CLOEXEC);

	(void)state;
	assert_true(fd >= 0);
	elfnames_init(&names, &table, "x");
	for (size_t k = 0; k < COUNT(cases); k++) {
		for (size_t at = 16384 - 50; at < 16384 + 50; at++) {
			struct elfimage image = {.fd = fd, .size = sizeof(bytes)};
			struct elfplaces places = {0};
			size_t found = 0;

			memset(bytes, '.', sizeof(bytes));
			bytes[at - 1] = '\0';
			memcpy(bytes + at, cases[k].text, strlen(cases[k].text) + 1);
			assert_int_equal(pwrite(fd, bytes, sizeof(bytes), 0), sizeof(bytes));
			assert_int_equal(
			    elfnames_find(&names, &image, 7, sizeof(bytes) - 7, &places), 0);
			for (; found < 3 && cases[k].rows[found]; found++) {
				int row = elfplaces_row(&places, at - 7 + cases[k].at[found]);

				assert_true(row >= 0);
				assert_string_equal(table.rows[row].symbol, cases[k].rows[found]);
			}
			if (places.count != found)
				fail_msg("'%s' at %zu: %zu places", cases[k].text, at,
					 places.count);
			free(places.list);
		}
	}
	close(fd);
}

/* Tables of many pieces, by a linker that shares the ends of names and one that does not. */
static void test_long_tables(void **state)
{
	FILE *f = fopen(in_dir("long.s"), "we");
	struct elf_file file;

	(void)state;
	assert_non_null(f);
	fprintf(f, ".text\n");
	for (int i = 0; i < 9000; i++)
		fprintf(f, ".globl x%d_%.*s_free\nx%d_%.*s_free: nop\n", i, i % 23,
			"abcdefghijklmnopqrstuvw", i, i % 23, "abcdefghijklmnopqrstuvw");
	for (size_t i = 0; i < table.count; i++)
		if (is_function(i))
			fprintf(f,
				".globl %s\n.type %s,@function\n%s: push %%rbx\npop %%rbx\n"
				"ret\n.size %s,.-%s\n",
				table.rows[i].symbol, table.rows[i].symbol, table.rows[i].symbol,
				table.rows[i].symbol, table.rows[i].symbol);
	fprintf(f, ".section .note.GNU-stack,\"\",@progbits\n");
	fclose(f);
	for (int optimised = 0; optimised < 2; optimised++) {
		assert_int_equal(run("cc -shared %s -o long.so long.s",
				     optimised ? "-Wl,-O2,--hash-style=sysv" : "-Wl,-O0"),
				 0);
		file = scan(in_dir("long.so"));
		assert_int_equal(file.hit_count, function_count());
		for (size_t i = 0; i < table.count; i += 9)
			if (is_function(i))
				check_truth(&file, in_dir("long.so"), table.rows[i].symbol, true);
		elf_free(&file);
	}
}

/* ---- the libraries of this machine ------------------------------------- */

/* The places of a file's hits are beginnings of instructions, by objdump. */
static void check_objdump(const struct elf_file *file, const char *path)
{
	char command[512], line[512];
	unsigned long at;
	FILE *f;

	for (size_t i = 0; i < file->hit_count; i++) {
		const struct elf_hit *hit = &file->hits[i];
		uint64_t address = nm_address(path, table.rows[hit->row].symbol, true);
		uint64_t place = address + (hit->offset - hit->function);
		bool seen = false;

		if (offset_of(path, address) != hit->function)
			continue; /* another version of the symbol */
		snprintf(
		    command, sizeof(command),
		    "objdump -d --no-show-raw-insn --start-address=%#lx --stop-address=%#lx '%s'",
		    (unsigned long)address, (unsigned long)place + 16, path);
		f = popen(command, "re");
		assert_non_null(f);
		while (fgets(line, sizeof(line), f)) {
			char name[32] = "";

			if (sscanf(line, " %lx: %31s", &at, name) < 2 || !strchr(line, '\t'))
				continue;
			if (at < place && (name[0] == 'j' || strcmp(name, "call") == 0 ||
					   strcmp(name, "ret") == 0))
				fail_msg("%s: %s: the place is behind: %s", path,
					 table.rows[hit->row].symbol, line);
			if (at != place)
				continue;
			seen = true;
			if (hit->emulated !=
			    ((name[0] == 'j' && !strchr(line, '*')) || strcmp(name, "push") == 0 ||
			     strcmp(name, "bnd") == 0 || strcmp(name, "call") == 0 ||
			     strcmp(name, "nop") == 0))
				fail_msg("%s: %s: %s does not fit: %s", path,
					 table.rows[hit->row].symbol, hit->reason, line);
		}
		pclose(f);
		if (!seen)
			fail_msg("%s: %s+%#lx is inside an instruction", path,
				 table.rows[hit->row].symbol,
				 (unsigned long)(hit->offset - hit->function));
	}
}

/* The path of a library that is installed, or NULL. */
static const char *library(const char *name)
{
	static const char *const dirs[] = {"/usr/lib/x86_64-linux-gnu", "/lib/x86_64-linux-gnu",
					   "/usr/lib64", "/usr/lib", "/lib64"};
	static char path[256];

	for (size_t i = 0; i < COUNT(dirs); i++) {
		snprintf(path, sizeof(path), "%s/%s", dirs[i], name);
		if (access(path, R_OK) == 0)
			return path;
	}
	return NULL;
}

static void check_library(const char *name, const char *const *symbols)
{
	const char *path = library(name);
	struct elf_file file;
	struct stat st;

	if (!path)
		skip();
	file = scan(path);
	assert_int_equal(stat(path, &st), 0);
	check_hits(&file, st.st_size);
	for (; *symbols; symbols++) {
		uint64_t address = nm_address(path, *symbols, true);
		bool found = false;

		/* Under its own name or that of an alias. */
		for (size_t i = 0; i < file.hit_count; i++)
			found |= address && file.hits[i].function == offset_of(path, address);
		if (!found)
			fail_msg("%s: no hit for %s", path, *symbols);
	}
	check_objdump(&file, path);
	elf_free(&file);
}

static void test_glibc(void **state)
{
	static const char *const symbols[] = {
	    "malloc",   "calloc",        "realloc", "reallocarray", "free", "posix_memalign",
	    "memalign", "aligned_alloc", "valloc",  "pvalloc",      NULL};

	(void)state;
	check_library("libc.so.6", symbols);
}

static void test_jemalloc(void **state)
{
	static const char *const symbols[] = {
	    "malloc",   "calloc",        "realloc", "free",    "posix_memalign",
	    "memalign", "aligned_alloc", "mallocx", "rallocx", "sdallocx",
	    "_Znwm",    "_ZdlPvm",       NULL};

	(void)state;
	check_library("libjemalloc.so.2", symbols);
}

static void test_tcmalloc(void **state)
{
	static const char *const symbols[] = {
	    "malloc",    "calloc", "realloc", "free",          "posix_memalign", "memalign",
	    "tc_malloc", "_Znwm",  "_Znam",   "tc_free_sized", "_ZdlPvm",        NULL};

	(void)state;
	check_library("libtcmalloc_minimal.so.4", symbols);
}

static void test_mimalloc(void **state)
{
	static const char *const symbols[] = {
	    "malloc",    "calloc",         "realloc",  "free",  "mi_posix_memalign",
	    "mi_malloc", "mi_heap_malloc", "mi_new_n", "_Znwm", NULL};

	(void)state;
	check_library("libmimalloc.so.2", symbols);
}

/* One hit, of this kind, and no allocation function. */
static void check_event_only(const char *name, enum ms_kind kind)
{
	const char *path = library(name);
	struct elf_file file;

	if (!path)
		skip();
	file = scan(path);
	assert_int_equal(file.hit_count, 1);
	assert_int_equal(table.rows[file.hits[0].row].spec.kind, kind);
	assert_int_equal(file.function_count, 0);
	elf_free(&file);
}

static void test_libstdcxx(void **state)
{
	(void)state;
	check_event_only("libstdc++.so.6", MS_KIND_UNWIND);
}

static void test_glibc_linker(void **state)
{
	(void)state;
	check_event_only("ld-linux-x86-64.so.2", MS_KIND_MARKER);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_every_symbol),   cmocka_unit_test(test_needs_malloc),
	    cmocka_unit_test(test_aliases),        cmocka_unit_test(test_user_row),
	    cmocka_unit_test(test_local_symbols),  cmocka_unit_test(test_versions),
	    cmocka_unit_test(test_not_functions),  cmocka_unit_test(test_tail_jumps),
	    cmocka_unit_test(test_places),         cmocka_unit_test(test_dynamic_linker),
	    cmocka_unit_test(test_static_program), cmocka_unit_test(test_dynamic_program),
	    cmocka_unit_test(test_string_table),   cmocka_unit_test(test_long_tables),
	    cmocka_unit_test(test_musl),           cmocka_unit_test(test_glibc),
	    cmocka_unit_test(test_jemalloc),       cmocka_unit_test(test_tcmalloc),
	    cmocka_unit_test(test_mimalloc),       cmocka_unit_test(test_libstdcxx),
	    cmocka_unit_test(test_glibc_linker),
	};

	return cmocka_run_group_tests_name("probe ELF", tests, group_setup, group_teardown);
}
