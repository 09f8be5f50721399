/* SPDX-License-Identifier: GPL-2.0 */
/* The registry of files that code comes from. */
#include "target/module.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/array.h"
#include "base/log.h"

#define VDSO_BYTES_MAX (1u << 20)

struct modules {
	const struct probe_table *table;
	struct module **items; /* items[i]->id == i + 1 */
	size_t count, room;
	uint32_t *slots;   /* open addressing: ids by (device, inode, path) */
	size_t slot_count; /* a power of two, at least twice the count */
};

static uint64_t key_hash(uint64_t device, uint64_t inode, const char *path)
{
	uint64_t hash = (device * 0x9e3779b97f4a7c15ULL) ^ inode;

	/* What has no inode ("[vdso]") is known by its name alone. */
	for (; !inode && *path; path++)
		hash = (hash ^ (unsigned char)*path) * 0x100000001b3ULL;
	hash ^= hash >> 31;
	hash *= 0x9e3779b97f4a7c15ULL;
	return hash ^ hash >> 32;
}

static uint32_t *slot_find(const struct modules *modules, uint64_t device, uint64_t inode,
			   const char *path)
{
	size_t at = key_hash(device, inode, path) & (modules->slot_count - 1);

	for (;; at = (at + 1) & (modules->slot_count - 1)) {
		const struct module *m;

		if (!modules->slots[at])
			return &modules->slots[at];
		m = modules->items[modules->slots[at] - 1];
		if (m->device == device && m->inode == inode && (inode || !strcmp(m->path, path)))
			return &modules->slots[at];
	}
}

static int slots_grow(struct modules *modules)
{
	size_t i, more = modules->slot_count ? 2 * modules->slot_count : 256;
	uint32_t *slots = calloc(more, sizeof(*slots));

	if (!slots)
		return -ENOMEM;
	free(modules->slots);
	modules->slots = slots;
	modules->slot_count = more;
	for (i = 0; i < modules->count; i++) {
		const struct module *m = modules->items[i];

		*slot_find(modules, m->device, m->inode, m->path) = m->id;
	}
	return 0;
}

struct modules *modules_new(const struct probe_table *table)
{
	struct modules *modules = calloc(1, sizeof(*modules));

	if (!modules)
		return NULL;
	modules->table = table;
	if (slots_grow(modules)) {
		free(modules);
		return NULL;
	}
	return modules;
}

static void module_free(struct module *m)
{
	elf_free(&m->elf);
	free(m->python);
	free(m->torch);
	if (m->fd >= 0)
		close(m->fd);
	free(m->path);
	free(m);
}

void modules_free(struct modules *modules)
{
	size_t i;

	if (!modules)
		return;
	for (i = 0; i < modules->count; i++)
		module_free(modules->items[i]);
	free(modules->items);
	free(modules->slots);
	free(modules);
}

/*
 * Opens what is mapped, not what now has its name: map_files links to the very
 * inode, deleted or replaced as it may be.  Without the right to use it, the
 * path is looked up in the target's own root and taken only if its inode is
 * the mapped one; O_NOFOLLOW and the inode keep it from leading elsewhere.
 */
static int open_mapped(pid_t pid, const struct mapping *m)
{
	char name[4352];
	struct stat st;
	int fd;

	snprintf(name, sizeof(name), "/proc/%d/map_files/%" PRIx64 "-%" PRIx64, pid, m->start,
		 m->end);
	fd = open(name, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0) {
		snprintf(name, sizeof(name), "/proc/%d/root%s", pid, m->path);
		fd = open(name, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOFOLLOW);
		if (fd >= 0 && (fstat(fd, &st) || st.st_ino != m->inode)) {
			close(fd);
			errno = ESTALE;
			return -1;
		}
	}
	if (fd >= 0 && (fstat(fd, &st) || !S_ISREG(st.st_mode))) {
		close(fd);
		errno = EINVAL;
		return -1;
	}
	return fd;
}

/*
 * The kernel's own code in every process is in no file: a copy of it is one,
 * with symbols and unwind information to be read as of any other.
 */
static int copy_vdso(pid_t pid, const struct mapping *m)
{
	size_t size = m->end - m->start;
	char name[64], *copy;
	int memory, fd = -1;

	snprintf(name, sizeof(name), "/proc/%d/mem", pid);
	memory = open(name, O_RDONLY | O_CLOEXEC);
	copy = size <= VDSO_BYTES_MAX ? malloc(size) : NULL;
	if (memory >= 0 && copy && pread(memory, copy, size, (off_t)m->start) == (ssize_t)size)
		fd = memfd_create("vdso", MFD_CLOEXEC);
	if (fd >= 0 && write(fd, copy, size) != (ssize_t)size) {
		close(fd);
		fd = -1;
	}
	free(copy);
	if (memory >= 0)
		close(memory);
	return fd;
}

/*
 * Whether PyTorch's classes may be in it: a function of the tensor layer is, or it has one of
 * PyTorch's names, as its bindings for Python, whose copy of a class comes first.
 */
static bool may_have_torch(const struct module *m, const struct probe_table *table)
{
	const char *name = strrchr(m->path, '/');
	size_t i;

	if (name && (!strncmp(name, "/libtorch", 9) || !strncmp(name, "/libc10", 7)))
		return true;
	for (i = 0; i < m->elf.hit_count; i++)
		if (table->rows[m->elf.hits[i].row].spec.layer == MS_LAYER_TENSOR)
			return true;
	return false;
}

static void module_scan(struct module *m, const struct probe_table *table)
{
	struct python_symbols python;
	struct torch_file torch;
	char why[256] = "";

	m->error = elf_scan(m->fd, m->path, table, &m->elf, why, sizeof(why));
	if (m->error)
		log_verbose("module %u: %s: %s", m->id, m->path, why);
	else if (m->elf.function_count)
		log_verbose("module %u: %s: %zu allocation functions", m->id, m->path,
			    m->elf.function_count);
	if (!m->error && !python_symbols_read(m->fd, &python)) {
		m->python = malloc(sizeof(python));
		if (m->python)
			*m->python = python;
	}
	if (!m->error && may_have_torch(m, table) && !torch_file_read(m->fd, &torch)) {
		m->torch = malloc(sizeof(torch));
		if (m->torch)
			*m->torch = torch;
	}
}

/*
 * .NET and libffi put code into a file of memory, which is mapped to be written in one place and
 * to be executed in another.  A jitdump is mapped so, too, to be told of.
 */
static bool is_made(int fd)
{
	char magic[SELFMAG];

	return pread(fd, magic, sizeof(magic), 0) != sizeof(magic) ||
	       memcmp(magic, ELFMAG, SELFMAG) != 0;
}

static struct module *module_make(struct modules *modules, pid_t pid, const struct mapping *mapping)
{
	struct module *m = calloc(1, sizeof(*m));

	if (!m)
		return NULL;
	m->id = modules->count + 1;
	m->device = mapping->device;
	m->inode = mapping->inode;
	m->fd = -1;
	m->path = strdup(mapping->path);
	if (!m->path) {
		module_free(m);
		return NULL;
	}
	if (!mapping->inode && strcmp(mapping->path, "[vdso]"))
		return m;
	m->fd = mapping->inode ? open_mapped(pid, mapping) : copy_vdso(pid, mapping);
	if (m->fd < 0) {
		m->error = -errno;
		log_verbose("module %u: %s: %s", m->id, m->path, strerror(errno));
		return m;
	}
	m->made = is_made(m->fd);
	if (m->made)
		log_verbose("module %u: %s: code that a JIT made", m->id, m->path);
	else
		module_scan(m, modules->table);
	return m;
}

struct module *modules_get(struct modules *modules, pid_t pid, const struct mapping *mapping)
{
	uint32_t *slot = slot_find(modules, mapping->device, mapping->inode, mapping->path);
	struct module *m;

	if (*slot)
		return modules->items[*slot - 1];
	if (modules->count + 1 >= MS_MODULE_PYTHON)
		return NULL;
	if (array_reserve(&modules->items, modules->count, &modules->room, sizeof(*modules->items)))
		return NULL;
	m = module_make(modules, pid, mapping);
	if (!m)
		return NULL;
	modules->items[modules->count++] = m;
	if (2 * modules->count >= modules->slot_count) {
		if (slots_grow(modules)) {
			modules->count--;
			module_free(m);
			return NULL;
		}
	} else {
		*slot = m->id;
	}
	return m;
}

struct module *modules_known(struct modules *modules, pid_t pid, const struct mapping *mapping)
{
	const uint32_t *slot = slot_find(modules, mapping->device, mapping->inode, mapping->path);
	bool made = false;
	int fd;

	if (*slot)
		return modules->items[*slot - 1];
	fd = mapping->inode ? open_mapped(pid, mapping) : -1;
	if (fd >= 0) {
		made = is_made(fd);
		close(fd);
	}
	return made ? modules_get(modules, pid, mapping) : NULL;
}

struct module *modules_find(const struct modules *modules, uint32_t id)
{
	return id && id <= modules->count ? modules->items[id - 1] : NULL;
}

size_t modules_count(const struct modules *modules)
{
	return modules->count;
}

const struct probe_table *modules_table(const struct modules *modules)
{
	return modules->table;
}
