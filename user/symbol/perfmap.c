/* SPDX-License-Identifier: GPL-2.0 */
/* Reads perf maps line by line; names stay in the file until they are asked for. */
#include "symbol/perfmap.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define BUFFER_SIZE ((size_t)256 << 10)

static int digit_of(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* A hexadecimal number and the blanks after it; HotSpot writes a 0x before it. */
static bool take_number(const char **at, const char *end, uint64_t *out)
{
	const char *p = *at, *first;
	uint64_t value = 0;

	if (end - p > 2 && p[0] == '0' && (p[1] | 0x20) == 'x')
		p += 2;
	for (first = p; p < end && digit_of(*p) >= 0; p++) {
		if (value >> 60)
			return false;
		value = value << 4 | (uint64_t)digit_of(*p);
	}
	if (p == first || p == end || *p != ' ')
		return false;
	while (p < end && *p == ' ')
		p++;
	*at = p;
	*out = value;
	return true;
}

/* `offset`: of the line in the file. */
static int take_line(const char *line, const char *end, uint64_t offset, struct jit_codes *codes,
		     struct budget *budget)
{
	struct jit_code code = {.time = offset};
	const char *at = line;
	uint64_t size;

	if (!take_number(&at, end, &code.start) || !take_number(&at, end, &size) || at == end ||
	    __builtin_add_overflow(code.start, size, &code.end))
		return 0;
	code.name = offset + (uint64_t)(at - line);
	return jit_codes_add(codes, &code, budget);
}

/* Takes the whole lines of the buffer; *used of its bytes are done with. */
static int take_lines(const char *buffer, size_t length, uint64_t offset, struct jit_codes *codes,
		      struct budget *budget, size_t *used)
{
	const char *line = buffer, *newline;
	int err = 0;

	while (!err && (newline = memchr(line, '\n', length - (size_t)(line - buffer)))) {
		err = take_line(line, newline, offset + (uint64_t)(line - buffer), codes, budget);
		line = newline + 1;
	}
	*used = (size_t)(line - buffer);
	return err;
}

int perfmap_read(int fd, uint64_t *offset, struct jit_codes *codes, struct budget *budget)
{
	char *buffer = malloc(BUFFER_SIZE);
	bool inside = false; /* a line too long for the buffer, and so for a name */
	int err = buffer ? 0 : -ENOMEM;

	while (!err) {
		ssize_t n = pread(fd, buffer, BUFFER_SIZE, (off_t)*offset);
		const char *skip = inside && n > 0 ? memchr(buffer, '\n', (size_t)n) : NULL;
		size_t used = 0;

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0) {
			err = n ? -errno : 0;
			break;
		}
		if (!budget_take(budget, (uint64_t)n)) {
			err = -EFBIG;
			break;
		}
		if (inside)
			used = skip ? (size_t)(skip + 1 - buffer) : (size_t)n;
		else
			err = take_lines(buffer, (size_t)n, *offset, codes, budget, &used);
		inside = inside && !skip;
		if (!used && (size_t)n < BUFFER_SIZE)
			break; /* the line is not written yet */
		if (!used) {
			/* Its start is worth an entry; what is left of it is not. */
			take_line(buffer, buffer + n, *offset, codes, budget);
			inside = true;
			used = (size_t)n;
		}
		*offset += used;
	}
	free(buffer);
	return err;
}

void perfmap_name(int fd, const struct jit_code *code, char *name, size_t size)
{
	ssize_t n = pread(fd, name, size - 1, (off_t)code->name);

	name[n > 0 ? n : 0] = '\0';
	name[strcspn(name, "\r\n")] = '\0';
}
