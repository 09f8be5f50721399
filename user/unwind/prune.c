/* SPDX-License-Identifier: GPL-2.0 */
/* Oldest files out. */
#include "unwind/prune.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* A directory with more is not of our making. */
#define FILES_MAX 65536

struct file {
	struct timespec modified;
	uint64_t size;
	char *name;
};

struct files {
	struct file *items;
	size_t count, room;
	uint64_t total;
};

static bool add(struct files *files, const char *name, const struct stat *st)
{
	struct file *file;

	if (files->count == FILES_MAX)
		return false;
	if (files->count == files->room) {
		size_t room = files->room ? 2 * files->room : 64;

		file = realloc(files->items, room * sizeof(*file));
		if (!file)
			return false;
		files->items = file;
		files->room = room;
	}
	file = &files->items[files->count];
	*file = (struct file){st->st_mtim, (uint64_t)st->st_size, strdup(name)};
	if (!file->name)
		return false;
	files->count++;
	files->total += file->size;
	return true;
}

static void list(int dir, const char *spared, struct files *files)
{
	int again = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *stream = again < 0 ? NULL : fdopendir(again);
	struct dirent *entry;
	struct stat st;

	if (!stream) {
		if (again >= 0)
			close(again);
		return;
	}
	while ((entry = readdir(stream))) {
		if (!strcmp(entry->d_name, spared) ||
		    fstatat(dir, entry->d_name, &st, AT_SYMLINK_NOFOLLOW) || !S_ISREG(st.st_mode))
			continue;
		if (!add(files, entry->d_name, &st))
			break;
	}
	closedir(stream);
}

static int compare_age(const void *a, const void *b)
{
	const struct timespec *x = &((const struct file *)a)->modified;
	const struct timespec *y = &((const struct file *)b)->modified;

	if (x->tv_sec != y->tv_sec)
		return x->tv_sec < y->tv_sec ? -1 : 1;
	return x->tv_nsec < y->tv_nsec ? -1 : x->tv_nsec > y->tv_nsec;
}

void prune_oldest(int dir, const char *spared, uint64_t max)
{
	struct files files = {0};
	size_t i;

	list(dir, spared, &files);
	if (files.total > max)
		qsort(files.items, files.count, sizeof(*files.items), compare_age);
	for (i = 0; i < files.count; i++) {
		if (files.total > max && !unlinkat(dir, files.items[i].name, 0))
			files.total -= files.items[i].size;
		free(files.items[i].name);
	}
	free(files.items);
}
