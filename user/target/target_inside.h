/* SPDX-License-Identifier: GPL-2.0 */
/* Inside target.c, sync.c and follow.c: the set of traced processes. */
#ifndef MS_TARGET_INSIDE_H
#define MS_TARGET_INSIDE_H

#include "probe/closer.h"
#include "target/callsites.h"
#include "target/jitwatch.h"
#include "target/probed.h"
#include "target/tables.h"
#include "target/target.h"

struct traced {
	pid_t pid;
	struct image *image; /* a vfork child's is its parent's */
	uint32_t flags;      /* MS_PROC_* */
	struct probed probed;
	struct callsites calls;
	struct jit_watch watch;
	bool missed; /* it was gone at the last tick */
};

/* target/target.h */
struct target {
	struct kernel *kernel;
	struct modules *modules;
	struct tables *tables;
	struct codes *codes;
	uint64_t codes_unread; /* of those announcements that were lost: looked after */
	uint32_t generation;   /* of the last mapping table given to the kernel */
	struct closer *closer;
	bool *matched; /* by row */
	struct traced **traced;
	size_t traced_count, traced_room;
	struct image **images;
	size_t image_count, image_room;
};

/* target.c */
struct traced *traced_find(const struct target *t, pid_t pid);
/* NULL: no memory. */
struct traced *traced_new(struct target *t, pid_t pid, struct image *image, uint32_t flags);
void traced_remove(struct target *t, struct traced *traced);
/* Takes its probes out. */
void traced_close(struct target *t, struct traced *traced);
struct image *image_add(struct target *t, uint32_t id, pid_t pid, pid_t ppid, uint64_t start_ns);
/* What an image leaves behind when it ends: its mapping table, for late names, but no hold. */
void image_end(struct target *t, struct image *image, uint64_t time_ns);

/* sync.c */
/* The image runs this interpreter.  Without memory for it, frames stay native. */
void image_set_python(struct target *t, struct image *image, const struct ms_python *python);
/*
 * A JIT makes code without loading a library, maps a dump to say what it made, or maps its
 * program's code once more, near to its own: looks, if image->memory says so or it is time.
 * New files are left to target_sync(): nothing holds the process here while it maps them.
 */
void traced_look_again(struct target *t, struct traced *traced);

#endif
