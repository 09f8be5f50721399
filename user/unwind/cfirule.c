/* SPDX-License-Identifier: GPL-2.0 */
/* From what unwind information says to the rules that the kernel side knows. */
#include "unwind/cfirule.h"

#include <signal.h>
#include <ucontext.h>

#define UCONTEXT_REG(name) offsetof(ucontext_t, uc_mcontext.gregs[name])

enum cfi_followed cfi_followed(uint64_t reg)
{
	switch (reg) {
	case MS_REG_RBX:
		return CFI_RBX;
	case MS_REG_RBP:
		return CFI_RBP;
	case MS_REG_RSP:
		return CFI_RSP;
	case CFI_REG_RIP:
		return CFI_RIP;
	default:
		return CFI_FOLLOWED;
	}
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
	int64_t context = state->cfa.offset - (int64_t)UCONTEXT_REG(REG_RSP);
	const struct cfi_saved *saved = state->saved;

	if (state->cfa.kind != CFI_VALUE_MEMORY || state->cfa.base != MS_REG_RSP ||
	    state->cfa.add != 0)
		return CFI_REFUSED_SIGNAL;
	if (context != (int32_t)context)
		return CFI_REFUSED_RANGE;
	if (!is_at(&saved[CFI_RIP], MS_REG_RSP, context + UCONTEXT_REG(REG_RIP)) ||
	    !is_at(&saved[CFI_RBP], MS_REG_RSP, context + UCONTEXT_REG(REG_RBP)) ||
	    !is_at(&saved[CFI_RBX], MS_REG_RSP, context + UCONTEXT_REG(REG_RBX)))
		return CFI_REFUSED_SIGNAL;
	if (saved[CFI_RSP].how != CFI_UNSPECIFIED &&
	    !is_at(&saved[CFI_RSP], MS_REG_RSP, state->cfa.offset))
		return CFI_REFUSED_SIGNAL;
	*rule = (struct ms_unwind_rule){
	    .kind = MS_RULE_SIGNAL, .reg = MS_REG_RSP, .cfa_offset = (int32_t)context};
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
		if (cfa->base != MS_REG_RSP)
			return CFI_REFUSED_FORM;
		break;
	default:
		return CFI_REFUSED_FORM;
	}
	if (cfa->base != MS_REG_RSP && cfa->base != MS_REG_RBP && cfa->base != MS_REG_RBX)
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
	else if (saved.base == MS_REG_RBP && saved.how == CFI_SAVED_AT)
		*how = MS_SAVED_AT_RBP;
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

static enum cfi_refusal plain_rule(const struct cfi_state *state, struct ms_unwind_rule *rule)
{
	const struct cfi_saved rip = from_cfa(state->saved[CFI_RIP], &state->cfa);
	enum cfi_refusal why = cfa_rule(&state->cfa, rule);

	if (why)
		return why;
	if (!is_at(&rip, CFI_BASE_CFA, -8))
		return CFI_REFUSED_RETURN;
	if (!stack_is_usual(state->saved[CFI_RSP], &state->cfa))
		return CFI_REFUSED_STACK;
	why = saved_rule(state->saved[CFI_RBP], &state->cfa, &rule->rbp, &rule->rbp_offset);
	if (why)
		return why;
	return saved_rule(state->saved[CFI_RBX], &state->cfa, &rule->rbx, &rule->rbx_offset);
}

enum cfi_refusal cfi_rule(const struct cfi_state *state, bool is_signal,
			  struct ms_unwind_rule *rule)
{
	enum cfi_refusal why;

	*rule = (struct ms_unwind_rule){0};
	if (state->saved[CFI_RIP].how == CFI_UNDEFINED) {
		rule->kind = MS_RULE_END;
		return CFI_ACCEPTED;
	}
	why = is_signal ? signal_rule(state, rule) : plain_rule(state, rule);
	if (why)
		*rule = cfi_rule_refused(why);
	return why;
}
