/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The tensors of one process: what lives, what it is for, when.  Memory is bounded by
 * what lives, what lived at the peak, and two MiB.
 */
#ifndef MS_TENSORS_H
#define MS_TENSORS_H

#include "analyse/blocks.h"
#include "analyse/callers.h"
#include "analyse/categories.h"
#include "analyse/leaks.h"
#include "analyse/makers.h"
#include "analyse/native.h"
#include "analyse/shapes.h"
#include "analyse/stages.h"
#include "analyse/states.h"

/* Moments at which the bytes of each category are known, evenly spaced. */
#define TENSOR_TICKS 4096

struct tensors;

/* Of a process that began, or is seen from, t_s on; `rules` outlives it.  NULL: no memory. */
struct tensors *tensors_new(double t_s, const struct own_rules *rules);
void tensors_free(struct tensors *tensors);

/*
 * What the names of native functions say of stacks comes to be in `native`, which outlives it:
 * blocks of others wait to be told what they were.  After some were read, those are.
 */
void tensors_read_names(struct tensors *tensors, const struct native_marks *native);
void tensors_names_read(struct tensors *tensors);
/* Blocks that have ended and wait. */
size_t tensors_waiting(const struct tensors *tensors);

/* 0 or -ENOMEM: the event is then lost. */
int tensors_event(struct tensors *tensors, const struct tensor_event *event);
/*
 * Where events were lost: `found` are all blocks that go by a device's addresses, sorted.
 * Those that are not there have ended, those that are not known are of category other.  Peaks
 * may have been higher in between.  0 or -ENOMEM.
 */
struct tensor_found {
	uint64_t address, size, stack;
};
int tensors_reconcile(struct tensors *tensors, uint16_t space, const struct tensor_found *found,
		      size_t count);
/* The devices by whose addresses blocks go. */
size_t tensors_spaces(const struct tensors *tensors, uint16_t *spaces, size_t room);

/* Whether the process has used a tensor, as far as seen. */
bool tensors_any(const struct tensors *tensors);

/* The user's own categories follow the others: CATEGORY_NR and their rule's number. */
#define TENSOR_CATEGORIES (CATEGORY_NR + MARK_OWN_MAX)

struct tensor_sums {
	uint16_t device;
	uint64_t at_peak[TENSOR_CATEGORIES], at_end[TENSOR_CATEGORIES];
	/* When the last backward pass began, and when the optimizer's last step was over. */
	uint64_t before_backward[TENSOR_CATEGORIES], after_step[TENSOR_CATEGORIES];
};

/* Per device; the caller frees.  0 or -ENOMEM. */
int tensors_sums(const struct tensors *tensors, struct tensor_sums **out, size_t *count);
/* What a device's allocator has taken and given out, at one moment. */
struct tensor_use_of_device {
	uint64_t reserved, allocated; /* as it says */
	uint64_t told;                /* bytes of blocks of which is known what was asked for */
	uint64_t requested;           /* that */
};
struct tensor_allocator {
	uint16_t device;
	struct tensor_use_of_device now, at_peak; /* the device's peak, of blocks */
	uint64_t reserved_peak;
	uint64_t live_bytes; /* of blocks that are known */
};
/* Devices whose allocator says so; the caller frees.  0 or -ENOMEM. */
int tensors_allocators(const struct tensors *tensors, struct tensor_allocator **out, size_t *count);
/* `fn` for each block that was there at its device's peak, or is there now. */
typedef void tensors_fn(const struct tensor_block *block, unsigned category, bool at_peak,
			void *context);
void tensors_each(const struct tensors *tensors, tensors_fn *fn, void *context);
/*
 * The bytes of each category at `t_s`, of all devices together.
 */
void tensors_at(const struct tensors *tensors, double t_s, uint64_t bytes[TENSOR_CATEGORIES]);
/* Puts together what tensors_at() answers from, from here on until the next event. */
int tensors_timeline(struct tensors *tensors);
/* What the kernel side tells only while it is wanted. */
enum tensor_told {
	TOLD_SHAPES, /* with allocations; from the start */
	TOLD_STATES, /* what steps of optimizers change */
	TOLD_NR
};
bool tensors_wants(const struct tensors *tensors, enum tensor_told what);
bool tensors_is_told(const struct tensors *tensors, enum tensor_told what);
/* From `t_s` on it is told, or it is no longer. */
void tensors_tell(struct tensors *tensors, enum tensor_told what, bool told, double t_s);
const struct shapes *tensors_shapes(const struct tensors *tensors);
/* Where ranges are begun and ended. */
struct callers *tensors_callers(struct tensors *tensors);
/*
 * Who made tensors in a stage of the process, as it would be told by stages_copy() now: `fn` for
 * each stack that made any there.
 */
typedef void maker_fn(uint64_t stack, enum stage_kind stage, struct made made, void *context);
void tensors_each_maker(const struct tensors *tensors, maker_fn *fn, void *context);
/* What stayed, when the optimizer's last step was over. */
const struct leaks *tensors_leaks(const struct tensors *tensors);

/* Sums that categories do not show. */
struct tensor_facts {
	uint32_t iterations; /* steps of the optimizer that are over */
	uint64_t step_bytes; /* allocated since the first one was */
	uint64_t
	    loaded_bytes; /* most bytes of what was read from files, at one time, in stage load */
	uint64_t load_end_bytes; /* what lived of that at the end of the stage */
};
struct tensor_facts tensors_facts(const struct tensors *tensors);

const struct stages *tensors_stages(const struct tensors *tensors);
uint64_t tensors_live_bytes(const struct tensors *tensors);

#endif
