/* SPDX-License-Identifier: GPL-2.0 */
/* Text for people: human numbers, and text a target controls made harmless. */
#ifndef MS_TEXT_H
#define MS_TEXT_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#define HUMAN_LEN 32

/* "1.23 GiB", "512 B"; binary units, three significant digits. */
const char *text_bytes(char buffer[HUMAN_LEN], uint64_t bytes);
/* "+1.2 MiB", "-3 KiB", "0". */
const char *text_delta(char buffer[HUMAN_LEN], int64_t bytes);
/* "1.23 s", "340 ms". */
const char *text_seconds(char buffer[HUMAN_LEN], double seconds);
/* 1234567 -> "1,234,567". */
const char *text_count(char buffer[HUMAN_LEN], uint64_t count);

/*
 * Writes `text` with control characters, escape sequences and invalid UTF-8
 * replaced by \xNN (terminal); at most `max` cells, 0 for no limit.
 */
void text_print_safe(FILE *out, const char *text, size_t max);
/* The same into a buffer; returns buffer. */
const char *text_safe(char *buffer, size_t size, const char *text);
/* Writes `text` with &, <, >, " and ' as entities, invalid bytes as U+FFFD (XML, HTML). */
void text_print_xml(FILE *out, const char *text);

#endif
