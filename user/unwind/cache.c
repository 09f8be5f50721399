/* SPDX-License-Identifier: GPL-2.0 */
/* Tables on disk: names, loading, storing. */
#include "unwind/cache.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "unwind/prune.h"

#define KEY_NAME "key"
/* Change it when the same file gives another table than before, in the same format. */
#define GENERATION 2

/* Nobody else can have written it. */
static bool is_ours(const struct stat *st)
{
	return st->st_uid == geteuid() && !(st->st_mode & (S_IWGRP | S_IWOTH));
}

/* Opens a file of ours in the directory; anything else is no file. */
static int open_ours(int dir, const char *name, struct stat *st)
{
	int fd = openat(dir, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);

	*st = (struct stat){0};
	if (fd < 0)
		return -errno;
	if (fstat(fd, st) || !S_ISREG(st->st_mode) || !is_ours(st)) {
		close(fd);
		return -EPERM;
	}
	return fd;
}

static int write_all(int fd, const void *bytes, size_t size)
{
	size_t done = 0;
	ssize_t n;

	while (done < size) {
		n = write(fd, (const char *)bytes + done, size - done);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		done += (size_t)n;
	}
	return 0;
}

static int read_all(int fd, void *bytes, size_t size)
{
	struct unwind_source source = {.fd = fd, .size = size};

	return unwind_source_read(&source, 0, bytes, size) ? 0 : -EBADMSG;
}

/* Writes a file under a name that nobody has yet. */
static int write_temporary(int dir, const void *bytes, size_t size, char name[UNWIND_CACHE_NAME])
{
	uint64_t unique;
	int fd, err;

	if (getrandom(&unique, sizeof(unique), 0) != sizeof(unique))
		return -EIO;
	snprintf(name, UNWIND_CACHE_NAME, "new-%016llx", (unsigned long long)unique);
	fd = openat(dir, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return -errno;
	err = write_all(fd, bytes, size);
	if (close(fd) && !err)
		err = -errno;
	if (err)
		unlinkat(dir, name, 0);
	return err;
}

/* ---- the secret -------------------------------------------------------- */

static int read_key(struct unwind_cache *cache)
{
	struct stat st;
	int fd = open_ours(cache->dir, KEY_NAME, &st), err = -EBADMSG;

	if (fd < 0)
		return fd;
	if (st.st_size == sizeof(cache->key) && !(st.st_mode & (S_IRWXG | S_IRWXO)))
		err = read_all(fd, cache->key, sizeof(cache->key));
	close(fd);
	return err;
}

/* Who comes first makes it: link() does not replace another's. */
static int make_key(struct unwind_cache *cache)
{
	char name[UNWIND_CACHE_NAME];
	int err;

	if (getrandom(cache->key, sizeof(cache->key), 0) != sizeof(cache->key))
		return -EIO;
	err = write_temporary(cache->dir, cache->key, sizeof(cache->key), name);
	if (err)
		return err;
	err = linkat(cache->dir, name, cache->dir, KEY_NAME, 0) ? -errno : 0;
	unlinkat(cache->dir, name, 0);
	return err == -EEXIST ? read_key(cache) : err;
}

static int get_key(struct unwind_cache *cache)
{
	int err = read_key(cache);

	if (!err)
		return 0;
	if (err != -ENOENT && unlinkat(cache->dir, KEY_NAME, 0))
		return -errno;
	return make_key(cache);
}

/* ---- the directory ----------------------------------------------------- */

/* NULL: none is wanted. */
static const char *wanted_path(void)
{
	const char *path = getenv(UNWIND_CACHE_ENV);

	if (!path)
		return UNWIND_CACHE_DIR;
	return *path ? path : NULL;
}

/* Opens the directory, if it is ours.  Its file descriptor or a negative errno. */
static int open_directory(const char *path)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC), err;
	struct stat st;

	if (fd < 0)
		return -errno;
	err = fstat(fd, &st) ? -errno : is_ours(&st) ? 0 : -EPERM;
	if (err)
		close(fd);
	return err ? err : fd;
}

int unwind_cache_open(struct unwind_cache *cache)
{
	const char *path = wanted_path();
	int fd, err;

	*cache = (struct unwind_cache){.dir = -1, .max = UNWIND_CACHE_MAX};
	if (!path)
		return 0;
	if (mkdir(path, 0700) && errno != EEXIST)
		return -errno;
	fd = open_directory(path);
	if (fd < 0)
		return fd;
	cache->dir = fd;
	err = get_key(cache);
	if (err)
		unwind_cache_close(cache);
	return err;
}

int unwind_cache_check(const char **path)
{
	int fd, err;

	*path = wanted_path();
	if (!*path)
		return 0;
	fd = open_directory(*path);
	if (fd < 0)
		return fd;
	err = faccessat(fd, ".", W_OK, AT_EACCESS) ? -errno : 0;
	close(fd);
	return err;
}

void unwind_cache_close(struct unwind_cache *cache)
{
	if (cache->dir >= 0)
		close(cache->dir);
	*cache = (struct unwind_cache){.dir = -1};
}

/* ---- tables ------------------------------------------------------------ */

/* All that a table is made from. */
struct identity {
	uint64_t generation;
	uint64_t frames[2][4]; /* .eh_frame and .debug_frame: address, size, form, digest */
	struct unwind_code code[SECTIONS_CODE_MAX];
	uint64_t code_count;
	uint8_t build_id[SECTIONS_ID_MAX];
	uint64_t build_id_size;
	uint64_t entry;
};

static void identify_frames(const struct unwind_frames *frames, uint64_t sum, uint64_t identity[4])
{
	identity[0] = frames->address;
	identity[1] = frames->size;
	identity[2] = frames->last << 2 | frames->is_open_ended << 1 | frames->is_compressed;
	identity[3] = sum;
}

static void make_name(const struct unwind_cache *cache, const struct unwind_sections *sections,
		      const uint64_t digests[2], char name[UNWIND_CACHE_NAME])
{
	struct identity identity;
	size_t used = 0;

	memset(&identity, 0, sizeof(identity));
	identity.generation = (uint64_t)GENERATION << 32 | MS_UNWIND_MAGIC;
	identify_frames(&sections->eh_frame, digests[0], identity.frames[0]);
	identify_frames(&sections->debug_frame, digests[1], identity.frames[1]);
	memcpy(identity.code, sections->code, sections->code_count * sizeof(*identity.code));
	identity.code_count = sections->code_count;
	memcpy(identity.build_id, sections->build_id, sections->build_id_size);
	identity.build_id_size = sections->build_id_size;
	identity.entry = sections->entry;

	for (size_t i = 0; i < sections->build_id_size; i++)
		used += (size_t)snprintf(name + used, UNWIND_CACHE_NAME - used, "%02x",
					 sections->build_id[i]);
	snprintf(name + used, UNWIND_CACHE_NAME - used, "-%llx-%016llx",
		 (unsigned long long)sections->source.size,
		 (unsigned long long)digest(cache->key, &identity, sizeof(identity)));
}

static bool is_kept(const struct unwind_cache *cache, const struct unwind_sections *sections)
{
	return cache->dir >= 0 && sections->build_id_size;
}

int unwind_cache_name(const struct unwind_cache *cache, const struct unwind_sections *sections,
		      char name[UNWIND_CACHE_NAME])
{
	const struct unwind_frames *frames[] = {&sections->eh_frame, &sections->debug_frame};
	uint64_t digests[2] = {0};

	if (!is_kept(cache, sections))
		return -ENOENT;
	for (size_t i = 0; i < 2; i++) {
		if (frames[i]->size > UNWIND_FRAMES_MAX ||
		    !digest_source(cache->key, &sections->source, frames[i]->offset,
				   frames[i]->size, &digests[i]))
			return -ENOENT;
	}
	make_name(cache, sections, digests, name);
	return 0;
}

/* It is mapped: it is ours, and is removed, never changed. */
static int load_from(int fd, const struct stat *st, struct unwind_table *out)
{
	size_t size = (size_t)st->st_size;
	void *blocks;
	int err;

	if (!size || size % MS_UNWIND_BLOCK || size > UNWIND_TABLE_MAX)
		return -EBADMSG;
	blocks = mmap(NULL, size, PROT_READ, MAP_PRIVATE | MAP_POPULATE, fd, 0);
	if (blocks == MAP_FAILED)
		return -errno;
	out->blocks = blocks;
	out->block_count = size / MS_UNWIND_BLOCK;
	err = unwind_table_check(out);
	if (err)
		unwind_table_free(out);
	return err;
}

int unwind_cache_load(const struct unwind_cache *cache, const char *name, struct unwind_table *out)
{
	struct stat st;
	int fd, err;

	if (cache->dir < 0)
		return -ENOENT;
	fd = open_ours(cache->dir, name, &st);
	if (fd == -ENOENT)
		return fd;
	err = fd < 0 ? -EBADMSG : load_from(fd, &st, out);
	if (!err)
		futimens(fd, NULL); /* what is used stays */
	if (err == -EBADMSG)
		unlinkat(cache->dir, name, 0);
	if (fd >= 0)
		close(fd);
	return err;
}

int unwind_cache_store(const struct unwind_cache *cache, const char *name,
		       const struct unwind_table *table)
{
	size_t size = table->block_count * MS_UNWIND_BLOCK;
	char temporary[UNWIND_CACHE_NAME];
	int err;

	if (cache->dir < 0)
		return -ENOENT;
	if (size > cache->max)
		return -EFBIG;
	prune_oldest(cache->dir, KEY_NAME, cache->max - size);
	err = write_temporary(cache->dir, table->blocks, size, temporary);
	if (err)
		return err;
	if (renameat(cache->dir, temporary, cache->dir, name)) {
		err = -errno;
		unlinkat(cache->dir, temporary, 0);
	}
	return err;
}

int unwind_table_get(int fd, const struct unwind_cache *cache, struct unwind_table *out)
{
	struct unwind_sections sections;
	struct unwind_source source;
	struct unwind_input input;
	char name[UNWIND_CACHE_NAME];
	bool by_code;
	int err;

	err = unwind_source_file(&source, fd);
	if (!err)
		err = unwind_sections_find(&sections, &source);
	if (err)
		return err;
	if (!unwind_cache_name(cache, &sections, name) && !unwind_cache_load(cache, name, out))
		return 0;
	err = unwind_input_read(&input, &sections, cache->key);
	if (err)
		return err;
	err = unwind_table_compile(&input, UNWIND_TABLE_MAX, out, &by_code);
	/* The file may have changed since it got its name: this is the name of what was read.
	 * Its code is not in it, so what depends on that is made anew each time. */
	if (!err && is_kept(cache, &sections) && !by_code) {
		make_name(cache, &sections, input.digests, name);
		unwind_cache_store(cache, name, out);
	}
	unwind_input_free(&input);
	return err;
}
