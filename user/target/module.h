/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The files that code comes from.  A module is one file (device and inode),
 * known by a small number for as long as we run: the kernel side writes it into
 * frames, so a frame stays valid after dlclose, exec and exit.  Each file is
 * opened while a process that maps it lives, read for allocation functions
 * once, and kept open for its symbols.
 */
#ifndef MS_MODULE_H
#define MS_MODULE_H

#include "probe/elf.h"
#include "target/mappings.h"
#include "target/torch.h"
#include "unwind/python_symbols.h"

struct module {
	uint32_t id;
	uint64_t device, inode;
	char *path; /* as the target sees it */
	int fd;     /* -1: could not be opened (why says why), or not a file */
	int error;
	bool made;                     /* no program or library: a file that a JIT put code into */
	struct python_symbols *python; /* NULL: no CPython interpreter is in it */
	struct torch_file *torch;      /* NULL: none of PyTorch's classes is */
	struct elf_file elf;           /* no hits where fd is -1 or it is not an ELF file */
};

struct modules;

struct modules *modules_new(const struct probe_table *table);
void modules_free(struct modules *modules);

/*
 * The module of a mapping of live process `pid`, made and scanned when new.
 * NULL only when out of memory or ids.
 */
struct module *modules_get(struct modules *modules, pid_t pid, const struct mapping *mapping);
/* The same if it was made before or is no program's file; else NULL, and nothing is made. */
struct module *modules_known(struct modules *modules, pid_t pid, const struct mapping *mapping);
/* The module with this id, or NULL. */
struct module *modules_find(const struct modules *modules, uint32_t id);
const struct probe_table *modules_table(const struct modules *modules);
size_t modules_count(const struct modules *modules);

#endif
