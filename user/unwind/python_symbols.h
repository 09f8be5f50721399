/* SPDX-License-Identifier: GPL-2.0 */
/* CPython's symbols in a file, whatever the file's name is. */
#ifndef MS_PYTHON_SYMBOLS_H
#define MS_PYTHON_SYMBOLS_H

#include <stdint.h>

/* The name, and whether it says anything besides that it is there. */
#define PYTHON_SYMBOLS(X)                                                                          \
	X(RUNTIME, "_PyRuntime")                                                                   \
	X(EVAL, "_PyEval_EvalFrameDefault")                                                        \
	X(VERSION, "Py_Version")             /* 3.11 and later */                                  \
	X(ITER_SEND, "PyIter_Send")          /* 3.10 and later */                                  \
	X(ADD_TYPE, "PyModule_AddType")      /* 3.9 and later */                                   \
	X(REF_DEBUG, "_Py_NegativeRefcount") /* only in debug builds */                            \
	X(CODE_TYPE, "PyCode_Type")                                                                \
	X(STR_TYPE, "PyUnicode_Type")                                                              \
	X(BYTES_TYPE, "PyBytes_Type")

enum python_symbol {
#define X(id, name) PYTHON_SYMBOL_##id,
	PYTHON_SYMBOLS(X)
#undef X
	    PYTHON_SYMBOL_NR
};

struct python_symbols {
	struct {
		uint64_t address, size; /* as in the file; 0: not there */
	} at[PYTHON_SYMBOL_NR];
	/* The segment of the evaluation loop. */
	uint64_t code_address, code_offset, code_length;
	/* The part of it that the compiler has put elsewhere; 0, 0 if there is none. */
	uint64_t cold_address, cold_size;
};

/*
 * Looks them up in .dynsym and .symtab of the file open at `fd`.  0; -ENOENT if
 * it has no CPython interpreter; -ENOEXEC if it is no 64-bit ELF file, or a
 * broken one; -ENOMEM.  `fd` stays open.
 */
int python_symbols_read(int fd, struct python_symbols *out);

#endif
