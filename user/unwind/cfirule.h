/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What unwind information says at one place (CFA, and the registers a walk
 * needs), and the rule of bpf/unwind.h that says the same.  Private to unwind/.
 */
#ifndef MS_CFIRULE_H
#define MS_CFIRULE_H

#include "unwind.h"
#include "unwind/cfivalue.h"

/* Why there is no rule: param of MS_RULE_UNSUPPORTED. */
#define CFI_REFUSALS(X)                                                                            \
	X(BASE, "the frame is found by a register that is not followed")                           \
	X(FORM, "the frame is found by an expression of an unknown form")                          \
	X(RETURN, "the return address is not on top of the frame")                                 \
	X(STACK, "the caller's stack pointer is not the frame's end")                              \
	X(SAVED, "a register is saved in an unknown way")                                          \
	X(RANGE, "an offset is too large")                                                         \
	X(SIGNAL, "a signal frame of an unknown form")                                             \
	X(PROGRAM, "its instructions are broken or unknown")

enum cfi_refusal {
	CFI_ACCEPTED,
#define X(id, text) CFI_REFUSED_##id,
	CFI_REFUSALS(X)
#undef X
	    CFI_REFUSALS_END
};

/* The registers that are followed; everything else about others is read over. */
enum cfi_followed { CFI_THIRD, CFI_FP, CFI_SP, CFI_RETURN, CFI_FOLLOWED };

enum cfi_how {
	CFI_UNSPECIFIED,
	CFI_UNDEFINED,
	CFI_SAME,
	CFI_SAVED_AT, /* in memory at base + offset */
	CFI_SAVED_IS, /* it is base + offset */
	CFI_SAVED_ELSEWHERE,
};

struct cfi_saved {
	uint8_t how;  /* enum cfi_how */
	uint8_t base; /* register number or CFI_BASE_CFA */
	int64_t offset;
};

struct cfi_state {
	struct cfi_value cfa;
	bool cfa_is_plain; /* by def_cfa: register and offset can be changed apart */
	struct cfi_saved saved[CFI_FOLLOWED];
};

/* Which of the followed registers number `reg` is, CFI_FOLLOWED if none. */
enum cfi_followed cfi_followed(uint64_t reg);

/*
 * The rule for `state`, in a frame that a signal made if `is_signal`.  CFI_ACCEPTED,
 * or the reason why *rule is MS_RULE_UNSUPPORTED.
 */
enum cfi_refusal cfi_rule(const struct cfi_state *state, bool is_signal,
			  struct ms_unwind_rule *rule);
/* The rule for what is refused. */
struct ms_unwind_rule cfi_rule_refused(enum cfi_refusal why);
/* Static text for the param of an MS_RULE_UNSUPPORTED. */
const char *cfi_refusal_text(int32_t why);

#endif
