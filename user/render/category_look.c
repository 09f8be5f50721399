/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Colours of categories.  They were chosen by their distance to each other for eyes that
 * see all colours and for the three kinds of colour blindness; a new category is a row.
 */
#include "render/category_look.h"

#include <stddef.h>
#include <string.h>

static const struct {
	const char *name, *colour;
} looks[] = {
    {"parameters", "#4777e8"}, {"gradients", "#cb6522"},   {"optimizer state", "#3fc281"},
    {"buffers", "#bac6f1"},    {"inputs", "#e2cb20"},      {"KV cache", "#b993f2"},
    {"workspace", "#dbde7b"},  {"activations", "#c86cb2"}, {"temporaries", "#c5ebed"},
    {"other", "#817e7d"},
};

/* For those that are in no row. */
static const char *const spare[] = {"#e3b7a0", "#b5a6e3", "#9dbb8a", "#d9c37c"};

#define ROWS (sizeof(looks) / sizeof(looks[0]))
#define SPARE (sizeof(spare) / sizeof(spare[0]))

static size_t row_of(const char *name)
{
	size_t i = 0;

	while (i < ROWS && strcmp(name, looks[i].name) != 0)
		i++;
	return i;
}

const char *category_colour(const char *name)
{
	size_t row = row_of(name), sum = 0;

	if (row < ROWS)
		return looks[row].colour;
	for (; *name; name++)
		sum = 31 * sum + (unsigned char)*name;
	return spare[sum % SPARE];
}

unsigned category_rank(const char *name)
{
	return (unsigned)row_of(name);
}
