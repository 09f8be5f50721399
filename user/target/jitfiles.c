/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Opens the files of JITs.  They are the target's: looked for below its root
 * only, no link followed at their end, regular files of the target's own user
 * or of root.
 */
#include "target/jitfiles.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "target/process.h"

/* Clocks may have been set a little since the process began. */
#define CLOCK_SLACK_S 2

static const struct jit_files none = {.tmp = -1, .cwd = -1, .map = -1, .dump = -1};

static int open_below(int directory, const char *path, uint64_t flags, uint64_t resolve)
{
	struct open_how how = {.flags = flags | O_CLOEXEC, .resolve = resolve};
	long fd = syscall(SYS_openat2, directory, path, &how, sizeof(how));

	return fd < 0 ? -errno : (int)fd;
}

static int open_link(pid_t pid, const char *link)
{
	char name[64];

	snprintf(name, sizeof(name), "/proc/%d/%s", pid, link);
	return open(name, O_PATH | O_DIRECTORY | O_CLOEXEC);
}

/* Its /tmp, which may be a mount that only it sees. */
static int open_tmp(pid_t pid)
{
	int root = open_link(pid, "root"), tmp;

	if (root < 0)
		return -1;
	tmp =
	    open_below(root, "tmp", O_PATH | O_DIRECTORY, RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS);
	close(root);
	return tmp < 0 ? -1 : tmp;
}

void jit_files_begin(struct jit_files *f, pid_t pid)
{
	struct process_identity identity;

	*f = none;
	if (process_identify(pid, &identity))
		return;
	f->pid = identity.pid;
	f->uids[0] = identity.uid;
	f->uids[1] = identity.euid;
	f->started_s = identity.started_s;
	f->tmp = open_tmp(pid);
	f->cwd = open_link(pid, "cwd");
}

/* ---- opening ------------------------------------------------------------ */

static bool is_acceptable(const struct jit_files *f, int fd)
{
	struct stat st;

	return !fstat(fd, &st) && S_ISREG(st.st_mode) &&
	       (!st.st_uid || st.st_uid == f->uids[0] || st.st_uid == f->uids[1]) &&
	       st.st_mtim.tv_sec + CLOCK_SLACK_S >= f->started_s;
}

/* Only looked at before it is opened: opening a device or a FIFO does things. */
static int open_file(const struct jit_files *f, int directory, const char *name)
{
	int path = open_below(directory, name, O_PATH | O_NOFOLLOW,
			      RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS),
	    fd;
	char again[64];

	if (path < 0)
		return path;
	if (!is_acceptable(f, path)) {
		close(path);
		return -EACCES;
	}
	snprintf(again, sizeof(again), "/proc/self/fd/%d", path);
	fd = open(again, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	fd = fd < 0 ? -errno : fd;
	close(path);
	return fd;
}

static int duplicate(int fd)
{
	int copy = fcntl(fd, F_DUPFD_CLOEXEC, 3);

	return copy < 0 ? -errno : copy;
}

int jit_files_open_map(const struct jit_files *f)
{
	char name[64];

	if (f->map >= 0)
		return duplicate(f->map);
	if (f->tmp < 0 || !f->pid)
		return -ENOENT;
	snprintf(name, sizeof(name), "perf-%d.map", f->pid);
	return open_file(f, f->tmp, name);
}

static void dump_name(const struct jit_files *f, char *out, size_t size)
{
	snprintf(out, size, "jit-%d.dump", f->pid);
}

int jit_files_open_dump(const struct jit_files *f)
{
	char name[64];

	if (f->dump >= 0)
		return duplicate(f->dump);
	if (f->cwd < 0 || !f->pid)
		return -ENOENT;
	dump_name(f, name, sizeof(name));
	return open_file(f, f->cwd, name);
}

/* The very file that is mapped, whatever has its name by now. */
static void take_mapped(struct jit_files *f, pid_t pid, const struct mapping *m)
{
	char name[64];
	struct stat st;
	int fd;

	snprintf(name, sizeof(name), "/proc/%d/map_files/%" PRIx64 "-%" PRIx64, pid, m->start,
		 m->end);
	fd = open(name, O_PATH | O_CLOEXEC);
	if (fd < 0)
		return;
	if (!fstat(fd, &st) && st.st_ino == m->inode && is_acceptable(f, fd)) {
		snprintf(name, sizeof(name), "/proc/self/fd/%d", fd);
		f->dump = open(name, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	}
	close(fd);
}

void jit_files_look(struct jit_files *f, pid_t pid, const struct mappings *maps)
{
	char name[64];
	size_t i;

	dump_name(f, name, sizeof(name));
	for (i = 0; i < maps->count && f->dump < 0; i++) {
		const char *slash = strrchr(maps->items[i].path, '/');

		if (slash && !strcmp(slash + 1, name))
			take_mapped(f, pid, &maps->items[i]);
	}
}

/* ---- the end ------------------------------------------------------------ */

static void let_go(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

void jit_files_end(struct jit_files *f)
{
	int map = jit_files_open_map(f), dump = jit_files_open_dump(f);

	jit_files_free(f);
	f->map = map < 0 ? -1 : map;
	f->dump = dump < 0 ? -1 : dump;
}

void jit_files_free(struct jit_files *f)
{
	let_go(&f->tmp);
	let_go(&f->cwd);
	let_go(&f->map);
	let_go(&f->dump);
}
