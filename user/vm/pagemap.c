/* SPDX-License-Identifier: GPL-2.0 */
/* /proc/PID/pagemap, by ioctl or entry by entry. */
#include "vm/pagemap.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "vm/pagescan.h"
#include "vm/zeropage.h"

#define REGIONS 4096
/* Scanned with the process's memory map locked: not too much at a time. */
#define SCAN_BYTES ((uint64_t)16 << 30)

/* An entry of the file; bits as in Documentation/admin-guide/mm/pagemap.rst. */
#define ENTRY_PRESENT (1ULL << 63)
#define ENTRY_SWAPPED (1ULL << 62)
#define ENTRY_FILE (1ULL << 61)
#define ENTRY_GUARD (1ULL << 58) /* 6.15 */
#define ENTRY_FRAME ((1ULL << 55) - 1)
#define ENTRIES ((size_t)1 << 16) /* read at once: whole huge pages */
/* Entries without a page that are read in one walk, and in one area: half a second. */
#define EMPTY_MAX ((uint64_t)1 << 26)
#define EMPTY_MAX_AREA ((uint64_t)1 << 24)

struct pagemap {
	int fd;
	enum pagemap_way way;
	uint64_t categories; /* that this kernel knows */
	uint64_t page, huge;
	struct zeropage *zero;
	void *buffer; /* of regions or entries */
	uint64_t unread_bytes;
};

struct walk {
	struct pagemap *pagemap;
	const struct areas *areas;
	const struct area *area; /* the last that was looked at */
	pagemap_each *each;
	void *context;
	struct pagemap_range range; /* not given yet: it may grow */
	uint64_t given_bytes;
	uint64_t empty; /* entries read in vain */
};

/* ---- giving ranges -------------------------------------------------------- */

static int flush(struct walk *w)
{
	int err = w->range.start < w->range.end ? w->each(w->context, &w->range) : 0;

	w->range.start = w->range.end;
	return err;
}

static int give(struct walk *w, uint64_t start, uint64_t end, uint32_t flags)
{
	struct pagemap_range *r = &w->range;
	int err;

	w->given_bytes += end - start;
	if (r->start < r->end && r->end == start && r->flags == flags && r->area == w->area) {
		r->end = end;
		return 0;
	}
	err = flush(w);
	*r = (struct pagemap_range){start, end, flags, w->area};
	return err;
}

/* Kernels told the huge zero page from others only lately (2025). */
static int give_huge(struct walk *w, uint64_t start, uint64_t end, uint32_t flags)
{
	const struct pagemap *p = w->pagemap;
	int err = 0;

	while (start < end && !err) {
		uint64_t next = (start & ~(p->huge - 1)) + p->huge;

		if (next > end)
			next = end;
		if (!zeropage_is_at(p->zero, p->fd, start))
			err = give(w, start, next, flags);
		start = next;
	}
	return err;
}

/* Pages of w->area. */
static int give_in_area(struct walk *w, uint64_t start, uint64_t end, uint32_t flags)
{
	uint32_t area = w->area->flags;

	/* Entries of the huge zero page say that it is a file's. */
	if (flags & PAGEMAP_FILE && !(area & (AREA_FILE | AREA_KERNEL)))
		return 0;
	if (flags & (PAGEMAP_FILE | PAGEMAP_SWAPPED) || area & AREA_HUGETLB)
		return give(w, start, end, flags);
	/*
	 * Memory of a device, among pages (VM_MIXEDMAP).  Where there is nothing else
	 * (VM_PFNMAP: also [vvar]) the kernel passes over it.
	 */
	if (area & AREA_SHARED)
		return 0;
	return flags & PAGEMAP_HUGE && w->pagemap->huge ? give_huge(w, start, end, flags)
							: give(w, start, end, flags);
}

/* A range as the kernel has it, over any number of areas. */
static int give_all(struct walk *w, uint64_t start, uint64_t end, uint32_t flags)
{
	const struct area *last = w->areas->items + w->areas->count;
	int err = 0;

	for (; w->area < last && w->area->start < end && !err; w->area++) {
		uint64_t from = start > w->area->start ? start : w->area->start;
		uint64_t to = end < w->area->end ? end : w->area->end;

		if (from < to)
			err = give_in_area(w, from, to, flags);
		if (w->area->end > end)
			break; /* the next range may be of this area too */
	}
	return err;
}

/* ---- by ioctl ---------------------------------------------------------------- */

static int give_region(struct walk *w, const struct pagescan_region *r)
{
	if (r->categories & (PAGESCAN_ZERO | PAGESCAN_GUARD))
		return 0;
	return give_all(w, r->start, r->end,
			(r->categories & PAGESCAN_PRESENT ? PAGEMAP_PRESENT : PAGEMAP_SWAPPED) |
			    (r->categories & PAGESCAN_FILE ? PAGEMAP_FILE : 0) |
			    (r->categories & PAGESCAN_HUGE ? PAGEMAP_HUGE : 0));
}

static int walk_by_scan(struct walk *w)
{
	const struct pagemap *p = w->pagemap;
	const struct pagescan_region *regions = p->buffer;
	const struct area *next;
	uint64_t at = 0, end = w->areas->items[w->areas->count - 1].end;
	int i, n, err = 0;

	while (!err && (next = areas_from(w->areas, at))) {
		uint64_t to;

		if (at < next->start)
			at = next->start;
		to = end - at < SCAN_BYTES ? end : at + SCAN_BYTES;
		n = pagescan(p->fd, p->categories, &at, to, p->buffer, REGIONS);
		for (i = 0; i < n && !err; i++)
			err = give_region(w, &regions[i]);
		if (n < 0)
			return n;
	}
	return err;
}

/* ---- entry by entry ------------------------------------------------------------- */

/* Whether these entries, a huge page's worth, are one: its frames follow each other. */
static bool is_huge(const struct pagemap *p, const uint64_t *entries)
{
	uint64_t i, pages = p->huge / p->page, frame = entries[0] & ENTRY_FRAME;

	if (!frame || frame % pages)
		return false;
	for (i = 0; i < pages; i++)
		if ((entries[i] & (ENTRY_PRESENT | ENTRY_FILE)) != ENTRY_PRESENT ||
		    (entries[i] & ENTRY_FRAME) != frame + i)
			return false;
	return true;
}

/* 0: nothing there that counts. */
static uint32_t flags_of_entry(const struct walk *w, uint64_t entry)
{
	uint32_t flags = entry & ENTRY_FILE ? PAGEMAP_FILE : 0;

	if (entry & ENTRY_PRESENT)
		flags |= PAGEMAP_PRESENT;
	else if (entry & ENTRY_SWAPPED)
		flags |= PAGEMAP_SWAPPED;
	if (entry & ENTRY_GUARD || !(flags & (PAGEMAP_PRESENT | PAGEMAP_SWAPPED)) ||
	    (flags == PAGEMAP_PRESENT && zeropage_is(w->pagemap->zero, entry & ENTRY_FRAME)))
		return 0;
	return w->area->flags & AREA_HUGETLB ? flags | PAGEMAP_HUGE : flags;
}

static int give_entries(struct walk *w, uint64_t start, const uint64_t *entries, size_t count)
{
	const struct pagemap *p = w->pagemap;
	size_t i, step;
	int err = 0;

	for (i = 0; i < count && !err; i += step) {
		uint64_t at = start + i * p->page;
		uint32_t flags = flags_of_entry(w, entries[i]);

		step = 1;
		if (p->huge && flags == PAGEMAP_PRESENT && !(at % p->huge) &&
		    (count - i) * p->page >= p->huge && is_huge(p, &entries[i])) {
			flags |= PAGEMAP_HUGE;
			step = p->huge / p->page;
		}
		if (flags)
			err = give_in_area(w, at, at + step * p->page, flags);
		else
			w->empty++;
	}
	return err;
}

/* What smaps says is there; all of it if smaps was not asked. */
static uint64_t expected(const struct areas *areas, const struct area *area)
{
	if (areas->source == AREAS_SMAPS && !(area->flags & AREA_HUGETLB))
		return area->rss_bytes + area->swap_bytes;
	return area->end - area->start;
}

/* Ends when all is found that smaps promised, or when a reservation is too large for its pages. */
static int walk_area(struct walk *w)
{
	struct pagemap *p = w->pagemap;
	uint64_t at = w->area->start, wanted = expected(w->areas, w->area),
		 chunk = ENTRIES * p->page;
	uint64_t given = w->given_bytes, empty_max = w->empty + EMPTY_MAX_AREA;
	int err = 0;

	if (empty_max > EMPTY_MAX)
		empty_max = EMPTY_MAX;
	while (at < w->area->end && w->given_bytes - given < wanted && !err) {
		uint64_t end = (at & ~(chunk - 1)) + chunk;
		size_t count = ((end < w->area->end ? end : w->area->end) - at) / p->page;
		ssize_t n;

		if (w->empty >= empty_max) {
			if (w->area->rss_bytes > w->given_bytes - given)
				p->unread_bytes += w->area->rss_bytes - (w->given_bytes - given);
			break;
		}
		n = pread(p->fd, p->buffer, count * sizeof(uint64_t),
			  (off_t)(at / p->page * sizeof(uint64_t)));
		if (n < 0)
			return -errno;
		if (!n)
			return -ESRCH;
		count = n / sizeof(uint64_t);
		err = give_entries(w, at, p->buffer, count);
		at += count * p->page;
	}
	return err;
}

static int walk_by_entry(struct walk *w)
{
	const struct areas *areas = w->areas;
	size_t i;
	int err = 0;

	for (i = 0; i < areas->count && !err; i++) {
		w->area = &areas->items[i];
		err = walk_area(w);
	}
	return err;
}

/* ---- the file ---------------------------------------------------------------------- */

int pagemap_walk(struct pagemap *p, const struct areas *areas, pagemap_each *each, void *context)
{
	struct walk w = {
	    .pagemap = p, .areas = areas, .area = areas->items, .each = each, .context = context};
	int err;

	p->unread_bytes = 0;
	if (!areas->count)
		return 0;
	err = p->way == PAGEMAP_BY_SCAN ? walk_by_scan(&w) : walk_by_entry(&w);
	return err ? err : flush(&w);
}

static int choose_way(struct pagemap *p, enum pagemap_way way)
{
	size_t regions = REGIONS * sizeof(struct pagescan_region),
	       entries = ENTRIES * sizeof(uint64_t);
	int err;

	p->buffer = malloc(regions > entries ? regions : entries);
	p->zero = zeropage_new();
	if (!p->buffer || !p->zero)
		return -ENOMEM;
	err = pagescan_categories(p->fd, &p->categories);
	p->way = way == PAGEMAP_BY_ENTRY || err ? PAGEMAP_BY_ENTRY : PAGEMAP_BY_SCAN;
	return way == PAGEMAP_BY_SCAN ? err : 0;
}

int pagemap_open(pid_t pid, enum pagemap_way way, struct pagemap **out)
{
	struct pagemap *p = calloc(1, sizeof(*p));
	char name[64];
	int err;

	if (!p)
		return -ENOMEM;
	snprintf(name, sizeof(name), "/proc/%d/pagemap", pid);
	p->page = (uint64_t)sysconf(_SC_PAGESIZE);
	p->huge = pagemap_huge_size();
	p->fd = open(name, O_RDONLY | O_CLOEXEC);
	if (p->fd < 0)
		err = errno == ENOENT ? -ESRCH : -errno;
	else
		err = choose_way(p, way);
	if (err) {
		pagemap_close(p);
		return err;
	}
	*out = p;
	return 0;
}

void pagemap_close(struct pagemap *p)
{
	if (!p)
		return;
	if (p->fd >= 0)
		close(p->fd);
	zeropage_free(p->zero);
	free(p->buffer);
	free(p);
}

enum areas_source pagemap_areas_source(const struct pagemap *p)
{
	return p->way == PAGEMAP_BY_SCAN ? AREAS_MAPS : AREAS_SMAPS;
}

uint64_t pagemap_unread_bytes(const struct pagemap *p)
{
	return p->unread_bytes;
}

uint64_t pagemap_huge_size(void)
{
	FILE *file = fopen("/sys/kernel/mm/transparent_hugepage/hpage_pmd_size", "re");
	unsigned long long size = 0;

	if (!file)
		return 0;
	if (fscanf(file, "%llu", &size) != 1 || size & (size - 1))
		size = 0;
	fclose(file);
	return size;
}
