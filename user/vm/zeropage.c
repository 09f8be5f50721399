/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Known by /proc/kpageflags.  The small one never changes, so it is looked for
 * once, in a page of our own that is only read; the huge one comes and goes.
 */
#include "vm/zeropage.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#define ENTRY_PRESENT (1ULL << 63)
#define ENTRY_EXCLUSIVE (1ULL << 56) /* mapped once, and so not a zero page */
#define ENTRY_FRAME ((1ULL << 55) - 1)
#define FRAME_IS_ZERO (1ULL << 24) /* KPF_ZERO_PAGE (4.0), small or huge */

struct zeropage {
	int kpageflags; /* -1: we may not read it, and take nothing for a zero page */
	uint64_t small; /* frames, 0: not known */
	uint64_t page;
};

static uint64_t read_word(int fd, uint64_t index)
{
	uint64_t word;

	return pread(fd, &word, sizeof(word), (off_t)(index * sizeof(word))) == sizeof(word) ? word
											     : 0;
}

static uint64_t frame_at(const struct zeropage *z, int pagemap, uint64_t address)
{
	uint64_t entry = read_word(pagemap, address / z->page);

	return entry & ENTRY_PRESENT && !(entry & ENTRY_EXCLUSIVE) ? entry & ENTRY_FRAME : 0;
}

static bool frame_is_zero(const struct zeropage *z, uint64_t frame)
{
	return frame && read_word(z->kpageflags, frame) & FRAME_IS_ZERO;
}

static uint64_t find_small(const struct zeropage *z)
{
	volatile const char *page =
	    mmap(NULL, z->page, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	int pagemap = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
	uint64_t frame = 0;

	if (page != MAP_FAILED && pagemap >= 0 && !*page)
		frame = frame_at(z, pagemap, (uintptr_t)page);
	if (pagemap >= 0)
		close(pagemap);
	if (page != MAP_FAILED)
		munmap((void *)page, z->page);
	return frame_is_zero(z, frame) ? frame : 0;
}

struct zeropage *zeropage_new(void)
{
	struct zeropage *z = calloc(1, sizeof(*z));

	if (!z)
		return NULL;
	z->page = (uint64_t)sysconf(_SC_PAGESIZE);
	z->kpageflags = open("/proc/kpageflags", O_RDONLY | O_CLOEXEC);
	if (z->kpageflags >= 0)
		z->small = find_small(z);
	return z;
}

void zeropage_free(struct zeropage *z)
{
	if (!z)
		return;
	if (z->kpageflags >= 0)
		close(z->kpageflags);
	free(z);
}

bool zeropage_is(const struct zeropage *z, uint64_t frame)
{
	return z->small && frame == z->small;
}

bool zeropage_is_at(const struct zeropage *z, int pagemap, uint64_t address)
{
	return z->kpageflags >= 0 && frame_is_zero(z, frame_at(z, pagemap, address));
}
