/* SPDX-License-Identifier: GPL-2.0 */
/* Reads jitdump files; names and lines stay in the file until they are asked for. */
#include "arch.h"
#include "symbol/jitdump.h"

#include <elf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "symbol/demangle.h"

#define MAGIC 0x4a695444u /* "JiTD"; the other way round in the other byte order */
#define VERSION 1
#define MACHINE MS_ELF_MACHINE
#define LINES_MAX 65536u /* of one piece of code */
#define LINES_BYTES_MAX ((uint64_t)4 << 20)

enum record_id { CODE_LOAD, CODE_MOVE, CODE_DEBUG_INFO, CODE_CLOSE, CODE_UNWINDING_INFO };

struct header {
	uint32_t magic, version, size, machine, pad, pid;
	uint64_t time, flags;
};

struct record {
	uint32_t id, size;
	uint64_t time;
};

/* A name follows, then the code itself. */
struct load {
	struct record record;
	uint32_t pid, tid;
	uint64_t vma, address, size, index;
};

struct move {
	struct record record;
	uint32_t pid, tid;
	uint64_t vma, old_address, address, size, index;
};

/* `count` entries follow, each with a name behind it. */
struct debug {
	struct record record;
	uint64_t address, count;
};

struct entry {
	uint64_t address;
	uint32_t line, discriminator;
};

/* The entries of one piece of code. */
struct lines {
	uint64_t start;          /* the address their addresses count from */
	uint64_t count, at, end; /* how many, and where in the file */
};

/* ---- a file seen through a window ---------------------------------------- */

struct window {
	int fd;
	uint64_t offset;
	size_t length;
	char bytes[16384];
};

/* Copies `size` bytes from `offset`; false where the file ends before. */
static bool window_get(struct window *w, uint64_t offset, void *out, size_t size)
{
	ssize_t n;

	if (offset < w->offset || offset - w->offset > w->length ||
	    w->length - (size_t)(offset - w->offset) < size) {
		w->offset = offset;
		w->length = 0;
		n = pread(w->fd, w->bytes, sizeof(w->bytes), (off_t)offset);
		if (n < 0 || (size_t)n < size)
			return false;
		w->length = (size_t)n;
	}
	memcpy(out, w->bytes + (offset - w->offset), size);
	return true;
}

/* Copies the string at `offset`, cut to fit, up to `limit`; where it ends, or 0 if it does not. */
static uint64_t window_text(struct window *w, uint64_t offset, uint64_t limit, char *out,
			    size_t size)
{
	size_t used = 0;
	char c = 1;

	for (; offset < limit && window_get(w, offset, &c, 1) && c; offset++)
		if (used + 1 < size)
			out[used++] = c;
	out[used] = '\0';
	return c ? 0 : offset + 1;
}

/* ---- records --------------------------------------------------------------- */

/* Offsets are kept as pointers: a map has nothing else.  None of them is 0. */
static void remember(struct jitdump *d, uint64_t index, unsigned what, uint64_t offset)
{
	if (offset && !pair_map_find(&d->loads, index, what))
		pair_map_add(&d->loads, index, what, (void *)(uintptr_t)offset);
}

static uint64_t recall(const struct jitdump *d, uint64_t index, unsigned what)
{
	return (uintptr_t)pair_map_find(&d->loads, index, what);
}

static int take_load(struct jitdump *d, struct window *w, struct jit_codes *codes,
		     struct budget *budget)
{
	struct jit_code code = {.name = d->offset};
	struct load load;

	if (!window_get(w, d->offset, &load, sizeof(load)) || load.record.size < sizeof(load) ||
	    __builtin_add_overflow(load.address, load.size, &code.end))
		return -EBADMSG;
	code.start = load.address;
	code.time = load.record.time;
	if (d->lines_start == load.address)
		code.lines = d->lines;
	d->lines = 0;
	/* Without room to remember it, it has no name where it moves to. */
	if (budget_take(budget, 4 * sizeof(struct pair_slot))) {
		remember(d, load.index, 0, code.name);
		remember(d, load.index, 1, code.lines);
	}
	return jit_codes_add(codes, &code, budget);
}

static int take_move(struct jitdump *d, struct window *w, struct jit_codes *codes,
		     struct budget *budget)
{
	struct jit_code code = {0};
	struct move move;

	if (!window_get(w, d->offset, &move, sizeof(move)) || move.record.size < sizeof(move) ||
	    __builtin_add_overflow(move.address, move.size, &code.end))
		return -EBADMSG;
	code.start = move.address;
	code.time = move.record.time;
	code.name = recall(d, move.index, 0);
	code.lines = recall(d, move.index, 1);
	return code.name ? jit_codes_add(codes, &code, budget) : 0;
}

static int take_debug(struct jitdump *d, struct window *w)
{
	struct debug debug;

	if (!window_get(w, d->offset, &debug, sizeof(debug)) || debug.record.size < sizeof(debug))
		return -EBADMSG;
	d->lines = d->offset;
	d->lines_start = debug.address;
	return 0;
}

static int take_record(struct jitdump *d, struct window *w, const struct record *record,
		       struct jit_codes *codes, struct budget *budget)
{
	switch (record->id) {
	case CODE_LOAD:
		return take_load(d, w, codes, budget);
	case CODE_MOVE:
		return take_move(d, w, codes, budget);
	case CODE_DEBUG_INFO:
		return take_debug(d, w);
	case CODE_CLOSE:
		d->closed = true;
		return 0;
	default:
		return 0; /* unwinding information, and what later versions add */
	}
}

static int begin(struct jitdump *d, struct window *w)
{
	struct header header;

	if (!window_get(w, 0, &header, sizeof(header)))
		return 0; /* not yet written */
	if (header.magic != MAGIC || header.version != VERSION || header.machine != MACHINE ||
	    header.size < sizeof(header))
		return -ENOEXEC;
	d->offset = header.size;
	return 0;
}

int jitdump_read(struct jitdump *d, int fd, struct jit_codes *codes, struct budget *budget)
{
	struct window *w = calloc(1, sizeof(*w));
	struct record record;
	struct stat st;
	int err = 0;

	if (!w || fstat(fd, &st)) {
		free(w);
		return w ? -errno : -ENOMEM;
	}
	w->fd = fd;
	if (!d->offset)
		err = begin(d, w);
	while (!err && d->offset && !d->closed &&
	       window_get(w, d->offset, &record, sizeof(record))) {
		if (record.size < sizeof(record)) {
			err = -EBADMSG;
			break;
		}
		/* What is not written to its end is read the next time. */
		if (record.size > (uint64_t)st.st_size - d->offset)
			break;
		if (!budget_take(budget, sizeof(record)))
			err = -EFBIG;
		if (!err)
			err = take_record(d, w, &record, codes, budget);
		d->offset += record.size;
	}
	free(w);
	return err;
}

/* ---- names and lines ------------------------------------------------------- */

void jitdump_name(int fd, const struct jit_code *code, char *name, size_t size)
{
	struct window w = {.fd = fd};
	struct record record;

	*name = '\0';
	if (window_get(&w, code->name, &record, sizeof(record)) && record.id == CODE_LOAD)
		window_text(&w, code->name + sizeof(struct load), code->name + record.size, name,
			    size);
}

/*
 * Entries come in the order of addresses: the last one that is not above
 * `offset` in the code is for it.  A name of 0xff alone is that of the entry
 * before.
 */
static bool find_line(struct window *w, const struct lines *lines, uint64_t offset, char *file,
		      size_t size, unsigned *line)
{
	char name[NAME_SIZE], last[NAME_SIZE] = "";
	uint64_t i, at = lines->at;
	struct entry entry;
	unsigned number = 0;

	for (i = 0; i < lines->count && i < LINES_MAX; i++) {
		if (at + sizeof(entry) >= lines->end || !window_get(w, at, &entry, sizeof(entry)))
			break;
		at = window_text(w, at + sizeof(entry), lines->end, name, sizeof(name));
		if (!at || entry.address - lines->start > offset)
			break;
		if (strcmp(name, "\xff") != 0)
			strcpy(last, name);
		number = entry.line;
	}
	if (!*last || !number)
		return false;
	name_copy(file, size, last);
	*line = number;
	return true;
}

bool jitdump_line(int fd, const struct jit_code *code, uint64_t address, char *file, size_t size,
		  unsigned *line)
{
	struct window w = {.fd = fd};
	struct lines lines;
	struct debug debug;
	struct load load;

	if (!code->lines || !window_get(&w, code->name, &load, sizeof(load)) ||
	    !window_get(&w, code->lines, &debug, sizeof(debug)) ||
	    debug.record.id != CODE_DEBUG_INFO || debug.record.size < sizeof(debug))
		return false;
	lines.start = load.address; /* where the code was loaded, wherever it is now */
	lines.count = debug.count;
	lines.at = code->lines + sizeof(debug);
	lines.end = code->lines + debug.record.size;
	if (lines.end - lines.at > LINES_BYTES_MAX)
		lines.end = lines.at + LINES_BYTES_MAX;
	return find_line(&w, &lines, address - code->start, file, size, line);
}

void jitdump_free(struct jitdump *d)
{
	pair_map_free(&d->loads);
	*d = (struct jitdump){0};
}
