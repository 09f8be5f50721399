/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The set of traced processes and what became of each: their images
 * (target/image.h), which stay listed after they end, for the report.
 */
#ifndef MS_TARGET_H
#define MS_TARGET_H

#include <stdbool.h>

#include "analyse/callers.h"
#include "collect/kernel.h"
#include "target/image.h"
#include "target/module.h"
#include "unwind/codes.h"

struct target;

/* max_unwind: bytes of kernel memory for unwind tables, 0 for none. */
struct target *target_new(struct kernel *kernel, struct modules *modules,
			  const struct probe_table *table, size_t max_unwind);
/* Takes every probe out; the images stay. */
void target_detach(struct target *target);
void target_free(struct target *target);

/*
 * Begins to trace `pid`; its later children follow by themselves.  With `hold`
 * a tracer (target/launch.c) stops the process at exec, fork and when libraries
 * are loaded, and calls target_sync() then.  0 or a negative errno.
 */
int target_add(struct target *target, pid_t pid, bool hold);

/*
 * Reads what `pid` maps now, probes what is new and gives the kernel side its
 * mapping table; afterwards everything it allocates counts.  0, or a negative
 * errno: -ESRCH if it is gone.
 */
int target_sync(struct target *target, pid_t pid);

/* A fork, exec, exit or libs event; calls target_sync() where nobody holds. */
void target_event(struct target *target, const struct ms_event *event);

/* Now and then: gives back what no process needs any more. */
void target_make_room(struct target *target);

/* Now and then: notices what JITs begin in running processes. */
void target_tick(struct target *target);

/*
 * Puts the probes of a group in the process that runs an image, or takes them out.  0 or a
 * negative errno: -ESRCH if it has ended.
 */
int target_tell(struct target *target, uint32_t image, enum probe_group group, bool wanted);

/* The place of an address in a file that the image maps, as a frame. */
uint64_t target_place(const struct target *target, uint32_t image, uint64_t address);
/*
 * Probes the instructions that called functions of the probe table, which returned to `backs`,
 * besides the functions.  How many are probed now, in *places; or a negative errno: -ENOENT if
 * they are not to be found for all.
 */
int target_calls_add(struct target *target, uint32_t image, const struct call_place *backs,
		     size_t count, const struct call_place **places);
/* Takes the probes of all but these out. */
void target_calls_keep(struct target *target, uint32_t image, const struct call_place *kept,
		       size_t count);
/*
 * Whether the process has loaded a library since this was last asked.  Where instructions that
 * call were probed, their functions then are again, from before the library ran.
 */
bool target_has_grown(struct target *target, uint32_t image);

/* Every image ever, in order of appearance. */
size_t target_images(const struct target *target, struct image *const **images);
/* The image with this id, or NULL. */
const struct image *target_image(const struct target *target, uint32_t id);
/* Processes that still run. */
size_t target_running(const struct target *target);
/* Whether a row of the probe table was found in any file. */
bool target_row_matched(const struct target *target, uint32_t row);
/* Files of traced processes looked at so far. */
size_t target_files(const struct target *target);
/* The Python code objects of every image. */
struct codes *target_codes(const struct target *target);
const struct modules *target_modules(const struct target *target);

#endif
