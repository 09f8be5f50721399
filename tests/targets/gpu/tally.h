/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A GPU program's own ledger, by device: what its calls came to, as it sees it.  The numbers
 * of memsnoop's gpu layer must be equal to it, to the byte.
 */
#ifndef TALLY_H
#define TALLY_H

#include <stddef.h>
#include <stdint.h>

/* As memsnoop names them. */
#define CUDA0 "cuda:0"
#define CUDA1 "cuda:1"
#define PINNED "host-pinned"
#define REGISTERED "host-registered"
#define MANAGED "managed"
#define IMPORTED "imported"
#define MULTICAST "multicast"

/* A block that was allocated, or, with `result` not 0, was not: a failure. */
void tally_made(const char *device, int result, uint64_t size);
/* The same of memory that is another's. */
void tally_shared(const char *device, int result, uint64_t size);
/* A block that was freed; with `result` not 0 it was not, and nothing has changed. */
void tally_freed(const char *device, int result, uint64_t size);
void tally_unshared(const char *device, int result, uint64_t size);
/* A free that went well, of a block from before the tally began. */
void tally_unknown(void);
void tally_reset(void);
/* $LEDGER/NAME.PID, whole when it is there. */
void tally_write(const char *name);
/* An empty file of that name. */
void tally_signal(const char *name);
/* Ends the program with status 1 if the double did not do what the test needs. */
void tally_expect(int result, int wanted, const char *what);

#endif
