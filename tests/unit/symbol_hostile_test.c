/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Files that a target made to harm its observer.  What is asked of every one:
 * the symboliser comes back, with a name, and (under the sanitizers) touches
 * nothing it does not own.
 */
#include "symbol_workshop.h"

#include <elf.h>
#include <sys/mman.h>

/* Some offsets all over a program, among them its own calls. */
static const uint64_t anywhere[] = {0,      1,      0x40,    0x1000,     0x1050,    0x1100,
				    0x1150, 0x1200, 1 << 20, 1ULL << 46, UINT64_MAX};

/* Returns whether something was left out. */
static bool ask(int fd, const struct truth *truths, size_t count)
{
	struct symbols *s = symbols_new();
	struct frame frames[SYMBOL_INLINE_MAX];
	size_t i, j, n;

	assert_non_null(s);
	assert_int_equal(symbols_add_module(s, ID, fd, "/tmp/hostile"), 0);
	for (i = 0; i < count + COUNT(anywhere); i++) {
		uint64_t offset = i < count ? truths[i].offset : anywhere[i - count];

		n = symbols_resolve(s, ID, offset, frames, SYMBOL_INLINE_MAX);
		assert_in_range(n, 1, SYMBOL_INLINE_MAX);
		for (j = 0; j < n; j++)
			assert_in_range(strlen(frames[j].function), 1, 1024);
	}
	n = symbols_incomplete(s);
	assert_in_range(n, 0, 1);
	symbols_free(s);
	return n;
}

static int file_of(const void *data, size_t size)
{
	int fd = memfd_create("hostile", MFD_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, data, size), size);
	return fd;
}

static void assert_unknown(int fd)
{
	struct symbols *s = symbols_new();
	struct frame frame;

	assert_true(fd >= 0);
	assert_int_equal(symbols_add_module(s, ID, fd, "/tmp/none"), 0);
	assert_int_equal(symbols_resolve(s, ID, 0x1120, &frame, 1), 1);
	assert_string_equal(frame.function, "[none+0x1120]");
	symbols_free(s);
	close(fd);
}

static void what_is_no_program(void **state)
{
	const int flags = O_RDONLY | O_NONBLOCK | O_CLOEXEC;

	(void)state;
	run("mkfifo pipe && : >empty && echo text >text && printf '\\177ELF' >magic && "
	    "truncate -s 1T sparse && printf '\\177ELF\\2\\1\\1' | dd of=sparse conv=notrunc "
	    "status=none && ar rc archive.a text");
	assert_unknown(open(path_of("pipe"), flags));
	assert_unknown(open(path_of("pipe"), O_RDWR | O_CLOEXEC)); /* blocks if read */
	assert_unknown(open(path_of("empty"), flags));
	assert_unknown(open(path_of("text"), flags));
	assert_unknown(open(path_of("magic"), flags));
	assert_unknown(open(path_of("sparse"), flags));
	assert_unknown(open(path_of("archive.a"), flags));
	assert_unknown(open(work, flags | O_DIRECTORY));
	assert_unknown(open("/dev/zero", flags));
	assert_unknown(open(path_of("text"), O_PATH | O_CLOEXEC));
	assert_unknown(open(path_of("text"), O_WRONLY | O_CLOEXEC));
}

/* ---- broken programs --------------------------------------------------- */

static uint64_t random_next(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

/* The parts of a file that a reader interprets. */
struct part {
	uint64_t offset, size;
};

static size_t parts_of(const unsigned char *data, struct part *parts, size_t max)
{
	const Elf64_Ehdr *ehdr = (const void *)data;
	const Elf64_Shdr *shdrs = (const void *)(data + ehdr->e_shoff);
	const char *names = (const char *)data + shdrs[ehdr->e_shstrndx].sh_offset;
	size_t n = 0, i;

	parts[n++] = (struct part){0, sizeof(*ehdr) + ehdr->e_phnum * sizeof(Elf64_Phdr)};
	parts[n++] = (struct part){ehdr->e_shoff, ehdr->e_shnum * sizeof(Elf64_Shdr)};
	for (i = 0; i < ehdr->e_shnum && n < max; i++) {
		const char *name = names + shdrs[i].sh_name;

		if (shdrs[i].sh_type != SHT_NOBITS && shdrs[i].sh_size &&
		    (strstr(name, "debug") || strstr(name, "sym") || strstr(name, "str") ||
		     strstr(name, "note")))
			parts[n++] = (struct part){shdrs[i].sh_offset, shdrs[i].sh_size};
	}
	return n;
}

static void damage(unsigned char *data, const struct part *parts, size_t part_count, uint64_t *seed)
{
	static const uint64_t extremes[] = {
	    0,          1,          0x7fffffff,         0x80000000,
	    0xffffffff, UINT64_MAX, 0x8080808080808080, 0x7fffffffffffffff};
	unsigned flips = 1 + random_next(seed) % (random_next(seed) % 4 ? 4 : 64);

	while (flips--) {
		const struct part *p = &parts[random_next(seed) % part_count];
		uint64_t at = p->offset + random_next(seed) % p->size;
		uint64_t extreme = extremes[random_next(seed) % COUNT(extremes)];
		size_t width = 1u << random_next(seed) % 4;

		if (random_next(seed) % 2)
			data[at] ^= (unsigned char)(1u << random_next(seed) % 8);
		else if (at + width <= p->offset + p->size)
			memcpy(data + at, &extreme, width);
	}
}

static void flipped_bytes(void **state)
{
	static const char *const flags[] = {"-O2 -g", "-O2 -g -gdwarf-4", "-O1 -g -gz"};
	enum { VARIANTS = 2000 };
	struct truth truths[TRUTHS_MAX];
	uint64_t seed = 88172645463325252ULL;
	size_t i, j, count, size, part_count;
	struct part parts[64];
	unsigned char *good, *bad;

	(void)state;
	for (i = 0; i < COUNT(flags); i++) {
		run("gcc %s -o built %s/symbol_plain.c", flags[i], targets);
		count = truth_of("built", truths);
		good = read_file("built", &size);
		bad = malloc(size);
		assert_non_null(bad);
		part_count = parts_of(good, parts, COUNT(parts));
		assert_true(part_count > 10);
		for (j = 0; j < VARIANTS / COUNT(flags) + 1; j++) {
			int fd;

			memcpy(bad, good, size);
			damage(bad, parts, part_count, &seed);
			fd = file_of(bad, size);
			ask(fd, truths, count);
			close(fd);
		}
		free(good);
		free(bad);
	}
}

static void cut_short(void **state)
{
	struct truth truths[TRUTHS_MAX];
	size_t size, length, count;
	unsigned char *data;

	(void)state;
	run("gcc -O2 -g -o built %s/symbol_plain.c", targets);
	count = truth_of("built", truths);
	data = read_file("built", &size);
	for (length = 0; length < size; length += length < 2048 ? 16 : 509) {
		int fd = file_of(data, length);

		ask(fd, truths, count);
		close(fd);
	}
	free(data);
}

/* Sections that end too soon: in a string, a number, a table. */
static void sections_cut_short(void **state)
{
	struct truth truths[TRUTHS_MAX];
	uint64_t length;
	size_t size, count, i;
	unsigned char *data;
	Elf64_Shdr *shdrs;

	(void)state;
	run("gcc -O2 -g -o built %s/symbol_plain.c", targets);
	count = truth_of("built", truths);
	data = read_file("built", &size);
	shdrs = (void *)(data + ((Elf64_Ehdr *)data)->e_shoff);
	for (i = 1; i < ((Elf64_Ehdr *)data)->e_shnum; i++) {
		const uint64_t whole = shdrs[i].sh_size, step = whole / 40 + 1;

		for (length = 0; length < whole; length += step) {
			int fd;

			shdrs[i].sh_size = length;
			fd = file_of(data, size);
			ask(fd, truths, count);
			close(fd);
		}
		shdrs[i].sh_size = whole;
	}
	free(data);
}

/* Reading, not mapping: what vanishes gives an error, not SIGBUS. */
static void truncated_while_open(void **state)
{
	struct truth truths[TRUTHS_MAX];
	struct symbols *s;
	struct frame frame;
	size_t i, count;

	(void)state;
	run("gcc -O2 -g -o built %s/symbol_plain.c && cp built shrinking", targets);
	count = truth_of("built", truths);
	s = open_program("shrinking");
	symbols_resolve(s, ID, truths[0].offset, &frame, 1);
	assert_int_equal(truncate(path_of("shrinking"), 0), 0);
	for (i = 0; i < count; i++)
		assert_int_equal(symbols_resolve(s, ID, truths[i].offset, &frame, 1), 1);
	symbols_free(s);
}

/* ---- more than there is ------------------------------------------------ */

/* Makes each section called *`name`* `size` bytes, in a file as large. */
static int inflated(const char *name, uint64_t size)
{
	size_t length, i, found = 0;
	unsigned char *data = read_file("built", &length);
	const Elf64_Ehdr *ehdr = (const void *)data;
	Elf64_Shdr *shdrs = (void *)(data + ehdr->e_shoff);
	const char *names = (const char *)data + shdrs[ehdr->e_shstrndx].sh_offset;
	int fd;

	for (i = 0; i < ehdr->e_shnum; i++) {
		if (strstr(names + shdrs[i].sh_name, name)) {
			shdrs[i].sh_size = size - size % 24;
			found++;
		}
	}
	assert_true(found > 0);
	fd = file_of(data, length);
	assert_int_equal(ftruncate(fd, (off_t)(2 * size)), 0);
	free(data);
	return fd;
}

static void huge_sections(void **state)
{
	static const struct {
		const char *name;
		bool left_out; /* and said so */
	} sections[] = {
	    {"symtab", true},     {".strtab", true},      {"shstrtab", false},
	    {"debug_info", true}, {"debug_line", true},   {"debug", true},
	    {"note", false},      {"dynsym", true},       {".dynstr", true},
	    {"debuglink", false}, {"debugaltlink", true},
	};
	struct truth truths[TRUTHS_MAX];
	size_t i, count;

	(void)state;
	/* 1 TiB that the disk does not have; read, it would be the memory's. */
	run("gcc -O2 -g -o built %s/symbol_plain.c && echo x >link && "
	    "objcopy --add-section .gnu_debuglink=link --add-section .gnu_debugaltlink=link built",
	    targets);
	count = truth_of("built", truths);
	for (i = 0; i < COUNT(sections); i++) {
		int fd = inflated(sections[i].name, 1ULL << 40);

		assert_int_equal(ask(fd, truths, count), sections[i].left_out);
		close(fd);
	}
}

static void countless_sections(void **state)
{
	Elf64_Ehdr ehdr = {.e_ident = {0x7f, 'E', 'L', 'F', ELFCLASS64, ELFDATA2LSB, EV_CURRENT},
			   .e_type = ET_DYN,
			   .e_machine = EM_X86_64,
			   .e_version = EV_CURRENT,
			   .e_shoff = sizeof(ehdr),
			   .e_ehsize = sizeof(ehdr),
			   .e_shentsize = sizeof(Elf64_Shdr)};
	struct {
		Elf64_Ehdr ehdr;
		Elf64_Shdr first;
	} file = {ehdr, {.sh_size = UINT32_MAX, .sh_info = UINT32_MAX}};
	int fd = file_of(&file, sizeof(file));

	(void)state;
	/* 4 G sections, a record each. */
	assert_int_equal(ftruncate(fd, 1LL << 40), 0);
	ask(fd, NULL, 0);
	/* And as many segments. */
	file.ehdr.e_shnum = 1;
	file.ehdr.e_phnum = PN_XNUM;
	file.ehdr.e_phoff = sizeof(file);
	file.ehdr.e_phentsize = sizeof(Elf64_Phdr);
	assert_int_equal(pwrite(fd, &file, sizeof(file), 0), sizeof(file));
	ask(fd, NULL, 0);
	close(fd);
}

/* DWARF that leads in circles and nests without end: symbol_hostile.c. */
static void circles_and_depths(void **state)
{
	static const unsigned nest[] = {1, 40, 100000, 3000000};
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(nest); i++) {
		run("gcc -O1 -DNEST=%u -o built %s/symbol_hostile.c", nest[i], targets);
		/* DWARF gives the function no name; the symbol table does. */
		check_program("built", "built", LINES);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(what_is_no_program),
	    cmocka_unit_test(flipped_bytes),
	    cmocka_unit_test(cut_short),
	    cmocka_unit_test(sections_cut_short),
	    cmocka_unit_test(truncated_while_open),
	    cmocka_unit_test(huge_sections),
	    cmocka_unit_test(countless_sections),
	    cmocka_unit_test(circles_and_depths),
	};

	return cmocka_run_group_tests(tests, set_up, clean_up);
}
