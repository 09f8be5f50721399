/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The whole address space of a process, from /proc/PID/maps or smaps.  Each line
 * is right for one moment, the list as a whole for none: a process that runs
 * maps and unmaps while it is read.
 */
#ifndef MS_AREAS_H
#define MS_AREAS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define AREAS_MAX ((size_t)1 << 20) /* the kernel's own limit is 65,530 unless raised */
#define AREA_NAME_MAX 255           /* bytes kept of a name */

enum area_flags {
	AREA_READ = 1u << 0,
	AREA_WRITE = 1u << 1,
	AREA_EXECUTE = 1u << 2,
	AREA_SHARED = 1u << 3,  /* writes are seen by others */
	AREA_FILE = 1u << 4,    /* it has an inode, be it in no directory */
	AREA_SHMEM = 1u << 5,   /* of them: tmpfs, memfd, System V, shared anonymous memory */
	AREA_HUGETLB = 1u << 6, /* of them: hugetlbfs, whose pages are in nobody's RSS */
	AREA_KERNEL = 1u << 7,  /* made by the kernel: [vdso], [vvar], [uprobes] … */
	AREA_STACK = 1u << 8,   /* the first thread's stack */
	AREA_BREAK = 1u << 9,   /* grows by brk(2) */
};

struct area {
	uint64_t start, end;    /* addresses */
	uint64_t offset;        /* in the file */
	uint64_t device, inode; /* device as makedev(3) gives it; both 0: no file */
	uint64_t rss_bytes;     /* from smaps only, else 0 */
	uint64_t swap_bytes;    /* the same */
	uint32_t flags;         /* enum area_flags */
	uint32_t name;          /* areas_name() */
};

enum areas_source { AREAS_MAPS, AREAS_SMAPS }; /* smaps walks all page tables: milliseconds a GiB */

struct areas {
	enum areas_source source;
	struct area *items; /* sorted, none overlaps another, no empty one */
	size_t count, room;
	char *names;
	size_t names_size, names_room;
};

/*
 * Reads all areas but [vsyscall], which is no part of any process.  0 or a
 * negative errno: -ESRCH if the process is gone or has no memory of its own,
 * -E2BIG beyond AREAS_MAX.
 */
int areas_read(pid_t pid, enum areas_source source, struct areas *out);
void areas_free(struct areas *areas);
/* What the kernel calls it, "" if nothing.  The target's to choose: not for a terminal as it is. */
const char *areas_name(const struct areas *areas, const struct area *area);
/* The first area that ends above `address`, or NULL: it holds it, or comes after it. */
const struct area *areas_from(const struct areas *areas, uint64_t address);

#endif
