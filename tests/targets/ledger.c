/* SPDX-License-Identifier: GPL-2.0 */
/* The ledger behind every target: see ledger.h. */
#include <fcntl.h>
#include <limits.h>
#include <malloc.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#if defined(__GLIBC__) && !defined(LEDGER_STATIC)
#include <dlfcn.h>
#endif

#include "ledger.h"

struct line {
	atomic_ulong allocs, alloc_bytes, frees, freed_bytes, failed;
};

static const char *const names[] = {
#define X(name) #name,
    LEDGER_KINDS(X)
#undef X
};

static struct line lines[LEDGER_KIND_NR];
static atomic_ulong live_bytes, peak_bytes;
static atomic_ulong foreign_frees, null_frees, damage;

/* ---- writing down ------------------------------------------------------ */

void ledger_note_alloc(struct block *b, enum ledger_kind kind, void *address, size_t size)
{
	if (!address) {
		lines[kind].failed++;
		b->address = NULL;
		return;
	}
	lines[kind].allocs++;
	lines[kind].alloc_bytes += size;
	/* Exact in a process of one thread, which is all that asks for it. */
	unsigned long now = atomic_fetch_add(&live_bytes, size) + size;
	if (now > peak_bytes)
		peak_bytes = now;
	*b = (struct block){.address = address, .size = size, .kind = kind};
}

void ledger_note_free(struct block *b)
{
	if (!b->address) {
		null_frees++;
		return;
	}
	lines[b->kind].frees++;
	lines[b->kind].freed_bytes += b->size;
	live_bytes -= b->size;
	b->address = NULL;
}

void ledger_note_damage(void)
{
	damage++;
}

void ledger_reset(void)
{
	memset(lines, 0, sizeof(lines));
	live_bytes = peak_bytes = foreign_frees = null_frees = damage = 0;
}

/* ---- the calls --------------------------------------------------------- */

void ledger_malloc(struct block *b, size_t size)
{
	ledger_note_alloc(b, LEDGER_malloc, malloc(size), size);
}

void ledger_calloc(struct block *b, size_t count, size_t size)
{
	ledger_note_alloc(b, LEDGER_calloc, calloc(count, size), count * size);
}

/*
 * What a realloc came to.  NULL for a size of zero: the block is gone (glibc,
 * tcmalloc); NULL otherwise: it failed and the old block stays.
 */
static void note_realloc(struct block *b, enum ledger_kind kind, void *address, size_t size)
{
	if (address) {
		if (b->address)
			ledger_note_free(b);
		ledger_note_alloc(b, kind, address, size);
	} else if (b->address && size == 0) {
		ledger_note_free(b);
	} else {
		lines[kind].failed++;
	}
}

void ledger_realloc(struct block *b, size_t size)
{
	note_realloc(b, LEDGER_realloc, realloc(b->address, size), size);
}

void ledger_reallocarray(struct block *b, size_t count, size_t size)
{
	size_t product;
	bool overflow = __builtin_mul_overflow(count, size, &product);

	void *address = reallocarray(b->address, count, size);
	note_realloc(b, LEDGER_reallocarray, address, overflow ? SIZE_MAX : product);
}

void ledger_posix_memalign(struct block *b, size_t alignment, size_t size)
{
	/* A failing call leaves the pointer as it was: memsnoop must not take it for a block. */
	void *address = (void *)0x1000;

	if (posix_memalign(&address, alignment, size))
		address = NULL;
	ledger_note_alloc(b, LEDGER_posix_memalign, address, size);
}

void ledger_aligned_alloc(struct block *b, size_t alignment, size_t size)
{
	ledger_note_alloc(b, LEDGER_aligned_alloc, aligned_alloc(alignment, size), size);
}

void ledger_memalign(struct block *b, size_t alignment, size_t size)
{
	ledger_note_alloc(b, LEDGER_memalign, memalign(alignment, size), size);
}

#ifdef __GLIBC__
void ledger_valloc(struct block *b, size_t size)
{
	ledger_note_alloc(b, LEDGER_valloc, valloc(size), size);
}

void ledger_pvalloc(struct block *b, size_t size)
{
	ledger_note_alloc(b, LEDGER_pvalloc, pvalloc(size), size);
}
#endif

#if defined(__GLIBC__) && !defined(LEDGER_STATIC)
void *ledger_find(const char *function)
{
	Dl_info allocator, owner;
	void *address = dlsym(RTLD_DEFAULT, function);

	if (!address) /* kept for old programs: found by its version only */
		address = dlvsym(RTLD_DEFAULT, function, "GLIBC_2.2.5");
	if (!address || !dladdr(address, &owner) ||
	    !dladdr(dlsym(RTLD_DEFAULT, "malloc"), &allocator))
		return NULL;
	return owner.dli_fbase == allocator.dli_fbase ? address : NULL;
}
#elif defined(__GLIBC__)
void *ledger_find(const char *function)
{
	if (!strcmp(function, "valloc"))
		return valloc;
	return !strcmp(function, "pvalloc") ? pvalloc : NULL;
}
#else /* musl has none of those that are asked for */
void *ledger_find(const char *function)
{
	(void)function;
	return NULL;
}
#endif

void ledger_free(struct block *b)
{
	void *address = b->address;

	ledger_note_free(b);
	free(address);
}

void ledger_free_foreign(struct block *b)
{
	void *address = b->address;

	foreign_frees++;
	b->address = NULL;
	free(address);
}

/* ---- the report -------------------------------------------------------- */

struct text {
	size_t length;
	char bytes[8192 + PATH_MAX];
};

static struct text report;

static void add(const char *format, ...) __attribute__((format(printf, 1, 2)));
static void add(const char *format, ...)
{
	size_t room = sizeof(report.bytes) - report.length;
	va_list args;

	va_start(args, format);
	int length = vsnprintf(report.bytes + report.length, room, format, args);
	va_end(args);
	if (length < 0 || (size_t)length >= room)
		abort();
	report.length += length;
}

static void add_line(const char *prefix, const struct line *l)
{
	add("%sallocs=%lu\n%salloc_bytes=%lu\n", prefix, l->allocs, prefix, l->alloc_bytes);
	add("%sfrees=%lu\n%sfreed_bytes=%lu\n", prefix, l->frees, prefix, l->freed_bytes);
	add("%slive=%lu\n", prefix, l->allocs - l->frees);
	add("%slive_bytes=%lu\n", prefix, l->alloc_bytes - l->freed_bytes);
	add("%sfailed=%lu\n", prefix, l->failed);
}

static void add_lines(void)
{
	struct line sum = {0};
	char prefix[64];

	for (int i = 0; i < LEDGER_KIND_NR; i++) {
		if (!lines[i].allocs && !lines[i].failed)
			continue;
		snprintf(prefix, sizeof(prefix), "%s.", names[i]);
		add_line(prefix, &lines[i]);
		sum.allocs += lines[i].allocs;
		sum.alloc_bytes += lines[i].alloc_bytes;
		sum.frees += lines[i].frees;
		sum.freed_bytes += lines[i].freed_bytes;
		sum.failed += lines[i].failed;
	}
	add_line("", &sum);
}

/* Written under another name first: a test that sees the file sees all of it. */
static void put(const char *name, const char *bytes, size_t length)
{
	const char *directory = getenv("LEDGER");
	char path[PATH_MAX], temporary[PATH_MAX];

	if (!directory)
		return;
	snprintf(path, sizeof(path), "%s/%s.%d", directory, name, getpid());
	snprintf(temporary, sizeof(temporary), "%s/.%s.%d", directory, name, getpid());
	int fd = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	if (fd < 0 || write(fd, bytes, length) != (ssize_t)length || close(fd) ||
	    rename(temporary, path))
		abort();
}

void ledger_write(const char *name)
{
	char exe[PATH_MAX];
	ssize_t length = readlink("/proc/self/exe", exe, sizeof(exe) - 1);

	if (length < 0)
		abort();
	exe[length] = '\0';
	report.length = 0;
	add("name=%s\npid=%d\n", name, getpid());
	add_lines();
	add("peak_bytes=%lu\n", peak_bytes);
	add("foreign_frees=%lu\nnull_frees=%lu\n", foreign_frees, null_frees);
	add("damage=%lu\n", damage);
	/* last and without an end: a path may hold anything */
	add("exe=%s", exe);
	put(name, report.bytes, report.length);
}

void ledger_signal(const char *name)
{
	put(name, "", 0);
}

unsigned long ledger_random(unsigned long *state)
{
	unsigned long x = *state;

	x ^= x << 13;
	x ^= x >> 7;
	x ^= x << 17;
	return *state = x;
}
