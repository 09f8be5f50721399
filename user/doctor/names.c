/* SPDX-License-Identifier: GPL-2.0 */
/* What stacks are walked by, and named after. */
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "doctor/check.h"
#include "symbol/debugfile.h"
#include "target/mappings.h"
#include "unwind/cache.h"

#define DEBUG_BYTES_MAX ((uint64_t)64 << 20)

void check_cache(struct doctor *d, const struct check *check)
{
	const char *path;
	int err = unwind_cache_check(&path);

	if (!path)
		doctor_say(d, check, VERDICT_OK, "not kept: " UNWIND_CACHE_ENV " is empty");
	else if (!err)
		doctor_say(d, check, VERDICT_OK, "kept in %s", path);
	else if (err == -ENOENT && !geteuid())
		doctor_say(d, check, VERDICT_OK, "to be kept in %s, which is still to be made",
			   path);
	else if (err == -EPERM)
		doctor_say(d, check, VERDICT_WARN, "not kept: others may write in %s", path)
		    ->remedy = "it must belong to who runs memsnoop, and nobody else may write in "
			       "it: chmod 700";
	else
		doctor_say(d, check, VERDICT_WARN, "not kept: %s: %s", path, strerror(-err))
		    ->remedy = "name a directory of yours: " UNWIND_CACHE_ENV "=DIR";
}

void doctor_libc(char *path, size_t size)
{
	struct mappings maps;
	size_t i;

	*path = '\0';
	if (mappings_read(getpid(), &maps))
		return;
	for (i = 0; i < maps.count && !*path; i++) {
		const char *name = strrchr(maps.items[i].path, '/');

		if (name && !strncmp(name, "/libc.so", strlen("/libc.so")))
			snprintf(path, size, "%s", maps.items[i].path);
	}
	mappings_free(&maps);
}

/* What the file itself has, or else its debug file on this machine: words, or NULL. */
static const char *find_symbols(struct image *image, const char *path)
{
	struct budget budget = {.left = DEBUG_BYTES_MAX};
	const char *found = NULL;
	struct debug_roots roots;
	struct image debug;
	GElf_Shdr header;

	if (image_section(image, ".debug_info", &header))
		return "debug information in the file";
	debug_roots_init(&roots);
	roots.debuginfod.tried = true; /* nobody is asked over the network here */
	if (!debugfile_open(&roots, image, path, &debug, &budget)) {
		found = "a debug file";
		image_close(&debug);
	}
	debug_roots_free(&roots);
	if (!found && image_section(image, ".symtab", &header))
		found = "a symbol table, but no lines";
	return found;
}

void check_libc_symbols(struct doctor *d, const struct check *check)
{
	struct image image;
	const char *found;
	char path[4096];
	int fd, err;

	doctor_libc(path, sizeof(path));
	fd = *path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
	err = fd < 0 ? -ENOENT : image_open(&image, fd);
	if (err) {
		doctor_say(d, check, VERDICT_UNKNOWN, "%s: %s", *path ? path : "libc",
			   strerror(-err));
		return;
	}
	found = find_symbols(&image, path);
	image_close(&image);
	if (found)
		doctor_say(d, check, VERDICT_OK, "%s: %s", path, found);
	else
		doctor_say(d, check, VERDICT_WARN, "%s: none, as an example", path);
}

void check_debuginfod(struct doctor *d, const struct check *check)
{
	const char *urls = getenv("DEBUGINFOD_URLS");
	char path[4096];

	if (!urls || !*urls) {
		doctor_say(d, check, VERDICT_OK,
			   "DEBUGINFOD_URLS is not set: debug files are looked for on this machine "
			   "only");
		return;
	}
	if (doctor_library(DEBUGINFOD_LIBRARY, path, sizeof(path)))
		doctor_say(d, check, VERDICT_OK, "asks %s, by %s", urls, path);
	else
		doctor_say(d, check, VERDICT_WARN, "%s was not found", DEBUGINFOD_LIBRARY);
}

void check_perf_maps(struct doctor *d, const struct check *check)
{
	glob_t found;
	size_t count = 0;

	if (access("/tmp", R_OK | W_OK | X_OK)) {
		doctor_say(d, check, VERDICT_WARN, "/tmp: %s", strerror(errno));
		return;
	}
	if (!glob("/tmp/perf-*.map", GLOB_NOSORT, NULL, &found)) {
		count = found.gl_pathc;
		globfree(&found);
	}
	doctor_say(d, check, VERDICT_OK,
		   "/tmp/perf-PID.map and jit-PID.dump are read; %zu perf map%s there now", count,
		   count == 1 ? " is" : "s are");
}
