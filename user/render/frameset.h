/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Equal frames told from different ones: each different frame gets a number.
 * A report has millions of frames and some thousand different ones.
 */
#ifndef MS_FRAMESET_H
#define MS_FRAMESET_H

#include <stdbool.h>
#include <stdint.h>

#include "collect/snapshot.h"

#define FRAMESET_NONE UINT32_MAX

/* A frame seen before, told by where its texts are: they need not be read again. */
struct frameset_seen {
	const char *function, *file, *module; /* function NULL: free */
	unsigned line;
	unsigned kind; /* and whether it is inlined */
	uint32_t number;
};

struct frameset {
	const struct frame **frames; /* by number: the first one seen */
	uint64_t *hashes;
	uint32_t count, capacity;
	uint32_t *slots; /* numbers by hash, open addressing, never full */
	uint32_t slot_count;
	struct frameset_seen *seen; /* by where texts are: open addressing, never full */
	uint32_t seen_count, seen_room;
	size_t compared; /* frames whose texts were read */
	uint64_t seed;
	bool by_line; /* whether the line makes a difference; in Python it always does */
};

/* 0 or -ENOMEM; frameset_free() is due either way. */
int frameset_init(struct frameset *set, bool by_line);
void frameset_free(struct frameset *set);
/* The number of a frame equal to `frame`, which must outlive the set; FRAMESET_NONE: no memory. */
uint32_t frameset_add(struct frameset *set, const struct frame *frame);
/* strcmp() in which NULL sorts first. */
int frameset_compare_text(const char *a, const char *b);

/* A seed that a target cannot know: it chooses names, and must not choose collisions. */
uint64_t hash_seed(void);
uint64_t hash_mix(uint64_t hash, uint64_t value);
uint64_t hash_text(uint64_t hash, const char *text);

#endif
