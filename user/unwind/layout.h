/* SPDX-License-Identifier: GPL-2.0 */
/* Lays rows and rules out as the blocks of bpf/unwind.h.  Private to unwind/. */
#ifndef MS_UNWIND_LAYOUT_H
#define MS_UNWIND_LAYOUT_H

#include "unwind/rows.h"
#include "unwind/table.h"

/*
 * `rows` is not empty and ends with a row of ROWS_NONE; of the header, what is not
 * layout (build id, refused) is taken from `header`.  0, -EFBIG or -ENOMEM.
 */
int unwind_layout(const struct unwind_rows *rows, const struct unwind_rules *rules,
		  const struct ms_unwind_header *header, size_t max, struct unwind_table *out);

/* The CRC-32 for header.checksum. */
uint32_t unwind_checksum(const struct unwind_table *table);

#endif
