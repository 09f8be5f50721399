/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The rows are release builds' on 64-bit machines; the layouts are the same in
 * all patch releases of a minor version.
 */
#include "unwind/python_offsets.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "unwind/memory.h"

#define NONE MS_PYTHON_NONE

static const struct python_offsets rows[] = {
    /* PyFrameObject; code objects with co_lnotab, 3.10 with PEP 626's co_linetable */
    {
	.walk =
	    {
		.minor = 9,
		.form = MS_PYTHON_BARE,
		.instr_bytes = 1,
		.interp_next = 0,
		.interp_states = 8,
		.state_size = 184,
		.state_next = 8,
		.state_interp = 16,
		.state_thread = 176,
		.state_frame = 24,
		.state_cframe = NONE,
		.cframe_frame = NONE,
		.cframe_back = NONE,
		.frame_size = 112,
		.frame_code = 32,
		.frame_back = 24,
		.frame_instr = 104,
		.frame_owner = NONE,
		.frame_entry = NONE,
		.code_size = 128,
		.code_units = NONE,
		.code_first = NONE,
		.code_line = 40,
		.check = {16, 24, 32, 48, 56, 104, 112, 120},
	    },
	.code = {.name = 112,
		 .qualname = NONE,
		 .filename = 104,
		 .lines = 120,
		 .ascii_size = 48,
		 .compact_size = 72},
	.interpreters = 32,
    },
    {
	.walk =
	    {
		.minor = 10,
		.form = MS_PYTHON_SINGLE,
		.interp_next = 0,
		.interp_states = 8,
		.state_size = 184,
		.state_next = 8,
		.state_interp = 16,
		.state_thread = 176,
		.state_frame = 24,
		.state_cframe = 48,
		.cframe_frame = NONE,
		.cframe_back = 8,
		.frame_size = 104,
		.frame_code = 32,
		.frame_back = 24,
		.frame_instr = 96,
		.frame_owner = NONE,
		.frame_entry = NONE,
		.code_size = 128,
		.code_units = NONE,
		.code_first = NONE,
		.code_line = 40,
		.check = {16, 24, 32, 48, 56, 104, 112, 120},
	    },
	.code = {.name = 112,
		 .qualname = NONE,
		 .filename = 104,
		 .lines = 120,
		 .ascii_size = 48,
		 .compact_size = 72},
	.interpreters = 32,
    },
    /* _PyInterpreterFrame; code objects that end in their instructions */
    {
	.walk =
	    {
		.minor = 11,
		.form = MS_PYTHON_ENTRY,
		.interp_next = 0,
		.interp_states = 16,
		.state_size = 160,
		.state_next = 8,
		.state_interp = 16,
		.state_thread = 152,
		.state_frame = 56,
		.state_cframe = NONE,
		.cframe_frame = 8,
		.cframe_back = 16,
		.frame_size = 72,
		.frame_code = 32,
		.frame_back = 48,
		.frame_instr = 56,
		.frame_owner = 69,
		.frame_entry = 68,
		.code_size = 184,
		.code_units = 184,
		.code_first = 168,
		.code_line = 72,
		.check = {24, 32, 56, 64, 112, 120, 128, 136},
	    },
	.code = {.name = 120,
		 .qualname = 128,
		 .filename = 112,
		 .lines = 136,
		 .ascii_size = 48,
		 .compact_size = 72},
	.interpreters = 40,
    },
    /* from here on with co_version, in the word at 88 */
    {
	.walk =
	    {
		.minor = 12,
		.form = MS_PYTHON_CFRAME,
		.interp_next = 0,
		.interp_states = 72,
		.state_size = 144,
		.state_next = 8,
		.state_interp = 16,
		.state_thread = 136,
		.state_frame = 56,
		.state_cframe = NONE,
		.cframe_frame = 0,
		.cframe_back = 8,
		.frame_size = 72,
		.frame_code = 0,
		.frame_back = 8,
		.frame_instr = 56,
		.frame_owner = 70,
		.frame_entry = NONE,
		.code_size = 192,
		.code_units = 192,
		.code_first = 176,
		.code_line = 68,
		.check = {24, 32, 56, 88, 112, 120, 128, 136},
	    },
	.code = {.name = 120,
		 .qualname = 128,
		 .filename = 112,
		 .lines = 136,
		 .ascii_size = 40,
		 .compact_size = 56},
	.interpreters = 40,
    },
    {
	.walk =
	    {
		.minor = 13,
		.form = MS_PYTHON_SHIM,
		.interp_next = 7264,
		.interp_states = 7344,
		.state_size = 160,
		.state_next = 8,
		.state_interp = 16,
		.state_thread = 152,
		.state_frame = 72,
		.state_cframe = NONE,
		.cframe_frame = NONE,
		.cframe_back = NONE,
		.frame_size = 72,
		.frame_code = 0,
		.frame_back = 8,
		.frame_instr = 56,
		.frame_owner = 70,
		.frame_entry = NONE,
		.code_size = 200,
		.code_units = 200,
		.code_first = 184,
		.code_line = 68,
		.check = {24, 32, 56, 88, 112, 120, 128, 136},
	    },
	.code = {.name = 120,
		 .qualname = 128,
		 .filename = 112,
		 .lines = 136,
		 .ascii_size = 40,
		 .compact_size = 56},
	.interpreters = 632,
    },
    {
	.walk =
	    {
		.minor = 14,
		.form = MS_PYTHON_SHIM,
		.interp_next = 7272,
		.interp_states = 7344,
		.state_size = 160,
		.state_next = 8,
		.state_interp = 16,
		.state_thread = 152,
		.state_frame = 72,
		.state_cframe = NONE,
		.cframe_frame = NONE,
		.cframe_back = NONE,
		.frame_size = 80,
		.frame_code = 0,
		.frame_back = 8,
		.frame_instr = 56,
		.frame_owner = 74,
		.frame_entry = NONE,
		.code_size = 208,
		.code_units = 208,
		.code_first = 192,
		.code_line = 68,
		.check = {24, 32, 56, 88, 112, 120, 128, 136},
	    },
	.code = {.name = 120,
		 .qualname = 128,
		 .filename = 112,
		 .lines = 136,
		 .ascii_size = 40,
		 .compact_size = 56},
	.interpreters = 808,
    },
};

const struct python_offsets *python_offsets_find(unsigned minor)
{
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		if (rows[i].walk.minor == minor)
			return &rows[i];
	return NULL;
}

/*
 * _Py_DebugOffsets (pycore_runtime.h of 3.13, pycore_debug_offsets.h of 3.14):
 * a cookie, then 64-bit numbers.  These are the indices of the ones we take.
 */
enum {
	SAYS_COOKIE,
	SAYS_VERSION,
	SAYS_FREE_THREADED,
	SAYS_INTERPRETERS = 5,
	SAYS_INTERP_NEXT = 8,
	SAYS_INTERP_STATES = 9,
};

/* 3.14 has three more numbers of the interpreter, and two more of the frame. */
static const struct says {
	unsigned minor, state, frame, code;
} says[] = {
    {.minor = 13, .state = 19, .frame = 28, .code = 34},
    {.minor = 14, .state = 22, .frame = 31, .code = 39},
};

struct said {
	uint64_t number; /* which */
	uint16_t *offset;
	unsigned width; /* bytes of the field: it must lie in its structure */
	uint64_t size;  /* of the structure */
};

static int say_no(char *why, size_t why_size, const char *text)
{
	snprintf(why, why_size, "%s", text);
	return -ENOTSUP;
}

static int take_all(const uint64_t *numbers, const struct said *said, size_t count)
{
	size_t i;

	for (i = 0; i < count; i++) {
		uint64_t offset = numbers[said[i].number];

		if (offset >= MS_PYTHON_NONE || offset % said[i].width ||
		    offset + said[i].width > said[i].size)
			return -EINVAL;
		*said[i].offset = (uint16_t)offset;
	}
	return 0;
}

/* What is looked at of a structure must end inside the window. */
static int within(uint16_t *size, uint16_t offset, unsigned width)
{
	if (offset + width > *size)
		*size = offset + width;
	return *size < MS_PYTHON_WINDOW ? 0 : -EINVAL;
}

/*
 * co_version and _co_firsttraceable are not among the numbers.  The latter is 16
 * bytes before the instructions in every version; the former, and what else is
 * in the check word, is where the row says if the rest of the structure is.
 */
static int code_take(struct python_offsets *o, const struct python_offsets *row)
{
	const uint16_t known[] = {o->code.filename, o->code.name, o->code.qualname, o->code.lines};
	size_t i;

	o->walk.code_size = o->walk.code_units;
	o->walk.code_first = o->walk.code_units - 16;
	if (o->walk.code_size < 32 || o->walk.code_size >= MS_PYTHON_WINDOW)
		return -EINVAL;
	if (memcmp(&o->code, &row->code, sizeof(o->code)) != 0 ||
	    o->walk.code_line != row->walk.code_line)
		for (i = 0; i < MS_PYTHON_CHECKS; i++)
			o->walk.check[i] = known[i % 4];
	return 0;
}

static int numbers_take(const uint64_t *n, const struct says *at, struct python_offsets *o)
{
	const struct python_offsets row = *o;
	const uint64_t interp = n[6], state = n[at->state], frame = n[at->frame],
		       code = n[at->code];
	struct ms_python_walk *w = &o->walk;
	const struct said said[] = {
	    {SAYS_INTERPRETERS, &o->interpreters, 8, n[3]},
	    {SAYS_INTERP_NEXT, &w->interp_next, 8, interp},
	    {SAYS_INTERP_STATES, &w->interp_states, 8, interp},
	    {at->state + 2, &w->state_next, 8, state},
	    {at->state + 3, &w->state_interp, 8, state},
	    {at->state + 4, &w->state_frame, 8, state},
	    {at->state + 5, &w->state_thread, 8, state},
	    {at->frame + 1, &w->frame_back, 8, frame},
	    {at->frame + 2, &w->frame_code, 8, frame},
	    {at->frame + 3, &w->frame_instr, 8, frame},
	    {at->frame + 5, &w->frame_owner, 1, frame},
	    {at->code + 1, &o->code.filename, 8, code},
	    {at->code + 2, &o->code.name, 8, code},
	    {at->code + 3, &o->code.qualname, 8, code},
	    {at->code + 4, &o->code.lines, 8, code},
	    {at->code + 5, &w->code_line, 4, code},
	    {at->code + 9, &w->code_units, 2, code},
	};

	w->state_size = w->frame_size = 8;
	if (take_all(n, said, sizeof(said) / sizeof(*said)) ||
	    within(&w->state_size, w->state_next, 8) ||
	    within(&w->state_size, w->state_interp, 8) ||
	    within(&w->state_size, w->state_frame, 8) ||
	    within(&w->state_size, w->state_thread, 8) ||
	    within(&w->frame_size, w->frame_back, 8) || within(&w->frame_size, w->frame_code, 8) ||
	    within(&w->frame_size, w->frame_instr, 8) || within(&w->frame_size, w->frame_owner, 1))
		return -EINVAL;
	return code_take(o, &row);
}

int python_offsets_take(const uint64_t numbers[PYTHON_SAYS_NR], struct python_offsets *offsets,
			char *why, size_t why_size)
{
	const struct says *at = &says[offsets->walk.minor > PYTHON_MINOR_SAYS];

	if (memcmp(&numbers[SAYS_COOKIE], "xdebugpy", 8) != 0 ||
	    numbers[SAYS_VERSION] >> 16 != (0x300u | offsets->walk.minor))
		return say_no(why, why_size, "it does not say how its structures look");
	if (numbers[SAYS_FREE_THREADED])
		return say_no(why, why_size, "it is a free-threaded build");
	if (numbers_take(numbers, at, offsets))
		return say_no(why, why_size, "its structures look like no CPython's we know");
	return 0;
}

int python_offsets_read(pid_t pid, uint64_t runtime, struct python_offsets *offsets, char *why,
			size_t why_size)
{
	uint64_t numbers[PYTHON_SAYS_NR];
	int err = memory_read(pid, runtime, numbers, sizeof(numbers));

	if (err) {
		snprintf(why, why_size, "its memory cannot be read: %s", strerror(-err));
		return err;
	}
	return python_offsets_take(numbers, offsets, why, why_size);
}
