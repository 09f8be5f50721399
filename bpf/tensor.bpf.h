/* SPDX-License-Identifier: GPL-2.0 */
/* The events of the tensor layer: blocks, shapes, parameters, ranges. */
#ifndef MS_TENSOR_BPF_H
#define MS_TENSOR_BPF_H

#include "arch_probe.bpf.h"
#include "maps.bpf.h"
#include "tensor_event.bpf.h"

/*
 * How far objects are looked at, in words: not beyond them.  An AccumulateGrad ends with its
 * variable, at word 49 in 1.13.  A TensorImpl begins with its counts, storage and AutogradMeta,
 * and that with a name, the gradient, and among others the accumulator.  The name is a
 * std::string, whose own characters may be anything, so the gradient is not searched for: it is
 * behind the 32 bytes of C++11's, or the 8 of the one before, which PyTorch's wheels had up to 2.6.
 */
#define NODE_WORDS 64
#define OBJECT_WORDS 6
#define META_WORDS 16
#define META_GRADIENT (8 + 32)
#define META_GRADIENT_OLD (8 + 8)
/* Of a list of tensors no more are looked at: no model has so many. */
#define UPDATES_MAX 65536

/* ---- shapes ------------------------------------------------------------------ */

/* The next block of this thread is for a tensor of this shape. */
static __always_inline void tensor_shape(struct task_state *task, __u64 sizes, __u64 ndim,
					 __u64 dtype)
{
	struct shape *shape = &task->shape;

	shape->known = 0;
	if (ndim > 64 || bpf_probe_read_user(shape->dims, sizeof(shape->dims), (void *)sizes))
		return;
	shape->ndim = ndim;
	shape->dtype = dtype; /* a byte in a register: what is above it is anything */
	shape->known = 1;
}

static __always_inline void shape_take(struct task_state *task, struct ms_tensor_event *e)
{
	if (!task->shape.known)
		return;
	task->shape.known = 0;
	e->ndim = task->shape.ndim;
	e->dtype = task->shape.dtype;
	__builtin_memcpy(e->dims, task->shape.dims, sizeof(e->dims));
}

/* ggml's types of buffers begin with their functions: a name, and what makes one. */
static __always_inline void maker_take(const struct task_state *task, struct ms_tensor_event *e)
{
	__u64 type = task->pending[MS_LAYER_TENSOR].ptr, maker = 0;

	if (type && !bpf_probe_read_user(&maker, sizeof(maker), (void *)(type + sizeof(maker))))
		e->maker = maker;
}

/* A block came or went.  `task`: whose shape and registers are for it, or NULL. */
static __always_inline int tensor_block(__u32 what, const struct ms_row *row, __u64 cookie,
					const struct ms_block_key *key, __u64 size, __u64 stack,
					struct task_state *task)
{
	struct ms_tensor_event *e = tensor_event(what, key->id, row, cookie);

	if (!e)
		return 0;
	e->device = key->space >> 8;
	e->address = key->address;
	e->size = size;
	e->stack = stack;
	if (task && row->total_arg) {
		e->allocated = task->registers.argument[row->total_arg % 8];
		e->reserved = task->registers.argument[(row->total_arg + 1) % 8];
	}
	if (task && row->maker_arg)
		maker_take(task, e);
	if (task && what == MS_TENSOR_ALLOC)
		shape_take(task, e);
	bpf_ringbuf_submit(e, event_wakes());
	return 0;
}

/*
 * ---- PyTorch's objects ----
 *
 * Global functions: the verifier proves each once, for anything they may be given, and not
 * along every way that leads to them.  They return a value because a global function must.
 */

static __always_inline int is_one_of(__u64 first, const __u64 *vtable)
{
	int i;

	MS_UNROLL
	for (i = 0; i < MS_VTABLES; i++)
		if (first && first == vtable[i])
			return 1;
	return 0;
}

/* Whether a word of an object points to an object of a class. */
static __always_inline int points_to(const struct ms_torch *torch, __u64 word, __u32 class)
{
	__u64 first = 0;

	return word >= MS_PAGE && !(word & 7) &&
	       !bpf_probe_read_user(&first, sizeof(first), (void *)word) &&
	       is_one_of(first, torch->vtable[class]);
}

/* The first object of a class that the one at `base` points to, 0 if none. */
__weak __u64 object_find(const struct ms_torch *torch, __u64 base, __u32 class)
{
	__u64 words[OBJECT_WORDS] = {};
	int i;

	if (!torch || class >= MS_CLASS_NR || !base ||
	    bpf_probe_read_user(words, sizeof(words), (void *)base))
		return 0;
	MS_UNROLL
	for (i = 1; i < OBJECT_WORDS; i++)
		if (points_to(torch, words[i], class))
			return words[i];
	return 0;
}

/*
 * What a tensor holds.  A StorageImpl begins with its virtual table and two counts, of eight
 * bytes each or, since 2.2, of four; then come the DataPtr (data, context, deleter, device), and
 * the bytes.  The second count is never 0, as the weak one of an object that is alive.
 */
struct held {
	__u64 address, size; /* above HELD_BITS the device: their frames have no room for more */
};
#define HELD_BITS 48
#define HELD_SIZE(held) ((held).size & ((1ULL << HELD_BITS) - 1))

/* `device` as it lies in memory, with anything above it. */
static __always_inline void held_read(struct held *held, __u64 address, __u64 device, __u64 size)
{
	if (MS_DEVICE_TYPE(device) == MS_DEVICE_CPU)
		device = 0; /* its index is -1 */
	held->address = address;
	held->size = (size & ((1ULL << HELD_BITS) - 1)) | device << HELD_BITS;
}

__weak int tensor_held(const struct ms_torch *torch, __u64 tensor, struct held *held)
{
	__u64 words[8], storage = object_find(torch, tensor, MS_CLASS_STORAGE);

	if (!held || !storage || bpf_probe_read_user(words, sizeof(words), (void *)storage))
		return 0;
	if (words[1] >> 32)
		held_read(held, words[2], words[5], words[6]);
	else
		held_read(held, words[3], words[6], words[7]);
	return held->address && HELD_SIZE(*held);
}

/*
 * Whether the tensor's AutogradMeta knows the node as its accumulator of gradients.  What is
 * found in a node may be left from an object that was there before.
 */
__weak int is_variable_of(const struct ms_torch *torch, __u64 tensor, __u64 node)
{
	__u64 meta = object_find(torch, tensor, MS_CLASS_AUTOGRAD), word;
	int i;

	/* One by one: the frames of all functions together have 512 bytes. */
	MS_UNROLL
	for (i = 1; meta && i < META_WORDS; i++) {
		if (bpf_probe_read_user(&word, sizeof(word), (void *)(meta + 8 * i)))
			return 0;
		if (word == node)
			return 1;
	}
	return 0;
}

struct search {
	const struct ms_torch *torch;
	__u64 node, variable, at;
};

static long variable_step(__u32 i, void *data)
{
	struct search *s = data;
	__u64 word = 0;

	if (bpf_probe_read_user(&word, sizeof(word), (void *)(s->node + 8 * i)))
		return 1;
	if (!points_to(s->torch, word, MS_CLASS_TENSOR) || !is_variable_of(s->torch, word, s->node))
		return 0;
	s->variable = word;
	s->at = i;
	return 1;
}

/* The tensor whose pointer lies at an address, 0 if none does. */
static __always_inline __u64 tensor_at(const struct ms_torch *torch, __u64 address)
{
	__u64 word = 0;

	if (bpf_probe_read_user(&word, sizeof(word), (void *)address) ||
	    !points_to(torch, word, MS_CLASS_TENSOR))
		return 0;
	return word;
}

/*
 * The gradient that a tensor has, from its AutogradMeta; address 0: none.  Where a name is one
 * word, its gradient is where longer ones have their length.
 */
static __always_inline void gradient_held(const struct ms_torch *torch, __u64 tensor,
					  struct held *gradient)
{
	__u64 meta = object_find(torch, tensor, MS_CLASS_AUTOGRAD), found = 0;

	if (meta)
		found = tensor_at(torch, meta + META_GRADIENT_OLD);
	if (meta && !found)
		found = tensor_at(torch, meta + META_GRADIENT);
	if (!found || !tensor_held(torch, found, gradient))
		gradient->address = gradient->size = 0;
}

/*
 * `node`, an AccumulateGrad, is given the gradient of its variable: what that holds is
 * a parameter, also if it was there before us.  Its own gradient is in its AutogradMeta.
 */
static __noinline int parameter_find(__u64 node, __u32 image, struct held *parameter,
				     struct held *gradient)
{
	struct ms_torch *torch = bpf_map_lookup_elem(&torches, &image);
	struct search s = {.torch = torch, .node = node};

	if (!torch)
		return 0;
	/* All of a program's nodes have it at the same place. */
	variable_step(torch->variable_at, &s);
	if (!s.variable) {
		bpf_loop(NODE_WORDS, variable_step, &s, 0);
		torch->variable_at = s.at;
	}
	if (!s.variable || !tensor_held(s.torch, s.variable, parameter))
		return 0;
	gradient_held(s.torch, s.variable, gradient);
	return 1;
}

static __always_inline void held_tell(__u32 what, __u32 image, const struct ms_row *row,
				      __u64 cookie, const struct held *block,
				      const struct held *gradient)
{
	struct ms_tensor_event *e = tensor_event(what, image, row, cookie);

	if (!e)
		return;
	e->device = block->size >> HELD_BITS;
	e->address = block->address;
	e->size = HELD_SIZE(*block);
	e->gradient.address = gradient->address;
	e->gradient.size = HELD_SIZE(*gradient);
	bpf_ringbuf_submit(e, event_wakes());
}

static __always_inline void tensor_parameter(__u64 node, __u32 image, const struct ms_row *row,
					     __u64 cookie)
{
	struct held parameter = {}, gradient = {};

	if (parameter_find(node, image, &parameter, &gradient))
		held_tell(MS_TENSOR_PARAMETER, image, row, cookie, &parameter, &gradient);
}

struct updates {
	const struct ms_torch *torch;
	const struct ms_row *row;
	__u64 cookie, list;
	__u32 image;
};

/* Of what a step changes, parameters have a gradient, and nothing else does. */
static long update_step(__u32 i, void *data)
{
	struct updates *u = data;
	struct held block = {}, gradient = {};
	__u64 tensor = 0;

	if (bpf_probe_read_user(&tensor, sizeof(tensor), (void *)(u->list + 8 * i)))
		return 1;
	if (!points_to(u->torch, tensor, MS_CLASS_TENSOR) || !tensor_held(u->torch, tensor, &block))
		return 0;
	gradient_held(u->torch, tensor, &gradient);
	held_tell(gradient.address ? MS_TENSOR_PARAMETER : MS_TENSOR_UPDATE, u->image, u->row,
		  u->cookie, &block, &gradient);
	return 0;
}

/* `list`: where pointers to `count` tensors lie. */
static __noinline int updates_tell(__u32 image, const struct ms_row *row, __u64 cookie, __u64 list,
				   __u64 count)
{
	struct updates u = {.torch = bpf_map_lookup_elem(&torches, &image),
			    .row = row,
			    .cookie = cookie,
			    .list = list,
			    .image = image};

	if (u.torch)
		bpf_loop(count < UPDATES_MAX ? count : UPDATES_MAX, update_step, &u, 0);
	return 0;
}

/* ---- ranges -------------------------------------------------------------------- */

/*
 * A name as a C string, or as a std::string of either of libstdc++'s kinds, which begins with
 * a pointer to its characters.
 */
static __always_inline void range_name(struct task_state *task, const struct ms_row *row,
				       __u64 name)
{
	if (row->name_form == MS_NAME_STRING &&
	    bpf_probe_read_user(&name, sizeof(name), (void *)name))
		name = 0;
	if (name &&
	    bpf_probe_read_user_str(task->range_name, sizeof(task->range_name), (void *)name) >= 0)
		return;
	/* A constant that nobody has looked at yet is not in memory. */
	__builtin_memset(task->range_name, 0, sizeof(task->range_name));
	((struct ms_unread_name *)task->range_name)->address = name;
}

/* An object may be told to end its range often, and one that has begun none, too. */
static __always_inline int range_is_open(struct task_state *task, __u64 object)
{
	__u32 i;

	MS_UNROLL
	for (i = 0; i < MS_RANGES; i++)
		if (i < task->range_nr && task->ranges[i] == object) {
			task->range_nr = i;
			return 1;
		}
	return 0;
}

/*
 * Whether a range was told by its function's caller an instant ago: both are probed while the
 * probes move from one to the other.  (The end of a range is told once anyway.)
 */
static __always_inline int range_was_told(struct task_state *task, __u64 cookie, __u64 object)
{
	return object && !(cookie & MS_COOKIE_CALL) && task->range_called == object;
}

static __always_inline void range_place(struct ms_tensor_event *e, const struct registers *r,
					__u64 cookie, __u64 ip)
{
	e->ip = ip;
	if (!(cookie & MS_COOKIE_CALL) && arch_back(r, &e->back))
		e->back = 0;
}

/*
 * `stack`: who begins it.  The event is reserved last: up to 6.1 the verifier loses sight of
 * whether it was, if something else is decided before that is looked at.
 */
static __always_inline void range_push(struct task_state *task, __u32 image,
				       const struct ms_row *row, __u64 cookie, __u64 object,
				       __u64 stack, __u64 ip)
{
	struct ms_tensor_event *e;
	__u32 at;

	/* If it is in one, the end of that was not seen. */
	if (object)
		range_is_open(task, object);
	at = task->range_nr;
	if (object && at < MS_RANGES) {
		task->ranges[at] = object;
		task->range_nr = at + 1;
	}
	task->range_called = cookie & MS_COOKIE_CALL ? object : 0;
	e = tensor_event(MS_TENSOR_PUSH, image, row, cookie);
	if (!e)
		return;
	range_place(e, &task->registers, cookie, ip);
	e->address = object;
	e->stack = stack;
	__builtin_memcpy(e->name, task->range_name, sizeof(e->name));
	__builtin_memset(task->range_name, 0, sizeof(task->range_name));
	bpf_ringbuf_submit(e, event_wakes());
}

static __always_inline void range_pop(struct task_state *task, __u32 image,
				      const struct ms_row *row, __u64 cookie, __u64 object,
				      __u64 ip)
{
	struct ms_tensor_event *e;

	if (row->ptr_arg && !range_is_open(task, object))
		return;
	task->range_called = 0;
	e = tensor_event(MS_TENSOR_POP, image, row, cookie);
	if (!e)
		return;
	range_place(e, &task->registers, cookie, ip);
	e->address = object;
	bpf_ringbuf_submit(e, event_wakes());
}

/* A call that is a range began, or ended. */
static __always_inline void range_call(__u32 what, __u32 image, const struct ms_row *row,
				       __u64 cookie, __u64 sp)
{
	struct ms_tensor_event *e = tensor_event(what, image, row, cookie);

	if (!e)
		return;
	e->sp = sp;
	bpf_ringbuf_submit(e, event_wakes());
}

#endif
