/* SPDX-License-Identifier: GPL-2.0 */
/* The kernel's functions by address, from /proc/kallsyms, modules included. */
#ifndef MS_KALLSYMS_H
#define MS_KALLSYMS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct kallsyms;

/*
 * Reads all of `path`; lines that are no symbols are passed over.  0 or a negative
 * errno.  kallsyms_free() in every case, NULL is fine.
 */
int kallsyms_read(const char *path, struct kallsyms **out);
void kallsyms_free(struct kallsyms *k);

/* Functions that can be found. */
size_t kallsyms_count(const struct kallsyms *k);
/* There are names, but no addresses: sysctl kernel.kptr_restrict, or no CAP_SYSLOG. */
bool kallsyms_hidden(const struct kallsyms *k);

/*
 * The function that the code at `address` belongs to, and its module, "vmlinux" for
 * the kernel's own; false if it is none.  Both live as long as `k`, and the same text
 * is the same pointer.
 */
bool kallsyms_find(const struct kallsyms *k, uint64_t address, const char **function,
		   const char **module);

#endif
