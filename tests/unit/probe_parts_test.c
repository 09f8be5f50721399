/* SPDX-License-Identifier: GPL-2.0 */
/* Two ways in which a file tells of the same blocks: one of them counts, whole, or none. */
#include "probe_files.h"

#define NEW "_ZN3c1025ProfiledCPUMemoryReporter3NewEPvm"
#define DELETE "_ZN3c1025ProfiledCPUMemoryReporter6DeleteEPv"
#define FAILED "_ZN3c1025ProfiledCPUMemoryReporter11OutOfMemoryEm"
#define ALLOC "_ZN3c109alloc_cpuEm"
#define FREE "_ZN3c108free_cpuEPv"

static const struct {
	const char *functions, *wanted[4];
} files[] = {
    {"F(" NEW ") F(" DELETE ") F(" ALLOC ") F(" FREE ")", {NEW, DELETE}},
    {"F(" NEW ") F(" DELETE ")", {NEW, DELETE}},
    {"F(" ALLOC ") F(" FREE ")", {ALLOC, FREE}},
    {"F(" NEW ") F(" ALLOC ") F(" FREE ")", {ALLOC, FREE}},
    {"F(" DELETE ") F(" ALLOC ") F(" FREE ")", {ALLOC, FREE}},
    {"F(" NEW ") F(" DELETE ") F(" ALLOC ")", {NEW, DELETE}},
    {"F(" NEW ") F(" ALLOC ")", {0}},
    {"F(" NEW ") F(" DELETE ") F(" FAILED ") F(" ALLOC ") F(" FREE ")", {NEW, DELETE, FAILED}},
    {"F(" FAILED ") F(" ALLOC ") F(" FREE ")", {ALLOC, FREE}},
    {"F(" ALLOC ")", {0}},
    {"F(" FREE ")", {0}},
    {"F(" DELETE ")", {0}},
    /* Local ones are not those that others call. */
    {"static F(" NEW ") static F(" DELETE ") F(" ALLOC ") F(" FREE ")"
     "void *use(void) { return " NEW "(1, 2, 3) == " DELETE "(1, 2, 3) ? 0 : (void *)1; }",
     {ALLOC, FREE}},
};

static void test_parts(void **state)
{
	char text[1024];

	(void)state;
	for (size_t i = 0; i < COUNT(files); i++) {
		struct elf_file file;
		size_t wanted = 0;

		snprintf(text, sizeof(text), "#include \"f.h\"\n%s\n", files[i].functions);
		write_text("parts.c", text);
		assert_int_equal(
		    run("cc -O1 -fno-builtin -fno-inline -w -shared -fPIC -o parts.so parts.c"), 0);
		file = scan(in_dir("parts.so"));
		for (; files[i].wanted[wanted]; wanted++) {
			bool found = false;

			for (size_t j = 0; j < file.hit_count; j++)
				found |= !strcmp(table.rows[file.hits[j].row].symbol,
						 files[i].wanted[wanted]);
			if (!found)
				fail_msg("%s: no %s", files[i].functions, files[i].wanted[wanted]);
		}
		if (file.hit_count != wanted)
			fail_msg("%s: %zu hits", files[i].functions, file.hit_count);
		elf_free(&file);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_parts)};

	return cmocka_run_group_tests(tests, group_setup, group_teardown);
}
