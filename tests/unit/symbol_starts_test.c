/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Functions without a symbol are known by where they start: tests/targets/
 * symbol_starts.c, stripped, and the same library with a search table that lies.
 */
#include "symbol_workshop.h"

#include <elf.h>
#include <sys/mman.h>

#define LIBRARY "libstarts.so"
/* What the library tells of: two calls in one function, one in each of two, code without a start.
 */
enum { FIRST, SECOND, ONCE, LAST, BARE, TRUTHS };

static void build(const char *compiler, const char *flags, struct truth *truths)
{
	run("%s -O2 -fPIC -shared %s -o " LIBRARY " %s/symbol_starts.c && "
	    "gcc -DPROGRAM -o program %s/symbol_starts.c -L. -lstarts '-Wl,-rpath,$ORIGIN'",
	    compiler, flags, targets, targets);
	assert_int_equal(truth_of("program", truths), TRUTHS);
	run("strip " LIBRARY);
}

static const char *named(unsigned long offset)
{
	static char text[64];

	snprintf(text, sizeof(text), "[" LIBRARY "+0x%lx]", offset);
	return text;
}

static unsigned long start_of_truth(const struct truth *t)
{
	return strtoul(t->text, NULL, 16);
}

/* ---- as linkers write it ----------------------------------------------- */

static void one_function_has_one_name(void **state)
{
	static const struct {
		const char *compiler, *flags;
	} builds[] = {
	    {"gcc", "-fno-toplevel-reorder"},
	    {"gcc", "-fno-toplevel-reorder -fcf-protection=none -Wl,-z,noseparate-code"},
	    /* The starts in .eh_frame are then of 8 bytes. */
	    {"gcc", "-fno-toplevel-reorder -mcmodel=large -fno-dwarf2-cfi-asm"},
	    {"gcc", "-fno-toplevel-reorder -fuse-ld=gold"},
	    {"clang", ""},
	    {"clang", "-fuse-ld=lld"},
	};
	struct truth truths[TRUTHS_MAX];
	size_t i, j;

	(void)state;
	for (i = 0; i < COUNT(builds); i++) {
		struct frame frames[TRUTHS];
		struct symbols *s;

		if (!have(builds[i].compiler) ||
		    (strstr(builds[i].flags, "lld") && !have("ld.lld")) ||
		    (strstr(builds[i].flags, "gold") && !have("ld.gold")))
			continue;
		print_message("             %s %s\n", builds[i].compiler, builds[i].flags);
		build(builds[i].compiler, builds[i].flags, truths);
		s = open_program(LIBRARY);
		for (j = 0; j < TRUTHS; j++) {
			assert_int_equal(symbols_resolve(s, ID, truths[j].offset, &frames[j], 1),
					 1);
			assert_string_equal(frames[j].function, named(start_of_truth(&truths[j])));
		}
		assert_int_not_equal(truths[FIRST].offset, truths[SECOND].offset);
		assert_ptr_equal(frames[FIRST].function, frames[SECOND].function);
		assert_int_equal(symbols_incomplete(s), 0);
		symbols_free(s);
	}
}

/* What is needed of it is read once. */
static void file_that_shrinks(void **state)
{
	struct truth truths[TRUTHS_MAX];
	struct symbols *s;

	(void)state;
	build("gcc", "", truths);
	s = open_program(LIBRARY);
	assert_string_equal(answer(s, truths[FIRST].offset, false),
			    named(start_of_truth(&truths[FIRST])));
	assert_int_equal(truncate(path_of(LIBRARY), 0), 0);
	assert_string_equal(answer(s, truths[SECOND].offset, false),
			    named(start_of_truth(&truths[FIRST])));
	symbols_free(s);
}

/* ---- tables that lie --------------------------------------------------- */

struct entry {
	int32_t start, frame;
};

/* The parts of a library that has a search table. */
struct lie {
	Elf64_Phdr *phdr;
	uint8_t *encodings; /* four of them */
	uint32_t *count;
	struct entry *entries;
	size_t size; /* of the file */
};

static struct lie lie_about(unsigned char *data, size_t size)
{
	const Elf64_Ehdr *ehdr = (const void *)data;
	struct lie lie = {.phdr = (void *)(data + ehdr->e_phoff), .size = size};

	while (lie.phdr->p_type != PT_GNU_EH_FRAME)
		lie.phdr++;
	lie.encodings = data + lie.phdr->p_offset;
	lie.count = (void *)(lie.encodings + 8);
	lie.entries = (void *)(lie.count + 1);
	return lie;
}

static void reversed(struct lie *lie)
{
	for (size_t i = 0, j = *lie->count - 1; i < j; i++, j--) {
		struct entry entry = lie->entries[i];

		lie->entries[i] = lie->entries[j];
		lie->entries[j] = entry;
	}
}

static void count_too_large(struct lie *lie)
{
	*lie->count = UINT32_MAX;
}

static void section_too_large(struct lie *lie)
{
	*lie->count = UINT32_MAX;
	lie->phdr->p_filesz = lie->phdr->p_memsz = UINT64_MAX;
}

static void count_zero(struct lie *lie)
{
	*lie->count = 0;
}

static void starts_too_low(struct lie *lie)
{
	for (size_t i = 0; i < *lie->count; i++)
		lie->entries[i].start = INT32_MIN;
}

static void starts_too_high(struct lie *lie)
{
	for (size_t i = 0; i < *lie->count; i++)
		lie->entries[i].start = INT32_MAX;
}

static void frames_out_of_range(struct lie *lie)
{
	for (size_t i = 0; i < *lie->count; i++)
		lie->entries[i].frame = i % 2 ? INT32_MIN : INT32_MAX;
}

static void other_version(struct lie *lie)
{
	lie->encodings[0] = 2;
}

static void other_table(struct lie *lie)
{
	lie->encodings[3] = 0x3c; /* datarel, 8 bytes */
}

static void section_elsewhere(struct lie *lie)
{
	lie->phdr->p_offset = UINT64_MAX - 8;
}

static void section_at_the_end(struct lie *lie)
{
	lie->phdr->p_offset = lie->size - 4;
}

static void section_too_small(struct lie *lie)
{
	lie->phdr->p_filesz = 11;
}

static void no_section(struct lie *lie)
{
	lie->phdr->p_type = PT_NULL;
}

static void cut_in_the_table(struct lie *lie)
{
	lie->size = lie->phdr->p_offset + 12 + 4;
}

enum outcome { STARTS, STARTS_BUT_SIZES, OFFSETS, ANY };

static const struct {
	const char *what;
	void (*tell)(struct lie *lie);
	enum outcome outcome;
} lies[] = {
    {"reversed", reversed, STARTS},
    {"a count too large", count_too_large, STARTS},
    {"a section too large", section_too_large, ANY},
    {"a count of zero", count_zero, OFFSETS},
    {"starts too low", starts_too_low, OFFSETS},
    {"starts too high", starts_too_high, OFFSETS},
    {"frames out of range", frames_out_of_range, STARTS_BUT_SIZES},
    {"another version", other_version, OFFSETS},
    {"another table", other_table, OFFSETS},
    {"a section elsewhere", section_elsewhere, OFFSETS},
    {"a section at the end", section_at_the_end, OFFSETS},
    {"a section too small", section_too_small, OFFSETS},
    {"no section", no_section, OFFSETS},
    {"cut in the table", cut_in_the_table, OFFSETS},
};

/* The offset by which what is at `offset` is known: never one after it. */
static unsigned long known_by(struct symbols *s, uint64_t offset)
{
	const char *text = answer(s, offset, false);
	unsigned long known;

	assert_int_equal(sscanf(text, "[" LIBRARY "+0x%lx]", &known), 1);
	assert_true(known <= offset);
	return known;
}

static struct symbols *open_data(const void *data, size_t size)
{
	struct symbols *s = symbols_new();
	int fd = memfd_create("hostile", MFD_CLOEXEC);

	assert_non_null(s);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, data, size), size);
	assert_int_equal(symbols_add_module(s, ID, fd, LIBRARY), 0);
	close(fd);
	return s;
}

static void hostile_tables(void **state)
{
	struct truth truths[TRUTHS_MAX];
	unsigned char *good, *bad;
	size_t i, j, size;

	(void)state;
	build("gcc", "-fno-toplevel-reorder", truths);
	good = read_file(LIBRARY, &size);
	bad = malloc(size);
	assert_non_null(bad);
	for (i = 0; i < COUNT(lies); i++) {
		struct symbols *s;
		struct lie lie;

		print_message("             %s\n", lies[i].what);
		memcpy(bad, good, size);
		lie = lie_about(bad, size);
		lies[i].tell(&lie);
		s = open_data(bad, lie.size);
		for (j = 0; j < TRUTHS; j++) {
			unsigned long known = known_by(s, truths[j].offset);

			if (lies[i].outcome == OFFSETS)
				assert_int_equal(known, truths[j].offset);
			else if (lies[i].outcome == STARTS ||
				 (lies[i].outcome == STARTS_BUT_SIZES && j != BARE))
				assert_int_equal(known, start_of_truth(&truths[j]));
			else if (lies[i].outcome == STARTS_BUT_SIZES)
				assert_true(known < truths[j].offset);
		}
		symbols_free(s);
	}
	free(bad);
	free(good);
}

/* Any byte of the header, the table and, behind them, the descriptions. */
static void flipped_bytes(void **state)
{
	static const uint32_t extremes[] = {0, 1, 0x7fffffff, 0x80000000, 0xffffffff, 0x80808080};
	struct truth truths[TRUTHS_MAX];
	uint64_t seed = 88172645463325252ULL;
	unsigned char *good, *bad;
	size_t i, j, size;

	(void)state;
	build("gcc", "", truths);
	good = read_file(LIBRARY, &size);
	bad = malloc(size);
	assert_non_null(bad);
	for (i = 0; i < 1000; i++) {
		struct symbols *s;
		struct lie lie;

		memcpy(bad, good, size);
		lie = lie_about(bad, size);
		for (j = 0; j < 1 + i % 4; j++) {
			seed = seed * 6364136223846793005ULL + 1442695040888963407ULL;
			memcpy(lie.encodings + (seed >> 33) % (3 * lie.phdr->p_filesz),
			       &extremes[(seed >> 20) % COUNT(extremes)], 1 + (seed >> 60) % 4);
		}
		s = open_data(bad, size);
		for (j = 0; j < TRUTHS; j++)
			known_by(s, truths[j].offset);
		symbols_free(s);
	}
	free(bad);
	free(good);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(one_function_has_one_name),
	    cmocka_unit_test(file_that_shrinks),
	    cmocka_unit_test(hostile_tables),
	    cmocka_unit_test(flipped_bytes),
	};

	return cmocka_run_group_tests(tests, set_up, clean_up);
}
