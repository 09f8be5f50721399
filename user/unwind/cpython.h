/* SPDX-License-Identifier: GPL-2.0 */
/*
 * CPython in a process: where its interpreter is and how it looks, for the walk
 * in the kernel (bpf/python.bpf.h), and what its code objects say.
 *
 *   python_symbols_read()  once for each file (python_symbols.h)
 *   python_detect()        once for each image that maps such a file
 *   python_code_read()     once for each code object; see codes.h, which calls it
 */
#ifndef MS_CPYTHON_H
#define MS_CPYTHON_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "python.h"
#include "unwind/python_lines.h"
#include "unwind/python_symbols.h"

/*
 * What to add to the addresses in the file: `start` and `offset` are those of an
 * executable mapping of it.  0, or -ENOENT if that is not where the evaluation
 * loop is: try another mapping.
 */
int python_bias(const struct python_symbols *symbols, uint64_t start, uint64_t end, uint64_t offset,
		uint64_t *bias);

/*
 * Describes the interpreter of live process `pid`, whose file has `symbols` and
 * is loaded at `bias`.  0; -ENOTSUP (a version or build that we do not know) or
 * another negative errno, with one line in `why`: "it is a debug build".
 * An interpreter that has not started yet is fine.
 */
int python_detect(pid_t pid, const struct python_symbols *symbols, uint64_t bias,
		  struct ms_python *out, char *why, size_t why_size);

/*
 * Whether the frames of an interpreter of version 3.`minor` with these symbols can be
 * shown, as far as those tell: 0, or -ENOTSUP with one line in `why`.
 */
int python_known(const struct python_symbols *symbols, unsigned minor, char *why, size_t why_size);
/* The minor version, where there is no Py_Version: 10, 9, or 0 for older ones. */
unsigned python_minor_without_version(const struct python_symbols *symbols);

/* What a code object says.  All allocated; NULL texts are never left in it. */
struct python_code {
	char *function; /* UTF-8: the qualified name, up to 3.10 the name */
	char *file;
	struct python_lines lines;
};

/*
 * Reads the code object at address `code` of process `pid`.  0, and the caller
 * frees; -ESTALE if its check word is not `check` (it is gone, or was replaced
 * while we read); -EINVAL if it is none; -ESRCH, -EFAULT, -ENOMEM …
 */
int python_code_read(pid_t pid, const struct ms_python *python, uint64_t code, uint64_t check,
		     struct python_code *out);
void python_code_free(struct python_code *code);

#endif
