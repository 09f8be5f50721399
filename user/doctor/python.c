/* SPDX-License-Identifier: GPL-2.0 */
/* The Python interpreters on PATH: whether memsnoop knows how they look inside. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "doctor/check.h"
#include "unwind/python_file.h"

#define SEEN_MAX 64

/* Files by inode: python, python3 and python3.11 are mostly one. */
struct seen {
	struct {
		dev_t device;
		ino_t inode;
	} files[SEEN_MAX];
	size_t count;
};

static bool is_new(struct seen *seen, const struct stat *st)
{
	size_t i;

	for (i = 0; i < seen->count; i++)
		if (seen->files[i].device == st->st_dev && seen->files[i].inode == st->st_ino)
			return false;
	if (seen->count == SEEN_MAX)
		return false;
	seen->files[seen->count].device = st->st_dev;
	seen->files[seen->count++].inode = st->st_ino;
	return true;
}

/* "python", "python3", "python3.13t"; not "python3-config". */
static bool is_python(const char *name)
{
	size_t length = strlen("python");

	return !strncmp(name, "python", length) &&
	       !name[length + strspn(name + length, "0123456789.dt")];
}

static int open_regular(const char *path, struct stat *st)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);

	if (fd >= 0 && (fstat(fd, st) || !S_ISREG(st->st_mode))) {
		close(fd);
		return -1;
	}
	return fd;
}

/* The interpreter is in a library: beside the program's directory, or where libraries lie. */
static int check_library(const char *program, struct python_file *file)
{
	char path[4096], name[sizeof(file->library)];
	const char *slash = strrchr(program, '/');
	struct stat st;
	int fd, err;

	memcpy(name, file->library, sizeof(name));
	snprintf(path, sizeof(path), "%.*s/../lib/%s", slash ? (int)(slash - program) : 0, program,
		 name);
	fd = open_regular(path, &st);
	if (fd < 0 && doctor_library(name, path, sizeof(path)))
		fd = open_regular(path, &st);
	if (fd < 0) {
		snprintf(file->why, sizeof(file->why), "its %s was not found", name);
		return -ENOENT;
	}
	err = python_file_check(fd, file);
	close(fd);
	if (err == -ENOENT)
		snprintf(file->why, sizeof(file->why), "no interpreter that is known in its %s",
			 name);
	return err == -ENOENT ? -ENOTSUP : err;
}

/* Whether it is one. */
static bool look_at(struct doctor *d, const struct check *check, const char *path,
		    struct seen *seen)
{
	struct python_file file;
	struct stat st;
	int fd = open_regular(path, &st), err;

	if (fd < 0)
		return false;
	err = is_new(seen, &st) ? python_file_check(fd, &file) : -EEXIST;
	close(fd);
	if (err == -ENOENT && *file.library)
		err = check_library(path, &file);
	else if (err && err != -ENOTSUP)
		return false; /* a script; another name of the same */
	if (!err)
		doctor_say(d, check, VERDICT_OK, "%s is Python 3.%u, which is known", path,
			   file.minor);
	else if (err == -ENOTSUP)
		doctor_say(d, check, VERDICT_WARN, "%s: %s", path, file.why)->remedy =
		    "a release build of Python 3.9 to 3.14";
	else
		doctor_say(d, check, VERDICT_UNKNOWN, "%s: %s", path, file.why);
	return true;
}

static size_t look_in(struct doctor *d, const struct check *check, const char *directory,
		      struct seen *seen)
{
	struct dirent **entries;
	int i, n = scandir(directory, &entries, NULL, alphasort);
	size_t count = 0;
	char path[4096];

	for (i = 0; i < n; i++) {
		if (is_python(entries[i]->d_name)) {
			snprintf(path, sizeof(path), "%s/%s", directory, entries[i]->d_name);
			count += look_at(d, check, path, seen);
		}
		free(entries[i]);
	}
	if (n >= 0)
		free(entries);
	return count;
}

void check_python(struct doctor *d, const struct check *check)
{
	const char *list = getenv("PATH");
	char *copy = strdup(list ? list : ""), *rest = copy, *directory;
	struct seen seen = {0};
	size_t count = 0;

	while (copy && (directory = strsep(&rest, ":")))
		if (*directory == '/')
			count += look_in(d, check, directory, &seen);
	free(copy);
	if (!count)
		doctor_say(d, check, VERDICT_OK, "none on PATH");
}
