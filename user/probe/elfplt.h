/* SPDX-License-Identifier: GPL-2.0 */
/* Jump stubs: from the code of one to the function it leads to.  Private to probe/. */
#ifndef MS_ELFPLT_H
#define MS_ELFPLT_H

#include "probe/elfimage.h"

#define ELFPLT_NAME 64 /* longer than any name that is asked for */

struct elfplt {
	char name[ELFPLT_NAME]; /* of the function; empty if it does not fit */
	uint64_t address;       /* in this file, 0 if it is another file's */
};

/* Where a direct jump at the start of the code at `address` leads, 0 if there is none. */
uint64_t elfplt_jump(const uint8_t *code, size_t length, uint64_t address);
/* The address of the pointer that the code at `address` jumps through, 0 if it is no jump stub. */
#define ELFPLT_STUB 16
uint64_t elfplt_pointer(const uint8_t *code, size_t length, uint64_t address);
uint64_t elfplt_through(const struct elfimage *image, uint64_t address);
/*
 * The pointers that the dynamic linker makes lead to a function, by its name and, if it is in this
 * file, its address, else 0: how many, at most `room`.
 */
size_t elfplt_slots(const struct elfimage *image, const char *name, uint64_t address,
		    uint64_t *slots, size_t room);
/* Whether the code at `address` is a jump stub, and to what. */
bool elfplt_find(const struct elfimage *image, uint64_t address, struct elfplt *out);
/* The same for the pointer at address `slot`, which the dynamic linker fills in. */
bool elfplt_slot(const struct elfimage *image, uint64_t slot, struct elfplt *out);

#endif
