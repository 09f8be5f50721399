/* SPDX-License-Identifier: GPL-2.0 */
/* Oldest files out. */
#include "unwind/prune.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct file {
	struct timespec modified;
	uint64_t size;
	struct dirent *entry;
};

struct files {
	struct file *items;
	size_t count;
	uint64_t total;
};

/* Takes the name over. */
static void add(struct files *files, int dir, struct dirent *entry)
{
	struct stat st;

	if (fstatat(dir, entry->d_name, &st, AT_SYMLINK_NOFOLLOW) || !S_ISREG(st.st_mode)) {
		free(entry);
		return;
	}
	files->items[files->count++] = (struct file){st.st_mtim, (uint64_t)st.st_size, entry};
	files->total += (uint64_t)st.st_size;
}

static int list(struct files *files, int dir, const char *spared)
{
	struct dirent **entries;
	int count = scandirat(dir, ".", &entries, NULL, NULL);

	if (count < 0)
		return -errno;
	files->items = calloc((size_t)count + 1, sizeof(*files->items));
	for (int i = 0; i < count; i++) {
		if (files->items && strcmp(entries[i]->d_name, spared) != 0)
			add(files, dir, entries[i]);
		else
			free(entries[i]);
	}
	free(entries);
	return files->items ? 0 : -ENOMEM;
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

	if (list(&files, dir, spared))
		return;
	if (files.total > max)
		qsort(files.items, files.count, sizeof(*files.items), compare_age);
	for (i = 0; i < files.count; i++) {
		if (files.total > max && !unlinkat(dir, files.items[i].entry->d_name, 0))
			files.total -= files.items[i].size;
		free(files.items[i].entry);
	}
	free(files.items);
}
