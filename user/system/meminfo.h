/* SPDX-License-Identifier: GPL-2.0 */
/* The machine's memory: /proc/meminfo, and how long tasks waited for it. */
#ifndef MS_MEMINFO_H
#define MS_MEMINFO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

struct meminfo {
	uint64_t total, free, available, buffers, cached; /* bytes */
	uint64_t swap_total, swap_free;
	uint64_t anon, shmem, slab, page_tables;
};

/* One line of /proc/meminfo that is read. */
struct meminfo_row {
	const char *name; /* in /proc/meminfo */
	const char *key;  /* in JSON */
	size_t offset;    /* in struct meminfo */
};

#define MEMINFO_ROWS 11
extern const struct meminfo_row meminfo_rows[MEMINFO_ROWS];

uint64_t meminfo_value(const struct meminfo *m, const struct meminfo_row *row);

/* Percent of the last 10, 60 and 300 s in which some tasks, or all, waited for memory. */
struct pressure {
	bool known; /* the kernel keeps count (CONFIG_PSI, since 4.20) */
	double some[3], full[3];
};

/* 0, or -EBADMSG if there is no MemTotal in it. */
int meminfo_parse(FILE *in, struct meminfo *out);
void pressure_parse(FILE *in, struct pressure *out);
/* From /proc.  0 or a negative errno; pressure has none, it is only not known. */
int meminfo_read(struct meminfo *out);
void pressure_read(struct pressure *out);

#endif
