/* SPDX-License-Identifier: GPL-2.0 */
/* Inside collect/: what a collection holds, and the parts that fill a snapshot. */
#ifndef MS_FILL_H
#define MS_FILL_H

#include "collect/drivers.h"
#include "collect/failures.h"
#include "collect/frames.h"
#include "collect/gpus.h"
#include "collect/growth.h"
#include "collect/kept.h"
#include "collect/limits.h"
#include "collect/ooms.h"
#include "collect/roots.h"
#include "collect/spaces.h"
#include "collect/tensors.h"
#include "collect/timeline.h"

struct collect {
	struct kernel *kernel;
	struct target *target;
	struct frames_source source;
	uint64_t start_ns;
	struct kernel_options limits;
	struct kept kept;
	struct roots roots;
	struct spaces spaces;
	struct gpus gpus;
	struct drivers drivers;
	size_t rooted;            /* images whose root was looked at */
	struct timeline timeline; /* points' process is the image's number here */
	struct deltas deltas;     /* since the last snapshot */
	struct growth growth;
	struct ooms ooms;
	struct failures failures; /* of system calls; those of allocation functions: the kernel's */
	struct limits limits_hit;
	struct image_tensors tensors;
};

/* Which process of the snapshot an image is. */
struct numbers {
	size_t *by_image_id;         /* SIZE_MAX: none */
	size_t *by_place;            /* in the target's list */
	const struct image **images; /* by id */
	uint32_t max_id;
};

/* Stacks to be named: of a snapshot, which owns them, and their keys. */
struct stack_list {
	struct stack *stacks;
	struct ms_stack_key *keys;
	size_t *count;
	bool apart; /* they stay apart, also if they read the same */
};

/* ---- watch.c: layers that are accounted here ---- */

/* All layers' totals of an image; 0 or a negative errno. */
int watch_totals(const struct collect *c, uint32_t id, struct ms_image *out);
/* Adds the stacks of those layers to the kernel side's; *out may move.  0 or -ENOMEM. */
int watch_stacks(const struct collect *c, struct kernel_total **out, size_t *count);
/* What a process's resident memory is, by kind; nothing where that is not known. */
int watch_parts(const struct collect *c, struct process *process);
/* Numbers of a stack that are not in its totals. */
void watch_fill(const struct collect *c, const struct ms_stack_key *key, struct stack *stack);
/* At each tick, for each running image, whose memory was just read. */
void watch_tick(struct collect *c, const struct image *image);
/* The most bytes that were resident since the last tick. */
uint64_t watch_rss_high(const struct collect *c, struct image *image);

/* ---- shortage.c: when memory runs out ---- */

void shortage_tick(struct collect *c);
/* A process runs a program: the limits it has from the start. */
void shortage_began(struct collect *c, pid_t pid);
/* A system call could not have its memory. */
void shortage_failed(struct collect *c, const struct ms_vm_event *event);
/* A dying process's pages were looked at. */
void shortage_looked(struct collect *c, const struct image *image, const struct space *space);
/*
 * The parts of a snapshot.  Stacks to be named are added to `lists`, with keys to be
 * freed; NULL: none are wanted.  0 or a negative errno.
 */
int shortage_victims(struct collect *c, struct snapshot *s, const struct numbers *numbers,
		     struct stack_list *lists, size_t *list_count);
int shortage_failures(struct collect *c, struct snapshot *s, const struct numbers *numbers,
		      struct stack_list *lists, size_t *list_count);
int shortage_limits(struct collect *c, struct snapshot *s);

/* ---- stage_remarks.c ---- */

/* Whether there is something to say of a stage of the user's, by its rule's number, and what. */
bool stage_remark(const struct collect *c, size_t rule, char *text, size_t size);

/* ---- fill_notes.c ---- */

/* 0 or -ENOMEM. */
int notes_fill(const struct collect *c, struct snapshot *s);

/* ---- fill_tensors.c ---- */

/* Stages, categories, and the points of these, of a snapshot.  0 or a negative errno. */
int tensors_fill(struct collect *c, struct snapshot *s, const struct numbers *numbers);
/* The tensors at the peak and now, as stacks to be named: as shortage_victims(). */
int tensors_lists(struct collect *c, struct snapshot *s, const struct numbers *numbers,
		  struct stack_list *lists, size_t *list_count);

/* ---- fill_makers.c ---- */

/* Who made tensors in which stage: as tensors_lists(). */
int makers_list(struct collect *c, struct snapshot *s, const struct numbers *numbers,
		struct stack_list *lists, size_t *list_count);

/* ---- fill_allocators.c ---- */

/* The allocators of devices, and the stacks that hold their segments: as tensors_lists(). */
int allocators_list(struct collect *c, struct snapshot *s, const struct numbers *numbers,
		    struct stack_list *lists, size_t *list_count);

/* ---- stacks.c ---- */

/*
 * Fills in the stacks and takes each one's share of the peak from its process's
 * in_flight_bytes.  `images` are the totals of the snapshot's processes, in
 * order.  0 or a negative errno.
 */
int fill_stacks(struct collect *c, struct snapshot *s, const struct ms_image *images,
		const struct numbers *numbers, size_t top);

#endif
