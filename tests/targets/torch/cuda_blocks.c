/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A program on the double of PyTorch's caching allocator, with a ledger of its own, which it
 * leaves as JSON in $LEDGER/blocks.PID: what it asked for and what that takes, by device.
 *
 *   cuda_blocks           devices, streams, blocks that share a segment, no memory, no tracepoint
 *   cuda_blocks attach    says `ready` with blocks held, waits for a line, goes on
 *   cuda_blocks wait      the same as without, then says `ready`, waits for a line, and writes
 *   cuda_blocks tidy      one device, what comes together goes together: no small block holds a
 *                         segment
 *   cuda_blocks expand    with expandable segments
 */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "c10.h"

#define KIB ((uint64_t)1 << 10)
#define MIB ((uint64_t)1 << 20)
#define DEVICES 2
#define HELD_MAX 256
#define UNTOLD UINT64_MAX /* no tracepoint says what was asked for */

struct held {
	void *ptr;
	uint64_t asked, takes; /* bytes; `asked`: UNTOLD, or as the tracepoint says */
	int64_t stream;
	int device;
};

struct gauges {
	uint64_t reserved, allocated, requested, untold;
};

static struct held held[HELD_MAX];
static struct sums {
	uint64_t allocs, alloc_bytes, frees, freed_bytes, live, peak, failed;
} sums;
static struct gauges now[DEVICES], at_peak[DEVICES];
static uint64_t reserved_peak[DEVICES];
static uint64_t unknown_frees;
static unsigned traced;
static int before; /* there are blocks that nobody saw come */

static void expect(int truth, const char *what)
{
	if (truth)
		return;
	fprintf(stderr, "cuda_blocks: %s\n", what);
	exit(1);
}

/* ---- the ledger -------------------------------------------------------------------- */

/* What the allocator says of itself must be what we count. */
static void look(int device)
{
	struct caching_stats stats = caching_stats(device);

	now[device].reserved = stats.reserved;
	expect(stats.allocated == now[device].allocated, "the double's sizes are not as foreseen");
	if (stats.reserved > reserved_peak[device])
		reserved_peak[device] = stats.reserved;
	if (now[device].allocated > at_peak[device].allocated)
		at_peak[device] = now[device];
}

static struct held *note(void *ptr, uint64_t asked, uint64_t takes, int device, int64_t stream)
{
	struct held *h = held;

	if (!ptr) {
		sums.failed++;
		return NULL;
	}
	while (h->ptr)
		h++;
	expect(h < held + HELD_MAX - 1, "too many blocks");
	*h = (struct held){ptr, asked, takes, stream, device};
	sums.allocs++;
	sums.alloc_bytes += takes;
	sums.live += takes;
	if (sums.live > sums.peak)
		sums.peak = sums.live;
	now[device].allocated += takes;
	if (asked == UNTOLD)
		now[device].untold += takes;
	else
		now[device].requested += asked;
	look(device);
	if (caching_is_traced() > traced)
		traced = caching_is_traced();
	return h;
}

static struct held *take(uint64_t bytes, uint64_t takes, int device, int64_t stream)
{
	void *ptr = caching_allocate(bytes, device, stream);

#ifdef TORCH_1_13
	bytes = UNTOLD;
#endif
	return note(ptr, bytes, takes, device, stream);
}

static struct held *take_raw(uint64_t bytes, uint64_t takes, int device)
{
	return note(caching_raw_alloc(bytes, device, 0), UNTOLD, takes, device, 0);
}

static void give(struct held *h)
{
	if (h->asked == UNTOLD) {
		caching_raw_delete(h->ptr);
		now[h->device].untold -= h->takes;
	} else {
		caching_delete(h->ptr);
		now[h->device].requested -= h->asked;
	}
	sums.frees++;
	sums.freed_bytes += h->takes;
	sums.live -= h->takes;
	now[h->device].allocated -= h->takes;
	look(h->device);
	h->ptr = NULL;
}

static void put_gauges(FILE *out, const struct gauges *g)
{
	fprintf(out,
		"{\"reserved_bytes\":%lu,\"allocated_bytes\":%lu,\"requested_bytes\":%lu,"
		"\"untold_bytes\":%lu}",
		g->reserved, g->allocated, g->requested, g->untold);
}

static void put_devices(FILE *out)
{
	const char *separator = "";

	fputs("\"devices\":{", out);
	for (int i = 0; i < DEVICES; i++) {
		if (!reserved_peak[i])
			continue;
		fprintf(out, "%s\"cuda:%d\":{\"reserved_peak_bytes\":%lu,\"now\":", separator, i,
			reserved_peak[i]);
		put_gauges(out, &now[i]);
		fputs(",\"at_peak\":", out);
		put_gauges(out, &at_peak[i]);
		fputs("}", out);
		separator = ",";
	}
	fputs("},\n", out);
}

static void put_blocks(FILE *out)
{
	const char *separator = "";

	fputs("\"blocks\":[", out);
	for (const struct held *h = held; h < held + HELD_MAX; h++) {
		if (!h->ptr)
			continue;
		fprintf(out, "%s\n{\"device\":\"cuda:%d\",\"block_bytes\":%lu", separator,
			h->device, h->takes);
		if (h->asked == UNTOLD)
			fputs(",\"requested_bytes\":null,\"stream\":null}", out);
		else
			fprintf(out, ",\"requested_bytes\":%lu,\"stream\":%ld}", h->asked,
				h->stream);
		separator = ",";
	}
	fputs("]}\n", out);
}

/* $LEDGER/NAME.PID, whole when it is there. */
static void leave(const char *name, int whole)
{
	char path[PATH_MAX], temporary[PATH_MAX];
	FILE *out;

	snprintf(path, sizeof(path), "%s/%s.%d", getenv("LEDGER"), name, getpid());
	snprintf(temporary, sizeof(temporary), "%s/.%s.%d", getenv("LEDGER"), name, getpid());
	out = fopen(temporary, "w");
	expect(!!out, "no ledger can be written");
	if (whole) {
		fprintf(out, "{\"pid\":%d,\"traced\":%u,\"traced_at_end\":%u,\"before\":%s,\n",
			getpid(), traced, caching_is_traced(), before ? "true" : "false");
		fprintf(out,
			"\"sum\":{\"allocs\":%lu,\"alloc_bytes\":%lu,\"frees\":%lu,"
			"\"freed_bytes\":%lu,\"live\":%lu,\"live_bytes\":%lu,"
			"\"peak_bytes\":%lu,\"failed\":%lu,\"unknown_frees\":%lu},\n",
			sums.allocs, sums.alloc_bytes, sums.frees, sums.freed_bytes,
			sums.allocs - sums.frees, sums.live, sums.peak, sums.failed, unknown_frees);
		put_devices(out);
		put_blocks(out);
	}
	expect(!fclose(out) && !rename(temporary, path), "no ledger can be written");
}

static void wait_for_a_line(void)
{
	char line[16];

	leave("ready", 0);
	expect(!!fgets(line, sizeof(line), stdin), "no line came");
}

/* ---- what the program does ------------------------------------------------------------ */

static void sizes_and_streams(void)
{
	struct held *gone = take(1, 512, 0, 0);

	take(512, 512, 0, 0);
	take(513, 1024, 0, 7);
	take(MIB, MIB, 0, 7); /* the last one of the small ones */
	take(MIB + 1, MIB + 512, 1, 0);
	take(3 * MIB - 100, 3 * MIB, 1, -5);
	give(gone);
	take(300, 512, 0, 0); /* where that was */
	/* What is left of its segment is too little to split off. */
	take(11 * MIB, 12 * MIB, 1, 3);
	take_raw(8 * MIB + 300, 8 * MIB + 512, 0);
	give(take_raw(4000, 4096, 1));
}

static void no_memory(void)
{
	struct held *most = take(6000 * MIB, 6000 * MIB, 1, 0);

	expect(!take(4000 * MIB, 0, 1, 0), "there was memory");
	give(most);
	/* What is cached is given back, and then there is enough. */
	give(take(7000 * MIB, 7000 * MIB, 1, 1));
	caching_empty_cache();
	look(1);
	give(take(600, 1024, 1, 0)); /* tells it */
}

/* A small block that stays where a large one was: it holds all of its segment. */
static struct held *pin(uint64_t bytes)
{
	return take(bytes, (bytes + 511) / 512 * 512, 0, 2);
}

/* Two segments of 20 MiB, of which 6 and 2 MiB are held. */
static void fragment(int together)
{
	struct held *large[4], *small[4];

	for (int i = 0; i < 4; i++) {
		large[i] = take(7 * MIB, 7 * MIB, 0, 2);
		small[i] = pin(2 * MIB - 7);
	}
	for (int i = 0; i < 4; i++)
		give(large[i]);
	for (int i = 0; together && i < 4; i++)
		give(small[i]);
}

/* A block that lies in two pages of 20 MiB, a quarter of each. */
static struct held *span(void)
{
	return take(10 * MIB, 10 * MIB, 0, 9);
}

/* Mapped pages: blocks across them, pages that are cached, one that cannot be had. */
static void expand(void)
{
	struct held *first = take(15 * MIB - 9, 15 * MIB, 0, 9);

	span();
	give(first);
	give(take(40 * MIB, 40 * MIB, 0, 11));
	take(777, 1024, 1, 0);
	take(3000 * MIB, 3000 * MIB, 1, 0);
	take(3000 * MIB, 3000 * MIB, 1, 1);
	expect(!take(3000 * MIB, 0, 1, 2), "there was memory");
	give(take(50 * MIB, 50 * MIB, 1, 3));
}

/* Blocks that nobody saw come: not in the ledger, but for what the allocator says. */
static void blocks_before(void)
{
	void *ptr = caching_allocate(5 * MIB, 0, 0);

	expect(!!ptr && !!caching_allocate(777, 0, 0), "no memory");
	before = 1;
	now[0].allocated = now[0].untold = 5 * MIB + 1024;
	wait_for_a_line();
	now[0].allocated = now[0].untold = 1024;
	caching_delete(ptr);
	unknown_frees++;
	look(0);
}

int main(int argc, char **argv)
{
	const char *how = argc > 1 ? argv[1] : "";

	if (!strcmp(how, "attach"))
		blocks_before();
	if (!strcmp(how, "tidy")) {
		fragment(1);
	} else if (!strcmp(how, "expand")) {
		expand();
	} else {
		sizes_and_streams();
		no_memory();
		fragment(0);
	}
	if (!strcmp(how, "wait"))
		wait_for_a_line();
	leave("blocks", 1);
	return 0;
}
