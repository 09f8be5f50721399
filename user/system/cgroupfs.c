/* SPDX-License-Identifier: GPL-2.0 */
#include "system/cgroupfs.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- mounts ------------------------------------------------------------------- */

/* Undoes \040 and its like, in place. */
static void unescape(char *text)
{
	char *out = text;

	while (*text) {
		unsigned code;

		if (text[0] == '\\' && sscanf(text + 1, "%3o", &code) == 1 && code < 256) {
			*out++ = (char)code;
			text += 4;
		} else {
			*out++ = *text++;
		}
	}
	*out = '\0';
}

static bool has_word(const char *list, const char *word)
{
	size_t length = strlen(word);

	for (;; list++) {
		if (!strncmp(list, word, length) && (!list[length] || list[length] == ','))
			return true;
		list = strchr(list, ',');
		if (!list)
			return false;
	}
}

/* proc(5): "36 35 98:0 /root /point options [fields] - type source options". */
static void take_mount(struct cgroupfs *fs, char *line)
{
	char root[4096], point[4096], type[64], options[1024];
	const char *end = strstr(line, " - ");
	struct cgroupfs_mount *mount;
	bool v1;

	if (!end || sscanf(line, "%*s %*s %*s %4095s %4095s", root, point) != 2 ||
	    sscanf(end, " - %63s %*s %1023s", type, options) != 2)
		return;
	v1 = !strcmp(type, "cgroup") && has_word(options, "memory");
	if (!v1 && strcmp(type, "cgroup2"))
		return;
	mount = &fs->mounts[v1];
	/* of several the first: later ones are parts of it that containers were given */
	if (mount->point)
		return;
	unescape(root);
	unescape(point);
	mount->root = strdup(root);
	mount->point = strdup(point);
}

void cgroupfs_parse(struct cgroupfs *fs, FILE *mountinfo)
{
	char *line = NULL;
	size_t size = 0;

	memset(fs, 0, sizeof(*fs));
	while (getline(&line, &size, mountinfo) > 0)
		take_mount(fs, line);
	free(line);
}

void cgroupfs_find(struct cgroupfs *fs)
{
	FILE *mountinfo = fopen("/proc/self/mountinfo", "re");

	memset(fs, 0, sizeof(*fs));
	if (!mountinfo)
		return;
	cgroupfs_parse(fs, mountinfo);
	fclose(mountinfo);
}

void cgroupfs_free(struct cgroupfs *fs)
{
	for (int i = 0; i < 2; i++) {
		free(fs->mounts[i].root);
		free(fs->mounts[i].point);
	}
	memset(fs, 0, sizeof(*fs));
}

/* The directory of a group, or a file in it; NULL if it is not below the mount. */
static char *path_in(const struct cgroupfs *fs, bool v1, const char *path, const char *file)
{
	const struct cgroupfs_mount *mount = &fs->mounts[v1];
	size_t length;
	char *full;

	if (!mount->point || !mount->root)
		return NULL;
	length = strlen(mount->root);
	if (!strcmp(mount->root, "/"))
		length = 0;
	if (strncmp(path, mount->root, length) || (length && path[length] && path[length] != '/'))
		return NULL;
	if (asprintf(&full, "%s%s/%s", mount->point, path + length, file) < 0)
		return NULL;
	return full;
}

uint64_t cgroupfs_id(const struct cgroupfs *fs, bool v1, const char *path)
{
	char *directory = path_in(fs, v1, path, "");
	struct stat st;
	uint64_t id = 0;

	if (directory && !stat(directory, &st))
		id = st.st_ino;
	free(directory);
	return id;
}

/* ---- the memory files ----------------------------------------------------------- */

/* A number of a group, and where it is found. */
static const struct number_row {
	size_t offset;
	struct place {
		const char *file;
		const char *key; /* of a line, in files that have several; NULL: the file is it */
	} places[2];             /* version 2, version 1 */
} rows[] = {
    {offsetof(struct cgroupfs_memory, usage),
     {{"memory.current", NULL}, {"memory.usage_in_bytes", NULL}}},
    {offsetof(struct cgroupfs_memory, limit),
     {{"memory.max", NULL}, {"memory.limit_in_bytes", NULL}}},
    {offsetof(struct cgroupfs_memory, peak),
     {{"memory.peak", NULL}, {"memory.max_usage_in_bytes", NULL}}},
    {offsetof(struct cgroupfs_memory, limit_hits),
     {{"memory.events", "max"}, {"memory.failcnt", NULL}}},
    {offsetof(struct cgroupfs_memory, ooms), {{"memory.events", "oom"}, {NULL, NULL}}},
    {offsetof(struct cgroupfs_memory, oom_kills),
     {{"memory.events", "oom_kill"}, {"memory.oom_control", "oom_kill"}}},
};

static int read_file(const struct cgroupfs *fs, bool v1, const char *path, const char *file,
		     char *text, size_t size)
{
	char *full = path_in(fs, v1, path, file);
	int fd = full ? open(full, O_RDONLY | O_CLOEXEC) : -1;
	ssize_t n;

	free(full);
	if (fd < 0)
		return full ? -errno : -ENOENT;
	n = read(fd, text, size - 1);
	if (n < 0)
		n = -errno;
	close(fd);
	if (n < 0)
		return (int)n;
	text[n] = '\0';
	return 0;
}

/* "max", and version 1's largest number of whole pages, are no limit. */
static uint64_t number_in(const char *text)
{
	uint64_t value = strtoull(text, NULL, 10);

	return value >= INT64_MAX - (1 << 20) ? 0 : value;
}

static uint64_t keyed_number_in(const char *text, const char *key)
{
	size_t length = strlen(key);

	for (; *text; text += strcspn(text, "\n") + (text[strcspn(text, "\n")] != '\0'))
		if (!strncmp(text, key, length) && text[length] == ' ')
			return number_in(text + length + 1);
	return 0;
}

int cgroupfs_read(const struct cgroupfs *fs, bool v1, const char *path, struct cgroupfs_memory *out)
{
	char text[512] = "";
	const char *file = "";
	int err = 0;

	memset(out, 0, sizeof(*out));
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct place *place = &rows[i].places[v1];
		uint64_t value;

		if (!place->file)
			continue;
		if (strcmp(place->file, file))
			err = read_file(fs, v1, path, place->file, text, sizeof(text));
		file = place->file;
		/* the first is in every group that has memory files; others came later */
		if (err && !i)
			return err;
		if (err)
			continue;
		value = place->key ? keyed_number_in(text, place->key) : number_in(text);
		memcpy((char *)out + rows[i].offset, &value, sizeof(value));
	}
	return 0;
}
