/* SPDX-License-Identifier: GPL-2.0 */
/* Reads /proc/PID/maps.  Its lines are the target's to influence: a path may
 * hold anything but a newline, which the kernel escapes. */
#include "target/mappings.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysmacros.h>

#include "base/array.h"

#define DELETED " (deleted)"
#define READ_BYTES 4096 /* a read(2) of maps gives no more; stdio would ask for 1024 */

static void strip_deleted(char *path)
{
	size_t length = strlen(path), suffix = strlen(DELETED);

	if (length > suffix && !strcmp(path + length - suffix, DELETED))
		path[length - suffix] = '\0';
}

/* True if the line is an executable mapping; its path may be empty. */
static bool parse_line(char *line, struct mapping *m)
{
	unsigned long long start, end, offset, inode;
	const char *rights = strchr(line, ' ');
	unsigned major_, minor_;
	int at = 0;

	/* Most lines are of data: what tells them apart first. */
	if (!rights || strlen(rights) < 4 || rights[3] != 'x')
		return false;
	line[strcspn(line, "\n")] = '\0';
	if (sscanf(line, "%llx-%llx %*s %llx %x:%x %llu %n", &start, &end, &offset, &major_,
		   &minor_, &inode, &at) < 6 ||
	    !at)
		return false;
	*m = (struct mapping){.start = start,
			      .end = end,
			      .offset = offset,
			      .inode = inode,
			      .device = makedev(major_, minor_),
			      .path = line + at};
	if (inode)
		strip_deleted(m->path);
	return true;
}

static int append(struct mappings *all, size_t *room, const struct mapping *m)
{
	char *path = strdup(m->path);

	if (!path)
		return -ENOMEM;
	if (array_reserve(&all->items, all->count, room, sizeof(*all->items))) {
		free(path);
		return -ENOMEM;
	}
	all->items[all->count] = *m;
	all->items[all->count++].path = path;
	return 0;
}

int mappings_read(pid_t pid, struct mappings *out)
{
	struct mappings all = {0};
	char name[64], buffer[READ_BYTES], *line = NULL;
	size_t room = 0, length = 0;
	struct mapping m;
	FILE *file;
	int err = 0;

	snprintf(name, sizeof(name), "/proc/%d/maps", pid);
	file = fopen(name, "re");
	if (!file)
		return errno == ENOENT ? -ESRCH : -errno;
	setvbuf(file, buffer, _IOFBF, sizeof(buffer));
	while (!err && getline(&line, &length, file) > 0)
		if (!parse_line(line, &m))
			continue;
		else if (*m.path)
			err = append(&all, &room, &m);
		else
			all.anonymous = true;
	free(line);
	fclose(file);
	if (!err && !all.count)
		err = -ESRCH;
	if (err) {
		mappings_free(&all);
		return err;
	}
	*out = all;
	return 0;
}

void mappings_free(struct mappings *mappings)
{
	size_t i;

	for (i = 0; i < mappings->count; i++)
		free(mappings->items[i].path);
	free(mappings->items);
	*mappings = (struct mappings){0};
}

const struct mapping *mappings_find(const struct mappings *mappings, uint64_t address)
{
	size_t low = 0, high = mappings->count;

	while (low < high) {
		size_t middle = (low + high) / 2;
		const struct mapping *m = &mappings->items[middle];

		if (address < m->start)
			high = middle;
		else if (address >= m->end)
			low = middle + 1;
		else
			return m;
	}
	return NULL;
}
