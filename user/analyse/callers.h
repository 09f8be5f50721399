/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Where the functions that begin and end ranges are called from.  PyTorch calls them for each
 * operation of a backward pass, too, which is of no interest, and a probe on them costs a trap each
 * time.  So their callers are learned, until ranges come from no other; then the instructions of
 * these that call are probed as well, until it is known that all ranges come by them, and by
 * which; then the functions themselves no longer are, but for a time now and then.
 */
#ifndef MS_CALLERS_H
#define MS_CALLERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Of one program; one that has more is left as it is. */
#define CALLERS_MAX 8
#define CALL_SITES_MAX 16

/* A place in a row's caller: where it returns to, or the instruction that calls. */
struct call_place {
	uint32_t row;   /* of the probe table */
	uint64_t frame; /* module and file offset */
};
/* Which of them it is; `count` if it is none. */
size_t call_place_find(const struct call_place *places, size_t count,
		       const struct call_place *place);

enum callers_state {
	CALLERS_LEARNING, /* the functions are probed: who calls them? */
	CALLERS_TRYING,   /* both are: do all ranges come by these instructions? */
	CALLERS_MOVED,    /* only the instructions are */
	CALLERS_STAYING,  /* it cannot be told: the functions stay probed */
};

/* What is to be done. */
enum callers_wish {
	CALLERS_NOTHING,
	CALLERS_TRY,   /* look for the instructions, and probe them: callers_tried() */
	CALLERS_MOVE,  /* probe only those that are used: callers_moved() */
	CALLERS_CHECK, /* probe the functions again: callers_again() */
	CALLERS_LEAVE, /* probe no such instruction any more: callers_left() */
};

struct callers {
	enum callers_state state;
	double since_s;                       /* when it came to be so */
	double news_s;                        /* when the last that was new came */
	unsigned begins, ends;                /* since then */
	double trial_s;                       /* how long the last trial took */
	unsigned restarts;                    /* trials that saw a range come by another way */
	struct call_place backs[CALLERS_MAX]; /* where functions return to */
	size_t back_count;
	bool too_many;
	struct call_place sites[CALL_SITES_MAX]; /* instructions that are probed */
	bool used[CALL_SITES_MAX];
	size_t site_count;
};

/* How a range that began, or ended, was told of. */
struct callers_event {
	double t_s;
	bool begins;
	bool called;             /* at an instruction that calls; else at the function */
	struct call_place place; /* that instruction, or where the function returns to */
};
void callers_event(struct callers *callers, const struct callers_event *event);

enum callers_wish callers_wish(const struct callers *callers, double t_s);
/* These are probed since `t_s`, besides the functions; 0: no such instructions were found. */
void callers_tried(struct callers *callers, const struct call_place *sites, size_t count,
		   double t_s);
/* Only those that are used still are; they stay in `sites`. */
void callers_moved(struct callers *callers, double t_s);
void callers_left(struct callers *callers);
/* The functions are probed again since `t_s`; `whole`: there may be others that call them. */
void callers_again(struct callers *callers, bool whole, double t_s);

#endif
