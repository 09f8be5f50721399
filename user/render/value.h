/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Values of a JSON document, for those who write one.  Without memory they are
 * NULL, which json_pack() and value_set() take for a failure and pass on.
 */
#ifndef MS_VALUE_H
#define MS_VALUE_H

#include <jansson.h>
#include <stdint.h>
#include <stdio.h>

#ifndef MEMSNOOP_VERSION
#define MEMSNOOP_VERSION "0"
#endif

#define VALUE_FLAGS (JSON_COMPACT | JSON_ENCODE_ANY | JSON_REAL_PRECISION(12))

/* null for NULL; what is not UTF-8 becomes U+FFFD, since jansson refuses it. */
json_t *value_text(const char *value);
json_t *value_number(uint64_t value);
/* A real number, of seconds or what else; 0 for one that is none. */
json_t *value_seconds(double value);
/* Steals `value`; a NULL anywhere makes *error -ENOMEM. */
void value_set(json_t *object, const char *key, json_t *value, int *error);
/* Writes and releases `value`; 0, -ENOMEM of NULL, -EIO. */
int value_emit(FILE *out, json_t *value, size_t flags);

#endif
