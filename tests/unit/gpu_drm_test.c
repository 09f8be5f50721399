/* SPDX-License-Identifier: GPL-2.0 */
/* What DRM drivers say in fdinfo: as they do, and as nobody should. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "gpu/drm.h"

#define KIB 1024ULL
#define MIB (1024 * KIB)

#define AMD(client, bus, vram, gtt)                                                                \
	"pos:\t0\nflags:\t02100002\nmnt_id:\t27\nino:\t719\ndrm-driver:\tamdgpu\n"                 \
	"drm-client-id:\t" client "\ndrm-pdev:\t" bus "\npasid:\t32773\n"                          \
	"drm-total-vram:\t" vram "\ndrm-shared-vram:\t0\ndrm-memory-vram:\t" vram                  \
	"\ndrm-memory-gtt: \t" gtt "\ndrm-engine-gfx:\t1254 ns\namd-evicted-vram:\t7 KiB\n"
/* It says how much there is, and how much of that is in memory. */
#define XE(client, total, resident)                                                                \
	"drm-driver:\txe\ndrm-client-id:\t" client "\ndrm-pdev:\t0000:03:00.0\n"                   \
	"drm-total-system:\t9 MiB\ndrm-resident-system:\t8 MiB\ndrm-active-vram0:\t1 KiB\n"        \
	"drm-total-vram0:\t" total "\ndrm-resident-vram0:\t" resident "\n"

static struct drm_clients clients;
static struct gpu_figures figures;

static bool add(const char *text)
{
	/* Exactly so many bytes, so that one too many is found out. */
	size_t size = strlen(text);
	char *copy = malloc(size ? size : 1);
	bool added;

	assert_non_null(copy);
	memcpy(copy, text, size);
	added = drm_clients_add(&clients, copy, size);
	free(copy);
	return added;
}

static uint64_t on(const char *bus)
{
	figures.count = 0;
	drm_figures(&clients, &figures);
	for (size_t i = 0; i < figures.count; i++)
		if (!strcmp(figures.items[i].bus, bus))
			return figures.items[i].bytes;
	return 0;
}

static int setup(void **state)
{
	(void)state;
	memset(&clients, 0, sizeof(clients));
	return 0;
}

static void test_clients(void **state)
{
	(void)state;
	assert_true(add(AMD("5", "0000:0a:00.0", "1024 KiB", "77 KiB")));
	assert_false(add(AMD("5", "0000:0a:00.0", "2048 KiB", "77 KiB"))); /* the same, again */
	assert_int_equal(on("0000:0a:00.0"), MIB);
	assert_true(add(AMD("6", "0000:0a:00.0", "3 MiB", "0")));
	assert_true(add(AMD("5", "0000:0b:00.0", "4096", "0"))); /* of another device */
	assert_int_equal(on("0000:0a:00.0"), 4 * MIB);
	assert_int_equal(on("0000:0b:00.0"), 4096);
	assert_int_equal(figures.count, 2);
}

static void test_words(void **state)
{
	(void)state;
	assert_true(add(XE("9", "100 MiB", "60 MiB")));
	assert_int_equal(on("0000:03:00.0"), 60 * MIB); /* what is not in memory is not held */
	/* One that has nothing of the device's memory does not make it the machine's. */
	assert_true(add("drm-client-id: 10\ndrm-pdev: 0000:03:00.0\ndrm-memory-gtt: 5 MiB\n"));
	assert_int_equal(on("0000:03:00.0"), 60 * MIB);
	/* A device without memory of its own; nothing said but the total. */
	assert_true(add("drm-client-id:1\ndrm-pdev:0000:00:02.0\ndrm-total-system0: 12 MiB"));
	assert_int_equal(on("0000:00:02.0"), 12 * MIB);
	assert_true(add("drm-client-id:2\ndrm-memory-cpu: 3 KiB")); /* no bus: an embedded one */
	assert_int_equal(on(""), 3 * KIB);
}

static void test_hostile(void **state)
{
	char many[8192] = "drm-client-id: 77\n", line[64];
	size_t at = strlen(many);
	bool has_room;

	(void)state;
	assert_false(add(""));
	assert_false(add("\n\n::\n:"));
	assert_false(add("drm-memory-vram: 5 MiB\n")); /* nobody's */
	assert_false(add("drm-client-id: x\ndrm-memory-vram: 5 MiB"));
	assert_false(add("drm-client-id: 99999999999999999999999\n"));
	assert_false(add("drm-client-id:"));
	assert_true(
	    add("drm-client-id: 1\ndrm-memory-vram: -5\ndrm-memory-vram0: 5 TiB\n"
		"drm-memory-local0: 18446744073709551615 KiB\ndrm-memory-: 1\ndrm-memory-gtt"));
	assert_int_equal(on(""), 1); /* a region without a name is a region */
	assert_true(add("drm-client-id: 2\ndrm-pdev: 0123456789012345678901234567890123456789\n"
			"drm-memory-vram: 18446744073709551615\ndrm-memory-vram1: 2"));
	assert_int_equal(on("0123456789012345678901234567890"), UINT64_MAX);
	for (int i = 0; i < 200; i++)
		at += (size_t)snprintf(many + at, sizeof(many) - at, "drm-memory-vram%d: 1\n", i);
	assert_true(add(many));
	assert_true(on("") > 0);
	assert_true(on("") <= 200);
	for (int i = 0; i < DRM_CLIENTS_MAX; i++) {
		snprintf(line, sizeof(line), "drm-client-id: %d\ndrm-memory-vram: 1\n", 100 + i);
		has_room = clients.count < DRM_CLIENTS_MAX;
		assert_int_equal(add(line), has_room);
	}
	assert_int_equal(clients.count, DRM_CLIENTS_MAX);
}

static void write_file(const char *directory, const char *name, const char *text)
{
	char path[256];
	FILE *out;

	snprintf(path, sizeof(path), "%s/%s", directory, name);
	out = fopen(path, "w");
	assert_non_null(out);
	fputs(text, out);
	assert_int_equal(fclose(out), 0);
}

static void open_as(const char *directory, const char *fd, const char *target)
{
	char path[256];

	snprintf(path, sizeof(path), "%s/%s", directory, fd);
	assert_int_equal(symlink(target, path), 0);
}

static void test_directory(void **state)
{
	char root[] = "/tmp/memsnoop-drm-XXXXXX", fds[64], infos[64], command[96];
	char *large = malloc(20000);

	(void)state;
	assert_non_null(large);
	assert_non_null(mkdtemp(root));
	figures.count = 0;
	assert_int_equal(drm_read("/nowhere/at/all", &figures), -2);
	snprintf(fds, sizeof(fds), "%s/fd", root);
	snprintf(infos, sizeof(infos), "%s/fdinfo", root);
	assert_int_equal(mkdir(fds, 0700), 0);
	assert_int_equal(drm_read(root, &figures), -2); /* no fdinfo */
	assert_int_equal(mkdir(infos, 0700), 0);
	assert_int_equal(drm_read(root, &figures), 0);
	assert_int_equal(figures.count, 0);
	open_as(fds, "0", "/dev/null");
	write_file(infos, "0", AMD("1", "0000:01:00.0", "1 MiB", "0")); /* not a device */
	open_as(fds, "7", "/dev/dri/renderD128");
	write_file(infos, "7", AMD("2", "0000:01:00.0", "2 MiB", "0"));
	open_as(fds, "8", "/dev/dri/renderD128");
	write_file(infos, "8", AMD("2", "0000:01:00.0", "2 MiB", "0"));
	open_as(fds, "9", "/dev/dri/card0"); /* closed meanwhile */
	open_as(fds, "10", "/dev/dri/card1");
	memset(large, 'x', 19999);
	large[19999] = 0;
	memcpy(large, "drm-client-id: 4\ndrm-memory-vram: 6\n", 36);
	write_file(infos, "10", large);
	assert_int_equal(drm_read(root, &figures), 0);
	assert_int_equal(figures.count, 2);
	assert_int_equal(figures.items[0].bytes + figures.items[1].bytes, 2 * MIB + 6);
	snprintf(command, sizeof(command), "rm -r %s", root);
	assert_int_equal(system(command), 0);
	free(large);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup(test_clients, setup),
	    cmocka_unit_test_setup(test_words, setup),
	    cmocka_unit_test_setup(test_hostile, setup),
	    cmocka_unit_test_setup(test_directory, setup),
	};

	return cmocka_run_group_tests_name("gpu drm", tests, NULL, NULL);
}
