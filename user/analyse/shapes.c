/* SPDX-License-Identifier: GPL-2.0 */
#include "analyse/shapes.h"

#include <errno.h>
#include <string.h>

/* Nothing new among so many, at least, before shapes are no longer wanted. */
#define SEEN_MIN 1024
/* Of so many bytes one may be of a shape that is not the only one. */
#define MIXED_SHARE 32
/* So many new ones, and shapes are wanted again; twice as many each time, up to … */
#define UNTOLD_MIN 16
#define RESTARTS_MAX 8

struct shape_known {
	struct tensor_shape shape; /* TENSOR_DTYPE_NONE: none is told of these */
	bool mixed;
};

int shapes_init(struct shapes *s)
{
	*s = (struct shapes){.memory = intern_new()};
	return s->memory ? 0 : -ENOMEM;
}

void shapes_free(struct shapes *s)
{
	pair_map_free(&s->known);
	intern_free(s->memory);
	*s = (struct shapes){0};
}

void shapes_tell(struct shapes *s, bool told, double t_s)
{
	if (told == s->told)
		return;
	s->told = told;
	s->told_s = t_s;
	s->restarted += told && s->known.count && s->restarted < RESTARTS_MAX;
	s->seen = s->bytes = s->mixed = s->untold = 0;
}

static bool is_same(const struct tensor_shape *a, const struct tensor_shape *b)
{
	return a->dtype == b->dtype && a->ndim == b->ndim &&
	       !memcmp(a->dims, b->dims, sizeof(a->dims));
}

static int shapes_learn(struct shapes *s, struct shape_known *known, uint64_t stack, uint64_t size,
			const struct tensor_shape *shape)
{
	if (known) {
		known->mixed |= !is_same(&known->shape, shape);
		s->seen++;
		s->bytes += size;
		s->mixed += known->mixed ? size : 0;
		return 0;
	}
	known = intern_alloc(s->memory, sizeof(*known));
	if (!known)
		return -ENOMEM;
	*known = (struct shape_known){.shape = *shape};
	s->seen = s->bytes = s->mixed = 0;
	return pair_map_add(&s->known, stack, size, known);
}

int shapes_event(struct shapes *s, double t_s, uint64_t stack, uint64_t size,
		 struct tensor_shape *shape)
{
	struct shape_known *known = pair_map_find(&s->known, stack, size);

	if (s->told && t_s >= s->told_s)
		return shapes_learn(s, known, stack, size, shape);
	/* What is told all the same was left from before, for another block. */
	*shape = shapes_find(s, stack, size);
	s->untold += !known;
	return 0;
}

struct tensor_shape shapes_find(const struct shapes *s, uint64_t stack, uint64_t size)
{
	const struct shape_known *known = pair_map_find(&s->known, stack, size);

	return known && !known->mixed ? known->shape
				      : (struct tensor_shape){.dtype = TENSOR_DTYPE_NONE};
}

bool shapes_wanted(const struct shapes *s)
{
	uint64_t round = 2 * s->known.count;

	if (!s->told)
		return s->untold >= (uint64_t)UNTOLD_MIN << s->restarted || !s->known.count;
	return s->seen < (round > SEEN_MIN ? round : SEEN_MIN) || s->mixed > s->bytes / MIXED_SHARE;
}
