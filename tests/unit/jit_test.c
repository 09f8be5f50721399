/* SPDX-License-Identifier: GPL-2.0 */
/* What JITs wrote, from files made by hand: right, growing, broken and hostile. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "symbol/jit.h"
#include "symbol/jitcodes.h"
#include "symbol/jitdump.h"
#include "symbol/jitname.h"
#include "symbol/perfmap.h"

#define PROCESS 7

struct bench {
	struct symbols *symbols;
	struct jit *jit;
	int fd; /* the file that the JIT writes */
};

static struct bench bench_new(void)
{
	struct bench b = {.symbols = symbols_new(), .fd = memfd_create("jit", MFD_CLOEXEC)};

	b.jit = jit_new(b.symbols);
	assert_non_null(b.jit);
	assert_true(b.fd >= 0);
	return b;
}

static void bench_free(struct bench *b)
{
	jit_free(b->jit);
	symbols_free(b->symbols);
	close(b->fd);
}

static void put(struct bench *b, const void *bytes, size_t size)
{
	assert_int_equal(write(b->fd, bytes, size), size);
}

static void put_text(struct bench *b, const char *text)
{
	put(b, text, strlen(text));
}

/* A new round: the file is given to the reader as it is now. */
static void look(struct bench *b, enum jit_format format)
{
	jit_begin(b->jit);
	assert_true(jit_is_due(b->jit, PROCESS));
	assert_false(jit_is_due(b->jit, PROCESS));
	jit_read(b->jit, PROCESS, format, dup(b->fd));
}

static void is_named(const struct bench *b, uint64_t address, const char *function)
{
	const struct frame *frame = jit_find(b->jit, PROCESS, address);

	if (!function) {
		assert_null(frame);
		return;
	}
	assert_non_null(frame);
	assert_string_equal(frame->function, function);
	assert_int_equal(frame->kind, FRAME_JIT);
}

/* ---- ranges ---------------------------------------------------------------- */

static void ranges_the_latest_on_top(void **state)
{
	static const struct jit_code codes[] = {
	    {.start = 100, .end = 200, .time = 1, .name = 1},
	    {.start = 150, .end = 160, .time = 2, .name = 2}, /* inside */
	    {.start = 50, .end = 110, .time = 3, .name = 3},  /* over the start */
	    {.start = 190, .end = 300, .time = 0, .name = 4}, /* older than what it overlaps */
	    {.start = 400, .end = 500, .time = 9, .name = 5},
	    {.start = 400, .end = 500, .time = 9, .name = 6}, /* the same time: added last */
	    {.start = 600, .end = 600, .time = 9, .name = 7}, /* nothing */
	    {.start = 700, .end = 1ULL << 48, .name = 8},     /* into the kernel's half */
	};
	static const struct {
		uint64_t address, name;
	} wanted[] = {{49, 0},  {50, 3},  {99, 3},  {109, 3}, {110, 1}, {149, 1},       {150, 2},
		      {159, 2}, {160, 1}, {199, 1}, {200, 4}, {299, 4}, {300, 0},       {399, 0},
		      {400, 6}, {499, 6}, {500, 0}, {600, 0}, {701, 0}, {UINT64_MAX, 0}};
	struct budget budget = {.left = 1 << 20};
	struct jit_codes all = {0};
	size_t i;

	(void)state;
	assert_null(jit_codes_find(&all, 1));
	for (i = 0; i < sizeof(codes) / sizeof(codes[0]); i++)
		assert_int_equal(jit_codes_add(&all, &codes[i], &budget), 0);
	for (i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++) {
		const struct jit_code *found = jit_codes_find(&all, wanted[i].address);

		assert_int_equal(found ? found->name : 0, wanted[i].name);
	}
	jit_codes_free(&all);
}

/* Against the obvious way to find it. */
static void ranges_at_random(void **state)
{
	struct budget budget = {.left = 1 << 24};
	struct jit_codes all = {0};
	uint32_t random = 12345;
	uint64_t address;
	size_t i;

	(void)state;
	for (i = 0; i < 600; i++) {
		struct jit_code code = {.name = i + 1};

		random = random * 1664525 + 1013904223;
		code.start = random >> 20;
		random = random * 1664525 + 1013904223;
		code.end = code.start + (random >> 24);
		code.time = random >> 8 & 63;
		assert_int_equal(jit_codes_add(&all, &code, &budget), 0);
	}
	for (address = 0; address < 5000; address++) {
		const struct jit_code *found = jit_codes_find(&all, address), *best = NULL;

		for (i = 0; i < all.count; i++)
			if (address >= all.items[i].start && address < all.items[i].end &&
			    (!best || all.items[i].time >= best->time))
				best = &all.items[i];
		assert_ptr_equal(found, best);
	}
	jit_codes_free(&all);
}

static void ranges_within_the_budget(void **state)
{
	struct budget budget = {.left = 100000};
	const struct jit_code code = {.start = 1, .end = 2};
	struct jit_codes all = {0};
	int i, err = 0;

	(void)state;
	for (i = 0; i < 10000 && !err; i++)
		err = jit_codes_add(&all, &code, &budget);
	assert_int_equal(err, -ENOMEM);
	assert_int_equal(budget.refused, 1);
	assert_non_null(jit_codes_find(&all, 1));
	jit_codes_free(&all);
}

/* ---- perf maps -------------------------------------------------------------- */

static void map_lines(void **state)
{
	struct bench b = bench_new();

	(void)state;
	put_text(&b, "7f0000001000 100 first\n"
		     "0x00007f0000002000 0x0000000000000080 int a.B.second(int, long)\n"
		     "7f0000001080 10 inner one\n"
		     "not a line\n"
		     "7f0000003000\n"
		     "7f0000003000 \n"
		     "7f0000003000 10\n"
		     "7f0000003000 10 \n"
		     "7f0000003000 0 empty\n"
		     "7f0000003000 zz name\n"
		     "fffffffffffffff0 ffffffffffffffff around\n"
		     "123456789abcdef01 1 too long a number\n"
		     "ffffffff81000000 1000 the kernel's\n"
		     "\n"
		     "7f0000004000  20   blanks\r\n"
		     "7f0000005000 10 not written yet");
	look(&b, JIT_MAP);
	is_named(&b, 0x7f0000000fff, NULL);
	is_named(&b, 0x7f0000001000, "first");
	is_named(&b, 0x7f000000107f, "first");
	is_named(&b, 0x7f0000001080, "inner one");
	is_named(&b, 0x7f0000001090, "first");
	is_named(&b, 0x7f0000001100, NULL);
	is_named(&b, 0x7f000000207f, "a.B.second");
	is_named(&b, 0x7f0000003000, NULL);
	is_named(&b, 0xffffffff81000000, NULL);
	is_named(&b, 0x7f0000004000, "blanks");
	is_named(&b, 0x7f0000005000, NULL);
	bench_free(&b);
}

static void map_grows(void **state)
{
	struct bench b = bench_new();

	(void)state;
	put_text(&b, "1000 100 old\n2000 10 cut in the mid");
	look(&b, JIT_MAP);
	is_named(&b, 0x1050, "old");
	is_named(&b, 0x2000, NULL);
	put_text(&b, "dle\n1040 20 new\n");
	look(&b, JIT_MAP);
	is_named(&b, 0x1050, "new");
	is_named(&b, 0x1070, "old");
	is_named(&b, 0x2000, "cut in the middle");
	/* The same process starts it again, as a program does that is run by exec. */
	assert_int_equal(ftruncate(b.fd, 0), 0);
	lseek(b.fd, 0, SEEK_SET);
	put_text(&b, "3000 10 other\n");
	look(&b, JIT_MAP);
	is_named(&b, 0x1050, NULL);
	is_named(&b, 0x3000, "other");
	bench_free(&b);
}

/* A file that is gone does not take its names along. */
static void map_stays(void **state)
{
	struct bench b = bench_new();

	(void)state;
	put_text(&b, "1000 100 kept\n");
	look(&b, JIT_MAP);
	jit_begin(b.jit);
	assert_true(jit_is_due(b.jit, PROCESS));
	jit_read(b.jit, PROCESS, JIT_MAP, -1);
	is_named(&b, 0x1000, "kept");
	assert_null(jit_find(b.jit, PROCESS + 1, 0x1000));
	bench_free(&b);
}

static void map_of_endless_lines(void **state)
{
	struct bench b = bench_new();
	size_t size = 1 << 20;
	char *text = malloc(size);

	(void)state;
	assert_non_null(text);
	memset(text, 'x', size);
	put_text(&b, "1000 100 ");
	put(&b, text, size);
	put_text(&b, "\n2000 100 after it\n3000 100 ");
	put(&b, text, size);
	look(&b, JIT_MAP);
	is_named(&b, 0x2000, "after it");
	assert_true(strlen(jit_find(b.jit, PROCESS, 0x1000)->function) < 2000);
	memset(text, '\0', size);
	put(&b, text, size);
	look(&b, JIT_MAP);
	is_named(&b, 0x2000, "after it");
	free(text);
	bench_free(&b);
}

/* What has no end is not read to its end, and that is said. */
static void map_too_large(void **state)
{
	struct bench b = bench_new();

	(void)state;
	put_text(&b, "1000 100 first\n");
	look(&b, JIT_MAP);
	assert_int_equal(jit_incomplete(b.jit), 0);
	assert_int_equal(ftruncate(b.fd, (off_t)1 << 40), 0);
	look(&b, JIT_MAP);
	assert_int_equal(jit_incomplete(b.jit), 1);
	is_named(&b, 0x1000, "first");
	bench_free(&b);
}

/* Every byte that a mutation of a good file may have, and every length. */
static void map_mutated(void **state)
{
	static const char good[] =
	    "1000 100 first\n0x2000 0x10 int a.b(c)\n3000 1 JS:*f /a.js:1:2\n";
	size_t i;
	int value;

	(void)state;
	for (i = 0; i < sizeof(good); i++)
		for (value = 0; value < 256; value += 15) {
			char text[sizeof(good)];
			struct bench b = bench_new();

			memcpy(text, good, sizeof(good));
			text[i] = (char)value;
			put(&b, text, i % 2 ? sizeof(text) - 1 : i);
			look(&b, JIT_MAP);
			jit_find(b.jit, PROCESS, 0x1000);
			jit_find(b.jit, PROCESS, 0x2000);
			jit_find(b.jit, PROCESS, 0x3000);
			bench_free(&b);
		}
}

/* ---- dumps ------------------------------------------------------------------- */

struct dump_header {
	uint32_t magic, version, size, machine, pad, pid;
	uint64_t time, flags;
};

static const struct dump_header header = {0x4a695444, 1, 40, EM_X86_64, 0, 7, 0, 0};

static void put_load(struct bench *b, uint64_t time, uint64_t address, uint64_t size,
		     uint64_t index, const char *name)
{
	static const char code[256];
	struct {
		uint32_t id, size;
		uint64_t time;
		uint32_t pid, tid;
		uint64_t vma, address, length, index;
	} r = {0,       (uint32_t)(sizeof(r) + strlen(name) + 1 + size),
	       time,    7,
	       7,       address,
	       address, size,
	       index};

	assert_true(size <= sizeof(code));
	put(b, &r, sizeof(r));
	put(b, name, strlen(name) + 1);
	put(b, code, size);
}

static void put_move(struct bench *b, uint64_t time, uint64_t from, uint64_t to, uint64_t size,
		     uint64_t index)
{
	struct {
		uint32_t id, size;
		uint64_t time;
		uint32_t pid, tid;
		uint64_t vma, from, to, length, index;
	} r = {1, sizeof(r), time, 7, 7, to, from, to, size, index};

	put(b, &r, sizeof(r));
}

struct line {
	uint64_t address;
	uint32_t line;
	const char *file;
};

static void put_lines(struct bench *b, uint64_t address, const struct line *lines, size_t count)
{
	struct {
		uint32_t id, size;
		uint64_t time, address, count;
	} r = {2, sizeof(r), 0, address, count};
	size_t i;

	for (i = 0; i < count; i++)
		r.size += (uint32_t)(16 + strlen(lines[i].file) + 1);
	put(b, &r, sizeof(r));
	for (i = 0; i < count; i++) {
		const uint32_t numbers[2] = {lines[i].line, 0};

		put(b, &lines[i].address, 8);
		put(b, numbers, 8);
		put(b, lines[i].file, strlen(lines[i].file) + 1);
	}
}

static void is_at(const struct bench *b, uint64_t address, const char *file, unsigned line)
{
	const struct frame *frame = jit_find(b->jit, PROCESS, address);

	assert_non_null(frame);
	if (file)
		assert_string_equal(frame->file, file);
	else
		assert_null(frame->file);
	assert_int_equal(frame->line, line);
}

static void dump_records(void **state)
{
	static const struct line lines[] = {
	    {0x1000, 10, "/src/a.jl"}, {0x1010, 11, "\xff"}, {0x1020, 5, "/src/b.jl"}};
	struct bench b = bench_new();

	(void)state;
	put(&b, &header, sizeof(header));
	put_lines(&b, 0x1000, lines, 3);
	put_load(&b, 1, 0x1000, 64, 1, "julia_one_1");
	put_load(&b, 2, 0x2000, 64, 2, "julia_two_2");
	put_load(&b, 5, 0x2020, 8, 3, "later");
	put_load(&b, 4, 0x2020, 16, 4, "earlier, but written later");
	put_move(&b, 6, 0x1000, 0x3000, 64, 1);
	put_move(&b, 7, 0x9000, 0x9100, 64, 99); /* what was never loaded */
	look(&b, JIT_DUMP);
	is_named(&b, 0x1000, "julia_one_1");
	is_at(&b, 0x100f, "/src/a.jl", 10);
	is_at(&b, 0x1010, "/src/a.jl", 11);
	is_at(&b, 0x103f, "/src/b.jl", 5);
	is_named(&b, 0x2000, "julia_two_2");
	is_at(&b, 0x2000, NULL, 0);
	is_named(&b, 0x2020, "later");
	is_named(&b, 0x2028, "earlier, but written later");
	is_named(&b, 0x2030, "julia_two_2");
	is_named(&b, 0x3000, "julia_one_1");
	is_at(&b, 0x3011, "/src/a.jl", 11);
	is_named(&b, 0x9100, NULL);
	bench_free(&b);
}

static void dump_grows(void **state)
{
	struct bench b = bench_new();
	off_t end;

	(void)state;
	put(&b, &header, 20);
	look(&b, JIT_DUMP);
	is_named(&b, 0x1000, NULL);
	put(&b, (const char *)&header + 20, sizeof(header) - 20);
	put_load(&b, 1, 0x1000, 64, 1, "one");
	put_load(&b, 2, 0x2000, 64, 2, "two");
	end = lseek(b.fd, 0, SEEK_CUR);
	assert_int_equal(ftruncate(b.fd, end - 3), 0);
	look(&b, JIT_DUMP);
	is_named(&b, 0x1000, "one");
	is_named(&b, 0x2000, NULL);
	assert_int_equal(ftruncate(b.fd, end), 0);
	put_load(&b, 3, 0x1000, 64, 3, "three");
	look(&b, JIT_DUMP);
	is_named(&b, 0x1000, "three");
	is_named(&b, 0x2000, "two");
	bench_free(&b);
}

static int read_header(struct dump_header h)
{
	struct bench b = bench_new();
	struct budget budget = {.left = 1 << 20};
	struct jit_codes codes = {0};
	struct jitdump dump = {0};
	int err;

	put(&b, &h, sizeof(h));
	put_load(&b, 1, 0x1000, 64, 1, "one");
	err = jitdump_read(&dump, b.fd, &codes, &budget);
	assert_int_equal(codes.count, !err);
	jitdump_free(&dump);
	jit_codes_free(&codes);
	bench_free(&b);
	return err;
}

static void dump_of_others(void **state)
{
	struct dump_header h = header;

	(void)state;
	assert_int_equal(read_header(h), 0);
	h.magic = 0x4454694a; /* the other byte order */
	assert_int_equal(read_header(h), -ENOEXEC);
	h = header;
	h.version = 2;
	assert_int_equal(read_header(h), -ENOEXEC);
	h = header;
	h.machine = EM_AARCH64;
	assert_int_equal(read_header(h), -ENOEXEC);
	h = header;
	h.size = 4;
	assert_int_equal(read_header(h), -ENOEXEC);
}

/* A map and a dump: the dump knows more. */
static void dump_before_map(void **state)
{
	struct bench b = bench_new(), map = bench_new();

	(void)state;
	put(&b, &header, sizeof(header));
	put_load(&b, 1, 0x1000, 16, 1, "of the dump");
	put_text(&map, "1000 20 of the map\n");
	look(&b, JIT_DUMP);
	jit_read(b.jit, PROCESS, JIT_MAP, dup(map.fd));
	is_named(&b, 0x1000, "of the dump");
	is_named(&b, 0x1010, "of the map");
	bench_free(&map);
	bench_free(&b);
}

static void dump_mutated(void **state)
{
	static const struct line lines[] = {{0x1000, 10, "/src/a.jl"}, {0x1010, 11, "\xff"}};
	static const uint8_t values[] = {0, 1, 2, 3, 4, 0x7f, 0x80, 0xff};
	unsigned char good[4096];
	struct bench b = bench_new();
	size_t i, j;
	ssize_t size;

	(void)state;
	put(&b, &header, sizeof(header));
	put_lines(&b, 0x1000, lines, 2);
	put_load(&b, 1, 0x1000, 64, 1, "one");
	put_move(&b, 2, 0x1000, 0x2000, 64, 1);
	size = pread(b.fd, good, sizeof(good), 0);
	assert_true(size > 0 && (size_t)size < sizeof(good));
	bench_free(&b);
	for (i = 0; i < (size_t)size; i++)
		for (j = 0; j < sizeof(values); j++) {
			unsigned char was = good[i];

			b = bench_new();
			good[i] = values[j];
			put(&b, good, j % 2 ? (size_t)size : i + 1);
			good[i] = was;
			look(&b, JIT_DUMP);
			jit_find(b.jit, PROCESS, 0x1011);
			jit_find(b.jit, PROCESS, 0x2011);
			bench_free(&b);
		}
}

/* The file changes between its reading and the question for a name. */
static void dump_pulled_away(void **state)
{
	static const struct line lines[] = {{0x1000, 10, "/src/a.jl"}};
	struct bench b = bench_new();

	(void)state;
	put(&b, &header, sizeof(header));
	put_lines(&b, 0x1000, lines, 1);
	put_load(&b, 1, 0x1000, 64, 1, "one");
	look(&b, JIT_DUMP);
	assert_int_equal(ftruncate(b.fd, 50), 0);
	is_named(&b, 0x1000, "?");
	bench_free(&b);
}

/* ---- names --------------------------------------------------------------------- */

static void names(void **state)
{
	static const struct {
		const char *raw, *function, *file;
		unsigned line;
	} rows[] = {
	    {"JS:*outerLoop /tmp/a.js:10:19", "outerLoop", "/tmp/a.js", 10},
	    {"LazyCompile:~Module._load node:internal/modules/cjs/loader:1003:24", "Module._load",
	     "node:internal/modules/cjs/loader", 1003},
	    {"JS:^ /tmp/a b.js:1:1", "(anonymous)", "/tmp/a b.js", 1},
	    {"Function:+f file:///srv/m.mjs:3:4", "f", "/srv/m.mjs", 3},
	    {"Script:~ evalmachine.<anonymous>:7", "(anonymous)", "evalmachine.<anonymous>", 7},
	    {"JS:~f", "f", "", 0},
	    {"JS:~", "(anonymous)", "", 0},
	    {"JS:~f :1:2", "f", "", 1},
	    {"JS:~f a:99999999999:2", "f", "a:99999999999", 2},
	    {"Builtin:ArrayMap", "Builtin:ArrayMap", "", 0},
	    {"TRACE_12::file.lua:3", "TRACE_12", "file.lua", 3},
	    {"TRACE_12::", "TRACE_12::", "", 0},
	    {"TRACE_x", "TRACE_x", "", 0},
	    {"py::Class.method:/srv/app.py", "Class.method", "/srv/app.py", 0},
	    {"py::", "py::", "", 0},
	    {"Lcom/foo/Bar;::run", "com.foo.Bar.run", "", 0},
	    {"Lcom/foo/Bar;::run(I)V", "com.foo.Bar.run", "", 0},
	    {"Loop", "Loop", "", 0},
	    {"int[] com.foo.Bar.method(java.lang.String, int)", "com.foo.Bar.method", "", 0},
	    {"void J.<init>()", "J.<init>", "", 0},
	    {"I2C/C2I adapters", "I2C/C2I adapters", "", 0},
	    {"StubRoutines (1)", "StubRoutines (1)", "", 0},
	    {"julia_foo_123", "julia_foo_123", "", 0},
	    {"", "?", "", 0},
	};
	struct jit_name name;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		jit_name_parse(rows[i].raw, &name);
		assert_string_equal(name.function, rows[i].function);
		assert_string_equal(name.file, rows[i].file);
		assert_int_equal(name.line, rows[i].line);
	}
}

static void names_too_long(void **state)
{
	static const char *const forms[] = {"JS:*%s %s:1:2", "TRACE_%s::%s:1", "py::%s:%s",
					    "L%s;::%s",      "int %s.%s()",    "%s%s"};
	char part[3000], raw[8000];
	struct jit_name name;
	size_t i;

	(void)state;
	memset(part, 'n', sizeof(part) - 1);
	part[sizeof(part) - 1] = '\0';
	for (i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
		snprintf(raw, sizeof(raw), forms[i], part, part);
#pragma GCC diagnostic pop
		jit_name_parse(raw, &name);
		assert_true(strlen(name.function) > 900 && strlen(name.function) < NAME_SIZE);
		assert_true(strlen(name.file) < NAME_SIZE);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(ranges_the_latest_on_top),
	    cmocka_unit_test(ranges_at_random),
	    cmocka_unit_test(ranges_within_the_budget),
	    cmocka_unit_test(map_lines),
	    cmocka_unit_test(map_grows),
	    cmocka_unit_test(map_stays),
	    cmocka_unit_test(map_of_endless_lines),
	    cmocka_unit_test(map_too_large),
	    cmocka_unit_test(map_mutated),
	    cmocka_unit_test(dump_records),
	    cmocka_unit_test(dump_grows),
	    cmocka_unit_test(dump_of_others),
	    cmocka_unit_test(dump_before_map),
	    cmocka_unit_test(dump_mutated),
	    cmocka_unit_test(dump_pulled_away),
	    cmocka_unit_test(names),
	    cmocka_unit_test(names_too_long),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
