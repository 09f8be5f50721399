/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Where a file has PyTorch's classes: an object begins with the address of its class's
 * virtual table, so that who knows these knows the objects (bpf/tensor.h).
 */
#ifndef MS_TORCH_H
#define MS_TORCH_H

#include <stdbool.h>
#include <stdint.h>

#include "target/mappings.h"
#include "tensor.h"

struct torch_file {
	/* As in the file; 0: not there.  An object's first word is 16 more (Itanium C++ ABI). */
	uint64_t vtable[MS_CLASS_NR];
	uint64_t shift; /* of an executable mapping: address in the file - offset in the file */
};

/*
 * Looks for them among the symbols that the file open at `fd` exports.  0; -ENOENT if
 * none is there; -ENOEXEC if it is no 64-bit ELF file, or a broken one; -ENOMEM.
 */
int torch_file_read(int fd, struct torch_file *out);
/* Adds what the file has where it is mapped, executable, to *torch; true if that is new. */
bool torch_add(struct ms_torch *torch, const struct torch_file *file, const struct mapping *m);

#endif
