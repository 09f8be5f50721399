/* SPDX-License-Identifier: GPL-2.0 */
/* Digit by digit, the lowest first; digits that are all alike, most of an address, are passed over.
 */
#include "vm/radix.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define DIGIT_BITS 8
#define DIGITS (1u << DIGIT_BITS)

static uint64_t key_of(const char *item)
{
	uint64_t key;

	memcpy(&key, item, sizeof(key));
	return key;
}

/* The bits in which any two keys differ. */
static uint64_t varying_bits(const char *items, size_t count, size_t size)
{
	uint64_t first = key_of(items), bits = 0;
	size_t i;

	for (i = 1; i < count; i++)
		bits |= key_of(items + i * size) ^ first;
	return bits;
}

static void sort_digit(const char *from, char *to, size_t count, size_t size, unsigned shift)
{
	size_t places[DIGITS] = {0}, i, at = 0;

	for (i = 0; i < count; i++)
		places[key_of(from + i * size) >> shift & (DIGITS - 1)]++;
	for (i = 0; i < DIGITS; i++) {
		size_t n = places[i];

		places[i] = at;
		at += n;
	}
	for (i = 0; i < count; i++) {
		const char *item = from + i * size;
		size_t *place = &places[key_of(item) >> shift & (DIGITS - 1)];

		memcpy(to + (*place)++ * size, item, size);
	}
}

static int compare(const void *a, const void *b)
{
	uint64_t x = key_of(a), y = key_of(b);

	return x < y ? -1 : x > y;
}

void radix_sort(void *items, size_t count, size_t size)
{
	char *from = items, *to, *other;
	uint64_t bits;
	unsigned shift;

	if (count < 2)
		return;
	bits = varying_bits(items, count, size);
	other = reallocarray(NULL, count, size);
	if (!other) {
		qsort(items, count, size, compare);
		return;
	}
	to = other;
	while (bits) {
		char *swap = from;

		shift = (unsigned)__builtin_ctzll(bits);
		sort_digit(from, to, count, size, shift);
		from = to;
		to = swap;
		bits = shift + DIGIT_BITS < 64
			   ? bits >> (shift + DIGIT_BITS) << (shift + DIGIT_BITS)
			   : 0;
	}
	if (from != items)
		memcpy(items, from, count * size);
	free(other);
}
