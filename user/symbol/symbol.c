/* SPDX-License-Identifier: GPL-2.0 */
/* The symboliser: modules by id, answers remembered, names for what is unknown. */
#include "symbol/symbol.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "symbol/debugfile.h"
#include "symbol/debuginfo.h"
#include "symbol/demangle.h"
#include "symbol/elfsym.h"
#include "symbol/image.h"
#include "symbol/intern.h"
#include "symbol/starts.h"

/* The share of the machine's memory that may be spent on the targets' files. */
#define BUDGET_SHARE 4
#define BUDGET_MIN ((uint64_t)256 << 20)

static const char no_memory[] = "[out of memory]";

struct module {
	int fd; /* -1: none, or handed to `main` */
	const char *path;
	bool opened;
	bool incomplete; /* something was left out, for lack of memory or time */
	struct image main, debug, mini;
	struct elfsyms symbols;
	struct debuginfo *debuginfo;
	struct starts starts;
};

struct answer {
	size_t count;
	struct frame frames[];
};

struct symbols {
	struct intern *strings;
	struct pair_map modules; /* id -> struct module */
	struct pair_map answers; /* (id, offset) -> struct answer */
	struct debug_roots roots;
	struct budget budget;
};

static uint64_t budget_size(void)
{
	long pages = sysconf(_SC_PHYS_PAGES), size = sysconf(_SC_PAGESIZE);
	uint64_t share =
	    pages > 0 && size > 0 ? (uint64_t)pages * (uint64_t)size / BUDGET_SHARE : 0;

	return share > BUDGET_MIN ? share : BUDGET_MIN;
}

struct symbols *symbols_new(void)
{
	struct symbols *s = calloc(1, sizeof(*s));

	if (!s)
		return NULL;
	s->strings = intern_new();
	if (!s->strings) {
		free(s);
		return NULL;
	}
	debug_roots_init(&s->roots);
	s->budget.left = budget_size();
	return s;
}

static void module_free(struct module *m)
{
	starts_free(&m->starts);
	debuginfo_close(m->debuginfo);
	elfsyms_free(&m->symbols);
	image_close(&m->mini);
	image_close(&m->debug);
	image_close(&m->main);
	if (m->fd >= 0)
		close(m->fd);
	free(m);
}

void symbols_free(struct symbols *s)
{
	size_t i;

	if (!s)
		return;
	for (i = 0; i < s->modules.room; i++) {
		if (s->modules.slots[i].value)
			module_free(s->modules.slots[i].value);
	}
	pair_map_free(&s->modules);
	pair_map_free(&s->answers);
	debug_roots_free(&s->roots);
	intern_free(s->strings);
	free(s);
}

int symbols_add_root(struct symbols *s, int fd)
{
	return debug_roots_add(&s->roots, fd);
}

/* ---- modules ----------------------------------------------------------- */

static struct module *module_new(struct symbols *s, uint32_t id, const char *path)
{
	struct module *m = calloc(1, sizeof(*m));

	if (!m)
		return NULL;
	m->fd = m->main.fd = m->debug.fd = m->mini.fd = -1;
	m->path = intern_text(s->strings, path ? path : "", SIZE_MAX);
	if (!m->path || pair_map_add(&s->modules, id, 0, m)) {
		module_free(m);
		return NULL;
	}
	return m;
}

int symbols_add_module(struct symbols *s, uint32_t id, int fd, const char *path)
{
	struct module *m = pair_map_find(&s->modules, id, 0);

	if (!id)
		return -EINVAL;
	if (!m)
		m = module_new(s, id, path);
	if (!m)
		return -ENOMEM;
	if (fd < 0 || m->fd >= 0 || m->opened)
		return 0;
	m->fd = fcntl(fd, F_DUPFD_CLOEXEC, 3);
	return m->fd < 0 ? -errno : 0;
}

/* The module's own DWARF, or else that of its debug file. */
static void module_open_debuginfo(struct symbols *s, struct module *m)
{
	const struct debuginfo_context context = {s->strings, &s->roots, &s->budget};

	if (debuginfo_open(&m->debuginfo, &m->main, &m->main, &context) != -ENOENT)
		return;
	if (!debugfile_open(&s->roots, &m->main, m->path, &m->debug, &s->budget))
		debuginfo_open(&m->debuginfo, &m->debug, &m->main, &context);
}

/* What cannot be read stays unknown; its frames then show module and offset. */
static void module_open(struct symbols *s, struct module *m)
{
	int fd = m->fd;

	m->opened = true;
	m->fd = -1;
	if (fd < 0 || image_open(&m->main, fd))
		return;
	module_open_debuginfo(s, m);
	minidebug_open(&m->main, &m->mini, &s->budget);
	elfsyms_collect(&m->symbols, &m->main, &s->budget);
	if (m->debug.elf)
		elfsyms_collect(&m->symbols, &m->debug, &s->budget);
	if (m->mini.elf)
		elfsyms_collect(&m->symbols, &m->mini, &s->budget);
	elfsyms_finish(&m->symbols, &m->main);
	starts_read(&m->starts, &m->main, &s->budget);
	/* Modules come by the hundred; what is needed of this one is in memory now. */
	image_detach(&m->main);
	image_detach(&m->debug);
}

/* ---- names for what has none ------------------------------------------- */

static const char *intern_name(struct symbols *s, const char *name)
{
	char bounded[NAME_SIZE];
	const char *text;

	name_copy(bounded, sizeof(bounded), name);
	text = intern_text(s->strings, bounded, sizeof(bounded));
	return text ? text : no_memory;
}

/* The last component of a path, without " (deleted)" and a pseudo file's brackets. */
static void module_label(const struct module *m, char *out, size_t size)
{
	static const char deleted[] = " (deleted)";
	const char *path = m && *m->path ? m->path : "unknown", *slash = strrchr(path, '/');
	size_t length;

	name_copy(out, size, slash && slash[1] ? slash + 1 : path);
	length = strlen(out);
	if (length > strlen(deleted) && !strcmp(out + length - strlen(deleted), deleted))
		out[length -= strlen(deleted)] = '\0';
	if (length > 2 && out[0] == '[' && out[length - 1] == ']') {
		out[length - 1] = '\0';
		memmove(out, out + 1, length - 1);
	}
}

/*
 * Where the function starts that the code at `offset` belongs to, an offset too;
 * `offset` itself if that is not known.
 */
static uint64_t function_start(const struct module *m, uint64_t offset)
{
	uint64_t address, start;

	if (!m || !m->main.elf || !image_address(&m->main, offset, &address))
		return offset;
	/* Segments that overlap may have led elsewhere. */
	if (!starts_find(&m->starts, &m->main, address, &start) || address - start > offset)
		return offset;
	return offset - (address - start);
}

/*
 * By the function's start and not by `offset`: there are as many of those as
 * calls in it, and it is one function.
 */
static const char *unknown_name(struct symbols *s, uint32_t id, const struct module *m,
				uint64_t offset)
{
	char label[NAME_SIZE / 2], text[NAME_SIZE];

	if (id) {
		module_label(m, label, sizeof(label));
		snprintf(text, sizeof(text), "[%s+0x%" PRIx64 "]", label,
			 function_start(m, offset));
	} else {
		snprintf(text, sizeof(text), "[0x%" PRIx64 "]", offset);
	}
	return intern_name(s, text);
}

static const char *stub_name(struct symbols *s, const struct module *m)
{
	char label[NAME_SIZE / 2], text[NAME_SIZE];

	module_label(m, label, sizeof(label));
	snprintf(text, sizeof(text), "[%s.plt]", label);
	return intern_name(s, text);
}

/* ---- lookups ----------------------------------------------------------- */

/* The name that the symbol tables give an address, interned, or NULL. */
static const char *symbol_name(struct symbols *s, const struct module *m, uint64_t address)
{
	const char *symbol = elfsyms_find(&m->symbols, address);
	char name[NAME_SIZE];

	if (!symbol)
		return NULL;
	demangle_symbol(symbol, name, sizeof(name));
	return intern_name(s, name);
}

/*
 * Names the function that the code at `address` belongs to.  DWARF's name is
 * the one in the source, such as __libc_malloc: where a symbol gives the same
 * code a more public name, people know it by that.
 */
static const char *function_name(struct symbols *s, const struct module *m, uint64_t address,
				 const char *dwarf_name)
{
	const char *symbol;

	if (dwarf_name && *dwarf_name != '_')
		return dwarf_name;
	symbol = symbol_name(s, m, address);
	if (!dwarf_name || (symbol && strspn(symbol, "_") < strspn(dwarf_name, "_")))
		return symbol;
	return dwarf_name;
}

static size_t module_calls(struct symbols *s, struct module *m, uint64_t offset, struct call *calls,
			   size_t max)
{
	uint64_t address;
	size_t n = 0;

	if (!m->opened)
		module_open(s, m);
	if (!m->main.elf || !image_address(&m->main, offset, &address))
		return 0;
	if (m->debuginfo)
		n = debuginfo_lookup(m->debuginfo, address, calls, max);
	if (!n)
		calls[n++] = (struct call){0};
	calls[n - 1].function = function_name(s, m, address, calls[n - 1].function);
	if (!calls[n - 1].function && elfsyms_is_stub(&m->symbols, address))
		calls[n - 1].function = stub_name(s, m);
	return n;
}

static size_t module_lookup(struct symbols *s, struct module *m, uint64_t offset,
			    struct call *calls, size_t max)
{
	uint64_t refused = s->budget.refused;
	size_t n = module_calls(s, m, offset, calls, max);

	if (s->budget.refused != refused || (m->debuginfo && debuginfo_exhausted(m->debuginfo)))
		m->incomplete = true;
	return n;
}

static size_t lookup(struct symbols *s, uint32_t id, uint64_t offset, struct frame *frames)
{
	struct module *m = id ? pair_map_find(&s->modules, id, 0) : NULL;
	struct call calls[SYMBOL_INLINE_MAX];
	size_t i, n = m ? module_lookup(s, m, offset, calls, SYMBOL_INLINE_MAX) : 0;

	if (!n)
		calls[n++] = (struct call){0};
	for (i = 0; i < n; i++) {
		frames[i] = (struct frame){
		    .function = calls[i].function,
		    .file = calls[i].file,
		    .module = m && *m->path ? m->path : NULL,
		    .line = calls[i].line,
		    .kind = FRAME_NATIVE,
		    .inlined = calls[i].inlined,
		};
		if (!frames[i].function)
			frames[i].function = unknown_name(s, id, m, offset);
	}
	return n;
}

/* Of more than `max` frames the last is the function itself: it stays. */
static size_t frames_copy(struct frame *to, size_t max, const struct frame *from, size_t count)
{
	if (!max)
		return 0;
	if (count <= max) {
		memcpy(to, from, count * sizeof(*to));
		return count;
	}
	memcpy(to, from, (max - 1) * sizeof(*to));
	to[max - 1] = from[count - 1];
	return max;
}

size_t symbols_resolve(struct symbols *s, uint32_t id, uint64_t offset, struct frame *frames,
		       size_t max)
{
	struct answer *answer = pair_map_find(&s->answers, id, offset);
	struct frame found[SYMBOL_INLINE_MAX];
	size_t n;

	if (answer)
		return frames_copy(frames, max, answer->frames, answer->count);
	n = lookup(s, id, offset, found);
	answer = intern_alloc(s->strings, sizeof(*answer) + n * sizeof(*found));
	if (answer) {
		answer->count = n;
		memcpy(answer->frames, found, n * sizeof(*found));
		/* Without memory to remember it, it will be looked up again. */
		pair_map_add(&s->answers, id, offset, answer);
	}
	return frames_copy(frames, max, found, n);
}

size_t symbols_incomplete(const struct symbols *s)
{
	size_t i, n = 0;

	for (i = 0; i < s->modules.room; i++) {
		const struct module *m = s->modules.slots[i].value;

		n += m && m->incomplete;
	}
	return n;
}

const char *symbols_intern(struct symbols *s, const char *text)
{
	const char *copy = intern_text(s->strings, text, SIZE_MAX);

	return copy ? copy : no_memory;
}

const char *symbols_demangle(struct symbols *s, const char *name)
{
	char readable[NAME_SIZE];

	return symbols_intern(s, demangle_name(name, readable, sizeof(readable)) ? readable : name);
}
