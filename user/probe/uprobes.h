/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The kinds of uprobe links that the libbpf of Debian 12 (1.1) does not know:
 * one system call for many places of a file.
 */
#ifndef MS_UPROBES_H
#define MS_UPROBES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* enum bpf_attach_type, expected_attach_type of their programs. */
#define UPROBES_MULTI 48   /* 6.6, commit 89ae89f53d20 */
#define UPROBES_SESSION 57 /* 6.13, commit d920179b3d48 */

struct uprobes {
	int kind; /* UPROBES_MULTI or UPROBES_SESSION */
	bool returns;
	const char *path;
	pid_t pid;
	const uint64_t *offsets;    /* in the file */
	const uint64_t *cookies;    /* NULL: all 0 */
	const uint64_t *semaphores; /* in the file: of 16 bits, one more while this is attached;
				       0: none.  NULL: none at all */
	size_t count;
};

/* Attaches a program.  A file descriptor, whose closing detaches, or a negative errno. */
int uprobes_link(int program_fd, const struct uprobes *uprobes);

#endif
