/* SPDX-License-Identifier: GPL-2.0 */
/* The address space of each image: what is mapped there, by whom. */
#ifndef MS_SPACES_H
#define MS_SPACES_H

#include "collect/kernel.h"
#include "collect/residence.h"
#include "target/target.h"
#include "vm/account.h"
#include "vm/events.h"

struct space {
	uint32_t image;
	struct vm_account *account;
	bool begun; /* its calls count, and what it began with is known */
	bool ended;
	uint64_t events;           /* vm events so far */
	struct extents *populated; /* by calls; NULL: nothing yet */
	struct residence residence;
};

struct spaces {
	struct target *target;
	struct kernel *kernel;
	uint64_t start_ns, looking_ns; /* when tracing began; spent with looks at pages */
	uint64_t huge_page;            /* default size, bytes */
	struct space **items;          /* by image id; NULL: none */
	size_t room;
	size_t followed; /* of the target's images: those before have their space */
};

void spaces_init(struct spaces *spaces, struct target *target, struct kernel *kernel);
void spaces_free(struct spaces *spaces);

/*
 * A process event, after the target has heard of it and in the order of the vm
 * events: a child's space is a copy of its parent's at that moment.
 */
void spaces_event(struct spaces *spaces, const struct ms_event *event);
/* 0, or a positive errno: the call could not have its memory. */
int spaces_vm(struct spaces *spaces, const struct ms_vm_event *event);
/* Takes up images whose calls have begun to count. */
void spaces_follow(struct spaces *spaces);
/*
 * Reads what is really mapped, and puts the account right where it differs: stacks
 * grow without a call, and calls may not have been told.  `drain` reads the events
 * that are there; if some concern the space, what was read is old, and it is read
 * again, a few times.  NULL: nothing runs there now.
 */
void spaces_reconcile(struct space *space, pid_t pid, void (*drain)(void *context), void *context);

/*
 * Looks at who holds the image's resident memory, `whole` also at its kinds and at
 * untouched blocks, unless looking has taken more than `share` of the time so far.
 */
void spaces_look(struct spaces *spaces, struct space *space, pid_t pid, bool whole, double share);

/* NULL if the image has none. */
struct space *spaces_find(const struct spaces *spaces, uint32_t image);

#endif
