/* SPDX-License-Identifier: GPL-2.0 */
/* Contexts by thread, devices by handle.  All of these are few. */
#include "gpu/contexts.h"

#include <errno.h>
#include <stdlib.h>

struct gpu_thread {
	pid_t tid;
	uint32_t told;   /* device that the thread was told, for want of a context that we know */
	uint64_t *stack; /* the current context last */
	size_t count;
};

struct gpu_handle {
	enum gpu_handles table;
	uint64_t handle;
	uint32_t device;
};

struct gpu_primary {
	uint32_t device;
	uint64_t context;
	unsigned references;
};

void gpu_contexts_free(struct gpu_contexts *c)
{
	size_t i;

	for (i = 0; i < c->thread_count; i++)
		free(c->threads[i].stack);
	free(c->threads);
	free(c->handles);
	free(c->primaries);
	*c = (struct gpu_contexts){0};
}

/* ---- handles ---------------------------------------------------------------------- */

static struct gpu_handle *handle_find(const struct gpu_contexts *c, enum gpu_handles table,
				      uint64_t handle)
{
	size_t i;

	for (i = 0; i < c->handle_count; i++)
		if (c->handles[i].table == table && c->handles[i].handle == handle)
			return &c->handles[i];
	return NULL;
}

int gpu_handle_set(struct gpu_contexts *c, enum gpu_handles table, uint64_t handle, uint32_t device)
{
	struct gpu_handle *found = handle_find(c, table, handle), *items;

	if (found) {
		found->device = device;
		return 0;
	}
	items = reallocarray(c->handles, c->handle_count + 1, sizeof(*items));
	if (!items)
		return -ENOMEM;
	c->handles = items;
	items[c->handle_count++] = (struct gpu_handle){table, handle, device};
	return 0;
}

uint32_t gpu_handle_device(const struct gpu_contexts *c, enum gpu_handles table, uint64_t handle)
{
	const struct gpu_handle *found = handle_find(c, table, handle);

	return found ? found->device : GPU_NO_DEVICE;
}

uint32_t gpu_handle_number(struct gpu_contexts *c, enum gpu_handles table, uint64_t handle)
{
	uint32_t *numbered = &c->numbered[table == GPU_HANDLES_ZE];
	uint32_t number = gpu_handle_device(c, table, handle);

	if (number != GPU_NO_DEVICE)
		return number;
	return gpu_handle_set(c, table, handle, *numbered) ? GPU_NO_DEVICE : (*numbered)++;
}

static void handle_forget(struct gpu_contexts *c, enum gpu_handles table, uint64_t handle)
{
	struct gpu_handle *found = handle_find(c, table, handle);

	if (found)
		*found = c->handles[--c->handle_count];
}

/* ---- threads ---------------------------------------------------------------------- */

static struct gpu_thread *thread_find(const struct gpu_contexts *c, pid_t tid)
{
	size_t i;

	for (i = 0; i < c->thread_count; i++)
		if (c->threads[i].tid == tid)
			return &c->threads[i];
	return NULL;
}

static struct gpu_thread *thread_open(struct gpu_contexts *c, pid_t tid)
{
	struct gpu_thread *found = thread_find(c, tid), *items;

	if (found)
		return found;
	items = reallocarray(c->threads, c->thread_count + 1, sizeof(*items));
	if (!items)
		return NULL;
	c->threads = items;
	items[c->thread_count] = (struct gpu_thread){.tid = tid, .told = GPU_NO_DEVICE};
	return &items[c->thread_count++];
}

int gpu_context_push(struct gpu_contexts *c, pid_t tid, uint64_t context)
{
	struct gpu_thread *t = thread_open(c, tid);
	uint64_t *stack = t ? reallocarray(t->stack, t->count + 1, sizeof(*stack)) : NULL;

	if (!stack)
		return -ENOMEM;
	t->stack = stack;
	stack[t->count++] = context;
	t->told = GPU_NO_DEVICE;
	return 0;
}

/* What it had below, of before we looked, is not known. */
void gpu_context_pop(struct gpu_contexts *c, pid_t tid)
{
	struct gpu_thread *t = thread_find(c, tid);

	if (!t)
		return;
	if (t->count)
		t->count--;
	t->told = GPU_NO_DEVICE;
}

int gpu_context_set(struct gpu_contexts *c, pid_t tid, uint64_t context)
{
	gpu_context_pop(c, tid);
	return context ? gpu_context_push(c, tid, context) : 0;
}

uint64_t gpu_context_current(const struct gpu_contexts *c, pid_t tid)
{
	const struct gpu_thread *t = thread_find(c, tid);

	return t && t->count ? t->stack[t->count - 1] : 0;
}

uint32_t gpu_context_device(const struct gpu_contexts *c, pid_t tid)
{
	const struct gpu_thread *t = thread_find(c, tid);
	uint32_t device = gpu_handle_device(c, GPU_HANDLES_CONTEXT, gpu_context_current(c, tid));

	return device == GPU_NO_DEVICE && t ? t->told : device;
}

int gpu_context_told(struct gpu_contexts *c, pid_t tid, uint32_t device)
{
	uint64_t context = gpu_context_current(c, tid);
	struct gpu_thread *t;

	if (context)
		return gpu_handle_set(c, GPU_HANDLES_CONTEXT, context, device);
	t = thread_open(c, tid);
	if (!t)
		return -ENOMEM;
	t->told = device;
	return 0;
}

/* It stays the current one of other threads, which can do nothing with it. */
void gpu_context_end(struct gpu_contexts *c, pid_t tid, uint64_t context)
{
	if (gpu_context_current(c, tid) == context)
		gpu_context_pop(c, tid);
	handle_forget(c, GPU_HANDLES_CONTEXT, context);
}

/* ---- primary contexts -------------------------------------------------------------- */

static struct gpu_primary *primary_find(const struct gpu_contexts *c, uint32_t device)
{
	size_t i;

	for (i = 0; i < c->primary_count; i++)
		if (c->primaries[i].device == device)
			return &c->primaries[i];
	return NULL;
}

int gpu_primary_retain(struct gpu_contexts *c, uint32_t device, uint64_t context)
{
	struct gpu_primary *p = primary_find(c, device);

	if (!p) {
		p = reallocarray(c->primaries, c->primary_count + 1, sizeof(*p));
		if (!p)
			return -ENOMEM;
		c->primaries = p;
		p += c->primary_count++;
		*p = (struct gpu_primary){.device = device};
	}
	p->context = context;
	p->references++;
	return gpu_handle_set(c, GPU_HANDLES_CONTEXT, context, device);
}

bool gpu_primary_release(struct gpu_contexts *c, uint32_t device)
{
	struct gpu_primary *p = primary_find(c, device);

	return p && p->references && !--p->references;
}

uint64_t gpu_primary_context(const struct gpu_contexts *c, uint32_t device)
{
	const struct gpu_primary *p = primary_find(c, device);

	return p ? p->context : 0;
}
