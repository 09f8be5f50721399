/* SPDX-License-Identifier: GPL-2.0 */
/*
 * SipHash-2-4 as Aumasson and Bernstein describe it ("SipHash: a fast
 * short-input PRF", 2012): over a gigabyte a second without special
 * instructions, where a hash without a key would have to be many times slower to
 * be safe.
 */
#include "unwind/digest.h"

#include <stdlib.h>
#include <string.h>

#define PIECE ((size_t)64 << 10)

struct sip {
	uint64_t v0, v1, v2, v3;
};

static inline uint64_t rotate(uint64_t x, unsigned bits)
{
	return x << bits | x >> (64 - bits);
}

static inline void sip_round(struct sip *s)
{
	s->v0 += s->v1;
	s->v2 += s->v3;
	s->v1 = rotate(s->v1, 13) ^ s->v0;
	s->v3 = rotate(s->v3, 16) ^ s->v2;
	s->v0 = rotate(s->v0, 32);
	s->v2 += s->v1;
	s->v0 += s->v3;
	s->v1 = rotate(s->v1, 17) ^ s->v2;
	s->v3 = rotate(s->v3, 21) ^ s->v0;
	s->v2 = rotate(s->v2, 32);
}

static inline void sip_word(struct sip *s, uint64_t word)
{
	s->v3 ^= word;
	sip_round(s);
	sip_round(s);
	s->v0 ^= word;
}

uint64_t digest(const uint8_t key[DIGEST_KEY_SIZE], const void *bytes, size_t size)
{
	const uint8_t *at = bytes;
	uint64_t k0, k1, word;
	struct sip s;
	size_t left;

	memcpy(&k0, key, sizeof(k0));
	memcpy(&k1, key + sizeof(k0), sizeof(k1));
	s = (struct sip){k0 ^ 0x736f6d6570736575, k1 ^ 0x646f72616e646f6d, k0 ^ 0x6c7967656e657261,
			 k1 ^ 0x7465646279746573};
	for (left = size; left >= sizeof(word); left -= sizeof(word), at += sizeof(word)) {
		memcpy(&word, at, sizeof(word));
		sip_word(&s, word);
	}
	word = (uint64_t)size << 56;
	for (size_t i = 0; i < left; i++)
		word |= (uint64_t)at[i] << (8 * i);
	sip_word(&s, word);
	s.v2 ^= 0xff;
	for (unsigned i = 0; i < 4; i++)
		sip_round(&s);
	return s.v0 ^ s.v1 ^ s.v2 ^ s.v3;
}

bool digest_source(const uint8_t key[DIGEST_KEY_SIZE], const struct unwind_source *source,
		   uint64_t offset, uint64_t size, uint64_t *out)
{
	uint64_t words[2] = {size, 0}, piece;
	void *buffer = malloc(PIECE);
	bool is_read = buffer;

	for (; is_read && size; size -= piece, offset += piece) {
		piece = size < PIECE ? size : PIECE;
		is_read = unwind_source_read(source, offset, buffer, piece);
		if (is_read) {
			words[1] = digest(key, buffer, piece);
			words[0] = digest(key, words, sizeof(words));
		}
	}
	free(buffer);
	*out = words[0];
	return is_read;
}
