/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Call frame information of any bytes: the first says whether they are an
 * .eh_frame or a .debug_frame.  The rows of a function come in order, without
 * gaps, to its end.
 */
#include <stdlib.h>

#include "unwind/cfi.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Where seeds think they are: most addresses in them are relative. */
#define SECTION 0x100000

struct seen {
	uint64_t end;
	bool refused;
};

static void see(void *context, uint64_t start, uint64_t end, const struct ms_unwind_rule *rule)
{
	struct seen *seen = context;

	if (start != seen->end || end <= start || rule->kind == MS_RULE_NONE ||
	    rule->kind > MS_RULE_UNSUPPORTED)
		abort();
	seen->end = end;
	seen->refused |= rule->kind == MS_RULE_UNSUPPORTED;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct cfi_section section = {.address = SECTION};
	struct cfi cfi;

	if (!size)
		return 0;
	section.is_debug = data[0] & 1;
	section.bytes = data + 1;
	section.size = size - 1;
	if (cfi_open(&cfi, &section))
		return 0;
	for (size_t i = 0; i < cfi.fde_count; i++) {
		struct seen seen = {.end = cfi.fdes[i].start};
		bool refused = cfi_run(&cfi, &cfi.fdes[i], UINT64_MAX, see, &seen);

		if (seen.end != cfi.fdes[i].end || refused != seen.refused)
			abort();
	}
	cfi_close(&cfi);
	return 0;
}
