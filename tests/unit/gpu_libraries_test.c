/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The rows of the gpu layer, NVTX's and PyTorch's, against real libraries: each function is there,
 * under its name, and can be probed.  Of those that Debian has installed; and, in $GPU_LIBRARIES,
 * of those that scripts/gpu_libraries.sh has fetched.
 */
#include <fcntl.h>
#include <glob.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "probe/elf.h"

#define INSTALLED "/usr/lib/*"

static struct probe_table table;

/* Rows of versions that are newer, or older, than what may be here, or that only stand in. */
static const struct {
	const char *symbol; /* or how it begins */
	const char *why;
} others[] = {
    {"cuCtxCreate_v4", "since CUDA 12.5"},
    {"cuMemGetDefaultMemPool", "since CUDA 13"},
    {"cuMemGetMemPool", "since CUDA 13"},
    {"zeImageViewCreateExt", "since Level Zero 1.5"},
    {"hsa_amd_vmem_", "since ROCm 5.7"},
    {"_ZN3c109alloc_cpuEm", "where the reporter of its blocks is hidden"},
    {"_ZN3c108free_cpuEPv", "as alloc_cpu()"},
    {"_ZN3c1027reportMemoryUsageToProfilerEPvlll", "up to PyTorch 2.0"},
    {"_ZN3c1027reportOutOfMemoryToProfilerElll", "up to PyTorch 2.0"},
};

static bool is_not_here(const char *symbol)
{
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		if (!strncmp(symbol, others[i].symbol, strlen(others[i].symbol)))
			return true;
	return false;
}

static bool is_hit(const struct elf_file *file, size_t row)
{
	for (size_t i = 0; i < file->hit_count; i++)
		if (file->hits[i].row == row)
			return true;
	return false;
}

/* All rows that begin so have a function in this file, and no others have. */
static void check_rows(const struct elf_file *file, const char *prefix, size_t least)
{
	size_t found = 0;

	for (size_t i = 0; i < table.count; i++) {
		const struct probe_row *row = &table.rows[i];
		bool hit = is_hit(file, i);

		found += hit;
		if (strncmp(row->symbol, prefix, strlen(prefix)) != 0) {
			if (hit && row->spec.layer == MS_LAYER_GPU)
				fail_msg("a function %s", row->symbol);
		} else if (!hit && !is_not_here(row->symbol)) {
			fail_msg("no function %s", row->symbol);
		}
	}
	assert_true(found >= least);
}

static void check_library(const char *directory, const char *name, const char *prefix, size_t least)
{
	char pattern[256], errbuf[200];
	struct elf_file file;
	glob_t found;
	int fd;

	snprintf(pattern, sizeof(pattern), "%s/%s", directory, name);
	if (glob(pattern, 0, NULL, &found)) {
		if (strcmp(directory, INSTALLED) != 0)
			fail_msg("no %s", pattern);
		print_message("%s is not installed\n", pattern);
		skip();
	}
	fd = open(found.gl_pathv[0], O_RDONLY | O_CLOEXEC);
	assert_true(fd >= 0);
	assert_int_equal(elf_scan(fd, found.gl_pathv[0], &table, &file, errbuf, sizeof(errbuf)), 0);
	check_rows(&file, prefix, least);
	elf_free(&file);
	close(fd);
	globfree(&found);
}

static void test_hsa(void **state)
{
	(void)state;
	check_library(INSTALLED, "libhsa-runtime64.so.1", "hsa_", 11);
}

static void test_level_zero(void **state)
{
	(void)state;
	check_library(INSTALLED, "libze_loader.so.1", "ze", 11);
}

static void test_opencl(void **state)
{
	(void)state;
	check_library(INSTALLED, "libOpenCL.so.1", "cl", 11);
}

static const char *fetched(void)
{
	return getenv("GPU_LIBRARIES");
}

static void test_fetched_cuda(void **state)
{
	(void)state;
	check_library(fetched(), "libcuda.so.1", "cu", 40);
}

static void test_fetched_hsa(void **state)
{
	(void)state;
	check_library(fetched(), "libhsa-runtime64.so.1", "hsa_", 17);
}

static void test_fetched_level_zero(void **state)
{
	(void)state;
	check_library(fetched(), "libze_loader.so.1", "ze", 14);
}

static void test_fetched_opencl(void **state)
{
	(void)state;
	check_library(fetched(), "libOpenCL.so.1", "cl", 13);
}

static void test_fetched_nvtx(void **state)
{
	(void)state;
	check_library(fetched(), "libnvToolsExt.so.1", "nvtx", 2);
}

static void test_fetched_torch(void **state)
{
	(void)state;
	check_library(fetched(), "libc10.so.2.6.0", "_ZN3c10", 5);
}

/* Its allocator's functions are hidden; the report is a call of the former. */
static void test_fetched_torch_cuda(void **state)
{
	(void)state;
	check_library(fetched(), "libc10_cuda.so.2.6.0", "pytorch:", 1);
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
	const struct CMUnitTest installed[] = {
	    cmocka_unit_test(test_hsa),
	    cmocka_unit_test(test_level_zero),
	    cmocka_unit_test(test_opencl),
	};
	const struct CMUnitTest fetched[] = {
	    cmocka_unit_test(test_fetched_cuda),       cmocka_unit_test(test_fetched_hsa),
	    cmocka_unit_test(test_fetched_level_zero), cmocka_unit_test(test_fetched_opencl),
	    cmocka_unit_test(test_fetched_nvtx),       cmocka_unit_test(test_fetched_torch),
	    cmocka_unit_test(test_fetched_torch_cuda),
	};

	/* gpu_real.bats has them fetched first. */
	if (getenv("GPU_LIBRARIES"))
		return cmocka_run_group_tests_name("fetched gpu libraries", fetched, setup,
						   teardown);
	return cmocka_run_group_tests_name("gpu libraries", installed, setup, teardown);
}
