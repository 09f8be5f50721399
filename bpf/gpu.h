/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * The gpu layer: its calls are rare, so each is told, with what the row says is to be
 * read, and accounted for in user space (user/gpu).
 */
#ifndef MS_GPU_H
#define MS_GPU_H

#include <linux/types.h>

#define MS_GPU_ARGUMENTS 8
#define MS_GPU_WORDS 17 /* of a structure that an argument points to */

/* What could not be read. */
#define MS_GPU_NO_OUT 1u
#define MS_GPU_NO_VALUE 2u
#define MS_GPU_NO_WORDS 4u

/*
 * A call has ended; or, `begins`, one that frees has begun: what it frees may be given to
 * another thread before its end is told.  What pointers lead to is read at the end.
 */
struct ms_gpu_event {
	__u32 kind; /* MS_EVENT_GPU */
	__u32 tgid;
	__u32 tid;
	__u32 image;
	__u64 time_ns;
	__u16 row; /* of the probe table */
	__u8 begins;
	__u8 unread; /* MS_GPU_NO_* */
	__u32 pad;
	__u64 argument[MS_GPU_ARGUMENTS];
	__u64 result;
	__u64 stack;               /* of an allocation; 0: could not be kept */
	__u64 out;                 /* what ptr_arg points to, if it does */
	__u64 value;               /* what size_arg points to, if it does */
	__u64 words[MS_GPU_WORDS]; /* of what desc_arg points to */
};

#endif
