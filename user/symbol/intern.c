/* SPDX-License-Identifier: GPL-2.0 */
/* Shared strings, an arena for them, and a map of number pairs. */
#include "symbol/intern.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

#define CHUNK_SIZE ((size_t)64 << 10)
#define FIRST_ROOM 64

struct chunk {
	struct chunk *next;
	size_t used, room;
	max_align_t memory[];
};

struct text_slot {
	uint64_t hash;
	const char *text; /* NULL: free */
};

struct intern {
	struct chunk *chunks;
	struct text_slot *slots;
	size_t room; /* a power of two */
	size_t count;
	uint64_t seed, factor;
};

static uint64_t random_seed(void)
{
	struct timespec now;
	uint64_t seed;

	if (getrandom(&seed, sizeof(seed), GRND_NONBLOCK) == sizeof(seed))
		return seed;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_nsec << 32 ^ (uint64_t)now.tv_sec ^ (uintptr_t)&now;
}

static uint64_t mix(uint64_t a, uint64_t b)
{
	__uint128_t product = (__uint128_t)a * b;

	return (uint64_t)product ^ (uint64_t)(product >> 64);
}

static uint64_t hash_bytes(const char *bytes, size_t length, uint64_t seed, uint64_t factor)
{
	uint64_t word, hash = seed ^ length;

	for (; length >= sizeof(word); bytes += sizeof(word), length -= sizeof(word)) {
		memcpy(&word, bytes, sizeof(word));
		hash = mix(hash ^ word, factor);
	}
	word = 0;
	memcpy(&word, bytes, length);
	return mix(hash ^ word, factor) ^ hash;
}

struct intern *intern_new(void)
{
	struct intern *in = calloc(1, sizeof(*in));

	if (!in)
		return NULL;
	in->seed = random_seed();
	in->factor = random_seed() | 1;
	return in;
}

void intern_free(struct intern *in)
{
	if (!in)
		return;
	while (in->chunks) {
		struct chunk *next = in->chunks->next;

		free(in->chunks);
		in->chunks = next;
	}
	free(in->slots);
	free(in);
}

/* `align` is a power of two that divides max_align_t's. */
static void *arena_take(struct intern *in, size_t size, size_t align)
{
	struct chunk *chunk = in->chunks;
	size_t at = chunk ? (chunk->used + align - 1) & ~(align - 1) : 0;

	if (!chunk || at > chunk->room || chunk->room - at < size) {
		size_t room = size > CHUNK_SIZE ? size : CHUNK_SIZE;

		if (room > SIZE_MAX - sizeof(*chunk))
			return NULL;
		chunk = malloc(sizeof(*chunk) + room);
		if (!chunk)
			return NULL;
		chunk->room = room;
		chunk->next = in->chunks;
		in->chunks = chunk;
		at = 0;
	}
	chunk->used = at + size;
	return (char *)chunk->memory + at;
}

void *intern_alloc(struct intern *in, size_t size)
{
	return arena_take(in, size, _Alignof(max_align_t));
}

static struct text_slot *text_slot_find(struct text_slot *slots, size_t room, uint64_t hash,
					const char *text, size_t length)
{
	size_t at = hash & (room - 1);

	for (;; at = (at + 1) & (room - 1)) {
		struct text_slot *slot = &slots[at];

		if (!slot->text || (slot->hash == hash && !strncmp(slot->text, text, length) &&
				    !slot->text[length]))
			return slot;
	}
}

static int texts_grow(struct intern *in)
{
	size_t i, room = in->room ? 2 * in->room : FIRST_ROOM;
	struct text_slot *slots = calloc(room, sizeof(*slots));

	if (!slots)
		return -ENOMEM;
	for (i = 0; i < in->room; i++) {
		size_t at = in->slots[i].hash & (room - 1);

		if (!in->slots[i].text)
			continue;
		while (slots[at].text)
			at = (at + 1) & (room - 1);
		slots[at] = in->slots[i];
	}
	free(in->slots);
	in->slots = slots;
	in->room = room;
	return 0;
}

const char *intern_text(struct intern *in, const char *text, size_t length)
{
	struct text_slot *slot;
	uint64_t hash;
	char *copy;

	length = strnlen(text, length);
	hash = hash_bytes(text, length, in->seed, in->factor);
	if (4 * (in->count + 1) > 3 * in->room && texts_grow(in))
		return NULL;
	slot = text_slot_find(in->slots, in->room, hash, text, length);
	if (slot->text)
		return slot->text;
	copy = arena_take(in, length + 1, 1);
	if (!copy)
		return NULL;
	memcpy(copy, text, length);
	copy[length] = '\0';
	slot->hash = hash;
	slot->text = copy;
	in->count++;
	return copy;
}

static size_t pair_slot_find(const struct pair_slot *slots, size_t room, uint64_t seed, uint64_t a,
			     uint64_t b)
{
	size_t at = mix(mix(a ^ seed, 0x9e3779b97f4a7c15ULL) ^ b, seed | 1) & (room - 1);

	while (slots[at].value && (slots[at].a != a || slots[at].b != b))
		at = (at + 1) & (room - 1);
	return at;
}

void *pair_map_find(const struct pair_map *map, uint64_t a, uint64_t b)
{
	if (!map->count)
		return NULL;
	return map->slots[pair_slot_find(map->slots, map->room, map->seed, a, b)].value;
}

static int pair_map_grow(struct pair_map *map)
{
	size_t i, room = map->room ? 2 * map->room : FIRST_ROOM;
	struct pair_slot *slots = calloc(room, sizeof(*slots));

	if (!slots)
		return -ENOMEM;
	if (!map->seed)
		map->seed = random_seed();
	for (i = 0; i < map->room; i++) {
		const struct pair_slot *old = &map->slots[i];

		if (old->value)
			slots[pair_slot_find(slots, room, map->seed, old->a, old->b)] = *old;
	}
	free(map->slots);
	map->slots = slots;
	map->room = room;
	return 0;
}

int pair_map_add(struct pair_map *map, uint64_t a, uint64_t b, void *value)
{
	struct pair_slot *slot;

	if (4 * (map->count + 1) > 3 * map->room && pair_map_grow(map))
		return -ENOMEM;
	slot = &map->slots[pair_slot_find(map->slots, map->room, map->seed, a, b)];
	*slot = (struct pair_slot){a, b, value};
	map->count++;
	return 0;
}

void pair_map_free(struct pair_map *map)
{
	free(map->slots);
	*map = (struct pair_map){0};
}
