/* SPDX-License-Identifier: GPL-2.0 */
#include "expandable.h"

#include <stdlib.h>
#include <string.h>

#include "../gpu/cuda.h"

#define RANGES 32
#define RANGE_BYTES (4ULL << 30)
#define PAGE(small) ((small) ? 2ULL << 20 : 20ULL << 20)
#define PAGES_MAX (RANGE_BYTES / PAGE(true))

static struct range {
	uint64_t address, end;
	int device;
	int64_t stream;
	bool small;
	CUmemGenericAllocationHandle handles[PAGES_MAX];
} ranges[RANGES];

bool expandable_on(void)
{
	const char *how = getenv("PYTORCH_CUDA_ALLOC_CONF");

	return how && strstr(how, "expandable_segments:True");
}

static struct range *range_of(int device, int64_t stream, bool small)
{
	struct range *r = ranges;
	CUdeviceptr address;

	while (r->address && (r->device != device || r->stream != stream || r->small != small))
		if (++r == ranges + RANGES)
			abort();
	if (r->address)
		return r;
	if (cuMemAddressReserve(&address, RANGE_BYTES, 0, 0, 0))
		abort();
	r->address = r->end = address;
	r->device = device;
	r->stream = stream;
	r->small = small;
	return r;
}

static CUmemGenericAllocationHandle *handle_at(struct range *r, uint64_t address)
{
	return &r->handles[(address - r->address) / PAGE(r->small)];
}

static void page_unmap(struct range *r)
{
	uint64_t page = PAGE(r->small);

	r->end -= page;
	if (cuMemUnmap(r->end, page) || cuMemRelease(*handle_at(r, r->end)))
		abort();
}

static bool page_map(struct range *r)
{
	CUmemAllocationProp prop = {.type = 1, .location = {1, r->device}};
	uint64_t page = PAGE(r->small);
	CUmemGenericAllocationHandle handle;

	if (r->end + page > r->address + RANGE_BYTES || cuMemCreate(&handle, page, &prop, 0))
		return false;
	if (cuMemMap(r->end, page, 0, handle, 0))
		abort();
	*handle_at(r, r->end) = handle;
	r->end += page;
	return true;
}

uint64_t expandable_map(int device, int64_t stream, bool small, uint64_t size, uint64_t *mapped)
{
	struct range *r = range_of(device, stream, small);
	uint64_t from = r->end;

	while (r->end - from < size)
		if (!page_map(r)) {
			while (r->end > from)
				page_unmap(r);
			return 0;
		}
	*mapped = r->end - from;
	return from;
}

uint64_t expandable_unmap(int device, int64_t stream, bool small, uint64_t size)
{
	struct range *r = range_of(device, stream, small);
	uint64_t page = PAGE(small), pages = size / page;

	for (uint64_t i = 0; i < pages; i++)
		page_unmap(r);
	return pages * page;
}
