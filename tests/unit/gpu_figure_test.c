/* SPDX-License-Identifier: GPL-2.0 */
/* Which device a driver's figure is about, by what CUDA numbers and who uses what. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "gpu/books.h"
#include "gpu/calls.h"
#include "gpu/figure.h"

#define CUDA(number) GPU_DEVICE(GPU_PLACE_CUDA, number)
#define ZE(number) GPU_DEVICE(GPU_PLACE_ZE, number)
#define POOL(number) GPU_DEVICE(GPU_PLACE_HSA_POOL, number)
#define PINNED GPU_DEVICE(GPU_PLACE_PINNED, 0)

static struct gpu_figures all, figures;
static uint32_t of[GPU_FIGURES_MAX];

static struct gpu_figure *add(struct gpu_figures *to, enum gpu_teller teller, unsigned index)
{
	struct gpu_figure *f;
	char bus[GPU_BUS_LEN];

	snprintf(bus, sizeof(bus), "0000:%02x:00.0", index);
	f = gpu_figures_open(to, teller, bus);
	assert_non_null(f);
	f->index = index;
	snprintf(f->uuid, sizeof(f->uuid), "GPU-%x%xaa-bb", index, index);
	return f;
}

/* A machine with this many devices, of which none is used. */
static void machine(unsigned count)
{
	all.count = figures.count = 0;
	for (unsigned i = 0; i < count; i++)
		add(&all, GPU_TELLER_NVML, i);
}

/* The process has something of these, and calls were counted on those. */
static void match(const char *visible, const char *used, const uint32_t *counted, size_t count)
{
	const struct gpu_view view = {&all, visible};

	figures.count = 0;
	for (; *used; used++)
		add(&figures, GPU_TELLER_NVML, (unsigned)(*used - '0'));
	gpu_figures_match(&figures, counted, count, &view, of);
}

#define MATCH(visible, used, ...)                                                                  \
	match(visible, used, (const uint32_t[]){__VA_ARGS__},                                      \
	      sizeof((const uint32_t[]){__VA_ARGS__}) / sizeof(uint32_t))

static void test_order(void **state)
{
	(void)state;
	machine(4);
	MATCH(NULL, "02", CUDA(0), CUDA(2), PINNED);
	assert_int_equal(of[0], CUDA(0));
	assert_int_equal(of[1], CUDA(2));
	MATCH("2,0", "02", CUDA(0), CUDA(1));
	assert_int_equal(of[0], CUDA(1));
	assert_int_equal(of[1], CUDA(0));
	MATCH("GPU-33,GPU-1", "13", CUDA(0), CUDA(1));
	assert_int_equal(of[0], CUDA(1));
	assert_int_equal(of[1], CUDA(0));
	MATCH("3", "3", CUDA(0));
	assert_int_equal(of[0], CUDA(0));
	/* A context, and nothing counted in it. */
	MATCH(NULL, "01", CUDA(0));
	assert_int_equal(of[1], CUDA(1));
}

static void test_words(void **state)
{
	(void)state;
	machine(4);
	/* What comes after a word that is no device does not count. */
	MATCH("1,-1,0", "01", CUDA(0), CUDA(1));
	assert_int_equal(of[0], CUDA(1)); /* by exclusion: one device, one figure */
	assert_int_equal(of[1], CUDA(0));
	MATCH("1,9,0", "012", CUDA(0), CUDA(1));
	assert_int_equal(of[1], CUDA(0));
	assert_int_equal(of[0], GPU_OF_UNKNOWN);
	assert_int_equal(of[2], GPU_OF_UNKNOWN);
	MATCH("GPU-", "01", CUDA(0), CUDA(1)); /* all of them begin so */
	assert_int_equal(of[0], GPU_OF_UNKNOWN);
	MATCH("", "0", PINNED);
	assert_int_equal(of[0], GPU_OF_UNKNOWN);
	MATCH("MIG-1234", "2", CUDA(0));
	assert_int_equal(of[0], CUDA(0));
	MATCH("99999999999999999999999999,+1, 1,0x1,1x", "1", PINNED);
	assert_int_equal(of[0], GPU_OF_UNKNOWN);
}

/* The program has set the variable itself. */
static void test_doubt(void **state)
{
	(void)state;
	machine(4);
	MATCH(NULL, "3", CUDA(0));
	assert_int_equal(of[0], CUDA(0));
	MATCH(NULL, "23", CUDA(0), CUDA(1));
	assert_int_equal(of[0], GPU_OF_UNKNOWN);
	assert_int_equal(of[1], GPU_OF_UNKNOWN);
	MATCH(NULL, "13", CUDA(0), CUDA(1)); /* one of two is as it seems */
	assert_int_equal(of[0], CUDA(1));
	assert_int_equal(of[1], CUDA(0));
}

static void test_others(void **state)
{
	const struct gpu_view view = {&all, NULL};
	const uint32_t level_zero[] = {ZE(0), PINNED}, two[] = {ZE(0), ZE(1)};
	const uint32_t pools[] = {POOL(0), POOL(1)};

	(void)state;
	machine(0);
	add(&figures, GPU_TELLER_DRM, 3);
	gpu_figures_match(&figures, level_zero, 2, &view, of);
	assert_int_equal(of[0], ZE(0));
	gpu_figures_match(&figures, two, 2, &view, of);
	assert_int_equal(of[0], GPU_OF_ALL);
	gpu_figures_match(&figures, pools, 2, &view, of);
	assert_int_equal(of[0], GPU_OF_ALL);
	add(&figures, GPU_TELLER_DRM, 4);
	gpu_figures_match(&figures, pools, 2, &view, of);
	assert_int_equal(of[0], GPU_OF_UNKNOWN);
	assert_int_equal(of[1], GPU_OF_UNKNOWN);
}

static void test_full(void **state)
{
	char bus[GPU_BUS_LEN];

	(void)state;
	machine(0);
	for (unsigned i = 0; i < GPU_FIGURES_MAX; i++) {
		snprintf(bus, sizeof(bus), "%u", i);
		assert_non_null(gpu_figures_open(&figures, GPU_TELLER_DRM, bus));
	}
	assert_null(gpu_figures_open(&figures, GPU_TELLER_DRM, "more"));
	assert_ptr_equal(gpu_figures_open(&figures, GPU_TELLER_DRM, "7"), &figures.items[7]);
	assert_null(gpu_figures_open(&figures, GPU_TELLER_NVML, "7"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_order), cmocka_unit_test(test_words),
	    cmocka_unit_test(test_doubt), cmocka_unit_test(test_others),
	    cmocka_unit_test(test_full),
	};

	return cmocka_run_group_tests_name("gpu figures", tests, NULL, NULL);
}
