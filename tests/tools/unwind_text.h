/* SPDX-License-Identifier: GPL-2.0 */
/* Unwind rules as text, for the tests and for unwind_dump. */
#ifndef UNWIND_TEXT_H
#define UNWIND_TEXT_H

#include <stdint.h>
#include <stdio.h>

#include "unwind/cfirule.h"

#define UNWIND_TEXT_SIZE 96

static inline int unwind_text_saved(char *text, size_t size, const char *name, uint8_t how,
				    int16_t offset)
{
	static const char *const formats[] = {
	    [MS_SAVED_AT_CFA] = " %s=c%+d",
	    [MS_SAVED_AT_FP] = " %s=(rbp%+d)",
	    [MS_SAVED_CFA_VALUE] = " %s=v%+d",
	};

	if (how == MS_SAVED_SAME)
		return 0;
	return snprintf(text, size, formats[how], name, offset);
}

static inline const char *unwind_text_refusal(int32_t why)
{
	static const char *const names[] = {
#define X(id, text) [CFI_REFUSED_##id] = #id,
	    CFI_REFUSALS(X)
#undef X
	};

	return why > 0 && why < CFI_REFUSALS_END ? names[why] : "?";
}

/*
 * Like "rsp+16 rbp=c-16" (at CFA - 16; v-16: it is that; (rbp-16): at RBP - 16),
 * "*(rbp-8)+0", "plt rsp+8 11", "signal rsp+0", "end", "none", "refused BASE".
 */
static inline const char *unwind_text(const struct ms_unwind_rule *rule,
				      char text[UNWIND_TEXT_SIZE])
{
	const char *reg = rule->reg == MS_REG_SP ? "rsp" : rule->reg == MS_REG_FP ? "rbp" : "rbx";
	size_t size = UNWIND_TEXT_SIZE;
	int used = 0;

	switch (rule->kind) {
	case MS_RULE_NONE:
		return "none";
	case MS_RULE_END:
		return "end";
	case MS_RULE_UNSUPPORTED:
		snprintf(text, size, "refused %s", unwind_text_refusal(rule->param));
		return text;
	case MS_RULE_CFA:
		used = snprintf(text, size, "%s%+d", reg, rule->cfa_offset);
		break;
	case MS_RULE_DEREF:
		used = snprintf(text, size, "*(%s%+d)%+d", reg, rule->cfa_offset, rule->param);
		break;
	case MS_RULE_PLT:
		used = snprintf(text, size, "plt %s%+d %d", reg, rule->cfa_offset, rule->param);
		break;
	case MS_RULE_SIGNAL:
		used = snprintf(text, size, "signal %s%+d", reg, rule->cfa_offset);
		break;
	default:
		return "?";
	}
	used += unwind_text_saved(text + used, size - used, "rbp", rule->fp, rule->fp_offset);
	unwind_text_saved(text + used, size - used, "rbx", rule->third, rule->third_offset);
	return text;
}

#endif
