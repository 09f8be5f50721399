/* SPDX-License-Identifier: GPL-2.0 */
/* C++ and Rust names as people write them. */
#ifndef MS_DEMANGLE_H
#define MS_DEMANGLE_H

#include <stdbool.h>
#include <stddef.h>

/* Room for the longest name we show; a longer one is cut and ends in "…". */
#define NAME_SIZE 1025

/*
 * Writes the readable form of `name` to `out`: scopes and template arguments,
 * no parameter list, no Rust hash, no clone suffix.  false: it is not a C++ or
 * Rust name, `out` is undefined.
 */
bool demangle_name(const char *name, char *out, size_t size);

/*
 * Writes a symbol's name as it is shown: demangled, or else without its
 * version ("@@GLIBC_2.2.5") and without what the compiler appends to the parts
 * and copies of a function (".cold", ".isra.0").
 */
void demangle_symbol(const char *name, char *out, size_t size);

/* Copies `text`, cut to fit between characters, with "…" if it was cut. */
void name_copy(char *out, size_t size, const char *text);

#endif
