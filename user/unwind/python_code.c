/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A code object read from a running process.  It may be freed at any moment and
 * something else be there, so nothing counts until the check word is seen to be
 * the same after everything has been read.
 */
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "unwind/memory.h"
#include "unwind/cpython.h"

/* Characters of a name or path, bytes of a line table: what is longer is cut. */
#define TEXT_MAX 4096
#define TABLE_MAX ((size_t)1 << 20)

/* PyVarObject and PyASCIIObject on 64-bit machines, all versions without free threading. */
#define OBJECT_TYPE 8
#define OBJECT_SIZE 16 /* ob_size of bytes, length of str */
#define STR_STATE 32   /* kind: bits 2 to 4; compact: bit 5; ascii: bit 6 */
#define BYTES_DATA 32

/* What of an object is read before its size is known; most are no longer. */
#define HEAD_SIZE 384
#define HEAD_LEAST 80 /* the head proper of any of them */

struct object {
	uint64_t address;
	uint8_t head[HEAD_SIZE];
	size_t read;
};

enum { NAME, FILENAME, LINES, OBJECTS };

static uint64_t word(const uint8_t *at)
{
	uint64_t value;

	memcpy(&value, at, sizeof(value));
	return value;
}

/* `size` bytes of an object from `offset` on: from the head if it has them. */
static int object_bytes(pid_t pid, const struct object *o, size_t offset, size_t size, uint8_t *out)
{
	if (offset + size <= o->read) {
		memcpy(out, o->head + offset, size);
		return 0;
	}
	return memory_read(pid, o->address + offset, out, size);
}

static size_t put_utf8(char *out, uint32_t c)
{
	if (c < 0x80) {
		out[0] = (char)c;
		return 1;
	}
	if (c < 0x800) {
		out[0] = (char)(0xc0 | c >> 6);
		out[1] = (char)(0x80 | (c & 63));
		return 2;
	}
	/* Lone surrogates (surrogateescape in file names) have no UTF-8 */
	if (c > 0x10ffff || (c >= 0xd800 && c < 0xe000))
		c = 0xfffd;
	if (c < 0x10000) {
		out[0] = (char)(0xe0 | c >> 12);
		out[1] = (char)(0x80 | (c >> 6 & 63));
		out[2] = (char)(0x80 | (c & 63));
		return 3;
	}
	out[0] = (char)(0xf0 | c >> 18);
	out[1] = (char)(0x80 | (c >> 12 & 63));
	out[2] = (char)(0x80 | (c >> 6 & 63));
	out[3] = (char)(0x80 | (c & 63));
	return 4;
}

/* Characters of 1, 2 or 4 bytes.  A NUL would end the text: it is replaced. */
static char *to_utf8(const uint8_t *data, size_t length, size_t kind)
{
	char *text = malloc(length * 4 + 1);
	size_t i, n = 0;

	for (i = 0; text && i < length; i++) {
		uint32_t c = 0;

		memcpy(&c, data + i * kind, kind); /* little-endian */
		n += put_utf8(text + n, c ? c : 0xfffd);
	}
	if (text)
		text[n] = '\0';
	return text;
}

/* A str object as UTF-8; NULL with *err set. */
static char *read_str(pid_t pid, const struct ms_python_code *look, const struct object *o,
		      int *err)
{
	uint8_t data[4 * TEXT_MAX];
	uint64_t length = word(o->head + OBJECT_SIZE);
	uint32_t state = (uint32_t)word(o->head + STR_STATE);
	size_t kind = state >> 2 & 7, start;
	char *text;

	*err = -EINVAL;
	if (o->read < HEAD_LEAST || word(o->head + OBJECT_TYPE) != look->str_type)
		return NULL;
	/* Names and paths that code objects have are compact: PyUnicode_New(). */
	if (!(state & 0x20) || (kind != 1 && kind != 2 && kind != 4))
		return NULL;
	start = state & 0x40 ? look->ascii_size : look->compact_size;
	if (length > TEXT_MAX)
		length = TEXT_MAX;
	*err = object_bytes(pid, o, start, length * kind, data);
	if (*err)
		return NULL;
	text = to_utf8(data, length, kind);
	if (!text)
		*err = -ENOMEM;
	return text;
}

static int read_table(pid_t pid, const struct ms_python_code *look, const struct object *o,
		      struct python_lines *lines)
{
	uint64_t size = word(o->head + OBJECT_SIZE);

	if (o->read < HEAD_LEAST || word(o->head + OBJECT_TYPE) != look->bytes_type)
		return -EINVAL;
	if (size > TABLE_MAX)
		size = TABLE_MAX;
	lines->table = malloc(size + 1);
	if (!lines->table)
		return -ENOMEM;
	lines->size = size;
	return object_bytes(pid, o, BYTES_DATA, size, lines->table);
}

/*
 * Whether an object's first word is a count of references.  In freed memory all
 * else may be as it was, but there the allocators, pymalloc and malloc, keep
 * their list of free blocks: NULL or an address.  From 3.14 on the count has 32
 * bits and flags are in the upper 16; before, no count gets beyond 32 bits.
 */
static bool is_alive(const uint8_t *object)
{
	uint64_t count = word(object);

	return (uint32_t)count && !(count >> 32 & 0xffff);
}

/* The code object's window; -ESTALE unless it is the one with this check word. */
static int read_window(pid_t pid, const struct ms_python *python, uint64_t code, uint64_t check,
		       uint8_t *window)
{
	size_t size = python->walk.code_size;
	int err;

	if (size > MS_PYTHON_WINDOW)
		return -EINVAL;
	err = memory_read(pid, code, window, size);
	if (err)
		return err == -EFAULT ? -ESTALE : err;
	return is_alive(window) && python_check(window, &python->walk) == check ? 0 : -ESTALE;
}

/* One system call for the heads of all the objects it points to. */
static int read_heads(pid_t pid, const struct ms_python_code *look, const uint8_t *window,
		      struct object *objects)
{
	struct memory_piece pieces[OBJECTS];
	int i, err;

	objects[NAME].address =
	    python_word(window, look->qualname != MS_PYTHON_NONE ? look->qualname : look->name);
	objects[FILENAME].address = python_word(window, look->filename);
	objects[LINES].address = python_word(window, look->lines);
	for (i = 0; i < OBJECTS; i++)
		pieces[i] = (struct memory_piece){.address = objects[i].address,
						  .buffer = objects[i].head,
						  .size = sizeof(objects[i].head)};
	err = memory_read_pieces(pid, pieces, OBJECTS);
	for (i = 0; i < OBJECTS && !err; i++)
		objects[i].read = pieces[i].read;
	return err;
}

int python_code_read(pid_t pid, const struct ms_python *python, uint64_t code, uint64_t check,
		     struct python_code *out)
{
	struct object *objects = calloc(OBJECTS, sizeof(*objects));
	_Alignas(8) uint8_t window[MS_PYTHON_WINDOW] = {0};
	int err, again;

	*out = (struct python_code){.lines = {.minor = python->walk.minor}};
	if (!objects)
		return -ENOMEM;
	err = read_window(pid, python, code, check, window);
	if (!err && word(window + OBJECT_TYPE) != python->code.code_type)
		err = -EINVAL;
	if (err)
		goto out;
	err = read_heads(pid, &python->code, window, objects);
	if (err)
		goto out;
	out->lines.first = (int)python_half(window, python->walk.code_line);
	out->function = read_str(pid, &python->code, &objects[NAME], &err);
	if (!err)
		out->file = read_str(pid, &python->code, &objects[FILENAME], &err);
	if (!err)
		err = read_table(pid, &python->code, &objects[LINES], &out->lines);
	again = read_window(pid, python, code, check, window);
	if (again)
		err = again;
out:
	free(objects);
	if (err)
		python_code_free(out);
	return err;
}

void python_code_free(struct python_code *code)
{
	free(code->function);
	free(code->file);
	free(code->lines.table);
	*code = (struct python_code){0};
}
