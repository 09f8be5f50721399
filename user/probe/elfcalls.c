/* SPDX-License-Identifier: GPL-2.0 */
/* Direct calls of a function, and jumps to it, in a file's code. */
#include "probe/elfcalls.h"

#include <stdlib.h>
#include <string.h>

#include "probe/elfplt.h"
#include "probe/insn.h"

#define CALL 0xe8 /* call rel32 */
#define JUMP 0xe9 /* jmp rel32 */
#define BRANCH_BYTES 5
#define SLOTS_MAX 4

/* A part of the file's code. */
struct window {
	uint8_t *code;
	uint64_t offset, address; /* in the file, and in memory */
	size_t length;
};

struct search {
	const struct elfimage *image;
	uint64_t function; /* its address, or 0 */
	uint64_t slots[SLOTS_MAX];
	size_t slot_count;
};

/* Most jumps are within a function, so within what was read. */
static uint64_t pointer_at(const struct search *s, const struct window *w, uint64_t address)
{
	uint64_t at = address - w->address;

	if (address >= w->address && at < w->length && w->length - at >= ELFPLT_STUB)
		return elfplt_pointer(w->code + at, ELFPLT_STUB, address);
	return elfplt_through(s->image, address);
}

/* Whether the code at an address is the function, or a stub that leads to it. */
static bool leads_to(const struct search *s, const struct window *w, uint64_t address)
{
	uint64_t slot;
	size_t i;

	if (address == s->function)
		return address != 0;
	slot = s->slot_count ? pointer_at(s, w, address) : 0;
	for (i = 0; i < s->slot_count; i++)
		if (slot == s->slots[i])
			return slot != 0;
	return false;
}

/* Whether the bytes at `at` would be such a branch to the function. */
static bool branches(const struct search *s, const struct window *w, size_t at, uint8_t opcode)
{
	int32_t distance;

	if (at + BRANCH_BYTES > w->length || w->code[at] != opcode)
		return false;
	memcpy(&distance, w->code + at + 1, sizeof(distance));
	return leads_to(s, w, w->address + at + BRANCH_BYTES + distance);
}

/* The code around the place that the function returned to, within its segment. */
static bool window_read(const struct elfimage *image, uint64_t back, struct window *w)
{
	size_t i;

	for (i = 0; i < image->code_count; i++) {
		uint64_t start = image->code[i].offset, end = start + image->code[i].length;

		if (back < start || back > end)
			continue;
		w->offset = back - start > ELFCALLS_REACH ? back - ELFCALLS_REACH : start;
		w->length = (end - back > ELFCALLS_REACH ? back + ELFCALLS_REACH : end) - w->offset;
		w->address = image->code[i].address + (w->offset - start);
		w->code = malloc(w->length);
		return w->code && elfimage_read(image, w->offset, w->code, w->length) == w->length;
	}
	return false;
}

/* A call that has returned is one; of jumps it must be seen that they are no other's bytes. */
static size_t find(const struct search *s, const struct window *w, uint64_t back, uint64_t *sites,
		   size_t room)
{
	size_t at = back - w->offset, count = 0;

	if (room && at >= BRANCH_BYTES && branches(s, w, at - BRANCH_BYTES, CALL)) {
		sites[0] = back - BRANCH_BYTES;
		return 1;
	}
	for (at = 0; at < w->length; at++) {
		const uint8_t *next = memchr(w->code + at, JUMP, w->length - at);

		if (!next)
			break;
		at = next - w->code;
		if (!branches(s, w, at, JUMP) || !insn_begins(w->code, w->length, at))
			continue;
		if (count == room)
			return 0;
		sites[count++] = w->offset + at;
	}
	return count;
}

size_t elfcalls_find(int fd, const struct elfcalls_wanted *wanted, uint64_t *sites, size_t room)
{
	struct elfimage image;
	struct search s = {.image = &image};
	struct window w = {0};
	char why[128];
	size_t count = 0;

	if (elfimage_open(&image, fd, why, sizeof(why)))
		return 0;
	if (image.header.e_machine == EM_X86_64 && image.header.e_ident[EI_CLASS] == ELFCLASS64 &&
	    window_read(&image, wanted->back, &w)) {
		if (wanted->function)
			elfimage_address(&image, wanted->function, &s.function);
		s.slot_count = elfplt_slots(&image, wanted->symbol, s.function, s.slots, SLOTS_MAX);
		count = find(&s, &w, wanted->back, sites, room);
	}
	free(w.code);
	elfimage_close(&image);
	return count;
}
