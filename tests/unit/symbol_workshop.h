/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the symboliser's tests share: a directory where programs are compiled,
 * and the comparison of what the symboliser says of one with what it says of
 * itself (tests/targets/symbol_report.h): it prints the file offsets of its own
 * calls with the functions and lines they are in.
 */
#ifndef SYMBOL_WORKSHOP_H
#define SYMBOL_WORKSHOP_H

#include <elf.h>
#include <fcntl.h>
#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "symbol/symbol.h"

/* Not every test uses every tool. */
#define WORKSHOP __attribute__((unused)) static

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define ID 7
#define TRUTHS_MAX 64

static char work[] = "/tmp/symbol_test.XXXXXX";
static char targets[4096]; /* tests/targets, absolute */

/* ---- the workshop ------------------------------------------------------ */

__attribute__((format(printf, 1, 2))) WORKSHOP int try_run(const char *format, ...)
{
	char command[16384];
	va_list args;
	int used = snprintf(command, sizeof(command), "cd %s && ", work);

	va_start(args, format);
	vsnprintf(command + used, sizeof(command) - (size_t)used, format, args);
	va_end(args);
	return system(command);
}

#define run(...) assert_int_equal(try_run(__VA_ARGS__), 0)

WORKSHOP const char *path_of(const char *name)
{
	static char paths[4][8192];
	static unsigned next;
	char *path = paths[next++ % COUNT(paths)];

	snprintf(path, sizeof(paths[0]), "%s/%s", work, name);
	return path;
}

WORKSHOP bool have(const char *tool)
{
	if (!try_run("command -v %s >/dev/null", tool))
		return true;
	print_message("[  SKIP    ] the checks with %s: it is not installed\n", tool);
	return false;
}

WORKSHOP int set_up(void **state)
{
	char here[] = __FILE__, *slash = strrchr(here, '/');

	(void)state;
	if (slash)
		*slash = '\0';
	if (!realpath(slash ? here : ".", targets) || !mkdtemp(work))
		return -1;
	strcpy(strrchr(targets, '/'), "/targets");
	unsetenv("DEBUGINFOD_URLS");
	return 0;
}

WORKSHOP int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

WORKSHOP int clean_up(void **state)
{
	(void)state;
	return nftw(work, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

/* ---- files ------------------------------------------------------------- */

WORKSHOP void *read_file(const char *name, size_t *size)
{
	int fd = open(path_of(name), O_RDONLY | O_CLOEXEC);
	struct stat st;
	char *data;

	assert_true(fd >= 0);
	assert_int_equal(fstat(fd, &st), 0);
	data = malloc((size_t)st.st_size + 1);
	assert_non_null(data);
	assert_int_equal(read(fd, data, (size_t)st.st_size), st.st_size);
	close(fd);
	*size = (size_t)st.st_size;
	return data;
}

WORKSHOP void write_file(const char *name, const void *data, size_t size)
{
	int fd = open(path_of(name), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0755);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, data, size), size);
	close(fd);
}

/* ---- truth and answers ------------------------------------------------- */

struct truth {
	uint64_t offset;
	char text[512]; /* "function:line;function:line", innermost first */
};

WORKSHOP size_t truth_of(const char *program, struct truth *truths)
{
	FILE *out = popen(path_of(program), "r");
	size_t n = 0;

	assert_non_null(out);
	while (n < TRUTHS_MAX &&
	       fscanf(out, "%lx %511[^\n]", &truths[n].offset, truths[n].text) == 2)
		n++;
	assert_int_equal(pclose(out), 0);
	assert_true(n > 0);
	return n;
}

/* `text` against a pattern in which "*" stands for anything. */
WORKSHOP bool matches(const char *pattern, const char *text)
{
	const char *star = strchr(pattern, '*');
	size_t before = star ? (size_t)(star - pattern) : strlen(pattern) + 1;

	if (strncmp(pattern, text, before))
		return false;
	for (text += before; star; text++) {
		if (matches(star + 1, text))
			return true;
		if (!*text)
			return false;
	}
	return true;
}

WORKSHOP const char *answer(struct symbols *s, uint64_t offset, bool lines)
{
	static char text[65536];
	struct frame frames[SYMBOL_INLINE_MAX];
	size_t i, n = symbols_resolve(s, ID, offset, frames, SYMBOL_INLINE_MAX), used = 0;

	assert_in_range(n, 1, SYMBOL_INLINE_MAX);
	text[0] = '\0';
	for (i = 0; i < n; i++) {
		assert_non_null(frames[i].function);
		assert_int_equal(frames[i].kind, FRAME_NATIVE);
		/* All but the last are inlined into it. */
		assert_int_equal(frames[i].inlined, i + 1 < n);
		used += (size_t)snprintf(text + used, sizeof(text) - used, "%s%s", i ? ";" : "",
					 frames[i].function);
		if (lines)
			used += (size_t)snprintf(text + used, sizeof(text) - used, ":%u",
						 frames[i].line);
	}
	return text;
}

WORKSHOP struct symbols *open_program(const char *program)
{
	struct symbols *s = symbols_new();
	int fd = open(path_of(program), O_RDONLY | O_NONBLOCK | O_CLOEXEC);

	assert_non_null(s);
	assert_true(fd >= 0);
	assert_int_equal(symbols_add_module(s, ID, fd, path_of(program)), 0);
	close(fd); /* the symboliser has its own */
	return s;
}

/* What must be known of a program. */
enum knowledge {
	LINES,     /* all that it tells */
	OUTERMOST, /* the function whose code it is, as the last of what is said */
	FUNCTIONS, /* the function whose code it is, without inlined calls and lines */
	EXPORTED,  /* that only for `exported`, `outer` and main */
	NOTHING,
};

/*
 * Where the function starts that has the code at `offset`, by the symbol table of
 * `program`; `offset` if it is in none.
 */
WORKSHOP uint64_t start_of(const char *program, uint64_t offset)
{
	size_t size, i, j;
	unsigned char *data = read_file(program, &size);
	const Elf64_Ehdr *ehdr = (const void *)data;
	const Elf64_Shdr *shdrs = (const void *)(data + ehdr->e_shoff);
	uint64_t start = offset;

	for (i = 0; i < ehdr->e_shnum; i++) {
		const Elf64_Sym *syms = (const void *)(data + shdrs[i].sh_offset);

		if (shdrs[i].sh_type != SHT_SYMTAB)
			continue;
		for (j = 0; j < shdrs[i].sh_size / sizeof(*syms); j++) {
			const Elf64_Shdr *in = &shdrs[syms[j].st_shndx];

			if (ELF64_ST_TYPE(syms[j].st_info) == STT_FUNC &&
			    syms[j].st_shndx < ehdr->e_shnum &&
			    offset - (syms[j].st_value - in->sh_addr + in->sh_offset) <
				syms[j].st_size)
				start = syms[j].st_value - in->sh_addr + in->sh_offset;
		}
	}
	free(data);
	return start;
}

WORKSHOP void expect(char *expected, size_t size, const struct truth *t, enum knowledge knowledge,
		     const char *program, const char *original)
{
	const char *last = strrchr(t->text, ';');
	bool known =
	    knowledge <= FUNCTIONS || (knowledge == EXPORTED && !strstr(t->text, "hidden"));

	if (knowledge == LINES) {
		snprintf(expected, size, "%s", t->text);
		return;
	}
	if (!known || !strcmp(t->text, "?")) {
		snprintf(expected, size, "[%s+0x%lx]", program, start_of(original, t->offset));
		return;
	}
	snprintf(expected, size, "%s", last ? last + 1 : t->text);
	*strrchr(expected, ':') = '\0';
}

/* `program` shows `knowledge` of what `original`, run, tells. */
WORKSHOP void check(struct symbols *s, const char *program, const char *original,
		    enum knowledge knowledge)
{
	struct truth truths[TRUTHS_MAX];
	size_t i, n = truth_of(original, truths);
	const char *base = strrchr(program, '/');
	char expected[8192];

	for (i = 0; i < n; i++) {
		const char *got = answer(s, truths[i].offset, knowledge == LINES);

		if (knowledge == OUTERMOST && strrchr(got, ';'))
			got = strrchr(got, ';') + 1;
		expect(expected, sizeof(expected), &truths[i], knowledge, base ? base + 1 : program,
		       original);
		if (!matches(expected, got))
			fail_msg("%s at 0x%lx: expected %s, got %s", program, truths[i].offset,
				 expected, got);
	}
}

WORKSHOP void check_program(const char *program, const char *original, enum knowledge knowledge)
{
	struct symbols *s = open_program(program);

	check(s, program, original, knowledge);
	assert_int_equal(symbols_incomplete(s), 0);
	symbols_free(s);
}

#endif
