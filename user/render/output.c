/* SPDX-License-Identifier: GPL-2.0 */
/* The table of output formats, and files written whole or not at all. */
#include <errno.h>
#include <fcntl.h>
#include <stdio_ext.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "render/render.h"

static const struct output_format formats[] = {
    {".folded", "folded stacks", render_folded},
    {".svg", "flame graph", render_flame},
    {".json", "JSON", render_json},
};

#define FORMATS (sizeof(formats) / sizeof(formats[0]))

const struct output_format *output_find(const char *path)
{
	size_t length = strlen(path);

	for (size_t i = 0; i < FORMATS; i++) {
		size_t suffix = strlen(formats[i].suffix);

		if (length > suffix && !strcmp(path + length - suffix, formats[i].suffix))
			return &formats[i];
	}
	return NULL;
}

enum layer output_layer(const char *path)
{
	const struct output_format *format = output_find(path);
	size_t length = strlen(path), word;
	int layer;

	if (!format)
		return LAYER_NR;
	length -= strlen(format->suffix);
	for (layer = 0; layer < LAYER_NR; layer++) {
		word = strlen(layer_names[layer]);
		if (length > word && path[length - word - 1] == '.' &&
		    !strncmp(path + length - word, layer_names[layer], word))
			break;
	}
	return (enum layer)layer;
}

const char *output_suffixes(void)
{
	static char text[FORMATS * 12];
	size_t used = 0;

	for (size_t i = 0; i < FORMATS; i++)
		used += (size_t)snprintf(text + used, sizeof(text) - used, "%s%s", i ? " " : "",
					 formats[i].suffix);
	return text;
}

/* ---- where a path leads ------------------------------------------------------- */

enum place_kind {
	PLACE_FILE,       /* a regular file, or none yet: written beside and renamed */
	PLACE_SPECIAL,    /* a device, FIFO: opened and written */
	PLACE_DESCRIPTOR, /* /dev/stdout and the like: opening it anew may fail, or truncate */
};

struct place {
	enum place_kind kind;
	int descriptor;
	char *path;      /* what to rename to: the end of a chain of links */
	char *directory; /* of path */
};

static void place_free(struct place *place)
{
	free(place->path);
	free(place->directory);
}

/* The descriptor that `path` names, or -1. */
static int descriptor_of(const char *path)
{
	static const char *const prefixes[] = {"/dev/fd/", "/proc/self/fd/"};
	char *end;
	long number;

	if (!strcmp(path, "/dev/stdout"))
		return STDOUT_FILENO;
	if (!strcmp(path, "/dev/stderr"))
		return STDERR_FILENO;
	for (size_t i = 0; i < sizeof(prefixes) / sizeof(prefixes[0]); i++) {
		size_t length = strlen(prefixes[i]);

		if (strncmp(path, prefixes[i], length) || !path[length])
			continue;
		number = strtol(path + length, &end, 10);
		if (!*end && number >= 0 && number < 1 << 20)
			return (int)number;
	}
	return -1;
}

/* The directory part of `path`, "." if it has none; NULL without memory. */
static char *directory_of(const char *path)
{
	const char *slash = strrchr(path, '/');

	if (!slash)
		return strdup(".");
	return slash == path ? strdup("/") : strndup(path, (size_t)(slash - path));
}

static int place_find(struct place *place, const char *path)
{
	size_t length = strlen(path);
	struct stat st;

	memset(place, 0, sizeof(*place));
	place->descriptor = descriptor_of(path);
	if (place->descriptor >= 0) {
		place->kind = PLACE_DESCRIPTOR;
		return fcntl(place->descriptor, F_GETFD) < 0 ? -errno : 0;
	}
	if (!length)
		return -ENOENT;
	if (stat(path, &st)) {
		/* a new file; but a link that leads nowhere is no place for one */
		if (errno != ENOENT || !lstat(path, &st))
			return -errno;
		if (path[length - 1] == '/')
			return -EISDIR;
		place->path = strdup(path);
	} else if (S_ISDIR(st.st_mode)) {
		return -EISDIR;
	} else if (!S_ISREG(st.st_mode)) {
		place->kind = PLACE_SPECIAL;
		place->path = strdup(path);
	} else {
		/* renaming over a link would replace the link, not the file */
		place->path = realpath(path, NULL);
		if (!place->path)
			return -errno;
	}
	if (!place->path)
		return -ENOMEM;
	place->directory = directory_of(place->path);
	return place->directory ? 0 : -ENOMEM;
}

/* A new file with the mode the user's umask gives; its path in *name, NULL if there is none. */
static int make_temporary(const char *directory, char **name)
{
	int fd, error, tries = 0;

	do {
		if (asprintf(name, "%s/.memsnoop.%d.%d.tmp", directory, (int)getpid(), tries) < 0) {
			*name = NULL;
			return -ENOMEM;
		}
		fd = open(*name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0666);
		if (fd >= 0)
			return fd;
		error = -errno;
		free(*name);
		*name = NULL;
	} while (error == -EEXIST && ++tries < 1000);
	return error;
}

/* ---- a stream that remembers why a write failed --------------------------------- */

struct sink {
	int fd;
	int error; /* of the first write that failed, negative */
};

static ssize_t sink_write(void *cookie, const char *data, size_t size)
{
	struct sink *sink = cookie;
	size_t done = 0;

	while (done < size && !sink->error) {
		ssize_t n = write(sink->fd, data + done, size - done);

		if (n > 0)
			done += (size_t)n;
		else if (n == 0 || errno != EINTR)
			sink->error = n ? -errno : -EIO;
	}
	return (ssize_t)done;
}

/* Renders into `fd`.  A stream's own errno is gone by the time that ferror() tells. */
static int render_to(int fd, output_fn *fn, const void *context)
{
	struct sink sink = {.fd = fd};
	FILE *out = fopencookie(&sink, "w", (cookie_io_functions_t){.write = sink_write});
	int error;

	if (!out)
		return -ENOMEM;
	setvbuf(out, NULL, _IOFBF, 1 << 17);
	/* nobody else has this stream */
	__fsetlocking(out, FSETLOCKING_BYCALLER);
	error = fn(out, context);
	if (fclose(out) && !error)
		error = -EIO;
	return sink.error ? sink.error : error;
}

static int write_special(const struct place *place, output_fn *fn, const void *context)
{
	int fd, error;

	if (place->kind == PLACE_DESCRIPTOR)
		fd = fcntl(place->descriptor, F_DUPFD_CLOEXEC, 3);
	else
		fd = open(place->path, O_WRONLY | O_CLOEXEC | O_NOCTTY);
	if (fd < 0)
		return -errno;
	error = render_to(fd, fn, context);
	if (close(fd) && !error)
		error = -errno;
	return error;
}

static int write_file(const struct place *place, output_fn *fn, const void *context)
{
	char *temporary = NULL;
	int fd, error;

	fd = make_temporary(place->directory, &temporary);
	if (!temporary)
		return fd;
	error = render_to(fd, fn, context);
	/* some file systems report a full disk only here */
	if (close(fd) && !error)
		error = -errno;
	if (!error && rename(temporary, place->path))
		error = -errno;
	if (error)
		unlink(temporary);
	free(temporary);
	return error;
}

int output_write_by(const char *path, output_fn *fn, const void *context)
{
	struct place place;
	int error = place_find(&place, path);

	if (!error && place.kind == PLACE_FILE)
		error = write_file(&place, fn, context);
	else if (!error)
		error = write_special(&place, fn, context);
	place_free(&place);
	return error;
}

struct rendering {
	render_fn *render;
	const struct snapshot *s;
	const struct render_options *o;
};

static int render_snapshot(FILE *out, const void *context)
{
	const struct rendering *r = context;

	return r->render(out, r->s, r->o);
}

int output_write(const char *path, render_fn *render, const struct snapshot *s,
		 const struct render_options *o)
{
	const struct rendering rendering = {render, s, o};

	return output_write_by(path, render_snapshot, &rendering);
}

/* A file can be made in `directory`, and holds a block of data. */
static int try_directory(const char *directory)
{
	static const char block[4096];
	char *temporary = NULL;
	ssize_t n;
	int fd, error = 0;

	fd = make_temporary(directory, &temporary);
	if (!temporary)
		return fd;
	n = write(fd, block, sizeof(block));
	if (n < 0)
		error = -errno;
	else if (n < (ssize_t)sizeof(block))
		error = -ENOSPC;
	if (close(fd) && !error)
		error = -errno;
	unlink(temporary);
	free(temporary);
	return error;
}

int output_check(const char *path)
{
	struct place place;
	int error = place_find(&place, path);

	if (!error && place.kind == PLACE_FILE)
		error = try_directory(place.directory);
	else if (!error && place.kind == PLACE_SPECIAL &&
		 faccessat(AT_FDCWD, path, W_OK, AT_EACCESS))
		error = -errno;
	place_free(&place);
	return error;
}
