/* SPDX-License-Identifier: GPL-2.0 */
/* Which roots are known.  Ours is the first: the symboliser looks there anyway. */
#include "collect/roots.h"

#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

/* True if it was not known. */
static bool remember(struct roots *roots, const struct stat *st)
{
	struct root *known;
	size_t i;

	for (i = 0; i < roots->count; i++)
		if (roots->known[i].device == st->st_dev && roots->known[i].inode == st->st_ino)
			return false;
	known = realloc(roots->known, (roots->count + 1) * sizeof(*known));
	if (!known)
		return false;
	roots->known = known;
	known[roots->count++] = (struct root){st->st_dev, st->st_ino};
	return true;
}

void roots_add(struct roots *roots, struct symbols *symbols, pid_t pid)
{
	struct stat st;
	char name[64];
	int fd;

	if (!roots->count && !stat("/", &st))
		remember(roots, &st);
	snprintf(name, sizeof(name), "/proc/%d/root", pid);
	fd = open(name, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return;
	if (!fstat(fd, &st) && remember(roots, &st))
		symbols_add_root(symbols, fd);
	close(fd);
}

void roots_free(struct roots *roots)
{
	free(roots->known);
	*roots = (struct roots){0};
}
