/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A snapshot: everything seen so far, as plain C.  collect/ fills it, symbol/
 * has given its frames names, analyse/ reads it, render/ prints it.  It knows
 * nothing of BPF, so that all of those are tested without root.
 *
 * Ownership: a snapshot owns its arrays and strings (snapshot_free).  Bytes
 * and counts are exact; times are seconds since tracing began.
 */
#ifndef MS_SNAPSHOT_H
#define MS_SNAPSHOT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * The first ones are those of processes, in the order of the kernel side's enum
 * ms_layer; slab and pages are the kernel's own memory, of a process with pid 0.
 */
enum layer {
	LAYER_HEAP,
	LAYER_TENSOR,
	LAYER_GPU,
	LAYER_VM,
	LAYER_RSS,
	LAYER_SLAB,
	LAYER_PAGES,
	LAYER_NR
};

extern const char *const layer_names[LAYER_NR];

/* What a width, a sort or a column means. */
enum metric { METRIC_PEAK, METRIC_LIVE, METRIC_ALLOC, METRIC_COUNT, METRIC_NR };

extern const char *const metric_names[METRIC_NR]; /* "peak", "live", "alloc", "count" */

enum frame_kind {
	FRAME_NATIVE,
	FRAME_PYTHON,
	FRAME_JIT,
	FRAME_KERNEL,
	FRAME_NOTE,
	FRAME_CATEGORY, /* only in pictures: what tensors are for, and their shape */
	FRAME_SHAPE,
};

extern const char *const frame_kind_names[];

/*
 * One frame.  function is never NULL (an unknown one reads "[libfoo.so+0x12]",
 * by the file offset where it starts, or if that is unknown by the code's own, or
 * "[0x7f…]"); file and module may be NULL, line is 0 when unknown.
 * FRAME_NOTE is our own remark, such as "[stack table full]".
 */
struct frame {
	const char *function;
	const char *file;
	const char *module; /* path of the file the code is in */
	unsigned line;
	enum frame_kind kind;
	bool inlined;
};

/* What the kernel counts of a process's memory, in bytes (proc(5), status). */
struct memory {
	uint64_t anon_bytes, file_bytes, shmem_bytes; /* resident: they sum to RSS */
	uint64_t swap_bytes, page_table_bytes;
	uint64_t mapped_bytes; /* VmSize */
};

struct layer_totals {
	uint64_t allocs, alloc_bytes, frees, freed_bytes;
	uint64_t live, live_bytes; /* blocks and bytes */
	uint64_t peak_bytes;
	double peak_at_s;
	/* peak_bytes minus the sum of the stacks' shares: what other threads were allocating
	 * at that moment; below 0 if they were freeing more */
	int64_t in_flight_bytes;
	uint64_t unknown_frees;  /* of blocks from before tracing */
	uint64_t failed;         /* calls that returned no memory */
	uint64_t rounding_bytes; /* what live blocks take beyond live_bytes; only of slab */
};

/* What a process's resident memory is, by kind. */
struct resident_part {
	const char *name, *text; /* for programs, for people */
	int64_t bytes;           /* only "unknown" may be negative */
};

/* What a process has of one device, of the gpu layer; all devices together are the layer. */
struct device_totals {
	const char *name; /* "cuda:0", "host-pinned" */
	struct layer_totals totals;
	uint64_t shared_bytes; /* live, but another's or there before: not in totals */
	/* What the driver itself says of it, when it was last asked while the process was there. */
	bool driver_known;
	uint64_t driver_bytes, driver_peak_bytes; /* then, and the most that was ever seen */
	bool driver_compared;                     /* it is known which calls were for this device */
	uint64_t driver_counted_bytes;            /* what those came to at that moment */
};

struct process {
	unsigned id; /* unique: a pid that execs has one process per image */
	int pid;
	int ppid;
	char *comm;
	char *cmdline;   /* may be NULL */
	char *container; /* id or name, NULL if none */
	bool exited;
	bool execed;   /* ended because it became another program */
	int exit_code; /* as a shell shows it: 128+N for a signal; valid if exited */
	double start_s, end_s;
	uint64_t rss_bytes, rss_peak_bytes;
	struct memory memory; /* as last read */
	/* Of the last moment that was looked at: they sum to parts_rss_bytes.  None: not looked. */
	struct resident_part *parts;
	size_t part_count;
	uint64_t parts_rss_bytes;
	struct layer_totals layers[LAYER_NR];
	struct device_totals *devices;
	size_t device_count;
};

#define LIFETIME_BUCKETS 32 /* bucket i: lived 2^i to 2^(i+1)-1 µs, bucket 0 also less */

struct stack {
	size_t process; /* index into snapshot.processes */
	enum layer layer;
	const char *device;   /* NULL on the host */
	struct frame *frames; /* from the root to the allocation call */
	size_t frame_count;
	uint64_t allocs, alloc_bytes, frees, freed_bytes;
	uint64_t live, live_bytes, peak_bytes; /* peak_bytes: share of the process's peak */
	uint64_t temporary;                    /* freed by the thread's very next call */
	uint64_t major_faults;                 /* rss: of its page faults, which allocs counts */
	uint64_t untouched_bytes; /* heap: of its large live blocks, what was never touched */
	uint64_t rounding_bytes;  /* as of the layer */
	uint64_t lifetime[LIFETIME_BUCKETS];
	int64_t delta_bytes; /* live_bytes since the last tick */
	const char *end;     /* "root", or why unwinding stopped early: "no_rows" …; never NULL */
	const char *end_text; /* the same for people, NULL if it reached the root */
	unsigned by_pointer;  /* frames found by frame pointer, for want of unwind rows */
	const char
	    *category; /* of snapshot.tensors: what they are for, and "float32[8, 3]" or "" */
	const char *shape;
	uint64_t at_peak;         /* blocks at the peak */
	uint64_t block_bytes;     /* of each block */
	bool told;                /* the next two are known */
	uint64_t requested_bytes; /* of block_bytes, what was asked for */
	int64_t stream;           /* of the device, that it was asked for on */
};

/* One tick of one process. */
struct point {
	double t_s;
	size_t process;
	uint64_t rss_bytes;
	uint64_t rss_high_bytes; /* most since the tick before, by the kernel's counters */
	struct memory memory;
	uint64_t layer_bytes[LAYER_NR]; /* live bytes; LAYER_RSS unused */
};

/* A process that the kernel has chosen to die for want of memory, at that moment. */
struct victim {
	size_t process;
	double at_s;
	uint64_t rss_bytes;   /* the first three of `memory` */
	struct memory memory; /* as far as the kernel told, else 0 */
	int oom_score_adj;
	char *cgroup;                      /* its memory control group, NULL: none or not known */
	uint64_t limit_bytes, usage_bytes; /* of that group; limit 0: none */
	uint64_t layer_bytes[LAYER_NR];    /* what it held */
	bool growth_known;
	double growth_s; /* how long before at_s growth is counted from */
	/* live_bytes: what each held, delta_bytes: by how much that grew. */
	struct stack *stacks;
	size_t stack_count;
};

/* A memory control group of processes that are traced. */
struct memory_limit {
	char *cgroup; /* path */
	bool v1;
	double since_s; /* hits and kills are counted from then */
	uint64_t limit_bytes, usage_bytes, peak_bytes;
	uint64_t hits, kills;
};

/* What a process was doing. */
struct stage {
	size_t process;
	char *name;
	double start_s, end_s;
	unsigned iteration; /* steps of the optimizer that were over when it began */
	unsigned depth;     /* 0: one of the process's stages; more: a range inside of them */
	uint64_t entry_bytes, exit_bytes, peak_bytes; /* of tensors */
	int64_t growth_bytes;
};

/* What the tensors of a device are for. */
struct category {
	size_t process;
	char *device, *name;
	uint64_t bytes_at_peak, bytes_before_backward, bytes_after_step, bytes_at_end;
};

/* The same over time, of all devices. */
struct category_point {
	size_t process;
	double t_s;
	uint64_t *bytes; /* by snapshot.category_names */
};

/* Of a process that uses tensors, what its categories do not show. */
struct tensor_use {
	size_t process;
	unsigned iterations; /* steps of the optimizer that are over */
	uint64_t step_bytes; /* allocated since the first one was */
	/* Read from files in stage load: at most at one time, and alive at its end. */
	uint64_t loaded_bytes, load_end_bytes;
};

/* What the allocator of a device had at one moment, in bytes. */
struct allocator_moment {
	uint64_t reserved_bytes;  /* taken from the device */
	uint64_t allocated_bytes; /* of these, given out as blocks */
	uint64_t untold_bytes;    /* of these, in blocks of which is not known what was asked for */
	uint64_t requested_bytes; /* asked for, in the others */
	uint64_t rounding_bytes;  /* what those take beyond it */
	uint64_t unused_bytes;    /* reserved, and in no block */
};

struct allocator {
	size_t process;
	const char *device;
	struct allocator_moment now, at_peak; /* the peak of its device's tensors */
	uint64_t reserved_peak_bytes;
	/* How the unused bytes of now lie, if that is known: they are stranded and cached. */
	bool segments_known;
	bool mapped;             /* some of them are pages of expandable segments */
	uint64_t held_segments;  /* that blocks live in */
	uint64_t stranded_bytes; /* free in these: they go when the last block does */
	uint64_t
	    sparse_segments; /* of these, the ones that are mostly free, and what is free there */
	uint64_t sparse_bytes;
	uint64_t cached_bytes; /* in segments without a block: empty_cache() gives them back */
};

/* A stack whose blocks live in sparse segments. */
struct segment_hold {
	size_t allocator;
	uint64_t holds_bytes; /* free in these segments; other stacks may hold them, too */
};

/* Tensors of one stack that stay from iteration to iteration. */
struct tensor_leak {
	unsigned since, iterations; /* the first one, and how many there are of */
	uint64_t blocks, bytes;
};

/* Who made tensors in a stage; the stack has `allocs` of `alloc_bytes`. */
struct stage_maker {
	const char *stage;
};

struct insight {
	size_t process;
	char *kind, *text;
	uint64_t bytes;
};

struct loss {
	const char *name; /* the JSON key */
	const char *text; /* what it means, for people */
	uint64_t count;
};

#define FAILED_BYTES_MAX (1ULL << 60)

struct snapshot {
	char *title; /* the command line or "pid 123 (name)" */
	double duration_s;
	double began_s;     /* when tracing began, of CLOCK_MONOTONIC */
	uint64_t ram_bytes; /* the machine's memory; 0: not known */
	struct process *processes;
	size_t process_count;
	struct stack *stacks;
	size_t stack_count;
	struct point *points; /* sorted by t_s */
	size_t point_count;
	struct victim *victims; /* in their order */
	size_t victim_count;
	/*
	 * Calls that were not given memory: `allocs` of them asked for alloc_bytes in all, or
	 * for more if that is FAILED_BYTES_MAX.
	 */
	struct stack *failures;
	size_t failure_count;
	struct memory_limit *limits; /* with a limit, or one that was hit */
	size_t limit_count;
	struct stage *stages;
	size_t stage_count;
	struct category *categories;
	size_t category_count;
	struct category_point *category_points; /* sorted by t_s */
	size_t category_point_count;
	const char **category_names; /* what they are by number */
	size_t category_name_count;
	/* Tensors with one stack, category and shape: live and peak_bytes, the largest first. */
	struct stack *tensors;
	size_t tensor_count;
	struct tensor_use *uses;
	size_t use_count;
	struct allocator *allocators;
	size_t allocator_count;
	struct segment_hold *holders; /* by allocator, those that hold most first; their stacks */
	struct stack *holder_stacks;
	size_t holder_count;
	struct tensor_leak *leaks; /* and their stacks */
	struct stack *leak_stacks;
	size_t leak_count;
	struct stage_maker *makers; /* and their stacks: most bytes of a process's stage first */
	struct stack *maker_stacks;
	size_t maker_count;
	struct insight *insights;
	size_t insight_count;
	struct loss *losses; /* every counter, zero or not */
	size_t loss_count;
	char **notes; /* one line each: what a reader must know about these numbers */
	size_t note_count;
	bool layer_on[LAYER_NR]; /* which layers were traced */
	void *arena;             /* frames and their strings, owned by the symboliser */
};

/* The value of `metric` for a stack, in bytes (METRIC_COUNT: allocations). */
uint64_t snapshot_metric(const struct stack *stack, enum metric metric);

/*
 * What the driver has of a device beyond what calls were counted: contexts, code, what
 * libraries take by other ways.  0 if it says less than was counted, or is not compared.
 */
uint64_t snapshot_other(const struct device_totals *device);

/* Frees everything the snapshot owns, not the frames' strings; NULL is fine. */
void snapshot_free(struct snapshot *snapshot);

#endif
