/* SPDX-License-Identifier: GPL-2.0 */
/* Which CPython a process runs, and where. */
#include "unwind/cpython.h"

#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "unwind/memory.h"
#include "unwind/python_offsets.h"

/*
 * Smaller than this, _PyEval_EvalFrameDefault only enters the interpreter: a
 * build of 3.14 whose instructions are functions that call each other last.  As
 * one function it has 35,000 bytes and more.
 */
#define TAIL_CALLS_BELOW 8192

static int refuse(char *why, size_t why_size, int err, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

static int refuse(char *why, size_t why_size, int err, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(why, why_size, format, arguments);
	va_end(arguments);
	return err;
}

int python_bias(const struct python_symbols *symbols, uint64_t start, uint64_t end, uint64_t offset,
		uint64_t *bias)
{
	uint64_t eval = symbols->at[PYTHON_SYMBOL_EVAL].address, at;

	/* Where the evaluation loop is in the file; does the mapping show that? */
	at = eval - symbols->code_address + symbols->code_offset;
	if (at < offset || at - offset >= end - start)
		return -ENOENT;
	*bias = start + (at - offset) - eval;
	return 0;
}

/* A function tells: these came with their version and are there to stay, being of the stable ABI.
 */
unsigned python_minor_without_version(const struct python_symbols *symbols)
{
	if (symbols->at[PYTHON_SYMBOL_ITER_SEND].address)
		return 10;
	return symbols->at[PYTHON_SYMBOL_ADD_TYPE].address ? 9 : 0;
}

/* The minor version of version 3, 0 if it is an older one. */
static int read_minor(pid_t pid, const struct python_symbols *symbols, uint64_t bias,
		      unsigned *minor)
{
	uint32_t version;
	int err;

	*minor = 0;
	if (symbols->at[PYTHON_SYMBOL_VERSION].address) {
		err = memory_read(pid, symbols->at[PYTHON_SYMBOL_VERSION].address + bias, &version,
				  sizeof(version));
		if (!err && version >> 24 == 3)
			*minor = version >> 16 & 0xff;
		return err;
	}
	*minor = python_minor_without_version(symbols);
	return 0;
}

static uint64_t address_of(const struct python_symbols *symbols, enum python_symbol which,
			   uint64_t bias)
{
	return symbols->at[which].address ? symbols->at[which].address + bias : 0;
}

static void eval_set(const struct python_symbols *symbols, uint64_t bias,
		     struct ms_python_walk *walk)
{
	uint64_t size = symbols->at[PYTHON_SYMBOL_EVAL].size;

	walk->eval[0][0] = address_of(symbols, PYTHON_SYMBOL_EVAL, bias);
	walk->eval[0][1] = walk->eval[0][0] + size;
	if (symbols->cold_size) {
		walk->eval[1][0] = symbols->cold_address + bias;
		walk->eval[1][1] = walk->eval[1][0] + symbols->cold_size;
	}
	walk->tail_calls = walk->minor >= 14 && size + symbols->cold_size < TAIL_CALLS_BELOW;
}

/*
 * Whether the first interpreter's thread states are where we think they are.
 * Before the interpreter has started there is none, and that is fine.
 */
static int looks_right(pid_t pid, const struct ms_python_walk *walk)
{
	uint64_t interp = 0, state = 0, owner = 0, thread = 0;
	int err = memory_read(pid, walk->interpreters, &interp, sizeof(interp));

	if (err || !interp)
		return err;
	err = memory_read(pid, interp + walk->interp_states, &state, sizeof(state));
	if (err || !state)
		return err;
	err = memory_read(pid, state + walk->state_interp, &owner, sizeof(owner));
	if (!err)
		err = memory_read(pid, state + walk->state_thread, &thread, sizeof(thread));
	if (err || owner != interp || !thread)
		return -ENOTSUP;
	return 0;
}

int python_known(const struct python_symbols *symbols, unsigned minor, char *why, size_t why_size)
{
	if (!minor)
		return refuse(why, why_size, -ENOTSUP, "it is older than Python 3.%d",
			      PYTHON_MINOR_FIRST);
	if (!python_offsets_find(minor))
		return refuse(why, why_size, -ENOTSUP,
			      "Python 3.%u is not known (3.%d to 3.%d are)", minor,
			      PYTHON_MINOR_FIRST, PYTHON_MINOR_LAST);
	if (symbols->at[PYTHON_SYMBOL_REF_DEBUG].address)
		return refuse(why, why_size, -ENOTSUP, "it is a debug build");
	if (!symbols->at[PYTHON_SYMBOL_CODE_TYPE].address ||
	    !symbols->at[PYTHON_SYMBOL_STR_TYPE].address ||
	    !symbols->at[PYTHON_SYMBOL_BYTES_TYPE].address)
		return refuse(why, why_size, -ENOTSUP, "its types have no symbols");
	return 0;
}

int python_detect(pid_t pid, const struct python_symbols *symbols, uint64_t bias,
		  struct ms_python *out, char *why, size_t why_size)
{
	uint64_t runtime = address_of(symbols, PYTHON_SYMBOL_RUNTIME, bias);
	struct python_offsets offsets;
	unsigned minor;
	int err = read_minor(pid, symbols, bias, &minor);

	if (err)
		return refuse(why, why_size, err, "its memory cannot be read: %s", strerror(-err));
	err = python_known(symbols, minor, why, why_size);
	if (err)
		return err;
	offsets = *python_offsets_find(minor);
	if (minor >= PYTHON_MINOR_SAYS) {
		err = python_offsets_read(pid, runtime, &offsets, why, why_size);
		if (err)
			return err;
	}
	*out = (struct ms_python){.walk = offsets.walk, .code = offsets.code};
	out->walk.interpreters = runtime + offsets.interpreters;
	eval_set(symbols, bias, &out->walk);
	out->code.code_type = address_of(symbols, PYTHON_SYMBOL_CODE_TYPE, bias);
	out->code.str_type = address_of(symbols, PYTHON_SYMBOL_STR_TYPE, bias);
	out->code.bytes_type = address_of(symbols, PYTHON_SYMBOL_BYTES_TYPE, bias);
	if (looks_right(pid, &out->walk))
		return refuse(why, why_size, -ENOTSUP,
			      "its structures look like no CPython's we know");
	return 0;
}
