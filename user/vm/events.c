/* SPDX-License-Identifier: GPL-2.0 */
/* One system call is one row of `calls`: what its beginning and its end do. */
#include "vm/events.h"

#include <errno.h>
#include <linux/mman.h>
#include <sys/mman.h>

#define PAGE MS_PAGE
#define ADDRESS_MAX MS_ADDRESS_MAX
#define ERRNO_MAX 4095 /* include/linux/err.h */

/* Newer than Debian 12's headers, or not in them. */
#define ADVICE_FREE 8
#define ADVICE_REMOVE 9
#define ADVICE_POPULATE_READ 22 /* 5.14 */
#define ADVICE_POPULATE_WRITE 23
#define ADVICE_DONTNEED_LOCKED 24 /* 5.18 */
#define MAP_TYPE_SHARED_VALIDATE 3
#define REMAP_DONTUNMAP 4 /* 5.7 */
#define HUGE_SHIFT 26
#define HUGE_MASK 63

struct call {
	struct vm_account *account;
	const struct ms_vm_event *e;
	uint64_t huge_page;
	struct vm_populated *populated;
};

static bool has_failed(const struct ms_vm_event *e)
{
	return e->result < 0 && e->result >= -ERRNO_MAX;
}

/* The end of a range as the kernel rounds it; `start` itself if there is no such range. */
static uint64_t end_of(uint64_t start, uint64_t length, uint64_t page)
{
	uint64_t end;

	if (start > ADDRESS_MAX || length > ADDRESS_MAX)
		return start;
	end = (start + length + page - 1) / page * page;
	return end > ADDRESS_MAX ? start : end;
}

static struct vm_mapped mapped_at(const struct ms_vm_event *e, uint64_t start, uint64_t end,
				  uint32_t flags)
{
	return (struct vm_mapped){start, end, e->stack, e->time_ns,
				  flags | (e->by_allocator ? EXTENT_ALLOCATOR : 0)};
}

/* A call that should have mapped memory did not. */
static int failed(struct call *c, int error)
{
	vm_account_failed(c->account);
	return error;
}

static void populate(struct call *c, uint64_t start, uint64_t end)
{
	*c->populated = (struct vm_populated){start, end, c->e->stack};
}

/* ---- mmap, shmat, brk ------------------------------------------------------- */

static int mmap_end(struct call *c)
{
	const struct ms_vm_event *e = c->e;
	uint64_t flags = e->argument[3], start = (uint64_t)e->result, end, page = PAGE;
	uint64_t kind = flags & MAP_TYPE;
	struct vm_mapped mapped;

	if (has_failed(e))
		return failed(c, (int)-e->result);
	if (flags & MAP_HUGETLB)
		page = flags >> HUGE_SHIFT & HUGE_MASK ? 1ULL << (flags >> HUGE_SHIFT & HUGE_MASK)
						       : c->huge_page;
	end = end_of(start, e->argument[1], page);
	if (end <= start)
		return 0;
	mapped = mapped_at(
	    e, start, end,
	    (flags & MAP_ANONYMOUS ? 0 : EXTENT_FILE) |
		(kind == MAP_SHARED || kind == MAP_TYPE_SHARED_VALIDATE ? EXTENT_SHARED : 0));
	if (flags & (MAP_POPULATE | MAP_LOCKED))
		populate(c, start, end);
	return vm_account_map(c->account, &mapped);
}

static int shmat_end(struct call *c)
{
	const struct ms_vm_event *e = c->e;
	uint64_t start = (uint64_t)e->result;
	struct vm_mapped mapped =
	    mapped_at(e, start, start + e->argument[3], EXTENT_FILE | EXTENT_SHARED);

	if (has_failed(e))
		return failed(c, (int)-e->result);
	return e->argument[3] ? vm_account_map(c->account, &mapped) : 0;
}

static int brk_end(struct call *c)
{
	const struct ms_vm_event *e = c->e;
	uint64_t before = end_of(e->argument[1], 0, PAGE), now = end_of(e->result, 0, PAGE);
	struct vm_mapped moved = mapped_at(e, before, now, EXTENT_BREAK);

	if ((uint64_t)e->result < e->argument[0])
		return failed(c, ENOMEM);
	return before != now ? vm_account_brk(c->account, &moved) : 0;
}

/* ---- munmap, shmdt, mremap ---------------------------------------------------- */

static int munmap_begin(struct call *c)
{
	const __u64 *a = c->e->argument;

	return vm_account_begin(c->account, (pid_t)c->e->tid, a[0], end_of(a[0], a[1], PAGE));
}

static int unmap_end(struct call *c)
{
	return vm_account_unmap_end(c->account, (pid_t)c->e->tid, c->e->result == 0, c->e->time_ns);
}

/* What one shmat() mapped, as far as it is still there in one piece. */
static int shmdt_begin(struct call *c)
{
	uint64_t start = c->e->argument[0], end = start;
	const struct extent *x = extents_from(vm_account_extents(c->account), start);
	uint64_t serial = x ? x->serial : 0;

	for (; x && x->start == end && x->serial == serial; x = extents_next(x))
		end = x->end;
	return vm_account_begin(c->account, (pid_t)c->e->tid, start, end);
}

static int mremap_begin(struct call *c)
{
	const __u64 *a = c->e->argument;
	bool leaves = a[3] & REMAP_DONTUNMAP || !a[1];

	return vm_account_begin(c->account, (pid_t)c->e->tid, a[0],
				leaves ? a[0] : end_of(a[0], a[1], PAGE));
}

static int mremap_end(struct call *c)
{
	const struct ms_vm_event *e = c->e;
	uint64_t start = (uint64_t)e->result;
	struct vm_mapped mapped = mapped_at(e, start, end_of(start, e->argument[2], PAGE), 0);

	if (!has_failed(e))
		return vm_account_move_end(c->account, (pid_t)e->tid, &mapped);
	vm_account_move_end(c->account, (pid_t)e->tid, NULL);
	return (int)-e->result;
}

/* ---- what changes no address ---------------------------------------------------- */

static int madvise_end(struct call *c)
{
	const __u64 *a = c->e->argument;
	uint64_t end = end_of(a[0], a[1], PAGE);

	if (has_failed(c->e))
		return 0;
	switch (a[2]) {
	case MADV_DONTNEED:
	case ADVICE_FREE:
	case ADVICE_REMOVE:
	case ADVICE_DONTNEED_LOCKED:
		vm_account_discard(c->account, a[0], end);
		break;
	case ADVICE_POPULATE_READ:
	case ADVICE_POPULATE_WRITE:
		populate(c, a[0], end);
		break;
	default:
		break;
	}
	return 0;
}

static int mlock_end(struct call *c)
{
	const __u64 *a = c->e->argument;

	if (!has_failed(c->e))
		populate(c, a[0] / PAGE * PAGE, end_of(a[0], a[1], PAGE));
	return 0;
}

static int mlockall_end(struct call *c)
{
	if (!has_failed(c->e) && c->e->argument[0] & MCL_CURRENT)
		populate(c, 0, UINT64_MAX);
	return 0;
}

static const struct {
	int (*begin)(struct call *c);
	int (*end)(struct call *c);
} calls[MS_VM_NR] = {
    [MS_VM_mmap] = {NULL, mmap_end},
    [MS_VM_munmap] = {munmap_begin, unmap_end},
    [MS_VM_mremap] = {mremap_begin, mremap_end},
    [MS_VM_brk] = {NULL, brk_end},
    [MS_VM_madvise] = {NULL, madvise_end},
    [MS_VM_mlock] = {NULL, mlock_end},
    [MS_VM_mlock2] = {NULL, mlock_end},
    [MS_VM_mlockall] = {NULL, mlockall_end},
    [MS_VM_shmat] = {NULL, shmat_end},
    [MS_VM_shmdt] = {shmdt_begin, unmap_end},
};

int vm_event_apply(struct vm_account *account, const struct ms_vm_event *event, uint64_t huge_page,
		   struct vm_populated *populated)
{
	struct call c = {account, event, huge_page, populated};
	int (*apply)(struct call * c);

	*populated = (struct vm_populated){0};
	if (event->call >= MS_VM_NR)
		return 0;
	apply = event->begins ? calls[event->call].begin : calls[event->call].end;
	return apply ? apply(&c) : 0;
}

uint64_t vm_event_wanted(const struct ms_vm_event *event)
{
	const __u64 *a = event->argument;

	switch (event->call) {
	case MS_VM_mmap:
		return a[1];
	case MS_VM_mremap:
		return a[2] > a[1] ? a[2] - a[1] : 0;
	case MS_VM_brk:
		return a[0] > a[1] ? a[0] - a[1] : 0;
	default:
		return 0;
	}
}
