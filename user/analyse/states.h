/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The state of an optimizer that was there before tracing.  Its blocks were not seen, but each
 * step changes them where they are.  To be told of all that a step changes costs more than the
 * step's own blocks do, so it is told only where the model, too, was there before, and only until
 * some steps have brought nothing new.
 */
#ifndef MS_STATES_H
#define MS_STATES_H

#include <stdbool.h>

struct states {
	bool before;    /* parameters were there before tracing */
	bool told;      /* the kernel side tells what steps change … */
	double told_s;  /* … since then */
	double step_s;  /* when the last step was over; 0: none was */
	bool news;      /* something new was found since the last step */
	unsigned quiet; /* steps that were told whole since there was */
};

/* From `t_s` on the kernel side tells what steps change, or it does no longer. */
void states_tell(struct states *states, bool told, double t_s);
/* A parameter, or the state of one, was there before. */
void states_found(struct states *states);
/* A step of an optimizer is over. */
void states_step(struct states *states, double t_s);
/* Whether it must be told. */
bool states_wanted(const struct states *states);

#endif
