/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The maps of processes and threads, and their few globals; those of accounting are
 * in tables.bpf.h.
 */
#ifndef MS_MAPS_BPF_H
#define MS_MAPS_BPF_H

#include "gpu.h"
#include "python.h"
#include "tables.bpf.h"
#include "tensor.h"
#include "unwind.h"

struct pending {
	__u64 sp;   /* of the call: where its return address lies; 0: no call is open */
	__u64 size; /* bytes asked for; MS_SIZE_OVERFLOW if the product overflowed */
	__u64 ptr;  /* the out-pointer, or the address itself; ggml: the buffer's type */
	__u64 old;  /* realloc: the old address, taken out of `blocks` if had_old */
	struct ms_block old_block;
	__u64 cookie;
	__u32 id; /* image */
	__u32 had_old;
};
#define MS_SIZE_OVERFLOW (~0ULL)

/*
 * The registers a row may ask for, loaded once at fixed offsets: the verifier
 * refuses a context pointer that was computed from the row.
 */
struct registers {
	__u64 argument[8]; /* from 1; [0] and [7] are 0 */
	__u64 sp;
	__u64 back; /* where the call returns to, where a register says it */
};

/* Of the tensor that this thread's next block is for. */
struct shape {
	__u64 dims[MS_DIMS];
	__u32 known;
	__u8 ndim, dtype;
	__u8 pad[2];
};

/*
 * What was found for a code address.  Entries are shared by all threads, and nothing keeps one
 * from being read while it is written: `check` is of all the rest, so what was torn is not taken.
 */
#define MS_MEMO_BITS 15
struct memo {
	__u64 address;
	__u32 generation; /* of the mapping table that it was found by */
	__u32 reason;     /* enum ms_stack_end: why the walk ends here if it must */
	__u64 frame;
	struct ms_unwind_rule rule;
	__u64 check;
};

/*
 * The same for one thread, by where on its stack the code was met: outer frames mostly stand
 * where they stood in the walk before.  The memos of all are spread over 2 MiB, of which no cache
 * and no TLB holds anything when a program has gone through its data between two allocations:
 * looking there took most of a walk's time.  Packed, 32 bytes of stack for each entry: see
 * memo.bpf.h.
 */
#define MS_RECENTS 256
#define MS_RECENT_SHIFT 5
struct recent {
	__u64 address; /* 0: none; above its bits: what is small in a rule, and the reason */
	__u64 frame;
	__s16 cfa_offset, fp_offset, third_offset, param;
};

struct recents {
	__u32 generation; /* of the mapping table that all were found by */
	__u32 pad;
	struct recent at[MS_RECENTS];
};

/* Words of the stack that are read at once: several frames, mostly. */
#define MS_STACK_WINDOW 128

/* A walk under way: the registers of the frame it has come to. */
struct walk {
	__u64 ip, sp, fp, third;
	__u64 slot; /* names the call that ip returns from (MS_RETURN_POPS); 0: none */
	__u64 window[MS_STACK_WINDOW]; /* a part of the stack, read at once */
	__u64 window_at;               /* where it lies */
	__u32 window_bytes;            /* 0: nothing was read yet */
	__u32 exact;                   /* ip is the instruction itself, not the one after a call */
	__u32 by_pointer;
	__u32 sp_unknown; /* found by the frame pointer, which does not tell it */
	__u32 end;        /* enum ms_stack_end, or that it is not over */
	__u32 rest;       /* times Python was asked for what the native walk did not reach */
};

/* Per thread.  The walk's scratch lives here because uprobe programs are
 * preemptible: per-CPU scratch could be overwritten by another thread. */
struct task_state {
	struct pending pending[MS_LAYER_NR];
	__u64 last_alloc; /* the thread's last event was the allocation of this */
	__u64 last_free;  /* the last address this thread freed */
	__u64 origin;     /* the stack with Python frames that started it; 0: none is known */
	struct ms_stack stack;
	struct keeping keeping;
	struct walk walk;
	struct python_state python;
	struct memo memo; /* a copy of the one in use */
	__u64 walks, walk_frames, memo_lookups, memo_hits;
	__u64 brk;          /* the break when brk() began */
	__u64 fault_stack;  /* of the last page fault */
	__u64 major_faults; /* of the thread, when that fault began */
	__u32 fault_open;   /* it is not known yet whether it was a major one */
	__u32 pad;
	struct shape shape;
	struct registers registers;     /* of the call that a probe is at */
	char range_name[MS_RANGE_NAME]; /* of the next range */
	__u64 ranges[MS_RANGES];        /* objects of those that are open */
	__u32 range_nr;
	__u32 pad2;
	__u64 range_called;                   /* the last one's, if it was told by who calls it */
	__u64 gpu_argument[MS_GPU_ARGUMENTS]; /* of the open call of the gpu layer */
};

MS_MAP(procs, __u32, struct ms_proc, 1);        /* by tgid */
MS_MAP(mappings, __u32, struct ms_mappings, 1); /* by image */
MS_MAP(tasks, __u32, struct task_state, 1);     /* by thread id */
MS_MAP(recents, __u32, struct recents, 1);      /* by thread id */
MS_MAP(pythons, __u32, struct ms_python, 1);    /* by image */
MS_MAP(torches, __u32, struct ms_torch, 1);     /* by image */
MS_MAP(codes, struct ms_code_key, __u32, 1);    /* Python code objects: their ids in frames */
MS_MAP(rss, __u32, struct ms_rss, 1);           /* by image */
MS_MAP(touches, struct ms_touch_key, struct ms_touch, 1); /* by page */

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1 << MS_MEMO_BITS);
	__type(key, __u32);
	__type(value, struct memo);
} memos __weak SEC(".maps");

MS_MAP(failures, struct ms_stack_key, struct ms_failures, MS_FAILURES_MAX);

/* Unwind tables by slot; each is an array of the blocks of unwind.h. */
struct unwind_blocks {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_INNER_MAP | BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__uint(key_size, sizeof(__u32));
	__uint(value_size, MS_UNWIND_BLOCK);
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, MS_UNWIND_TABLES_MAX);
	__type(key, __u32);
	__array(values, struct unwind_blocks);
} unwind_tables __weak SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 1 << 20);
} events __weak SEC(".maps");

struct ms_row rows[MS_ROWS_MAX] __weak; /* the probe table, set before loading */
struct ms_walks walks __weak;
__u32 next_image __weak;    /* the last image id given out */
__u32 next_code __weak;     /* the last id of a Python code object */
__u32 native_python __weak; /* keep the interpreter's own frames: --native-python */
__u32 touches_kept __weak;  /* the rss layer is on */
__u32 rss_tick __weak;      /* intervals between user space's looks at `rss` */

#endif
