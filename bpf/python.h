/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * CPython frames: what both sides know of an interpreter.  user/unwind/cpython.c
 * fills struct ms_python for each image that runs one, bpf/python.bpf.h walks by
 * it, and the unit tests compile that walk for user space.
 *
 * Every structure of the target is read as one window from its first byte, so
 * the offsets below are both the structure's and the window's.
 */
#ifndef MS_PYTHON_H
#define MS_PYTHON_H

#include <linux/types.h>

#define MS_PYTHON_WINDOW 256  /* bytes of one structure that can be looked at */
#define MS_PYTHON_CHAINS 4    /* interpreters that one thread can be inside of */
#define MS_PYTHON_CACHE 64    /* code objects a thread remembers; a power of two */
#define MS_PYTHON_CHECKS 8    /* words of a code object in its check word */
#define MS_PYTHON_NONE 0xffff /* an offset: there is no such field */

/* Units that are no place in the code (MS_MODULE_PYTHON frames). */
#define MS_PYTHON_UNIT_START ((1u << 20) - 1) /* it has not begun: the first line */
#define MS_PYTHON_UNIT_MAX ((1u << 20) - 2)   /* this one or a later one */

/*
 * How Python's frames are tied to the native frames of the evaluation loop.  A
 * marker is an object of CPython's that lives on the C stack, inside the native
 * frame of the evaluation loop that put it there.
 */
enum ms_python_form {
	MS_PYTHON_BARE,   /* 3.9: no marker; one frame for each evaluation loop */
	MS_PYTHON_SINGLE, /* 3.10: CFrame, the marker of one frame */
	MS_PYTHON_ENTRY,  /* 3.11: _PyCFrame; the last of its frames has is_entry */
	MS_PYTHON_CFRAME, /* 3.12: _PyCFrame; an interpreter's frame follows its frames */
	MS_PYTHON_SHIM,   /* 3.13, 3.14: an interpreter's frame is the marker */
};

/* What the walk needs. */
struct ms_python_walk {
	__u8 minor;          /* of version 3 */
	__u8 form;           /* enum ms_python_form */
	__u8 tail_calls;     /* handlers of instructions are functions: see python_eval() */
	__u8 instr_bytes;    /* 3.9: frame_instr counts bytes */
	__u16 interp_next;   /* PyInterpreterState */
	__u16 interp_states; /* its list of thread states */
	__u16 state_size;    /* PyThreadState, as far as we look */
	__u16 state_next;
	__u16 state_interp;
	__u16 state_thread; /* pthread_self() of its thread */
	__u16 state_frame;  /* frame, cframe or current_frame */
	__u16 state_cframe; /* 3.10 has both; else MS_PYTHON_NONE */
	__u16 cframe_frame;
	__u16 cframe_back;
	__u16 frame_size; /* PyFrameObject, _PyInterpreterFrame */
	__u16 frame_code;
	__u16 frame_back;
	__u16 frame_instr;             /* f_lasti, or a pointer to the instruction */
	__u16 frame_owner;             /* MS_PYTHON_NONE up to 3.10 */
	__u16 frame_entry;             /* 3.11: is_entry */
	__u16 code_size;               /* PyCodeObject, without its instructions */
	__u16 code_units;              /* its instructions: 3.11 and later */
	__u16 code_first;              /* the first instruction that shows in a traceback */
	__u16 code_line;               /* co_firstlineno */
	__u16 check[MS_PYTHON_CHECKS]; /* words, multiples of 8, that never change in its life */
	__u32 module;                  /* of the interpreter, in frames; 0: not known */
	__u64 interpreters;            /* address of the pointer to the first interpreter */
	/* Addresses of _PyEval_EvalFrameDefault, and of the part of it that the
	 * compiler put elsewhere; 0, 0 if there is none. */
	__u64 eval[2][2];
};

/* What reading a code object needs besides: user space's only. */
struct ms_python_code {
	__u16 name, qualname, filename; /* qualname: MS_PYTHON_NONE up to 3.10 */
	__u16 lines;                    /* co_lnotab or co_linetable */
	__u16 ascii_size, compact_size; /* heads of str objects before their characters */
	__u16 pad[2];
	__u64 code_type, str_type, bytes_type; /* addresses */
};

/* Value of the map `pythons`, by image. */
struct ms_python {
	struct ms_python_walk walk;
	struct ms_python_code code;
};

/* Key of the map `codes`; the value is the id in frames, from 1 on. */
struct ms_code_key {
	__u64 code; /* address of the code object */
	__u64 check;
	__u32 image;
	__u32 pad;
};

/* A code object was given an id: read it while it is there (MS_EVENT_CODE). */
struct ms_code_event {
	__u32 kind;
	__u32 tgid;
	__u32 image;
	__u32 id;
	__u64 code;
	__u64 check;
};

/* One interpreter this thread is inside of: where the walk stands in its frames. */
struct ms_python_chain {
	__u64 state; /* PyThreadState; 0: unused */
	__u64 interp;
	__u64 frame;  /* the next frame; 0: no more */
	__u64 marker; /* of the evaluation loop that runs it; 0: none, or not known yet */
};

/*
 * A search for the thread's states.  Here and not on the stack: there the
 * verifier would follow each value that the counters can have; before "bpf:
 * verify callbacks as if they are called unknown number of times" (Linux 6.7)
 * it would take them for constants, and drop what they seem to rule out.
 */
struct ms_python_search {
	__u64 interp, next; /* the interpreter, and the one after it */
	__u64 state;        /* the thread state to look at */
	__u32 interps, found;
	__u32 changed;
	__u32 pad;
};

struct ms_python_known {
	__u64 code, check;
	__u32 image;
	__u32 id;
};

/* Per thread, in its struct task_state. */
struct python_state {
	struct ms_python_walk walk; /* of `image` */
	__u32 image;                /* 0: none yet */
	__u32 quiet;                /* searches not to be made, for the last ones found nothing */
	__u32 backoff;
	__u32 searched; /* in this walk */
	__u32 active;   /* chain that python_next() follows */
	__u32 open;     /* it has more for this native frame */
	__u32 shown;    /* Python frames of this walk so far */
	__u32 several;  /* there is more than one interpreter */
	__u64 sp, cfa;  /* of the native frame */
	__u64 thread;   /* pthread_self() */
	struct ms_python_chain chain[MS_PYTHON_CHAINS];
	struct ms_python_search search;
	struct ms_python_known known[MS_PYTHON_CACHE];
	__u8 window[MS_PYTHON_WINDOW];
};

/* A field of a window.  Masked, so that whatever the offset it stays inside. */
static inline __attribute__((always_inline)) __u64 python_word(const __u8 *window, __u16 offset)
{
	return *(const __u64 *)(window + (offset & (MS_PYTHON_WINDOW - 8)));
}

static inline __attribute__((always_inline)) __u32 python_half(const __u8 *window, __u16 offset)
{
	return *(const __u32 *)(window + (offset & (MS_PYTHON_WINDOW - 4)));
}

static inline __attribute__((always_inline)) __u8 python_byte(const __u8 *window, __u16 offset)
{
	return window[offset & (MS_PYTHON_WINDOW - 1)];
}

/*
 * The check word of the code object in `window`: a hash of fields that keep
 * their values as long as it lives.  From 3.12 on co_version is among them, a
 * number that no other code object of the interpreter has had.
 */
static inline __attribute__((always_inline)) __u64 python_check(const __u8 *window,
								const struct ms_python_walk *walk)
{
	__u64 check = python_half(window, walk->code_line);
	int i;

	for (i = 0; i < MS_PYTHON_CHECKS; i++) {
		check = (check ^ python_word(window, walk->check[i])) * 0x9e3779b97f4a7c15ULL;
		check ^= check >> 29;
	}
	return check;
}

#endif
