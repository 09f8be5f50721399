/* SPDX-License-Identifier: GPL-2.0 */
/* A keyed digest: who does not know the key cannot make two inputs that have the same. */
#ifndef MS_DIGEST_H
#define MS_DIGEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "unwind/source.h"

#define DIGEST_KEY_SIZE 16

/* SipHash-2-4. */
uint64_t digest(const uint8_t key[DIGEST_KEY_SIZE], const void *bytes, size_t size);

/*
 * Of `size` bytes from an offset, read in pieces, whose digests are digested;
 * false if they cannot be read.
 */
bool digest_source(const uint8_t key[DIGEST_KEY_SIZE], const struct unwind_source *source,
		   uint64_t offset, uint64_t size, uint64_t *out);

#endif
