/* SPDX-License-Identifier: GPL-2.0 */
/* Colours of a timeline. */
#ifndef MS_TIMELINE_LOOK_H
#define MS_TIMELINE_LOOK_H

#include <stdbool.h>

#include "collect/snapshot.h"
#include "render/categories.h"

struct timeline_look {
	const char *light, *dark; /* of line, area and label */
	bool area;
};

extern const struct timeline_look timeline_looks[LAYER_NR];

/* The style sheet, with the rules of all layers, stages and categories; to be freed, or NULL. */
char *timeline_style(const struct category_stack *stack);

#endif
