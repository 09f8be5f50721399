/* SPDX-License-Identifier: GPL-2.0 */
/* From what unwind information says to the rules that the kernel side knows. */
#include "unwind/cfirule.h"

enum cfi_followed cfi_followed(uint64_t reg)
{
	if (reg == MS_REG_RETURN)
		return CFI_RETURN;
	if (reg == MS_REG_FP)
		return CFI_FP;
	if (reg == MS_REG_SP)
		return CFI_SP;
	return reg == MS_REG_THIRD ? CFI_THIRD : CFI_FOLLOWED;
}

const char *cfi_refusal_text(int32_t why)
{
	static const char *const texts[] = {
#define X(id, text) [CFI_REFUSED_##id] = (text),
	    CFI_REFUSALS(X)
#undef X
	};

	return why > CFI_ACCEPTED && why < CFI_REFUSALS_END ? texts[why] : "unknown";
}

struct ms_unwind_rule cfi_rule_refused(enum cfi_refusal why)
{
	return (struct ms_unwind_rule){.kind = MS_RULE_UNSUPPORTED, .param = (int32_t)why};
}

static bool is_at(const struct cfi_saved *saved, uint8_t base, int64_t offset)
{
	return saved->how == CFI_SAVED_AT && saved->base == base && saved->offset == offset;
}

/*
 * glibc's __restore_rt describes the frame that the kernel made by where each
 * register lies in its ucontext; all that matter must lie in the same one.
 */
static enum cfi_refusal signal_rule(const struct cfi_state *state, struct ms_unwind_rule *rule)
{
	int64_t context = state->cfa.offset - MS_UCONTEXT_SP;
	const struct cfi_saved *saved = state->saved;

	if (state->cfa.kind != CFI_VALUE_MEMORY || state->cfa.base != MS_REG_SP ||
	    state->cfa.add != 0)
		return CFI_REFUSED_SIGNAL;
	if (context != (int32_t)context)
		return CFI_REFUSED_RANGE;
	if (!is_at(&saved[CFI_RETURN], MS_REG_SP, context + MS_UCONTEXT_IP) ||
	    !is_at(&saved[CFI_FP], MS_REG_SP, context + MS_UCONTEXT_FP) ||
	    !is_at(&saved[CFI_THIRD], MS_REG_SP, context + MS_UCONTEXT_THIRD))
		return CFI_REFUSED_SIGNAL;
	if (saved[CFI_SP].how != CFI_UNSPECIFIED &&
	    !is_at(&saved[CFI_SP], MS_REG_SP, state->cfa.offset))
		return CFI_REFUSED_SIGNAL;
	*rule = (struct ms_unwind_rule){
	    .kind = MS_RULE_SIGNAL, .reg = MS_REG_SP, .cfa_offset = (int32_t)context};
	return CFI_ACCEPTED;
}

static enum cfi_refusal cfa_rule(const struct cfi_value *cfa, struct ms_unwind_rule *rule)
{
	switch (cfa->kind) {
	case CFI_VALUE_SUM:
		rule->kind = MS_RULE_CFA;
		break;
	case CFI_VALUE_MEMORY:
		rule->kind = MS_RULE_DEREF;
		break;
	case CFI_VALUE_PLT:
		rule->kind = MS_RULE_PLT;
		if (cfa->base != MS_REG_SP)
			return CFI_REFUSED_FORM;
		break;
	default:
		return CFI_REFUSED_FORM;
	}
	if (cfa->base != MS_REG_SP && cfa->base != MS_REG_FP && cfa->base != MS_REG_THIRD)
		return CFI_REFUSED_BASE;
	rule->reg = cfa->base;
	rule->cfa_offset = (int32_t)cfa->offset;
	rule->param = (int32_t)cfa->add;
	if (rule->cfa_offset != cfa->offset || rule->param != cfa->add)
		return CFI_REFUSED_RANGE;
	return CFI_ACCEPTED;
}

/* The same place or value counted from the CFA, where this is known to be a constant away. */
static struct cfi_saved from_cfa(struct cfi_saved saved, const struct cfi_value *cfa)
{
	if (cfa->kind != CFI_VALUE_SUM || saved.base != cfa->base)
		return saved;
	saved.base = CFI_BASE_CFA;
	saved.offset = (int64_t)((uint64_t)saved.offset - (uint64_t)cfa->offset);
	return saved;
}

static enum cfi_refusal saved_rule(struct cfi_saved saved, const struct cfi_value *cfa,
				   uint8_t *how, int16_t *offset)
{
	*offset = 0;
	*how = MS_SAVED_SAME;
	if (saved.how == CFI_UNSPECIFIED || saved.how == CFI_UNDEFINED || saved.how == CFI_SAME)
		return CFI_ACCEPTED;
	if (saved.how == CFI_SAVED_ELSEWHERE)
		return CFI_REFUSED_SAVED;
	saved = from_cfa(saved, cfa);
	if (saved.base == CFI_BASE_CFA)
		*how = saved.how == CFI_SAVED_AT ? MS_SAVED_AT_CFA : MS_SAVED_CFA_VALUE;
	else if (saved.base == MS_REG_FP && saved.how == CFI_SAVED_AT)
		*how = MS_SAVED_AT_FP;
	else
		return CFI_REFUSED_SAVED;
	*offset = (int16_t)saved.offset;
	return *offset == saved.offset ? CFI_ACCEPTED : CFI_REFUSED_RANGE;
}

/* The caller's RSP is the CFA, which need not be said. */
static bool stack_is_usual(struct cfi_saved rsp, const struct cfi_value *cfa)
{
	if (rsp.how == CFI_UNSPECIFIED)
		return true;
	rsp = from_cfa(rsp, cfa);
	return rsp.how == CFI_SAVED_IS && rsp.base == CFI_BASE_CFA && rsp.offset == 0;
}

/* A call has pushed it, or it is in a register that is followed like others. */
static bool return_is_usual(struct cfi_saved saved, const struct cfi_value *cfa)
{
	if (!MS_RETURN_POPS)
		return true;
	saved = from_cfa(saved, cfa);
	return is_at(&saved, CFI_BASE_CFA, -MS_RETURN_POPS);
}

static enum cfi_refusal plain_rule(const struct cfi_state *state, struct ms_unwind_rule *rule)
{
	const enum cfi_followed third = cfi_followed(MS_REG_THIRD);
	enum cfi_refusal why = cfa_rule(&state->cfa, rule);

	if (why)
		return why;
	if (!return_is_usual(state->saved[CFI_RETURN], &state->cfa))
		return CFI_REFUSED_RETURN;
	if (!stack_is_usual(state->saved[CFI_SP], &state->cfa))
		return CFI_REFUSED_STACK;
	why = saved_rule(state->saved[CFI_FP], &state->cfa, &rule->fp, &rule->fp_offset);
	if (why)
		return why;
	return saved_rule(state->saved[third], &state->cfa, &rule->third, &rule->third_offset);
}

enum cfi_refusal cfi_rule(const struct cfi_state *state, bool is_signal,
			  struct ms_unwind_rule *rule)
{
	enum cfi_refusal why;

	*rule = (struct ms_unwind_rule){0};
	if (state->saved[CFI_RETURN].how == CFI_UNDEFINED) {
		rule->kind = MS_RULE_END;
		return CFI_ACCEPTED;
	}
	why = is_signal ? signal_rule(state, rule) : plain_rule(state, rule);
	if (why)
		*rule = cfi_rule_refused(why);
	return why;
}
