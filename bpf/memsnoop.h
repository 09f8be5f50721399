/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * The one contract between bpf/ and user/: keys, values, events, limits and
 * loss counters.  Everything here has the same layout on both sides; fixed
 * width types only, explicit padding, no pointers.
 */
#ifndef MEMSNOOP_H
#define MEMSNOOP_H

#include <linux/types.h>

#include "arch.h"

/* The verifier of old kernels follows a loop that is written out more cheaply. */
#ifdef __clang__
#define MS_UNROLL _Pragma("unroll")
#else
#define MS_UNROLL
#endif

/* Innermost frames kept of one stack; a deeper stack is marked truncated. */
#define MS_STACK_DEPTH 127
/* Executable mappings of one process that the kernel side can resolve. */
#define MS_MAPPINGS_BITS 10
#define MS_MAPPINGS_MAX (1 << MS_MAPPINGS_BITS)
/* Unwind tables in the kernel at one time, each of a file (unwind.h). */
#define MS_UNWIND_TABLES_MAX 4096
/* Buckets of the lifetime histogram: bucket i counts 2^i..2^(i+1)-1 µs. */
#define MS_LIFETIME_BUCKETS 32
#define MS_ROWS_MAX 512
#define MS_COMM_LEN 16

/* Where memory is seen.  Layers overlap and are never summed. */
#define MS_LAYERS(X)                                                                               \
	X(HEAP, "heap")                                                                            \
	X(TENSOR, "tensor")                                                                        \
	X(GPU, "gpu")                                                                              \
	X(VM, "vm")                                                                                \
	X(RSS, "rss")

enum ms_layer {
#define X(id, name) MS_LAYER_##id,
	MS_LAYERS(X)
#undef X
	    MS_LAYER_NR
};

/* ---- one row of the probe table, as the kernel interprets it ---------- */

enum ms_kind {
	MS_KIND_ALLOC,
	MS_KIND_FREE,
	MS_KIND_REALLOC,
	MS_KIND_MARKER, /* the dynamic linker changed the list of libraries */
	MS_KIND_UNWIND, /* a C++ exception begins to unwind this thread's stack */
	MS_KIND_CALL,   /* of the gpu layer, whose calls are told: see gpu.h */
	/* Of the tensor layer: see tensor.h. */
	MS_KIND_REPORT,    /* an allocator reports a block: bytes, or -bytes when it is free */
	MS_KIND_FAILED,    /* an allocator reports that it has no memory */
	MS_KIND_SHAPE,     /* the thread's next block is for a tensor of this shape */
	MS_KIND_RANGE,     /* a call that is a range of time */
	MS_KIND_NAME,      /* the name of the range that the thread will begin next */
	MS_KIND_PUSH,      /* begins a range, of the object that is given, or of none */
	MS_KIND_POP,       /* ends a range: that of the object, or the last one */
	MS_KIND_USAGE,     /* what a block is for, as a number */
	MS_KIND_PARAMETER, /* PyTorch's AccumulateGrad: a gradient for a parameter */
	MS_KIND_UPDATE,    /* tensors are changed where they are: tells what a step works on */
	MS_KIND_REQUEST,   /* a tracepoint of the program (usdt.h): what was asked for a block */
	MS_KIND_MOMENT,    /* the same: a moment that stages begin or end at */
};

#define MS_LISTS_MAX 4 /* of tensors, that are read of one call */

#define MS_MAKER_HOST 0xff

/* How the name of a range is passed. */
enum ms_name_form { MS_NAME_CHARS, MS_NAME_STRING };

/* How a number is read at a probe.  Arguments count from 1; 0 is "none". */
struct ms_row {
	__u8 kind;       /* enum ms_kind */
	__u8 layer;      /* enum ms_layer */
	__u8 size_arg;   /* bytes, or the first factor of a product */
	__u8 size_arg2;  /* the second factor, 0 if there is none */
	__u8 ptr_arg;    /* the block's address is this argument; 0: return value */
	__u8 ptr_out;    /* 1: ptr_arg points to where the address is stored */
	__u8 old_arg;    /* realloc: the old block */
	__u8 zero_is_ok; /* 1: success is a return value of 0, not a non-NULL one */
	__u8 null_frees; /* realloc: a call that fails has freed the old block */
	__u8 throws;     /* it may throw: its return instructions are probed, see elfret.h */
	__u8 at_entry;   /* the block is there when the function is called with it */
	__u8 device_arg; /* c10::Device, passed in a register; 0: the host */
	__u8 total_arg;  /* report: bytes allocated on that device; those reserved come next */
	__u8 name_arg;   /* range: its name */
	__u8 name_form;  /* enum ms_name_form */
	__u8 dims_arg;   /* shape: its sizes; how many comes next */
	__u8 dtype_arg;  /* shape: c10::ScalarType */
	__u8 only_arg;   /* only calls where this argument, a byte, has the value that follows */
	__u8 only_value;
	__u8 size_out; /* gpu: 1: size_arg points to what is told as `value` */
	__u8 desc_arg; /* gpu: points to a structure, of which desc_nr words at byte desc_at are
			  told */
	__u8 desc_at;
	__u8 desc_nr;
	__u8 stream_arg; /* request: the stream that the block is for */
	__u8 maker_arg;  /* ggml: points to a structure whose second word is the function that makes
			    the block, or MS_MAKER_HOST: it is of the host; 0: not ggml's */
	__u8 lists; /* update: 0: one tensor; else so many lists, each as two arguments: where its
		       tensors' pointers lie, and how many.  Those after the first: from the
		       seventh argument on */
};

/* The BPF cookie of a probe: which row, and in which module it was found. */
#define MS_COOKIE(row, module) ((__u64)(module) << 32 | (row))
#define MS_COOKIE_ROW(cookie) ((__u32)(cookie))
#define MS_COOKIE_MODULE(cookie) ((__u32)((cookie) >> 32) & MS_MODULE_MAX)
/* The probe is on a return instruction of the row's function, not at its entry. */
#define MS_COOKIE_RETURN (1ULL << 63)
/* It is on an instruction that calls the function, or jumps to it: its arguments are there. */
#define MS_COOKIE_CALL (1ULL << 62)

/* ---- frames and stacks ------------------------------------------------ */

/*
 * A frame is (module, file offset) in 64 bits.  Module 0 is "not in a file we
 * know": the offset is then the address itself, which fits in MS_MODULE_SHIFT bits.  With
 * MS_FRAME_ROW set the offset is a row of the probe table: the allocation
 * function that was called.
 */
#define MS_ADDRESS_MAX (1ULL << MS_MODULE_SHIFT) /* above are the kernel's addresses */
#define MS_MODULE_MAX ((1u << (64 - MS_MODULE_SHIFT)) - 1)
#define MS_OFFSET_MASK ((1ULL << MS_MODULE_SHIFT) - 1)
#define MS_FRAME_ROW (1ULL << 46)
#define MS_FRAME(module, offset) ((__u64)(module) << MS_MODULE_SHIFT | ((offset)&MS_OFFSET_MASK))
#define MS_FRAME_MODULE(frame) ((__u32)((frame) >> MS_MODULE_SHIFT))
#define MS_FRAME_OFFSET(frame) ((frame)&MS_OFFSET_MASK)
/* Only in a module: an address without one may well have this bit. */
#define MS_FRAME_IS_ROW(frame) (MS_FRAME_MODULE(frame) && (frame)&MS_FRAME_ROW)

/*
 * The highest module number is no file: the frame is a Python call, of the code
 * object with this number (python.h) at this instruction, in code units.
 */
#define MS_MODULE_PYTHON MS_MODULE_MAX
#define MS_PYTHON_UNIT_BITS 20
#define MS_PYTHON_CODES_MAX (1u << 26) /* below MS_FRAME_ROW */
#define MS_PYTHON_FRAME(code, unit)                                                                \
	MS_FRAME(MS_MODULE_PYTHON, (__u64)(code) << MS_PYTHON_UNIT_BITS |                          \
				       ((unit) & ((1u << MS_PYTHON_UNIT_BITS) - 1)))
#define MS_FRAME_PYTHON_CODE(frame) ((__u32)(MS_FRAME_OFFSET(frame) >> MS_PYTHON_UNIT_BITS))
#define MS_FRAME_PYTHON_UNIT(frame) ((__u32)(frame) & ((1u << MS_PYTHON_UNIT_BITS) - 1))

/*
 * Two below it: no code either, but the system call of the vm layer (enum
 * ms_vm_call) that the innermost function made.
 */
#define MS_MODULE_CALL (MS_MODULE_MAX - 2)

/*
 * Why a stack ends where it does: the name for JSON, and what the report says
 * (%s is the module of the last frame).
 */
#define MS_ENDS(X)                                                                                 \
	X(ROOT, "root", "reached the thread's first function")                                     \
	X(TRUNCATED, "truncated", "deeper than the limit of frames")                               \
	X(NO_ROWS, "no_rows", "no unwind rows for %s")                                             \
	X(UNSUPPORTED, "unsupported", "unwind information of an unknown form in %s")               \
	X(NO_TABLE, "no_table", "no unwind table for %s")                                          \
	X(NO_MODULE, "no_module", "code in no file")                                               \
	X(UNREADABLE, "unreadable", "the stack's memory could not be read")                        \
	X(BACKWARDS, "backwards", "the stack pointer went backwards: a switched or broken stack")

enum ms_stack_end {
#define X(id, name, text) MS_END_##id,
	MS_ENDS(X)
#undef X
	    MS_END_NR
};

/*
 * What is kept of a stack besides its frames goes among them, before the
 * outermost, where it is not what one expects: that it does not reach the root,
 * that frame pointers were needed, and the 64 bits of an origin in two halves.
 */
#define MS_MODULE_NOTE (MS_MODULE_MAX - 1)
#define MS_NOTES(X) X(END) X(BY_POINTER) X(ORIGIN_LOW) X(ORIGIN_HIGH)
enum ms_note {
#define X(id) MS_NOTE_##id,
	MS_NOTES(X)
#undef X
	    MS_NOTE_NR
};
#define MS_NOTE_FRAME(note, value) MS_FRAME(MS_MODULE_NOTE, (__u64)(value) << 8 | (note))
#define MS_FRAME_NOTE(frame) ((__u32)(frame)&0xff)
#define MS_FRAME_NOTE_VALUE(frame) ((__u32)(MS_FRAME_OFFSET(frame) >> 8))

struct ms_stack {
	__u32 nr;         /* frames used, innermost first */
	__u16 end;        /* enum ms_stack_end */
	__u16 by_pointer; /* frames found by frame pointer, for want of rows */
	__u64 origin;     /* of a thread with no Python frame: the stack that started it; or 0 */
	__u64 frames[MS_STACK_DEPTH + 1 + MS_NOTE_NR]; /* + 1: the allocation function */
};

/*
 * A kept stack is a chain of pieces, each named by a hash of all frames from the
 * outermost to its own last one: stacks share what is the same from the root on.
 * The name of the innermost piece is the stack's.
 */
#define MS_PIECE 8
struct ms_piece {
	__u64 outer;            /* name of the piece before it, 0 if there is none */
	__u64 frames[MS_PIECE]; /* outermost first; 0: none */
};

/* Stack hash 0 collects what could not be given a stack of its own. */
#define MS_STACK_OTHER 0ULL
/* Names up to here are no stacks but user space's remarks: why there is none. */
#define MS_STACK_REMARKS 15ULL

/* ---- processes -------------------------------------------------------- */

/*
 * tgid -> which image runs there now.  An image (a process between two execs)
 * has an id of its own, never reused: it tells pid reuse apart, and keys of an
 * old image can be dropped at leisure.  A vfork child borrows its parent's id
 * because it borrows its memory.
 */
struct ms_proc {
	__u32 id;
	__u32 flags;    /* MS_PROC_* */
	__u64 start_ns; /* task->start_boottime of the group leader */
};
#define MS_PROC_HOLD 1u     /* a tracer waits: stop the thread at a marker */
#define MS_PROC_BORROWED 2u /* vfork child: the id is the parent's */
#define MS_PROC_READY 4u    /* all probes are in: calls count from now on */

/* Totals of one image and layer.  Peak arithmetic: see peak.h. */
struct ms_totals {
	__u64 allocs, alloc_bytes;
	__u64 frees, freed_bytes;
	__u64 unknown_frees; /* free of an address we never saw allocated */
	__u64 failed;        /* calls that allocated nothing */
	__s64 live_bytes;
	__s64 peak_bytes;
	__u64 peak_at_ns; /* bpf_ktime_get_ns() when the peak was last raised */
	__u64 epoch;      /* odd while the total is below the peak */
};

struct ms_image {
	struct ms_totals layer[MS_LAYER_NR];
};

struct ms_stack_key {
	__u32 id; /* image */
	__u32 layer;
	__u64 hash;
};

struct ms_stack_totals {
	__u64 allocs, alloc_bytes;
	__u64 frees, freed_bytes;
	__s64 live_bytes;
	__s64 saved_bytes; /* live_bytes at the peak, valid if saved_epoch matches */
	__u64 saved_epoch;
	__u64
	    temporary; /* freed by the thread's next call, nothing in between; RSS: major faults */
	__u32 lifetime[MS_LIFETIME_BUCKETS];
};

struct ms_block_key {
	__u32 id;    /* image */
	__u32 space; /* layer; a device's own address space for gpu */
	__u64 address;
};

struct ms_block {
	__u64 size;
	__u64 hash; /* stack */
	__u64 born_ns;
};

/* ---- the module table of one image ------------------------------------ */

struct ms_mapping {
	__u64 start, end; /* addresses */
	__u64 offset;     /* file offset of start */
	__u32 module;
	__u32 table; /* its unwind table: slot + 1 of unwind_tables; 0: none; MS_TABLE_* */
};
#define MS_TABLE_NO_ROWS (~0u) /* the file has no unwind information */

struct ms_mappings {
	__u32 nr;         /* sorted by start, below MS_ADDRESS_MAX */
	__u32 jit;        /* 1: the process has executable memory that is no file */
	__u32 generation; /* of this table; no two tables ever given have the same */
	__u32 pad;
	struct ms_mapping map[MS_MAPPINGS_MAX];
};

/* ---- what the walks of stacks came to, all threads ---------------------- */

struct ms_walks {
	__u64 walks, frames;   /* in steps of 64 walks a thread */
	__u64 lookups;         /* of code addresses; some are of frames that are not kept */
	__u64 memo_hits;       /* of them: what was found before was remembered */
	__u64 ends[MS_END_NR]; /* walks that ended so; MS_END_ROOT is not counted */
};

/* ---- the vm layer: system calls that change what is mapped --------------- */

#define MS_VM_CALLS(X)                                                                             \
	X(mmap)                                                                                    \
	X(munmap)                                                                                  \
	X(mremap)                                                                                  \
	X(brk)                                                                                     \
	X(madvise)                                                                                 \
	X(mlock)                                                                                   \
	X(mlock2)                                                                                  \
	X(mlockall)                                                                                \
	X(shmat)                                                                                   \
	X(shmdt)

enum ms_vm_call {
#define X(name) MS_VM_##name,
	MS_VM_CALLS(X)
#undef X
	    MS_VM_NR
};

#define MS_VM_ARGUMENTS 5

/* A system call began (`begins`), or ended with `result`. */
struct ms_vm_event {
	__u32 kind; /* MS_EVENT_VM */
	__u32 tgid;
	__u32 tid;
	__u32 image;
	__u8 call; /* enum ms_vm_call */
	__u8 begins;
	__u8 by_allocator; /* made inside an allocation function that is probed */
	__u8 pad[5];
	__u64 argument[MS_VM_ARGUMENTS]; /* brk: [1] is the break before; shmat: [3] the length */
	__s64 result;                    /* an address, 0, or a negative errno */
	__u64 stack;                     /* of the call's end; 0: could not be kept */
	__u64 time_ns;
};

/* ---- the rss layer ------------------------------------------------------ */

/* As in enum of include/linux/mm_types_task.h; the same since 4.5. */
enum ms_rss_member { MS_RSS_FILE, MS_RSS_ANON, MS_RSS_SWAP, MS_RSS_SHMEM, MS_RSS_NR };

/* The kernel's own counters of one image, in pages, as rss_stat last told them. */
struct ms_rss {
	__s64 pages[MS_RSS_NR];
	__s64 high_pages; /* most that were resident in interval `tick` */
	__s64 peak_pages; /* most ever, and when */
	__u64 peak_at_ns;
	__u32 tick; /* the interval of the last change, see rss_tick */
	__u32 pad;
};

/*
 * Who touched a page first since it was last absent: the stack's name, by page,
 * for MS_TOUCH_PAGES neighbours at a time.
 */
#define MS_PAGE 4096
#define MS_TOUCH_PAGES 16
struct ms_touch_key {
	__u32 image;
	__u32 pad;
	__u64 chunk; /* address / page size / MS_TOUCH_PAGES */
};
struct ms_touch {
	__u64 stack[MS_TOUCH_PAGES]; /* 0: nobody that was seen */
};

/* ---- when memory runs out ------------------------------------------------ */

/* Allocation calls of one stack that returned no memory. */
struct ms_failures {
	__u64 count;
	__u64 bytes; /* asked for; MS_FAILED_BYTES_MAX: that or more */
};
#define MS_FAILED_BYTES_MAX (1ULL << 60) /* a few calls could ask for more than 64 bits count */
#define MS_FAILURES_MAX 8192             /* stacks of them */

/* The kernel has chosen a process to die, because there is no memory left. */
struct ms_oom_event {
	__u32 kind; /* MS_EVENT_OOM */
	__u32 tgid;
	__u32 image;
	__u32 known;            /* the numbers below could be read */
	__s64 pages[MS_RSS_NR]; /* resident, by enum ms_rss_member */
	__u64 total_vm_pages;
	__u64 page_table_bytes;
	__u64 time_ns;
	__s32 oom_score_adj;
	__u32 pad;
};

/* ---- events: rare ones only, through a ring buffer --------------------- */

enum ms_event_kind {
	MS_EVENT_FORK,
	MS_EVENT_EXEC,
	MS_EVENT_EXIT,
	MS_EVENT_LIBS,   /* a library was loaded or unloaded */
	MS_EVENT_CODE,   /* struct ms_code_event, python.h: a Python code object is new */
	MS_EVENT_VM,     /* struct ms_vm_event: a system call of the vm layer */
	MS_EVENT_OOM,    /* struct ms_oom_event: a process was chosen by the OOM killer */
	MS_EVENT_TENSOR, /* struct ms_tensor_event, tensor.h */
	MS_EVENT_GPU,    /* struct ms_gpu_event, gpu.h */
};

struct ms_event {
	__u32 kind;
	__u32 tgid;
	__u32 tid;
	__u32 parent;    /* fork: the parent's tgid; exec: the caller's old tid */
	__u32 id;        /* image now (fork: the child's; exec: the new one) */
	__u32 old_id;    /* exec: the image before; fork: the parent's */
	__u32 exit_code; /* exit: as wait(2) gives it */
	__u32 flags;     /* MS_PROC_* of the image */
	__u64 time_ns;
	__u64 maxrss_pages; /* exec, exit: most resident pages so far, of any image */
	char comm[MS_COMM_LEN];
};

/* ---- loss counters: each one is asserted by a test, shown and exported -- */

#define MS_LOSSES(X)                                                                               \
	X(events, "process events dropped (ring buffer full)")                                     \
	X(passed_over, "events that the kernel passed over (its CPU was in the middle of one)")    \
	X(live_full, "allocations not tracked (table of live blocks full)")                        \
	X(live_full_bytes, "bytes of those allocations")                                           \
	X(stacks_full, "allocations whose stack could not be kept (stack table full)")             \
	X(stacks_truncated, "stacks cut at the depth limit")                                       \
	X(totals_full, "allocations whose stack has no totals of its own (table full)")            \
	X(procs_full, "processes not tracked (process table full)")                                \
	X(tasks_full, "calls not tracked (thread table full)")                                     \
	X(abandoned, "calls that never returned (exception or longjmp)")                           \
	X(abandoned_bytes, "bytes of blocks such a realloc held")                                  \
	X(read_failed, "addresses or sizes that could not be read")                                \
	X(missed_frees, "blocks whose address was handed out again, the free unseen")              \
	X(peak_races, "peak updates given up under contention")                                    \
	X(mappings_full, "code mappings beyond the table of a process")                            \
	X(tables_full, "files whose unwind table could not be loaded")                             \
	X(attach_failed, "files whose allocation functions could not be probed")                   \
	X(vm_events, "memory system calls not told (ring buffer full)")                            \
	X(tensor_events, "events of the tensor layer not told (ring buffer full)")                 \
	X(gpu_events, "calls of the gpu layer not told (ring buffer full)")                        \
	X(gpu_unread, "GPU calls whose blocks or sizes could not be told")                         \
	X(touch_full, "page faults whose page could not be noted (table full)")                    \
	X(rss_full, "processes whose resident memory is only seen at ticks (table full)")          \
	X(failures_full, "calls without memory whose stack could not be kept (table full)")        \
	X(growth_cut, "stacks left out of what growth is measured by (too many)")                  \
	X(codes_full, "Python frames without a name (table of code objects full)")                 \
	X(codes_unread, "Python code objects not announced (ring buffer full)")                    \
	X(codes_gone, "Python code objects gone or changed before they were read")                 \
	X(nested, "kernel allocations and frees in the middle of the tracing of another")          \
	X(stacks_unread, "kernel allocations whose stack could not be taken")                      \
	X(caches_full, "allocations of kernel caches without a name (table full)")                 \
	X(pages_split, "blocks of pages freed in parts, counted as freed with the first part")

enum ms_loss {
#define X(id, text) MS_LOSS_##id,
	MS_LOSSES(X)
#undef X
	    MS_LOSS_NR
};

#endif
