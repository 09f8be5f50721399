/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The Pythons that tests try: those of PYTHONS (paths, separated by colons), else
 * python3 and whatever pyenv has.
 */
#ifndef MS_PYTHON_WORKSHOP_H
#define MS_PYTHON_WORKSHOP_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <glob.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define PYTHONS_MAX 16

struct pythons {
	char path[PYTHONS_MAX][PATH_MAX];
	size_t count;
};

static char python_scripts[PATH_MAX]; /* tests/targets, absolute */

/* 3.`minor` of a program, 0 if it is none that we know. */
static unsigned python_minor(const char *path)
{
	unsigned major = 0, minor = 0;
	char command[2 * PATH_MAX];
	FILE *out;

	snprintf(command, sizeof(command),
		 "'%s' -c 'import sys; print(*sys.version_info[:2])' 2>/dev/null", path);
	out = popen(command, "r");
	if (out) {
		if (fscanf(out, "%u %u", &major, &minor) != 2)
			minor = 0;
		pclose(out);
	}
	return major == 3 && minor >= 9 && minor <= 14 ? minor : 0;
}

static void pythons_add(struct pythons *all, const char *path)
{
	if (all->count < PYTHONS_MAX && python_minor(path))
		snprintf(all->path[all->count++], PATH_MAX, "%s", path);
}

static void pythons_find(struct pythons *all)
{
	char list[PYTHONS_MAX * 128], pattern[PATH_MAX], *path, *rest = list;
	glob_t found;
	size_t i;

	all->count = 0;
	if (getenv("PYTHONS")) {
		snprintf(list, sizeof(list), "%s", getenv("PYTHONS"));
		while ((path = strsep(&rest, ":")))
			pythons_add(all, path);
		return;
	}
	pythons_add(all, "/usr/bin/python3");
	snprintf(pattern, sizeof(pattern), "%s/.pyenv/versions/3.*/bin/python3.*[0-9]",
		 getenv("HOME") ? getenv("HOME") : "/nonexistent");
	if (!glob(pattern, 0, NULL, &found)) {
		for (i = 0; i < found.gl_pathc; i++)
			pythons_add(all, found.gl_pathv[i]);
		globfree(&found);
	}
}

/* Where the scripts are, from the test's own source file. */
static void python_scripts_find(const char *file)
{
	char here[PATH_MAX];
	char *slash;

	snprintf(here, sizeof(here), "%s", file);
	slash = strrchr(here, '/');
	if (slash)
		*slash = '\0';
	if (!realpath(slash ? here : ".", python_scripts))
		fail_msg("no directory of tests");
	strcpy(strrchr(python_scripts, '/'), "/targets");
}

#endif
