/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Libraries that come and go.
 *
 *   dl plugin    a library that calls malloc, unloaded before the end
 *   dl pool      a library with an allocator of its own (for --probe)
 *   dl again     the plugin loaded and unloaded 20 times
 */
#include <dlfcn.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ledger.h"

static char *here; /* the directory this program is in */

static void *load(const char *name)
{
	char path[PATH_MAX + 32];

	snprintf(path, sizeof(path), "%s/%s", here, name);
	void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
	if (!library)
		exit(3);
	return library;
}

static void *find(void *library, const char *symbol)
{
	void *address = dlsym(library, symbol);

	if (!address)
		exit(3);
	return address;
}

/* Not unmapped: the test would prove nothing. */
static void unload(void *library, const char *name)
{
	if (dlclose(library))
		exit(3);
	FILE *maps = fopen("/proc/self/maps", "r");
	char line[PATH_MAX + 256];
	while (maps && fgets(line, sizeof(line), maps))
		if (strstr(line, name))
			exit(3);
	fclose(maps);
}

static void use_plugin(int count)
{
	void *library = load("libplugin.so");
	void *(*take)(size_t) = find(library, "plugin_take");
	void (*give)(void *) = find(library, "plugin_give");
	struct block b;

	for (int i = 0; i < count; i++) {
		ledger_note_alloc(&b, LEDGER_plugin, take(300 + i), 300 + i);
		if (i % 4 == 0)
			continue;
		void *address = b.address;
		ledger_note_free(&b);
		give(address);
	}
	unload(library, "libplugin.so");
}

static void ledger_pool_alloc(struct block *b, void *(*alloc)(size_t), size_t size)
{
	ledger_note_alloc(b, LEDGER_pool_alloc, alloc(size), size);
}

static void use_pool(void)
{
	void *library = load("libpool.so");
	void *(*alloc)(size_t) = find(library, "pool_alloc");
	void (*give)(void *) = find(library, "pool_free");
	struct block b;

	for (int i = 0; i < 60; i++) {
		ledger_pool_alloc(&b, alloc, 100 + i);
		if (i % 4 == 0)
			continue;
		void *address = b.address;
		ledger_note_free(&b);
		give(address);
	}
}

int main(int argc, char **argv)
{
	char exe[PATH_MAX];
	ssize_t length = readlink("/proc/self/exe", exe, sizeof(exe) - 1);

	if (length < 0 || argc < 2)
		return 2;
	exe[length] = '\0';
	here = dirname(exe);
	if (!strcmp(argv[1], "plugin"))
		use_plugin(80);
	else if (!strcmp(argv[1], "again"))
		for (int i = 0; i < 20; i++)
			use_plugin(8);
	else if (!strcmp(argv[1], "pool"))
		use_pool();
	else
		return 2;
	ledger_write("dl");
	return 0;
}
