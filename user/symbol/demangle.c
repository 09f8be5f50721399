/* SPDX-License-Identifier: GPL-2.0 */
/* libiberty's demanglers with bounds on input, output and stack. */
#include "symbol/demangle.h"

#include <ctype.h>
#include <setjmp.h>
#include <string.h>

#include <libiberty/demangle.h>

/* What a name may grow to by substitution has no bound; what we read has. */
#define MANGLED_MAX 4096
/*
 * With its default limit libiberty refuses every C++ name longer than this
 * (half of DEMANGLE_RECURSION_LIMIT), and real template names are longer.  For
 * those MANGLED_MAX bounds the recursion: every level takes a byte of input.
 */
#define MANGLED_LIMITED (DEMANGLE_RECURSION_LIMIT / 2)

static const char ellipsis[] = "\xe2\x80\xa6";

struct output {
	char *text;
	size_t used, size;
	jmp_buf full;
};

static void cut(char *text, size_t size)
{
	size_t end = size - sizeof(ellipsis);
	unsigned back;

	/* Not in the middle of a UTF-8 character. */
	for (back = 0; back < 3 && end && ((unsigned char)text[end] & 0xc0) == 0x80; back++)
		end--;
	memcpy(text + end, ellipsis, sizeof(ellipsis));
}

void name_copy(char *out, size_t size, const char *text)
{
	size_t length = strnlen(text, size);

	memcpy(out, text, length < size ? length : size);
	if (length < size)
		out[length] = '\0';
	else
		cut(out, size);
}

static void append(const char *text, size_t length, void *opaque)
{
	struct output *o = opaque;

	if (length >= o->size - o->used) {
		memcpy(o->text + o->used, text, o->size - o->used);
		cut(o->text, o->size);
		/*
		 * The rest may be exponentially long.  The callback forms hold
		 * no memory but their stack, so we may leave from here.
		 */
		longjmp(o->full, 1);
	}
	memcpy(o->text + o->used, text, length);
	o->used += length;
}

typedef int demangler(const char *mangled, int options, demangle_callbackref callback,
		      void *opaque);

static bool demangle_with(demangler *demangle, int options, const char *name, char *out,
			  size_t size)
{
	struct output o = {.text = out, .size = size};

	if (setjmp(o.full))
		return true;
	if (!demangle(name, options, append, &o) || !o.used)
		return false;
	out[o.used] = '\0';
	return true;
}

bool demangle_name(const char *name, char *out, size_t size)
{
	size_t length;
	int options = DMGL_ANSI;

	/* "_Z": C++ and old Rust, "_R": new Rust. */
	if (name[0] != '_' || (name[1] != 'Z' && name[1] != 'R'))
		return false;
	length = strnlen(name, MANGLED_MAX + 1);
	if (length > MANGLED_MAX)
		return false;
	if (demangle_with(rust_demangle_callback, options, name, out, size))
		return true;
	if (length >= MANGLED_LIMITED)
		options |= DMGL_NO_RECURSE_LIMIT;
	return name[1] == 'Z' &&
	       demangle_with(cplus_demangle_v3_callback, options, name, out, size);
}

/* What GCC and clang append; "#": a number follows after another dot. */
static const char *const clone_suffixes[] = {
    ".cold", ".cold#", ".part#", ".isra#", ".constprop#", ".lto_priv#", ".localalias", ".llvm#",
};

/* The length of `name` without the clone suffix that ends it, or `length`. */
static size_t clone_start(const char *name, size_t length)
{
	size_t i, digits = length;

	while (digits && isdigit((unsigned char)name[digits - 1]))
		digits--;
	for (i = 0; i < sizeof(clone_suffixes) / sizeof(*clone_suffixes); i++) {
		const char *suffix = clone_suffixes[i];
		size_t n = strlen(suffix), end = length;

		if (suffix[n - 1] == '#') {
			n--;
			if (digits == length || !digits || name[digits - 1] != '.')
				continue;
			end = digits - 1;
		}
		if (end > n && !memcmp(name + end - n, suffix, n))
			return end - n;
	}
	return length;
}

void demangle_symbol(const char *name, char *out, size_t size)
{
	size_t length, before;
	const char *version;

	if (demangle_name(name, out, size))
		return;
	name_copy(out, size, name);
	version = strchr(out, '@');
	if (version && version != out)
		out[version - out] = '\0';
	length = strlen(out);
	do {
		before = length;
		length = clone_start(out, length);
	} while (length != before);
	out[length] = '\0';
}
