/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The kernel's zero pages.  What a process has only read is mapped to one of
 * them: it looks present, and is in nobody's RSS.
 */
#ifndef MS_ZEROPAGE_H
#define MS_ZEROPAGE_H

#include <stdbool.h>
#include <stdint.h>

struct zeropage;

struct zeropage *zeropage_new(void); /* NULL: no memory */
void zeropage_free(struct zeropage *zero);
/* Whether this page frame (as pagemap has it; 0: not told) is the small zero page. */
bool zeropage_is(const struct zeropage *zero, uint64_t frame);
/* Whether the huge page at `address` is the huge zero page; `pagemap` is the process's open file.
 */
bool zeropage_is_at(const struct zeropage *zero, int pagemap, uint64_t address);

#endif
