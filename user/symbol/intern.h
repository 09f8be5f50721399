/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Strings kept once, memory that is given back all at once, and a hash map
 * from two numbers to a pointer.  Keys come from the target, so both tables
 * hash with a random seed: nobody can choose keys that collide.
 */
#ifndef MS_INTERN_H
#define MS_INTERN_H

#include <stddef.h>
#include <stdint.h>

struct intern;

struct intern *intern_new(void);
void intern_free(struct intern *in);

/* The copy of these bytes (up to a NUL) that lives as long as `in`; NULL: no memory. */
const char *intern_text(struct intern *in, const char *text, size_t length);
/* Memory that lives as long as `in`, aligned for any object; NULL: no memory. */
void *intern_alloc(struct intern *in, size_t size);

struct pair_slot {
	uint64_t a, b;
	void *value; /* NULL: free */
};

struct pair_map {
	struct pair_slot *slots;
	size_t room; /* a power of two */
	size_t count;
	uint64_t seed;
};

void *pair_map_find(const struct pair_map *map, uint64_t a, uint64_t b);
/* `value` must not be NULL, the key must be new.  0 or -ENOMEM. */
int pair_map_add(struct pair_map *map, uint64_t a, uint64_t b, void *value);
/* Frees the table, not the values. */
void pair_map_free(struct pair_map *map);

#endif
