/* SPDX-License-Identifier: GPL-2.0 */
/* Finding separate debug files.  Every name here may be the target's choice. */
#include "symbol/debugfile.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <zlib.h>

#define DEBUG_DIR "/usr/lib/debug"
#define LINK_MAX_SIZE ((uint64_t)8192)

void debug_roots_init(struct debug_roots *roots)
{
	int fd = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);

	*roots = (struct debug_roots){0};
	if (fd >= 0)
		roots->fds[roots->count++] = fd;
}

int debug_roots_add(struct debug_roots *roots, int fd)
{
	struct stat new, old;
	size_t i;
	int copy;

	if (fstat(fd, &new))
		return -errno;
	if (!S_ISDIR(new.st_mode))
		return -ENOTDIR;
	for (i = 0; i < roots->count; i++) {
		if (!fstat(roots->fds[i], &old) && old.st_dev == new.st_dev &&
		    old.st_ino == new.st_ino)
			return 0;
	}
	if (roots->count == ROOTS_MAX)
		return -ENOSPC;
	copy = fcntl(fd, F_DUPFD_CLOEXEC, 3);
	if (copy < 0)
		return -errno;
	/* The host's root was the first and stays the last. */
	if (roots->count)
		roots->fds[roots->count] = roots->fds[roots->count - 1];
	roots->fds[roots->count ? roots->count - 1 : 0] = copy;
	roots->count++;
	return 0;
}

void debug_roots_free(struct debug_roots *roots)
{
	while (roots->count)
		close(roots->fds[--roots->count]);
	debuginfod_close(&roots->debuginfod);
}

/*
 * Opens the regular file `path` under `root`, links kept inside it.  Looked at
 * through O_PATH first: opening a device does things, opening a FIFO waits.
 */
static int open_in_root(int root, const char *path)
{
	struct open_how how = {
	    .flags = O_PATH | O_CLOEXEC,
	    .resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS,
	};
	char link[sizeof("/proc/self/fd/") + 3 * sizeof(int)];
	struct stat st;
	int fd, file = -1;

	fd = (int)syscall(SYS_openat2, root, path, &how, sizeof(how));
	if (fd < 0)
		return -1;
	if (!fstat(fd, &st) && S_ISREG(st.st_mode)) {
		snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
		file = open(link, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	}
	close(fd);
	return file;
}

/* What a candidate must be. */
struct expected {
	const unsigned char *id;
	size_t id_size;
	bool has_crc; /* asked only without a build id */
	uint32_t crc;
	struct stat self; /* the file it is sought for: a link may name that */
};

static bool crc_is(int fd, uint32_t expected, struct budget *budget)
{
	static const size_t step = 64 << 10;
	unsigned char buffer[64 << 10];
	uLong crc = crc32(0, NULL, 0);
	off_t at = 0;
	ssize_t n;

	while ((n = pread(fd, buffer, step, at)) > 0) {
		if (!budget_take(budget, (uint64_t)n))
			return false;
		crc = crc32(crc, buffer, (uInt)n);
		at += n;
	}
	return !n && crc == expected;
}

/* Takes `fd` over. */
static int accept_file(int fd, const struct expected *want, struct image *image,
		       struct budget *budget)
{
	struct stat st;
	int err;

	if (fd < 0)
		return -ENOENT;
	err = image_open(image, fd);
	if (err)
		return err;
	if (!fstat(fd, &st) && (st.st_dev != want->self.st_dev || st.st_ino != want->self.st_ino) &&
	    (want->id_size
		 ? image->id_size == want->id_size && !memcmp(image->id, want->id, want->id_size)
		 : want->has_crc && crc_is(fd, want->crc, budget)))
		return 0;
	image_close(image);
	return -ESTALE;
}

static int try_roots(const struct debug_roots *roots, const char *path, const struct expected *want,
		     struct image *image, struct budget *budget)
{
	size_t i;

	for (i = 0; i < roots->count; i++) {
		if (!accept_file(open_in_root(roots->fds[i], path), want, image, budget))
			return 0;
	}
	return -ENOENT;
}

static int try_build_id(const struct debug_roots *roots, const struct expected *want,
			struct image *image, struct budget *budget)
{
	char path[sizeof(DEBUG_DIR "/.build-id//.debug") + 2 * (size_t)IMAGE_ID_MAX];
	size_t i;
	int n;

	if (want->id_size < 2 || want->id_size > IMAGE_ID_MAX)
		return -ENOENT;
	n = snprintf(path, sizeof(path), DEBUG_DIR "/.build-id/%02x/", want->id[0]);
	for (i = 1; i < want->id_size; i++)
		n += snprintf(path + n, sizeof(path) - (size_t)n, "%02x", want->id[i]);
	snprintf(path + n, sizeof(path) - (size_t)n, ".debug");
	return try_roots(roots, path, want, image, budget);
}

/* The contents of a small section that begins with a file name; NULL if it does not. */
static const char *link_read(const struct image *image, const char *section, size_t *name_size,
			     size_t *size, struct budget *budget)
{
	GElf_Shdr shdr;
	Elf_Scn *scn = image_section(image, section, &shdr);
	Elf_Data *data = scn ? image_data(scn, &shdr, LINK_MAX_SIZE, budget) : NULL;

	if (!data)
		return NULL;
	*size = data->d_size;
	*name_size = strnlen(data->d_buf, data->d_size) + 1;
	return *name_size <= data->d_size ? data->d_buf : NULL;
}

/* Where a debuglink's name may lie: %1$s is the file's directory, %2$s the name. */
static const char *const link_places[] = {
    "%1$s/%2$s",
    "%1$s/.debug/%2$s",
    DEBUG_DIR "%1$s/%2$s",
};

static int try_debuglink(const struct debug_roots *roots, const struct image *main,
			 const char *path, struct expected *want, struct image *debug,
			 struct budget *budget)
{
	size_t i, name_size, size, at;
	const char *name = link_read(main, ".gnu_debuglink", &name_size, &size, budget);
	char dir[PATH_MAX], file[PATH_MAX];

	/* The name is one component: "../../etc/x" is no debug file. */
	if (!name || path[0] != '/' || !*name || strchr(name, '/') || !strcmp(name, ".") ||
	    !strcmp(name, ".."))
		return -ENOENT;
	at = (name_size + 3) & ~(size_t)3;
	if (at + sizeof(want->crc) > size || strlen(path) >= sizeof(dir))
		return -ENOENT;
	want->has_crc = true;
	memcpy(&want->crc, name + at, sizeof(want->crc));
	memcpy(dir, path, strlen(path) + 1);
	*strrchr(dir, '/') = '\0';
	for (i = 0; i < sizeof(link_places) / sizeof(*link_places); i++) {
		int n = snprintf(file, sizeof(file), link_places[i], dir, name);

		if (n > 0 && (size_t)n < sizeof(file) &&
		    !try_roots(roots, file, want, debug, budget))
			return 0;
	}
	return -ENOENT;
}

int debugfile_open(struct debug_roots *roots, const struct image *main, const char *path,
		   struct image *debug, struct budget *budget)
{
	struct expected want = {.id = main->id, .id_size = main->id_size};

	if (fstat(main->fd, &want.self))
		return -errno;
	if (!try_build_id(roots, &want, debug, budget) ||
	    !try_debuglink(roots, main, path, &want, debug, budget))
		return 0;
	return accept_file(debuginfod_open(&roots->debuginfod, main->id, main->id_size), &want,
			   debug, budget);
}

int debugfile_open_shared(struct debug_roots *roots, const struct image *debug,
			  struct image *shared, struct budget *budget)
{
	size_t name_size, size;
	const char *name = link_read(debug, ".gnu_debugaltlink", &name_size, &size, budget);
	GElf_Shdr shdr;
	struct expected want = {0};
	const char *place;
	char path[PATH_MAX];

	if (!name)
		return image_section(debug, ".gnu_debugaltlink", &shdr) ? -EINVAL : -ENOENT;
	want.id = (const unsigned char *)name + name_size;
	want.id_size = size - name_size;
	if (!want.id_size)
		return -EINVAL;
	if (!try_build_id(roots, &want, shared, budget))
		return 0;
	/* Distributions link to "…/.dwz/…", absolute or relative: only there is looked. */
	place = strstr(name, "/.dwz/");
	if (!place || strstr(place, "/../") || strlen(place) >= sizeof(path) - sizeof(DEBUG_DIR))
		return -EINVAL;
	snprintf(path, sizeof(path), DEBUG_DIR "%s", place);
	return try_roots(roots, path, &want, shared, budget) ? -EINVAL : 0;
}
