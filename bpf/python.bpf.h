/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Python frames in place of the native frames of CPython's evaluation loop:
 *
 *   python_begin()  once for each walk
 *   python_eval()   for each native frame, innermost first: does Python replace it?
 *   python_next()   if so: its Python frames, innermost first
 *
 * The thread's state is found by its pthread_self(), in the interpreters'
 * lists, and kept; so it is found whoever holds the GIL, and no thread-specific
 * storage has to be understood.
 *
 * Which native frame a Python frame belongs to is not guessed: CPython keeps an
 * object on the C stack for each evaluation loop (enum ms_python_form), and the
 * native frame whose memory holds it is that loop.
 *
 * The file that includes this one brings the helpers and maps; the unit tests
 * bring their own and walk another process.
 *
 * WALK_FUNCTION: a global function, which the verifier goes through once, by
 * itself.  Inlined into each step of a walk, they are beyond its limit.  Such a
 * function must look whether its pointers are NULL, and return a number.
 */
#ifndef MS_PYTHON_BPF_H
#define MS_PYTHON_BPF_H

#include "memsnoop.h"
#include "python.h"

/* What a search looks at, at most: interpreters, and thread states of all. */
#define PYTHON_INTERPRETERS 16
#define PYTHON_STATES 4096
/* Frames between two markers, at most: CPython's default limit of recursion is 1,000. */
#define PYTHON_SEGMENT 4096
/* After a search that found nothing new: walks that do not search, at most. */
#define PYTHON_BACKOFF 1024

/* Owners of _PyInterpreterFrame (pycore_frame.h): from here on it is the interpreter. */
#define PYTHON_OWNER_GENERATOR 1
#define PYTHON_OWNER_INTERPRETER 3

#define PYTHON_AGAIN 2

/* Weak, so that each object file defines them and the linker keeps one. */
#ifndef WALK_FUNCTION
#define WALK_FUNCTION __weak __noinline
#endif

static __always_inline long python_read(void *to, __u32 size, __u64 from)
{
	return bpf_probe_read_user(to, size & (MS_PYTHON_WINDOW - 1), (void *)from);
}

static __always_inline __u64 python_pointer(__u64 from)
{
	__u64 value = 0;

	if (bpf_probe_read_user(&value, sizeof(value), (void *)from))
		return 0;
	return value;
}

static __always_inline int python_in_eval(const struct ms_python_walk *walk, __u64 ip)
{
	return ip - walk->eval[0][0] < walk->eval[0][1] - walk->eval[0][0] ||
	       ip - walk->eval[1][0] < walk->eval[1][1] - walk->eval[1][0];
}

/* Sets the chain to the innermost frame of its thread state, which is in the window. */
static __always_inline void python_start(struct python_state *p, struct ms_python_chain *chain)
{
	const struct ms_python_walk *walk = &p->walk;

	chain->frame = python_word(p->window, walk->state_frame);
	chain->marker = 0;
	if (walk->form == MS_PYTHON_SINGLE)
		chain->marker = python_word(p->window, walk->state_cframe);
	if (walk->form == MS_PYTHON_ENTRY || walk->form == MS_PYTHON_CFRAME) {
		chain->marker = chain->frame;
		chain->frame =
		    chain->marker ? python_pointer(chain->marker + walk->cframe_frame) : 0;
	}
}

/*
 * Whether the thread state is still ours, with one read.  Memory that was freed
 * may say so too; its frames then hold no marker of this stack, and a native
 * frame of the evaluation loop without one makes python_eval() search again.
 */
static __always_inline void python_resume(struct python_state *p, struct ms_python_chain *chain)
{
	const struct ms_python_walk *walk = &p->walk;

	if (python_read(p->window, walk->state_size, chain->state) ||
	    python_word(p->window, walk->state_thread) != p->thread ||
	    python_word(p->window, walk->state_interp) != chain->interp) {
		chain->state = 0;
		chain->frame = 0;
		return;
	}
	python_start(p, chain);
}

/* The list of interpreters has more than one: this thread may be in any of them. */
static __always_inline int python_has_several(const struct python_state *p)
{
	__u64 first = python_pointer(p->walk.interpreters);

	return first && python_pointer(first + p->walk.interp_next);
}

WALK_FUNCTION int python_begin(struct python_state *p, __u32 image)
{
	const struct ms_python *python;
	struct task_struct *task;
	int i;

	if (!p)
		return 0;
	p->open = 0;
	p->searched = 0;
	p->shown = 0;
	if (p->image != image) {
		p->image = 0;
		python = bpf_map_lookup_elem(&pythons, &image);
		if (!python)
			return 0;
		p->walk = python->walk;
		p->image = image;
		p->quiet = p->backoff = 0;
		for (i = 0; i < MS_PYTHON_CHAINS; i++)
			p->chain[i].state = p->chain[i].frame = 0;
	}
	/* What pthread_self() returns, in glibc and in musl. */
	task = bpf_get_current_task_btf();
	p->thread = arch_thread_pointer(task);
	for (i = 0; i < MS_PYTHON_CHAINS; i++)
		if (p->chain[i].state)
			python_resume(p, &p->chain[i]);
	p->several = p->walk.form == MS_PYTHON_SHIM && python_has_several(p);
	return 1;
}

/* What the steps of a loop get. */
struct python_loop {
	struct python_state *p;
};

static long python_search_step(__u32 i, void *data)
{
	struct python_state *p = ((struct python_loop *)data)->p;
	struct ms_python_search *search = &p->search;
	struct ms_python_chain *chain;

	if (!search->state) {
		if (!search->next || search->interps++ >= PYTHON_INTERPRETERS)
			return 1;
		search->interp = search->next;
		search->next = python_pointer(search->interp + p->walk.interp_next);
		search->state = python_pointer(search->interp + p->walk.interp_states);
		return 0;
	}
	if (python_read(p->window, p->walk.state_size, search->state)) {
		search->state = 0; /* the list is being changed */
		return 0;
	}
	if (python_word(p->window, p->walk.state_thread) == p->thread &&
	    python_word(p->window, p->walk.state_interp) == search->interp) {
		if (search->found >= MS_PYTHON_CHAINS)
			return 1;
		chain = &p->chain[search->found++ % MS_PYTHON_CHAINS];
		if (chain->state != search->state) {
			chain->state = search->state;
			chain->interp = search->interp;
			search->changed = 1;
			python_start(p, chain);
		}
	}
	search->state = python_word(p->window, p->walk.state_next);
	return 0;
}

/* Looks for the thread's states.  1 if there is one that was not known. */
WALK_FUNCTION int python_search(struct python_state *p)
{
	struct python_loop loop = {.p = p};

	if (!p)
		return 0;
	p->searched = 1;
	if (p->quiet) {
		p->quiet--;
		return 0;
	}
	p->search.next = python_pointer(p->walk.interpreters);
	p->search.state = 0;
	p->search.interps = p->search.found = p->search.changed = 0;
	bpf_loop(PYTHON_STATES, python_search_step, &loop, 0);
	if (p->search.changed) {
		p->backoff = 0;
		return 1;
	}
	/* None, or the known ones: a thread in C that only looks like Python
	 * must not pay for a search with each of its calls. */
	p->backoff = p->backoff * 2 < PYTHON_BACKOFF ? p->backoff * 2 + 1 : PYTHON_BACKOFF;
	p->quiet = p->backoff;
	return 0;
}

struct python_ahead {
	struct python_state *p;
	__u64 frame, marker;
};

static long python_ahead_step(__u32 i, void *data)
{
	struct python_ahead *ahead = data;
	struct python_state *p = ahead->p;

	if (!ahead->frame || python_read(p->window, p->walk.frame_size, ahead->frame))
		return 1;
	if (python_byte(p->window, p->walk.frame_owner) >= PYTHON_OWNER_INTERPRETER) {
		ahead->marker = ahead->frame;
		return 1;
	}
	ahead->frame = python_word(p->window, p->walk.frame_back);
	return 0;
}

/*
 * 3.13 and later know a marker only by walking up to it.  With one interpreter
 * there is no need: python_next() meets it.  With several, to find out whose
 * evaluation loop this is.
 */
static __always_inline void python_look_ahead(struct python_state *p, struct ms_python_chain *chain)
{
	struct python_ahead ahead = {.p = p, .frame = chain->frame};

	bpf_loop(PYTHON_SEGMENT, python_ahead_step, &ahead, 0);
	chain->marker = ahead.marker;
}

/* Whether the native frame is the evaluation loop that runs this chain's next frames. */
static __always_inline int python_claims(const struct python_state *p,
					 const struct ms_python_chain *chain, int in_eval)
{
	if (!chain->frame)
		return 0;
	if (!chain->marker)
		return in_eval;
	/* Below: the native frame that held it was not seen.  Its frames are the
	 * next ones all the same. */
	return chain->marker < p->cfa && (chain->marker >= p->sp || in_eval);
}

static __always_inline int python_choose(struct python_state *p, int in_eval)
{
	int ahead = in_eval && p->several, i;

	for (i = 0; i < MS_PYTHON_CHAINS; i++) {
		struct ms_python_chain *chain = &p->chain[i];

		if (ahead && chain->frame && !chain->marker)
			python_look_ahead(p, chain);
		if (python_claims(p, chain, in_eval)) {
			p->active = i;
			p->open = 1;
			return 1;
		}
	}
	return 0;
}

/*
 * Whether python_eval() has to look at a native frame: it runs Python, or holds what CPython keeps
 * on the stack for each evaluation loop.  The others, most of them, are not worth a call.
 */
static __always_inline int python_concerns(const struct python_state *p, __u64 ip, __u64 sp,
					   __u64 cfa)
{
	int i;

	if (!p->image)
		return 0;
	if (python_in_eval(&p->walk, ip))
		return 1;
	MS_UNROLL
	for (i = 0; i < MS_PYTHON_CHAINS; i++)
		if (p->chain[i].marker && p->chain[i].marker >= sp && p->chain[i].marker < cfa)
			return 1;
	return 0;
}

/*
 * For each native frame, innermost first: `ip` in it (the call, not where it
 * returns to), its stack pointer, and its CFA, the stack pointer of its caller.
 * Returns 0 if the frame is to be kept.  If it is an evaluation loop, which
 * the frames of python_next() replace, 1; or 2 where the native frame before
 * it, which it called, is a part of it: an instruction's handler (3.14 built
 * for tail calls).
 */
WALK_FUNCTION int python_eval(struct python_state *p, __u64 ip, __u64 sp, __u64 cfa)
{
	int in_eval;

	if (!p)
		return 0;
	p->open = 0;
	if (!p->image)
		return 0;
	in_eval = python_in_eval(&p->walk, ip);
	p->sp = sp;
	p->cfa = cfa;
	if (!python_choose(p, in_eval) &&
	    (!in_eval || p->searched || !python_search(p) || !python_choose(p, in_eval)))
		return 0;
	return 1 + p->walk.tail_calls;
}

/* The id of a code object that has none yet. */
static __always_inline __u32 python_code_new(const struct ms_code_key *key)
{
	__u32 id = __sync_fetch_and_add(&next_code, 1) + 1, *known;
	struct ms_code_event *e;

	if (id >= MS_PYTHON_CODES_MAX || bpf_map_update_elem(&codes, key, &id, BPF_NOEXIST)) {
		known = bpf_map_lookup_elem(&codes, key); /* another thread was first */
		if (known)
			return *known;
		loss_add(MS_LOSS_codes_full, 1);
		return 0;
	}
	e = bpf_ringbuf_reserve(&events, sizeof(*e), 0);
	if (!e) {
		loss_add(MS_LOSS_codes_unread, 1);
		return id;
	}
	e->kind = MS_EVENT_CODE;
	e->tgid = bpf_get_current_pid_tgid() >> 32;
	e->image = key->image;
	e->id = id;
	e->code = key->code;
	e->check = key->check;
	bpf_ringbuf_submit(e, BPF_RB_FORCE_WAKEUP);
	return id;
}

/*
 * The id of the code object at `code`, which is in the window; 0 if there is no
 * room.  What the thread remembers is the map's key whole, and the map's ids
 * never change: a hit gives what the map would.
 */
static __always_inline __u32 python_code(struct python_state *p, __u64 code)
{
	struct ms_code_key key = {.code = code, .image = p->image};
	struct ms_python_known *known;
	__u32 *found;

	key.check = python_check(p->window, &p->walk);
	known = &p->known[(key.check >> 32) % MS_PYTHON_CACHE];
	if (known->code == code && known->check == key.check && known->image == p->image)
		return known->id;
	found = bpf_map_lookup_elem(&codes, &key);
	known->code = code;
	known->check = key.check;
	known->image = p->image;
	known->id = found ? *found : python_code_new(&key);
	if (!known->id)
		known->code = 0;
	return known->id;
}

/* The instruction as tracebacks count: in units, below 0 if it has not begun. */
static __always_inline __s64 python_unit(const struct python_state *p, __u64 code, __u64 instr)
{
	if (p->walk.form == MS_PYTHON_BARE || p->walk.form == MS_PYTHON_SINGLE)
		return (__s64)(__s32)instr >> p->walk.instr_bytes;
	return (__s64)(instr - code - p->walk.code_units) >> 1;
}

/* Whether the frame in the window is the last one of its evaluation loop. */
static __always_inline int python_is_last(const struct python_state *p, __u8 owner)
{
	return p->walk.form <= MS_PYTHON_SINGLE || owner >= PYTHON_OWNER_INTERPRETER ||
	       (p->walk.form == MS_PYTHON_ENTRY && python_byte(p->window, p->walk.frame_entry));
}

/* The frame at `at`, the last of its native frame, has been taken: what is next? */
static __always_inline void python_close(struct python_state *p, struct ms_python_chain *chain,
					 __u64 at)
{
	const struct ms_python_walk *walk = &p->walk;

	p->open = 0;
	if (walk->form == MS_PYTHON_BARE)
		return;
	if (walk->form == MS_PYTHON_SHIM) {
		chain->marker = 0;
		if (at >= p->cfa) {
			/* It is that of an outer native frame, which will have
			 * no frames left to show. */
			chain->marker = at;
			chain->frame = at;
		}
		p->open = at < p->sp;
		return;
	}
	chain->marker = python_pointer(chain->marker + walk->cframe_back);
	/* A native frame between was not seen: its Python frames come now. */
	p->open = chain->marker && chain->marker < p->cfa;
}

/*
 * One Python frame of the native frame that python_eval() was given: 1 and the
 * frame, 0 if there are no more, or PYTHON_AGAIN if this one does not show.
 */
WALK_FUNCTION int python_next(struct python_state *p, __u64 *frame)
{
	struct ms_python_chain *chain;
	__u64 at, code, instr;
	__u8 owner = 0;
	__s64 unit;

	if (!p || !frame || !p->open)
		return 0;
	chain = &p->chain[p->active % MS_PYTHON_CHAINS];
	at = chain->frame;
	if (!at || python_read(p->window, p->walk.frame_size, at)) {
		chain->frame = 0;
		p->open = 0;
		return 0;
	}
	code = python_word(p->window, p->walk.frame_code) & ~7ULL; /* 3.14: a tagged pointer */
	instr = python_word(p->window, p->walk.frame_instr);
	chain->frame = python_word(p->window, p->walk.frame_back);
	if (p->walk.form >= MS_PYTHON_ENTRY)
		owner = python_byte(p->window, p->walk.frame_owner);
	if (python_is_last(p, owner))
		python_close(p, chain, at);
	if (owner >= PYTHON_OWNER_INTERPRETER)
		return PYTHON_AGAIN;

	if (python_read(p->window, p->walk.code_size, code)) {
		*frame = MS_PYTHON_FRAME(0, 0);
		return 1;
	}
	unit = python_unit(p, code, instr);
	/* Still being set up: tracebacks do not show it either (_PyFrame_IsIncomplete()). */
	if (p->walk.form >= MS_PYTHON_ENTRY && owner != PYTHON_OWNER_GENERATOR &&
	    unit < (__s32)python_half(p->window, p->walk.code_first))
		return PYTHON_AGAIN;
	if (unit < 0)
		unit = MS_PYTHON_UNIT_START;
	else if (unit > MS_PYTHON_UNIT_MAX)
		unit = MS_PYTHON_UNIT_MAX;
	*frame = MS_PYTHON_FRAME(python_code(p, code), unit);
	return 1;
}

/*
 * The native walk has ended before the thread's first function: lets
 * python_next() give the Python frames that are left, of one interpreter; to be
 * called again after that.  Returns 0 if there are none.
 */
WALK_FUNCTION int python_rest(struct python_state *p)
{
	int known, i;

	if (!p)
		return 0;
	p->open = 0;
	if (!p->image)
		return 0;
	p->sp = p->cfa = ~0ULL;
	for (known = i = 0; i < MS_PYTHON_CHAINS; i++)
		known |= !!p->chain[i].state;
	/* It may have ended before any evaluation loop. */
	if (!known && !p->searched)
		python_search(p);
	return python_choose(p, 1);
}

#endif
