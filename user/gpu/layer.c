/* SPDX-License-Identifier: GPL-2.0 */
/* Calls of the gpu layer, by what they do. */
#include "gpu/layer.h"

#include <errno.h>
#include <stdlib.h>

#include "gpu/account.h"
#include "gpu/contexts.h"
#include "gpu/seen.h"

struct gpu {
	struct gpu_account *account;
	struct gpu_contexts contexts;
	bool from_start;
	uint64_t unread, unknown_device;
};

struct gpu *gpu_new(bool from_start)
{
	struct gpu *g = calloc(1, sizeof(*g));

	if (!g)
		return NULL;
	g->from_start = from_start;
	g->account = gpu_account_new();
	if (!g->account) {
		free(g);
		return NULL;
	}
	return g;
}

void gpu_free(struct gpu *g)
{
	if (!g)
		return;
	gpu_account_free(g->account);
	gpu_contexts_free(&g->contexts);
	free(g);
}

/* ---- where memory is ------------------------------------------------------------------ */

enum location { LOCATION_DEVICE = 1, LOCATION_HOST, LOCATION_HOST_NUMA, LOCATION_HOST_NEAR };

/* CUmemLocation: a kind, and a number. */
static uint32_t located_at(const struct seen *s)
{
	uint64_t word = seen_location(s);

	switch ((uint32_t)word) {
	case LOCATION_DEVICE:
		return GPU_DEVICE(GPU_PLACE_CUDA, word >> 32 & 0xffff);
	case LOCATION_HOST:
	case LOCATION_HOST_NUMA:
	case LOCATION_HOST_NEAR:
		return GPU_DEVICE(GPU_PLACE_PINNED, 0);
	default:
		return GPU_NO_DEVICE;
	}
}

static uint32_t cuda_device(const struct gpu *g, const struct seen *s)
{
	uint32_t device = GPU_NO_DEVICE;

	if (s->call->located)
		return located_at(s);
	if (s->call->of_arg)
		device = gpu_handle_device(&g->contexts, GPU_HANDLES_POOL,
					   seen_argument(s, s->call->of_arg));
	if (device != GPU_NO_DEVICE)
		return device;
	device = gpu_context_device(&g->contexts, (pid_t)s->event->tid);
	return device == GPU_NO_DEVICE ? device : GPU_DEVICE(GPU_PLACE_CUDA, device);
}

/* The device of a new block; the first one where it is not known, which is counted. */
static uint32_t device_of(struct gpu *g, const struct seen *s)
{
	uint32_t place = s->call->place, device = 0;
	uint64_t of = seen_argument(s, s->call->of_arg);

	switch (place) {
	case GPU_PLACE_CUDA:
		device = cuda_device(g, s);
		break;
	case GPU_PLACE_HSA_POOL:
		device = gpu_handle_number(&g->contexts, GPU_HANDLES_HSA, of);
		break;
	case GPU_PLACE_ZE:
		device = gpu_handle_number(&g->contexts, GPU_HANDLES_ZE, of);
		break;
	default:
		break;
	}
	if (device == GPU_NO_DEVICE) {
		g->unknown_device += seen_good(s);
		return GPU_DEVICE(place, 0);
	}
	return place == GPU_PLACE_CUDA ? device : GPU_DEVICE(place, device & 0xffff);
}

/* ---- blocks ------------------------------------------------------------------------------ */

#define CL_MEM_USE_HOST_PTR (1u << 3)

static struct gpu_entry entry_of(struct gpu *g, const struct seen *s)
{
	struct gpu_entry entry = {.stack = s->event->stack, .born_ns = s->event->time_ns};
	bool shared =
	    s->call->shared ||
	    (s->call->flags_arg && seen_argument(s, s->call->flags_arg) & CL_MEM_USE_HOST_PTR);

	if (!seen_size(s, &entry.size))
		g->unread++;
	entry.device = device_of(g, s);
	if (shared) {
		entry.shared = entry.size;
		entry.size = 0;
	}
	return entry;
}

static int add_block(struct gpu *g, const struct seen *s, uint64_t address)
{
	struct gpu_made made = {.key = {s->call->space, address}};

	if (s->call->size == GPU_SIZE_CL_IMAGE && s->event->words[8]) {
		made.silent = true;
		made.of = (struct gpu_key){s->call->space, s->event->words[8]};
		made.entry.born_ns = s->event->time_ns;
		return gpu_account_add(g->account, &made);
	}
	made.entry = entry_of(g, s);
	made.in_context = s->call->in_context;
	if (made.in_context)
		made.context = gpu_context_current(&g->contexts, (pid_t)s->event->tid);
	return gpu_account_add(g->account, &made);
}

/* A mapping or a part: of memory that is counted as what it was made as. */
static int add_silent(struct gpu *g, const struct seen *s, uint64_t address)
{
	struct gpu_made made = {
	    .key = {s->call->space, address},
	    .of = {s->call->of_space, seen_argument(s, s->call->of_arg)},
	    .silent = true,
	    .entry = {.born_ns = s->event->time_ns},
	};

	if (s->call->what == GPU_MAP)
		made.length = seen_argument(s, s->row->size_arg);
	return gpu_account_add(g->account, &made);
}

/* What a call that frees is about; empty where that is known only when it has ended. */
static struct gpu_range range_of(const struct seen *s)
{
	uint64_t address = seen_argument(s, s->row->ptr_arg);
	struct gpu_range range = {s->call->space, address, address + 1};

	if (s->call->what == GPU_UNMAP)
		range.to = address + seen_argument(s, s->row->size_arg);
	if (s->call->what == GPU_LIST)
		range = (struct gpu_range){s->call->space, 0, UINT64_MAX};
	return range;
}

static void drop_list(struct gpu *g, const struct seen *s)
{
	uint64_t count = seen_argument(s, s->row->size_arg) & UINT32_MAX, i;
	struct gpu_key keys[MS_GPU_WORDS];

	if (s->event->unread & MS_GPU_NO_WORDS || count > s->row->desc_nr)
		g->unread++;
	if (s->event->unread & MS_GPU_NO_WORDS)
		count = 0;
	for (i = 0; i < count && i < s->row->desc_nr; i++)
		keys[i] = (struct gpu_key){s->call->space, s->event->words[i]};
	gpu_account_drop(g->account, (pid_t)s->event->tid, keys, i, s->event->time_ns);
}

static void drop_block(struct gpu *g, const struct seen *s)
{
	struct gpu_key key = {s->call->space, seen_argument(s, s->row->ptr_arg)};

	gpu_account_drop(g->account, (pid_t)s->event->tid, &key, 1, s->event->time_ns);
}

/* ---- contexts ------------------------------------------------------------------------------ */

static bool ends_context(const struct seen *s, struct gpu *g, struct gpu_context_end *end)
{
	uint64_t of = seen_argument(s, s->row->ptr_arg);
	bool is_primary = s->call->what != GPU_CONTEXT_END;

	*end = (struct gpu_context_end){.context = of};
	if (is_primary) {
		end->context = gpu_primary_context(&g->contexts, (uint32_t)of);
		end->unknown_too = true;
		end->device = GPU_DEVICE(GPU_PLACE_CUDA, of & 0xffff);
	}
	return is_primary || of;
}

static void end_context(struct gpu *g, const struct seen *s)
{
	pid_t tid = (pid_t)s->event->tid;
	struct gpu_context_end end;

	ends_context(s, g, &end);
	if (s->call->what == GPU_PRIMARY_RELEASE &&
	    !(gpu_primary_release(&g->contexts, (uint32_t)seen_argument(s, 1)) && g->from_start)) {
		gpu_account_cancel(g->account, tid);
		return;
	}
	gpu_account_drop_context(g->account, tid, &end, s->event->time_ns);
	if (s->call->what == GPU_CONTEXT_END)
		gpu_context_end(&g->contexts, tid, end.context);
}

static int make_context(struct gpu *g, const struct seen *s, uint64_t context)
{
	uint32_t device = (uint32_t)seen_argument(s, s->call->of_arg);
	int err = gpu_handle_set(&g->contexts, GPU_HANDLES_CONTEXT, context, device);

	return err ? err : gpu_context_push(&g->contexts, (pid_t)s->event->tid, context);
}

static int make_pool(struct gpu *g, const struct seen *s, uint64_t pool)
{
	uint32_t device = s->call->located ? located_at(s)
					   : GPU_DEVICE(GPU_PLACE_CUDA,
							seen_argument(s, s->call->of_arg) & 0xffff);

	return gpu_handle_set(&g->contexts, GPU_HANDLES_POOL, pool, device);
}

static void number_devices(struct gpu *g, const struct seen *s)
{
	uint32_t count = (uint32_t)s->event->value, i;

	if (s->event->unread & (MS_GPU_NO_VALUE | MS_GPU_NO_WORDS))
		return; /* it was only asked how many there are */
	for (i = 0; i < count && i < s->row->desc_nr; i++)
		gpu_handle_number(&g->contexts, GPU_HANDLES_ZE, s->event->words[i]);
}

/* Calls that are about contexts and devices, not about blocks. */
static int apply_context(struct gpu *g, const struct seen *s, uint64_t address)
{
	pid_t tid = (pid_t)s->event->tid;

	switch (s->call->what) {
	case GPU_POOL:
		return make_pool(g, s, address);
	case GPU_CONTEXT:
		return make_context(g, s, address);
	case GPU_CONTEXT_PUSH:
		return gpu_context_push(&g->contexts, tid, address);
	case GPU_CONTEXT_SET:
		return gpu_context_set(&g->contexts, tid, address);
	case GPU_CONTEXT_DEVICE:
		return gpu_context_told(&g->contexts, tid, (uint32_t)address);
	case GPU_PRIMARY:
		return gpu_primary_retain(&g->contexts, (uint32_t)seen_argument(s, s->call->of_arg),
					  address);
	case GPU_CONTEXT_POP:
		gpu_context_pop(&g->contexts, tid);
		return 0;
	case GPU_DEVICES:
		number_devices(g, s);
		return 0;
	default:
		return 0;
	}
}

/* ---- events ---------------------------------------------------------------------------------- */

static bool is_of_context(const struct seen *s)
{
	return s->call->what == GPU_CONTEXT_END || s->call->what == GPU_PRIMARY_RELEASE ||
	       s->call->what == GPU_PRIMARY_RESET;
}

static int begin(struct gpu *g, const struct seen *s)
{
	struct gpu_context_end end;
	bool of_context = is_of_context(s) && ends_context(s, g, &end);

	return gpu_account_begin(g->account, (pid_t)s->event->tid, range_of(s),
				 of_context ? &end : NULL);
}

static void drop(struct gpu *g, const struct seen *s)
{
	if (!seen_good(s))
		gpu_account_cancel(g->account, (pid_t)s->event->tid);
	else if (is_of_context(s))
		end_context(g, s);
	else if (s->call->what == GPU_LIST)
		drop_list(g, s);
	else if (s->call->what == GPU_UNMAP)
		gpu_account_drop_range(g->account, (pid_t)s->event->tid, range_of(s),
				       s->event->time_ns);
	else
		drop_block(g, s);
}

/* A node of a graph: from then on its memory is there, as launches take and give it. */
static int apply_node(struct gpu *g, const struct seen *s, uint64_t address)
{
	struct gpu_key freed = {.space = s->call->space};

	if (seen_node_allocates(s))
		return address ? add_block(g, s, address) : 0;
	if (seen_node_frees(s, &freed.address))
		gpu_account_drop(g->account, (pid_t)s->event->tid, &freed, 1, s->event->time_ns);
	return 0;
}

static int make(struct gpu *g, const struct seen *s)
{
	struct gpu_key of = {s->call->of_space, seen_argument(s, s->call->of_arg)};
	struct gpu_key key = {.space = s->call->space};

	if (!seen_address(s, &key.address)) {
		/* The thread's current context's device, and what it pops, are asked for in
		 * passing. */
		g->unread += s->row->kind == MS_KIND_ALLOC;
		return 0;
	}
	switch (s->call->what) {
	case GPU_BLOCK:
		return key.address ? add_block(g, s, key.address) : 0;
	case GPU_NODE:
		return apply_node(g, s, key.address);
	case GPU_RETAIN:
		gpu_account_retain(g->account, key);
		return 0;
	case GPU_PART:
	case GPU_MAP:
		return key.address ? add_silent(g, s, key.address) : 0;
	case GPU_HANDLE:
		return gpu_account_handle(g->account, of, key, s->event->time_ns);
	default:
		return apply_context(g, s, key.address);
	}
}

static int fail(struct gpu *g, const struct seen *s, struct gpu_failure *failure)
{
	uint64_t bytes;

	failure->failed = true;
	failure->bytes = seen_size(s, &bytes) ? bytes : 0;
	return gpu_account_failed(g->account, device_of(g, s));
}

/* realloc() of --probe: NULL for a size of 0 is a free. */
static bool frees_old(const struct seen *s)
{
	return s->row->kind == MS_KIND_REALLOC &&
	       (seen_good(s) || s->row->null_frees || !seen_argument(s, s->row->size_arg));
}

int gpu_apply(struct gpu *g, const struct ms_row *row, const struct gpu_call *call,
	      const struct ms_gpu_event *event, struct gpu_failure *failure)
{
	const struct seen s = {row, call, event};
	struct gpu_key old = {call->space, seen_argument(&s, row->old_arg)};

	*failure = (struct gpu_failure){0};
	if (event->begins)
		return begin(g, &s);
	if (row->kind == MS_KIND_FREE) {
		drop(g, &s);
		return 0;
	}
	if (frees_old(&s) && old.address)
		gpu_account_drop(g->account, (pid_t)event->tid, &old, 1, event->time_ns);
	if (seen_good(&s))
		return make(g, &s);
	if (call->what == GPU_NODE && !seen_node_allocates(&s))
		return 0; /* it asked for no memory */
	if (row->kind == MS_KIND_CALL || (old.address && !seen_argument(&s, row->size_arg)))
		return 0;
	return fail(g, &s, failure);
}

/* ---- reading ------------------------------------------------------------------------------- */

static bool is_segment(const struct gpu_key *key, const struct gpu_entry *entry)
{
	uint32_t place = GPU_DEVICE_PLACE(entry->device);

	switch (key->space) {
	case GPU_SPACE_CUDA:
	case GPU_SPACE_CUDA_MAP:
		return place == GPU_PLACE_CUDA;
	case GPU_SPACE_HSA:
	case GPU_SPACE_HSA_MAP:
		return place == GPU_PLACE_HSA_POOL;
	case GPU_SPACE_ZE:
	case GPU_SPACE_ZE_MAP:
		return place == GPU_PLACE_ZE;
	default:
		return false;
	}
}

void gpu_each_segment(struct gpu *g, gpu_block_fn *fn, void *context)
{
	gpu_account_each(g->account, is_segment, fn, context);
}

const struct gpu_books *gpu_books(const struct gpu *g)
{
	return gpu_account_books(g->account);
}

void gpu_counts(const struct gpu *g, struct gpu_counts *counts)
{
	*counts = (struct gpu_counts){gpu_account_missed(g->account), g->unread, g->unknown_device};
}
