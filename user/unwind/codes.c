/* SPDX-License-Identifier: GPL-2.0 */
#include "unwind/codes.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "symbol/intern.h"
#include "unwind/cpython.h"

/*
 * Bytes of names and tables kept.  A large program has 100,000 code objects of
 * 300 bytes; a hostile one may make them without end.
 */
#define BYTES_MAX ((size_t)512 << 20)

struct code {
	const char *function, *file; /* interned */
	struct python_lines lines;   /* its table is interned memory */
	bool gone;
};

struct codes {
	struct intern *memory;
	struct pair_map images; /* (image, 0) -> struct ms_python, ours */
	struct pair_map ids;    /* (id, 0) -> struct code */
	struct pair_map same;   /* content -> struct code */
	struct code gone;       /* what all that are gone share */
	size_t bytes;
	uint64_t gone_count;
};

struct codes *codes_new(void)
{
	struct codes *codes = calloc(1, sizeof(*codes));

	if (!codes)
		return NULL;
	codes->memory = intern_new();
	if (!codes->memory) {
		free(codes);
		return NULL;
	}
	codes->gone = (struct code){.function = "<python: gone>", .file = "", .gone = true};
	return codes;
}

void codes_free(struct codes *codes)
{
	size_t i;

	if (!codes)
		return;
	for (i = 0; i < codes->images.room; i++)
		free(codes->images.slots[i].value);
	pair_map_free(&codes->images);
	pair_map_free(&codes->ids);
	pair_map_free(&codes->same);
	intern_free(codes->memory);
	free(codes);
}

int codes_image(struct codes *codes, uint32_t image, const struct ms_python *python)
{
	struct ms_python *known = pair_map_find(&codes->images, image, 0);
	int err;

	if (known) {
		*known = *python;
		return 0;
	}
	known = malloc(sizeof(*known));
	if (!known)
		return -ENOMEM;
	*known = *python;
	err = pair_map_add(&codes->images, image, 0, known);
	if (err)
		free(known);
	return err;
}

void codes_image_end(struct codes *codes, uint32_t image)
{
	struct ms_python *known = pair_map_find(&codes->images, image, 0);

	/* There is no removing; what matters is that nobody reads by it. */
	if (known)
		*known = (struct ms_python){0};
}

/* FNV-1a, to find equal content; what is found is compared. */
static uint64_t hash_bytes(const uint8_t *data, size_t size)
{
	uint64_t hash = 0xcbf29ce484222325ULL;
	size_t i;

	for (i = 0; i < size; i++)
		hash = (hash ^ data[i]) * 0x100000001b3ULL;
	return hash;
}

static bool same_code(const struct code *a, const struct code *b)
{
	return a->function == b->function && a->file == b->file &&
	       a->lines.minor == b->lines.minor && a->lines.first == b->lines.first &&
	       a->lines.size == b->lines.size &&
	       !memcmp(a->lines.table, b->lines.table, a->lines.size);
}

/* The stored copy of `read`: an equal one if there is one. */
static struct code *code_store(struct codes *codes, const struct python_code *read)
{
	struct code new = {.lines = read->lines}, *code;
	uint64_t a, b;

	new.function = intern_text(codes->memory, read->function, strlen(read->function));
	new.file = intern_text(codes->memory, read->file, strlen(read->file));
	if (!new.function || !new.file)
		return NULL;
	a = (uintptr_t) new.function ^ (uintptr_t) new.file << 20 ^ (uint32_t) new.lines.first;
	b = hash_bytes(new.lines.table, new.lines.size);
	code = pair_map_find(&codes->same, a, b);
	if (code && same_code(code, &new))
		return code;
	if (code) /* another content with this hash: this one is not shared */
		a = b = 0;
	code = intern_alloc(codes->memory, sizeof(*code));
	new.lines.table = intern_alloc(codes->memory, new.lines.size + 1);
	if (!code || !new.lines.table)
		return NULL;
	memcpy(new.lines.table, read->lines.table, new.lines.size);
	*code = new;
	codes->bytes += sizeof(*code) + new.lines.size + strlen(new.function) + strlen(new.file);
	if ((a || b) && pair_map_add(&codes->same, a, b, code))
		return NULL;
	return code;
}

static int code_read(struct codes *codes, pid_t pid, const struct ms_code_key *key,
		     struct code **out)
{
	const struct ms_python *python = pair_map_find(&codes->images, key->image, 0);
	struct python_code read;
	int err;

	if (!python || !python->walk.minor)
		return -ESRCH;
	if (codes->bytes >= BYTES_MAX)
		return -ENOSPC;
	err = python_code_read(pid, python, key->code, key->check, &read);
	if (err)
		return err;
	*out = code_store(codes, &read);
	python_code_free(&read);
	return *out ? 0 : -ENOMEM;
}

int codes_add(struct codes *codes, uint32_t id, pid_t pid, const struct ms_code_key *key)
{
	struct code *code = pair_map_find(&codes->ids, id, 0);
	int err;

	if (code)
		return code->gone ? -ESTALE : 0;
	err = code_read(codes, pid, key, &code);
	if (err) {
		code = &codes->gone;
		codes->gone_count++;
	}
	if (pair_map_add(&codes->ids, id, 0, code))
		return -ENOMEM;
	return err;
}

int codes_add_event(struct codes *codes, const struct ms_code_event *event)
{
	const struct ms_code_key key = {
	    .code = event->code, .check = event->check, .image = event->image};

	return codes_add(codes, event->id, (pid_t)event->tgid, &key);
}

bool codes_frame(const struct codes *codes, uint32_t id, uint32_t unit, const char **function,
		 const char **file, unsigned *line)
{
	const struct code *code = pair_map_find(&codes->ids, id, 0);

	*function = code ? code->function : "<python: unknown>";
	*file = code ? code->file : "";
	*line = code && !code->gone ? python_lines_find(&code->lines, unit) : 0;
	return code && !code->gone;
}

bool codes_known(const struct codes *codes, uint32_t id)
{
	return pair_map_find(&codes->ids, id, 0);
}

uint64_t codes_gone(const struct codes *codes)
{
	return codes->gone_count;
}
