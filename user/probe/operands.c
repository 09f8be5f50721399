/* SPDX-License-Identifier: GPL-2.0 */
#include "probe/operands.h"

#include <asm/ptrace.h>
#include <ctype.h>
#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* ---- registers ------------------------------------------------------------------ */

#if defined(__x86_64__)
#define ROW(name, eight, four, two, one)                                                           \
	{                                                                                          \
		{eight, four, two, one}, offsetof(struct pt_regs, name)                            \
	}
static const struct {
	const char *names[4];
	size_t place;
} registers[] = {
    ROW(rax, "rax", "eax", "ax", "al"),      ROW(rbx, "rbx", "ebx", "bx", "bl"),
    ROW(rcx, "rcx", "ecx", "cx", "cl"),      ROW(rdx, "rdx", "edx", "dx", "dl"),
    ROW(rsi, "rsi", "esi", "si", "sil"),     ROW(rdi, "rdi", "edi", "di", "dil"),
    ROW(rbp, "rbp", "ebp", "bp", "bpl"),     ROW(rsp, "rsp", "esp", "sp", "spl"),
    ROW(r8, "r8", "r8d", "r8w", "r8b"),      ROW(r9, "r9", "r9d", "r9w", "r9b"),
    ROW(r10, "r10", "r10d", "r10w", "r10b"), ROW(r11, "r11", "r11d", "r11w", "r11b"),
    ROW(r12, "r12", "r12d", "r12w", "r12b"), ROW(r13, "r13", "r13d", "r13w", "r13b"),
    ROW(r14, "r14", "r14d", "r14w", "r14b"), ROW(r15, "r15", "r15d", "r15w", "r15b"),
};
#define REGISTERS (sizeof(registers) / sizeof(registers[0]))

static bool find_register(const char *name, size_t length, uint16_t *place, size_t names)
{
	for (size_t i = 0; i < REGISTERS; i++)
		for (size_t j = 0; j < names; j++)
			if (strlen(registers[i].names[j]) == length &&
			    !memcmp(registers[i].names[j], name, length)) {
				*place = (uint16_t)registers[i].place;
				return true;
			}
	return false;
}
#else
static bool find_register(const char *name, size_t length, uint16_t *place, size_t names)
{
	(void)name, (void)length, (void)place, (void)names;
	return false;
}
#endif

#define ALL_NAMES 4
#define ADDRESS_NAMES 1 /* the whole register */

/* "%rax": moves on behind it. */
static bool take_register(const char **at, uint16_t *place, size_t names)
{
	const char *name = *at + 1, *end = name;

	if (**at != '%')
		return false;
	while (isalnum((unsigned char)*end))
		end++;
	*at = end;
	return find_register(name, (size_t)(end - name), place, names);
}

/* ---- numbers ------------------------------------------------------------------------ */

/* A number with its sign, 0x included; it moves on behind it. */
static bool take_number(const char **at, __s64 *out)
{
	const char *digits = *at + (**at == '-' || **at == '+');
	char *end;

	if (!isdigit((unsigned char)*digits))
		return false;
	errno = 0;
	*out = strtoll(*at, &end, 0);
	*at = end;
	return !errno;
}

/* A displacement may be a sum: "-8+16". */
static bool take_sum(const char **at, __s64 *out)
{
	__s64 term;

	if (!take_number(at, out))
		return false;
	while (**at == '+' || **at == '-')
		if (!take_number(at, &term) || __builtin_add_overflow(*out, term, out))
			return false;
	return true;
}

/* ---- operands ----------------------------------------------------------------------- */

static bool take_scale(const char **at, uint8_t *shift)
{
	__s64 scale;

	if (!take_number(at, &scale))
		return false;
	for (*shift = 0; *shift < 4; ++*shift)
		if (scale == (__s64)1 << *shift)
			return true;
	return false;
}

/* "-104(%rbp)", "(%rax,%rcx,4)": from the displacement on. */
static bool take_memory(const char **at, struct ms_usdt_argument *a)
{
	a->form = MS_USDT_MEMORY;
	if (**at != '(' && !take_sum(at, &a->value))
		return false;
	if (**at != '(')
		return false;
	++*at;
	if (!take_register(at, &a->base, ADDRESS_NAMES))
		return false;
	if (**at == ',') {
		++*at;
		a->indexed = 1;
		if (!take_register(at, &a->index, ADDRESS_NAMES))
			return false;
		if (**at == ',') {
			++*at;
			if (!take_scale(at, &a->shift))
				return false;
		}
	}
	if (**at != ')')
		return false; /* it may be the end of the text */
	++*at;
	return true;
}

static bool take_operand(const char **at, struct ms_usdt_argument *a)
{
	switch (**at) {
	case '$':
		++*at;
		a->form = MS_USDT_CONSTANT;
		return take_number(at, &a->value);
	case '%':
		a->form = MS_USDT_REGISTER;
		return take_register(at, &a->base, ALL_NAMES);
	default:
		return take_memory(at, a);
	}
}

/* "-8@": false if it is none. */
static bool take_size(const char **at, struct ms_usdt_argument *a)
{
	__s64 size;

	if (!take_number(at, &size) || **at != '@')
		return false;
	++*at;
	a->sign = size < 0;
	if (size != 1 && size != 2 && size != 4 && size != 8 && size != -1 && size != -2 &&
	    size != -4 && size != -8)
		return false;
	a->size = (uint8_t)(size < 0 ? -size : size);
	return true;
}

void operands_parse(const char *text, struct ms_usdt *out)
{
	*out = (struct ms_usdt){0};
	for (size_t i = 0; i < MS_USDT_ARGUMENTS; i++) {
		struct ms_usdt_argument a = {0};
		bool good;

		text += strspn(text, " ");
		if (!*text)
			return;
		good = take_size(&text, &a) && take_operand(&text, &a);
		/* What follows it directly makes it something else. */
		if (good && (!*text || *text == ' '))
			out->argument[i] = a;
		text += strcspn(text, " ");
	}
}
