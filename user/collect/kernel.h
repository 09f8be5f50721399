/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The kernel side, loaded: maps, ring buffer, programs.  Besides these files only
 * probe/attach.c, probe/trial.c, batch.c and system/tasks.c know libbpf.
 */
#ifndef MS_KERNEL_H
#define MS_KERNEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "collect/totals.h"
#include "gpu.h"
#include "memsnoop.h"
#include "probe/hooks.h"
#include "probe/table.h"
#include "python.h"
#include "tensor.h"
#include "usdt.h"
#include "vm/blocks.h"
#include "vm/touch.h"

/* How probes are attached, best first; the names are those of --no-feature. */
enum attach_method { ATTACH_SESSION, ATTACH_MULTI, ATTACH_PERF, ATTACH_NR };

extern const char *const attach_names[ATTACH_NR]; /* "session", "multi", "perf" */

struct kernel_options {
	size_t max_blocks; /* live blocks, all processes */
	size_t max_stacks; /* pieces of stacks, and totals */
	size_t max_procs;  /* processes, those that ended included */
	size_t max_threads;
	size_t max_codes;         /* Python code objects, all processes */
	size_t max_touches;       /* groups of MS_TOUCH_PAGES pages whose toucher is kept */
	bool layers[MS_LAYER_NR]; /* --layers */
	bool native_python;       /* keep the interpreter's own frames */
	bool call_sites;          /* a stack for each, though they read the same: collect's */
	bool refused[ATTACH_NR];  /* --no-feature */
	bool refused_hooks[HOOK_RUNG_NR];
};

struct kernel;

/* What libbpf says is ours, and only with -v. */
void kernel_log_libbpf(void);
/* The effective capabilities of this process, bit by number; 0 if they are not known. */
uint64_t kernel_capabilities(void);
/*
 * Whether the kernel side counts processes as we do: it knows them by their numbers in
 * the first pid namespace, which /proc does not show in another.
 */
bool kernel_pids_agree(void);
/* Whether this process may trace at all: 0, or a negative errno after one line. */
int kernel_check_privileges(void);

/* What libbpf says becomes lines of ours, with -v. */
void kernel_log_libbpf(void);

/*
 * What the programs need and this kernel has not, as a list in `text`, each with the
 * version that brought it; false if nothing is known to be missing.
 */
bool kernel_lacks(char *text, size_t size);

/*
 * Loads the programs for one way to attach.  0, or a negative errno, told only
 * with -v: the ladder (probe/attach.c) tries the next way.
 */
int kernel_open(const struct kernel_options *options, const struct probe_table *table,
		enum attach_method method, struct kernel **out);
/* Detaches everything and frees; NULL is fine. */
void kernel_close(struct kernel *k);

enum attach_method kernel_method(const struct kernel *k);
/* The program for entries, or for returns; of a session, for both ends of what returns. */
struct bpf_program *kernel_program(const struct kernel *k, bool returns);
/* The program for tracepoints of programs (USDT). */
struct bpf_program *kernel_program_usdt(const struct kernel *k);
/* The number of a layout for a cookie of theirs, or -ENOSPC: there are too many. */
int kernel_usdt_layout(struct kernel *k, const struct ms_usdt *layout);

/* Follows `tgid` from now on, not ready; its image id, or a negative errno. */
int64_t kernel_proc_add(struct kernel *k, pid_t tgid, uint32_t flags, uint64_t start_ns);
/* Sets the image and flags of `tgid`; -ENOENT if it is gone. */
int kernel_proc_set(struct kernel *k, pid_t tgid, uint32_t image, uint32_t flags);
/* Replaces the image's mapping table (sorted by start). */
int kernel_mappings_set(struct kernel *k, uint32_t image, const struct ms_mappings *mappings);

/* Says that the image runs this Python interpreter. */
int kernel_python_set(struct kernel *k, uint32_t image, const struct ms_python *python);

/* Says where PyTorch's classes are in the image. */
int kernel_torch_set(struct kernel *k, uint32_t image, const struct ms_torch *torch);

/*
 * Puts an unwind table (unwind.h) of `count` blocks into a slot, and takes it
 * out.  0 or a negative errno.
 */
int kernel_unwind_set(struct kernel *k, uint32_t slot, const void *blocks, size_t count);
void kernel_unwind_clear(struct kernel *k, uint32_t slot);
int kernel_unwind_fd(const struct kernel *k);
/* What the walks of stacks came to so far. */
void kernel_walks(const struct kernel *k, struct ms_walks *out);

/* A file descriptor to wait on, and the reading of what is there. */
struct kernel_events {
	void (*process)(const struct ms_event *event, void *context);
	void (*code)(const struct ms_code_event *event, void *context);
	void (*vm)(const struct ms_vm_event *event, void *context);
	void (*oom)(const struct ms_oom_event *event, void *context);
	void (*tensor)(const struct ms_tensor_event *event, void *context);
	void (*gpu)(const struct ms_gpu_event *event, void *context);
};
int kernel_events_fd(const struct kernel *k);
void kernel_events_read(struct kernel *k, const struct kernel_events *events, void *context);

/* Every Python code object that has an id, read in batches. */
int kernel_codes(const struct kernel *k,
		 int (*fn)(const struct ms_code_key *key, uint32_t id, void *context),
		 void *context);

/* From here on nothing is counted; the tables stand still. */
void kernel_stop(struct kernel *k);

/* For what is lost on this side of the fence. */
void kernel_loss_add(struct kernel *k, enum ms_loss which, uint64_t n);
uint64_t kernel_loss(const struct kernel *k, enum ms_loss which);
int kernel_image(const struct kernel *k, uint32_t image, struct ms_image *out);
/*
 * The kernel's counters of what is resident, as its program last saw them, with
 * high_pages of this interval, 0 if they did not change in it; -ENOENT if never.
 * kernel_rss_tick() begins the next interval.
 */
int kernel_rss(const struct kernel *k, uint32_t image, struct ms_rss *out);
void kernel_rss_tick(struct kernel *k);
/* A piece of a stack, or -ENOENT; and the map of all. */
int kernel_piece(const struct kernel *k, uint64_t name, struct ms_piece *out);
int kernel_pieces(const struct kernel *k);

/* Every stack's totals, read in batches; the caller frees *out. */
int kernel_totals(const struct kernel *k, struct kernel_total **out, size_t *count);
/*
 * Who touched which page of an image first, and its live blocks in a space (ms_block_key), as
 * the heap's, MS_LAYER_HEAP; in no order.  The caller frees *out.
 */
int kernel_touches(const struct kernel *k, uint32_t image, struct touch **out, size_t *count);
int kernel_blocks(const struct kernel *k, uint32_t image, uint32_t space, struct block **out,
		  size_t *count);
/* Allocation calls that returned no memory, by stack; the caller frees *out. */
struct kernel_failure {
	struct ms_stack_key key;
	struct ms_failures value;
};
int kernel_failures(const struct kernel *k, struct kernel_failure **out, size_t *count);
/* Forgets images for which dead(id) is true: their totals and blocks. */
int kernel_forget(struct kernel *k, bool (*dead)(uint32_t image, void *context), void *context);

#endif
