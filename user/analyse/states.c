/* SPDX-License-Identifier: GPL-2.0 */
#include "analyse/states.h"

/* A program may have several optimizers, which do not all take each step. */
#define QUIET_STEPS 8

void states_tell(struct states *s, bool told, double t_s)
{
	s->told = told;
	s->told_s = t_s;
	s->quiet = told ? 0 : s->quiet;
}

void states_found(struct states *s)
{
	s->before = s->news = true;
}

void states_step(struct states *s, double t_s)
{
	if (s->news)
		s->quiet = 0;
	else if (s->told && s->step_s && s->told_s <= s->step_s)
		s->quiet++; /* it was told from before it began: since the last one was over */
	s->news = false;
	s->step_s = t_s;
}

bool states_wanted(const struct states *s)
{
	return s->before && s->step_s && s->quiet < QUIET_STEPS;
}
