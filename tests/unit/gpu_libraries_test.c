/* SPDX-License-Identifier: GPL-2.0 */
/* The rows of the gpu layer against libraries of Debian's: each function is there, under its name.
 */
#include <fcntl.h>
#include <glob.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "probe/elf.h"

static struct probe_table table;

/* Newer than any version that is installed: HSA has it since ROCm 5.7. */
static bool is_newer(const char *symbol)
{
	return !strncmp(symbol, "hsa_amd_vmem_", strlen("hsa_amd_vmem_"));
}

static bool is_hit(const struct elf_file *file, size_t row)
{
	for (size_t i = 0; i < file->hit_count; i++)
		if (file->hits[i].row == row)
			return true;
	return false;
}

static void check_rows(const struct elf_file *file, const char *prefix)
{
	size_t found = 0;

	for (size_t i = 0; i < table.count; i++) {
		const struct probe_row *row = &table.rows[i];
		bool hit = is_hit(file, i);

		found += hit;
		if (row->spec.layer != MS_LAYER_GPU ||
		    strncmp(row->symbol, prefix, strlen(prefix)) != 0)
			assert_false(hit);
		else if (!hit && !is_newer(row->symbol))
			fail_msg("no function %s", row->symbol);
	}
	assert_true(found > 10);
}

static void check_library(const char *pattern, const char *prefix)
{
	char errbuf[200];
	struct elf_file file;
	glob_t found;
	int fd;

	if (glob(pattern, 0, NULL, &found)) {
		print_message("%s is not installed\n", pattern);
		skip();
	}
	fd = open(found.gl_pathv[0], O_RDONLY | O_CLOEXEC);
	assert_true(fd >= 0);
	assert_int_equal(elf_scan(fd, found.gl_pathv[0], &table, &file, errbuf, sizeof(errbuf)), 0);
	check_rows(&file, prefix);
	elf_free(&file);
	close(fd);
	globfree(&found);
}

static void test_hsa(void **state)
{
	(void)state;
	check_library("/usr/lib/*/libhsa-runtime64.so.1", "hsa_");
}

static void test_level_zero(void **state)
{
	(void)state;
	check_library("/usr/lib/*/libze_loader.so.1", "ze");
}

static void test_opencl(void **state)
{
	(void)state;
	check_library("/usr/lib/*/libOpenCL.so.1", "cl");
}

static int setup(void **state)
{
	(void)state;
	return probe_table_init(&table);
}

static int teardown(void **state)
{
	(void)state;
	probe_table_free(&table);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_hsa),
	    cmocka_unit_test(test_level_zero),
	    cmocka_unit_test(test_opencl),
	};

	return cmocka_run_group_tests_name("gpu libraries", tests, setup, teardown);
}
