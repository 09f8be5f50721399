/* SPDX-License-Identifier: GPL-2.0 */
#include "analyse/callers.h"

/* Nothing new among so many that begin, and as many that end, and for so long. */
#define SEEN_MIN 16
#define SEEN_S 0.5
/* After so long, and so many times what a trial takes, there is another. */
#define CHECK_S 60
#define CHECK_SHARE 16
/* A program that goes on to find new ways is left as it is. */
#define RESTARTS_MAX 8

static void enter(struct callers *c, enum callers_state state, double t_s)
{
	c->state = state;
	c->since_s = c->news_s = t_s;
	c->begins = c->ends = 0;
}

size_t call_place_find(const struct call_place *places, size_t count,
		       const struct call_place *place)
{
	size_t i = 0;

	while (i < count && (places[i].row != place->row || places[i].frame != place->frame))
		i++;
	return i;
}

/* True if it was not known. */
static bool add_back(struct callers *c, const struct call_place *back)
{
	if (call_place_find(c->backs, c->back_count, back) < c->back_count)
		return false;
	if (c->back_count == CALLERS_MAX)
		c->too_many = true;
	else
		c->backs[c->back_count++] = *back;
	return true;
}

/* True if it was not known that the instruction is used. */
static bool use_site(struct callers *c, const struct call_place *site)
{
	size_t at = call_place_find(c->sites, c->site_count, site);

	if (at == c->site_count || c->used[at])
		return false;
	c->used[at] = true;
	return true;
}

void callers_event(struct callers *c, const struct callers_event *e)
{
	bool news;

	if (e->t_s < c->since_s || c->state == CALLERS_STAYING)
		return;
	if (c->state == CALLERS_TRYING && !e->called) {
		/* No instruction that is probed led there. */
		add_back(c, &e->place);
		enter(c, c->restarts++ < RESTARTS_MAX ? CALLERS_LEARNING : CALLERS_STAYING, e->t_s);
		return;
	}
	news = e->called ? use_site(c, &e->place)
			 : c->state == CALLERS_LEARNING && add_back(c, &e->place);
	if (news) {
		c->news_s = e->t_s;
		c->begins = c->ends = 0;
	} else if (e->begins) {
		c->begins++;
	} else {
		c->ends++;
	}
}

static bool is_quiet(const struct callers *c, double t_s)
{
	return c->begins >= SEEN_MIN && c->ends >= SEEN_MIN && t_s - c->news_s >= SEEN_S;
}

enum callers_wish callers_wish(const struct callers *c, double t_s)
{
	switch (c->state) {
	case CALLERS_LEARNING:
		return is_quiet(c, t_s) && c->back_count ? CALLERS_TRY : CALLERS_NOTHING;
	case CALLERS_TRYING:
		return is_quiet(c, t_s) ? CALLERS_MOVE : CALLERS_NOTHING;
	case CALLERS_MOVED:
		return t_s - c->since_s >= CHECK_S && t_s - c->since_s >= CHECK_SHARE * c->trial_s
			   ? CALLERS_CHECK
			   : CALLERS_NOTHING;
	case CALLERS_STAYING:
		return c->site_count ? CALLERS_LEAVE : CALLERS_NOTHING;
	}
	return CALLERS_NOTHING;
}

void callers_tried(struct callers *c, const struct call_place *sites, size_t count, double t_s)
{
	size_t i;

	enter(c, count && !c->too_many ? CALLERS_TRYING : CALLERS_STAYING, t_s);
	c->site_count = 0;
	for (i = 0; i < count && i < CALL_SITES_MAX; i++) {
		c->used[i] = false;
		c->sites[c->site_count++] = sites[i];
	}
}

void callers_moved(struct callers *c, double t_s)
{
	size_t i, kept = 0;

	for (i = 0; i < c->site_count; i++)
		if (c->used[i])
			c->sites[kept++] = c->sites[i];
	for (i = 0; i < kept; i++)
		c->used[i] = true;
	c->site_count = kept;
	c->trial_s = t_s - c->since_s;
	enter(c, CALLERS_MOVED, t_s);
}

void callers_left(struct callers *c)
{
	c->site_count = 0;
}

void callers_again(struct callers *c, bool whole, double t_s)
{
	if (whole)
		c->restarts = 0;
	if (c->state == CALLERS_MOVED || c->state == CALLERS_TRYING) {
		enter(c, CALLERS_TRYING, t_s);
		return;
	}
	c->back_count = 0;
	c->too_many = false;
	enter(c, CALLERS_LEARNING, t_s);
}
