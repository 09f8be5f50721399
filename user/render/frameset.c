/* SPDX-License-Identifier: GPL-2.0 */
/* A hash table of frames by content. */
#include "render/frameset.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

uint64_t hash_seed(void)
{
	struct timespec now = {0};
	uint64_t seed = 0;

	if (getrandom(&seed, sizeof(seed), GRND_NONBLOCK) != sizeof(seed)) {
		clock_gettime(CLOCK_MONOTONIC, &now);
		seed ^= (uint64_t)now.tv_nsec << 20 ^ (uint64_t)(uintptr_t)&seed;
	}
	return seed | 1;
}

/* One round: both halves of a 128-bit product, folded. */
uint64_t hash_mix(uint64_t hash, uint64_t value)
{
	unsigned __int128 product;

	product = (unsigned __int128)(hash ^ 0x9e3779b97f4a7c15ULL) *
		  (value ^ 0xd6e8feb86659fd93ULL ^ hash >> 29);
	return (uint64_t)product ^ (uint64_t)(product >> 64);
}

uint64_t hash_text(uint64_t hash, const char *text)
{
	size_t length = text ? strlen(text) : 0;
	uint64_t word;

	hash = hash_mix(hash, text ? length : UINT64_MAX);
	for (; length > 8; length -= 8, text += 8) {
		memcpy(&word, text, 8);
		hash = hash_mix(hash, word);
	}
	word = 0;
	if (length)
		memcpy(&word, text, length);
	return hash_mix(hash, word);
}

int frameset_compare_text(const char *a, const char *b)
{
	if (a == b)
		return 0;
	if (!a || !b)
		return a ? 1 : -1;
	return strcmp(a, b);
}

/* The line, where it tells frames apart: a Python call is always one of a line. */
static unsigned line_of(const struct frameset *set, const struct frame *frame)
{
	return set->by_line || frame->kind == FRAME_PYTHON ? frame->line : 0;
}

static uint64_t hash_frame(const struct frameset *set, const struct frame *frame)
{
	uint64_t hash = hash_text(set->seed, frame->function);

	hash = hash_text(hash, frame->file);
	hash = hash_text(hash, frame->module);
	return hash_mix(hash, (uint64_t)line_of(set, frame) << 32 | (uint64_t)frame->kind << 1 |
				  frame->inlined);
}

static bool same_frame(const struct frameset *set, const struct frame *a, const struct frame *b)
{
	return a->kind == b->kind && a->inlined == b->inlined &&
	       line_of(set, a) == line_of(set, b) &&
	       !frameset_compare_text(a->function, b->function) &&
	       !frameset_compare_text(a->file, b->file) &&
	       !frameset_compare_text(a->module, b->module);
}

int frameset_init(struct frameset *set, bool by_line)
{
	memset(set, 0, sizeof(*set));
	set->seed = hash_seed();
	set->by_line = by_line;
	set->capacity = 512;
	set->slot_count = 1024;
	set->frames = calloc(set->capacity, sizeof(*set->frames));
	set->hashes = calloc(set->capacity, sizeof(*set->hashes));
	set->slots = malloc(set->slot_count * sizeof(*set->slots));
	set->seen_room = set->slot_count;
	set->seen = calloc(set->seen_room, sizeof(*set->seen));
	if (!set->frames || !set->hashes || !set->slots || !set->seen)
		return -ENOMEM;
	memset(set->slots, 0xff, set->slot_count * sizeof(*set->slots));
	return 0;
}

void frameset_free(struct frameset *set)
{
	free(set->frames);
	free(set->hashes);
	free(set->slots);
	free(set->seen);
	memset(set, 0, sizeof(*set));
}

/* Doubles everything; the slots stay at most half full. */
static int grow(struct frameset *set)
{
	uint32_t capacity = set->capacity * 2, slot_count = set->slot_count * 2;
	const struct frame **frames;
	uint64_t *hashes;
	uint32_t *slots;

	if (capacity > UINT32_MAX / 4)
		return -ENOMEM;
	frames = reallocarray(set->frames, capacity, sizeof(*frames));
	if (!frames)
		return -ENOMEM;
	set->frames = frames;
	hashes = reallocarray(set->hashes, capacity, sizeof(*hashes));
	if (!hashes)
		return -ENOMEM;
	set->hashes = hashes;
	slots = malloc(slot_count * sizeof(*slots));
	if (!slots)
		return -ENOMEM;
	memset(slots, 0xff, slot_count * sizeof(*slots));
	for (uint32_t i = 0; i < set->count; i++) {
		uint32_t slot = (uint32_t)set->hashes[i] & (slot_count - 1);

		while (slots[slot] != FRAMESET_NONE)
			slot = (slot + 1) & (slot_count - 1);
		slots[slot] = i;
	}
	free(set->slots);
	set->slots = slots;
	set->slot_count = slot_count;
	set->capacity = capacity;
	return 0;
}

static uint32_t add_by_content(struct frameset *set, const struct frame *frame)
{
	uint64_t hash = hash_frame(set, frame);
	uint32_t slot, number;

	set->compared++;
	if (set->count == set->capacity && grow(set))
		return FRAMESET_NONE;
	slot = (uint32_t)hash & (set->slot_count - 1);
	while ((number = set->slots[slot]) != FRAMESET_NONE) {
		if (set->hashes[number] == hash && same_frame(set, set->frames[number], frame))
			return number;
		slot = (slot + 1) & (set->slot_count - 1);
	}
	number = set->count++;
	set->frames[number] = frame;
	set->hashes[number] = hash;
	set->slots[slot] = number;
	return number;
}

/* Where it is, or may be put. */
static struct frameset_seen *seen_find(const struct frameset *set, const struct frameset_seen *seen)
{
	uint64_t hash = hash_mix(set->seed, (uintptr_t)seen->function);
	uint32_t at;

	hash = hash_mix(hash ^ (uintptr_t)seen->module << 16,
			(uintptr_t)seen->file ^ (uint64_t)seen->line << 48 ^ seen->kind);
	for (at = (uint32_t)hash;; at++) {
		struct frameset_seen *slot = &set->seen[at & (set->seen_room - 1)];

		if (!slot->function || (slot->function == seen->function &&
					slot->file == seen->file && slot->module == seen->module &&
					slot->line == seen->line && slot->kind == seen->kind))
			return slot;
	}
}

/* Without memory, or of too many, it is only told by its texts again. */
static void seen_add(struct frameset *set, const struct frameset_seen *seen)
{
	struct frameset_seen *old = set->seen, *larger;
	uint32_t room = set->seen_room;

	if (2 * set->seen_count >= room) {
		larger = room < 1u << 24 ? calloc(2 * (size_t)room, sizeof(*larger)) : NULL;
		if (!larger)
			return;
		set->seen = larger;
		set->seen_room = 2 * room;
		for (uint32_t i = 0; i < room; i++)
			if (old[i].function)
				*seen_find(set, &old[i]) = old[i];
		free(old);
	}
	*seen_find(set, seen) = *seen;
	set->seen_count++;
}

uint32_t frameset_add(struct frameset *set, const struct frame *frame)
{
	struct frameset_seen seen = {
	    .function = frame->function,
	    .file = frame->file,
	    .module = frame->module,
	    .line = line_of(set, frame),
	    .kind = (unsigned)frame->kind << 1 | frame->inlined,
	};
	const struct frameset_seen *known = seen_find(set, &seen);

	if (known->function)
		return known->number;
	seen.number = add_by_content(set, frame);
	if (seen.number != FRAMESET_NONE)
		seen_add(set, &seen);
	return seen.number;
}
