/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The choice of a probe's instruction: written-out beginnings of functions, one
 * a case; the running C library's own; generated ones, which are executed up
 * to the chosen place to see what the registers are; and garbage.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include <cmocka.h>

#include "probe/insn.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* Masks of arguments. */
#define A1 0x1u
#define A2 0x2u
#define A3 0x4u
#define A4 0x8u

#define RET true    /* with a return probe */
#define ENTRY false /* without */

/* A function's bytes; its size is known unless `open`. */
static const struct {
	const char *name;
	const char *bytes;
	unsigned length;
	bool open;
	unsigned args;
	bool entry_sp;
	unsigned offset;
	bool emulated;
	const char *reason; /* a part of it */
} cases[] = {
#define CODE(text) text, sizeof(text) - 1
    /* What the kernel emulates, at the entry. */
    {"push r12", CODE("\x41\x54\x5b\xc3"), false, A1, RET, 0, true, "push"},
    {"push rbx", CODE("\x53\x5b\xc3"), false, A1, RET, 0, true, "push"},
    {"jmp rel32", CODE("\xe9\x00\x01\x00\x00"), false, A1, RET, 0, true, "jump"},
    {"jmp rel8", CODE("\xeb\x40"), false, A1, RET, 0, true, "jump"},
    {"bnd jmp", CODE("\xf2\xe9\x00\x01\x00\x00"), false, A1, RET, 0, true, "jump"},
    {"call", CODE("\xe8\x00\x01\x00\x00\xc3"), false, A1, RET, 0, true, "call"},
    {"nop", CODE("\x90\xc3"), false, A1, RET, 0, true, "nop"},
    {"xchg ax,ax", CODE("\x66\x90\xc3"), false, A1, RET, 0, true, "nop"},
    {"je", CODE("\x74\x01\xc3\xc3"), false, A1, RET, 0, true, "conditional"},

    /* What it does not. */
    {"ret", CODE("\xc3"), false, 0, ENTRY, 0, false, "entry"},
    {"mov, ret", CODE("\x48\x89\xf8\xc3"), false, A1, RET, 0, false, "entry"},
    {"push with a useless REX", CODE("\x48\x53\x5b\xc3"), false, A1, RET, 0, false, "entry"},
    {"push $1", CODE("\x6a\x01\x58\x53\xc3"), false, A1, RET, 0, false, "entry"},
    {"push (%rdi)", CODE("\xff\x37\x58\x53\xc3"), false, A1, RET, 0, false, "entry"},
    {"xchg r8,rax is no nop", CODE("\x41\x90\x53\xc3"), false, A1, RET, 0, false, "entry"},
    {"jmp *rax", CODE("\xff\xe0"), false, A1, RET, 0, false, "entry"},
    {"jmp *rax ends the search", CODE("\xff\xe0\x53\xc3"), false, A1, RET, 0, false, "entry"},
    {"call *rax ends the search", CODE("\xff\xd0\x53\xc3"), false, A1, RET, 0, false, "entry"},
    {"a branch with 0x66 is refused", CODE("\x89\xf8\x66\xe9\x00\x00\x53"), true, A1, RET, 0, false,
     "entry"},
    {"jrcxz", CODE("\xe3\x01\x90\x90\xc3"), false, A1, RET, 0, false, "entry"},

    /* Passed over. */
    {"endbr64, push", CODE("\xf3\x0f\x1e\xfa\x55\x5d\xc3"), false, A1, RET, 4, true, "push"},
    {"endbr64, jmp", CODE("\xf3\x0f\x1e\xfa\xe9\x00\x01\x00\x00"), false, A1, RET, 4, true, "jump"},
    {"test, je", CODE("\x48\x85\xff\x74\x01\xc3\xc3"), false, A1, ENTRY, 3, true, "conditional"},
    {"test, je rel32", CODE("\x48\x85\xff\x0f\x84\xbf\x00\x00\x00\x55\xc3"), false, A1, ENTRY, 3,
     true, "conditional"},
    {"cmp, ja", CODE("\x48\x81\xff\x00\x10\x00\x00\x0f\x87\x93\x00\x00\x00\xc3"), false, A1, RET, 7,
     true, "conditional"},
    {"cmpb $0,disp(%rip), push", CODE("\x80\x3d\x01\x02\x14\x00\x00\x41\x54\xc3"), false, A1 | A3,
     RET, 7, true, "push"},
    {"mov elsewhere, push", CODE("\x48\x89\xf8\x55\xc3"), false, A1, RET, 3, true, "push"},
    {"mov %fs:0x28,%rax, push", CODE("\x64\x48\x8b\x04\x25\x28\x00\x00\x00\x55\xc3"), false, A1,
     RET, 9, true, "push"},

    /* Arguments that are overwritten first, in every width. */
    {"mov %rsi,%rdi", CODE("\x48\x89\xf7\x55\xc3"), false, A1, RET, 0, false, "too late"},
    {"mov %rsi,%rdi, unread", CODE("\x48\x89\xf7\x55\xc3"), false, A2, RET, 3, true, "push"},
    {"mov $1,%edi", CODE("\xbf\x01\x00\x00\x00\x55\xc3"), false, A1, RET, 0, false, "too late"},
    {"mov $1,%di", CODE("\x66\xbf\x01\x00\x55\xc3"), false, A1, RET, 0, false, "too late"},
    {"mov $1,%dil", CODE("\x40\xb7\x01\x55\xc3"), false, A1, RET, 0, false, "too late"},
    {"mov $1,%dh", CODE("\xb6\x01\x55\xc3"), false, A3, RET, 0, false, "too late"},
    {"mov $1,%ch", CODE("\xb5\x01\x55\xc3"), false, A4, RET, 0, false, "too late"},
    {"mov $1,%ch, unread", CODE("\xb5\x01\x55\xc3"), false, A3, RET, 2, true, "push"},
    {"xor %edi,%edi", CODE("\x31\xff\x55\xc3"), false, A1, RET, 0, false, "too late"},
    {"mov %rdi,(%rsi) writes memory", CODE("\x48\x89\x3e\x55\xc3"), false, A1 | A2, RET, 3, true,
     "push"},
    {"lea 1(%rsi),%rsi", CODE("\x48\x8d\x76\x01\x55\xc3"), false, A2, RET, 0, false, "too late"},
    {"movq %xmm0,%rdi", CODE("\x66\x48\x0f\x7e\xc7\x55\xc3"), false, A1, RET, 0, false, "too late"},
    {"mul writes %rdx unnamed", CODE("\x48\xf7\xe6\x70\x01\xc3\xc3"), false, A3, RET, 0, false,
     "too late"},
    {"cqto writes %rdx unnamed", CODE("\x48\x99\x55\xc3"), false, A3, RET, 0, false, "too late"},
    {"cpuid writes several", CODE("\x0f\xa2\x55\xc3"), false, A4, RET, 0, false, "too late"},
    {"xchg writes both", CODE("\x48\x87\xf8\x55\xc3"), false, A1, RET, 0, false, "too late"},
    {"movsb writes %rdi and %rsi", CODE("\xa4\x55\xc3"), false, A1, RET, 0, false, "too late"},
    {"loop writes %rcx", CODE("\xe2\x00\x55\xc3"), false, A4, RET, 0, false, "too late"},
    {"pop %rdi", CODE("\x5f\x55\xc3"), false, A1, ENTRY, 0, false, "too late"},
    {"syscall", CODE("\x0f\x05\x55\xc3"), false, A1, RET, 0, false, "too late"},

    /* The stack pointer, for a return probe and without one. */
    {"sub $24,%rsp, je", CODE("\x48\x83\xec\x18\x74\x01\x90\xc3"), false, A1, RET, 0, false,
     "too late"},
    {"sub $24,%rsp, je, no return probe", CODE("\x48\x83\xec\x18\x74\x01\x90\xc3"), false, A1,
     ENTRY, 4, true, "conditional"},
    {"push $1, je", CODE("\x6a\x01\x74\x01\x90\xc3"), false, A1, RET, 0, false, "too late"},
    {"push $1, je, no return probe", CODE("\x6a\x01\x74\x01\x90\xc3"), false, A1, ENTRY, 2, true,
     "conditional"},
    {"pop %rax", CODE("\x58\x55\xc3"), false, A1, RET, 0, false, "too late"},
    {"lea -8(%rsp),%rsp", CODE("\x48\x8d\x64\x24\xf8\x55\xc3"), false, A1, RET, 0, false,
     "too late"},
    {"and $-16,%rsp", CODE("\x48\x83\xe4\xf0\x55\xc3"), false, A1, RET, 0, false, "too late"},
    {"enter", CODE("\xc8\x10\x00\x00\x55\xc3"), false, A1, RET, 0, false, "too late"},

    /* Jumps that lead back to just behind the entry. */
    {"loop to the push", CODE("\xf3\x0f\x1e\xfa\x55\x5d\xeb\xfc"), false, A1, RET, 0, false,
     "leads back"},
    {"loop to between", CODE("\x89\xf8\x89\xf1\x55\x5d\x75\xfa\xc3"), false, A1, RET, 0, false,
     "leads back"},
    {"loop to the entry is a new call", CODE("\xf3\x0f\x1e\xfa\x55\x5d\xeb\xf8"), false, A1, RET, 4,
     true, "push"},
    {"loop behind the push", CODE("\xf3\x0f\x1e\xfa\x55\x5d\xeb\xfd"), false, A1, RET, 4, true,
     "push"},
    {"je to itself", CODE("\x85\xff\x74\xfe\xc3"), false, A1, RET, 0, false, "leads back"},
    {"call back", CODE("\x89\xf8\x55\x5d\xe8\xf9\xff\xff\xff\xc3"), false, A1, RET, 0, false,
     "leads back"},
    {"loop back, jrcxz", CODE("\x89\xf8\x55\x5d\xe3\xfc\xc3"), false, A1, RET, 0, false,
     "leads back"},
    {"loop back, xbegin", CODE("\x89\xf8\x55\x5d\xc7\xf8\xf8\xff\xff\xff\xc3"), false, A1, RET, 0,
     false, "leads back"},
    {"at the entry it does not matter", CODE("\x55\x5d\xeb\xfd"), false, A1, RET, 0, true, "push"},
    {"loop back, size unknown", CODE("\xf3\x0f\x1e\xfa\x55\x5d\xeb\xfc"), true, A1, RET, 0, false,
     "leads back"},

    /* Code that cannot be decoded. */
    {"nothing", CODE(""), true, A1, RET, 0, false, "entry"},
    {"invalid", CODE("\x06\x55\xc3"), false, A1, RET, 0, false, "entry"},
    {"cut", CODE("\x48\x81\xff\x00"), true, A1, RET, 0, false, "entry"},
    {"mov, cut", CODE("\x89\xf8\x48\x81"), true, A1, RET, 0, false, "entry"},
    {"push, then invalid", CODE("\x55\x06"), false, A1, RET, 0, true, "push"},
    {"mov, push, then invalid", CODE("\x89\xf8\x55\x06\xc3"), false, A1, RET, 0, false,
     "leads back"},
    {"the same, size unknown", CODE("\x89\xf8\x55\x06\xc3"), true, A1, RET, 2, true, "push"},

    /* The long nops, which not every kernel emulates: better than nothing. */
    {"nop3", CODE("\x89\xf8\x0f\x1f\x00\x31\xff\xc3"), false, A1, RET, 2, false, "6.18"},
    {"nop4", CODE("\x89\xf8\x0f\x1f\x40\x00\x31\xff\xc3"), false, A1, RET, 2, false, "6.18"},
    {"nop5", CODE("\x0f\x1f\x44\x00\x00\x31\xff\xc3"), false, A1, RET, 0, false, "6.18"},
    {"nop5, push", CODE("\x0f\x1f\x44\x00\x00\x55\xc3"), false, A1, RET, 5, true, "push"},
    {"another nop5", CODE("\x89\xf8\x0f\x1f\x44\x00\x08\x31\xff\xc3"), false, A1, RET, 0, false,
     "too late"},
};

/* A copy that ends where it is allocated, so that a read beyond it is found out. */
static uint8_t *exact_copy(const void *bytes, size_t length)
{
	uint8_t *copy = malloc(length ? length : 1);

	assert_non_null(copy);
	memcpy(copy, bytes, length);
	return copy;
}

static void test_cases(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		uint8_t *code = exact_copy(cases[i].bytes, cases[i].length);
		struct insn_place place =
		    insn_choose(code, cases[i].length, cases[i].open ? 0 : cases[i].length,
				cases[i].args, cases[i].entry_sp);

		if (place.offset != cases[i].offset || place.emulated != cases[i].emulated ||
		    !strstr(place.reason, cases[i].reason))
			fail_msg("%s: +%u %s%s", cases[i].name, place.offset, place.reason,
				 place.emulated ? "" : " (single-stepped)");
		free(code);
	}
}

/* A test of the third argument, and what comes behind it; the first three must be kept. */
static const struct {
	const char *name;
	const char *bytes;
	unsigned length;
	unsigned offset; /* 0: none */
} nonzero[] = {
    {"test, je over the call: past it",
     CODE("\x53\x48\x85\xd2\x74\x05\xe8\x00\x01\x00\x00\x5b\xc3"), 6},
    /* push; test; jne +2; pop; ret; mov %rdx,%rbx; call; pop; ret */
    {"test, jne to the call, behind a return",
     CODE("\x53\x48\x85\xd2\x75\x02\x5b\xc3\x48\x89\xd3\xe8\x00\x01\x00\x00\x5b\xc3"), 11},
    {"a nop before where it goes on",
     CODE("\x53\x48\x85\xd2\x75\x03\x5b\xc3\x90\x48\x89\xd3\xe8\x00\x01\x00\x00\x5b\xc3"), 12},
    {"what is before goes on into it",
     CODE("\x53\x48\x85\xd2\x75\x02\x31\xc0\x48\x89\xd3\xe8\x00\x01\x00\x00\x5b\xc3"), 0},
    {"the argument is gone before the call",
     CODE("\x53\x48\x85\xd2\x74\x07\x31\xd2\xe8\x00\x01\x00\x00\x5b\xc3"), 0},
    {"the argument is gone before the test",
     CODE("\x53\x31\xd2\x48\x85\xd2\x74\x05\xe8\x00\x01\x00\x00\x5b\xc3"), 0},
    {"another argument is tested", CODE("\x53\x48\x85\xf6\x74\x05\xe8\x00\x01\x00\x00\x5b\xc3"), 0},
    {"half of it is tested", CODE("\x53\x85\xd2\x74\x05\xe8\x00\x01\x00\x00\x5b\xc3"), 0},
    {"two different ones are tested", CODE("\x53\x48\x85\xfa\x74\x05\xe8\x00\x01\x00\x00\x5b\xc3"),
     0},
    {"the flags are another's",
     CODE("\x53\x48\x85\xd2\x48\x39\xf8\x74\x05\xe8\x00\x01\x00\x00\x5b\xc3"), 0},
    {"a jump back to the call",
     CODE("\x53\x48\x85\xd2\x74\x07\xe8\x00\x01\x00\x00\xeb\xf9\x5b\xc3"), 0},
    {"a jump back to the test",
     CODE("\x53\x48\x85\xd2\x74\x07\xe8\x00\x01\x00\x00\xeb\xf4\x5b\xc3"), 0},
    {"it ends behind the test", CODE("\x53\x48\x85\xd2\x74\x05"), 0},
    {"it jumps out of itself", CODE("\x53\x48\x85\xd2\x75\x55\x5b\xc3"), 0},
    {"nothing", CODE(""), 0},
#undef CODE
};

static void test_nonzero(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(nonzero); i++) {
		uint8_t *code = exact_copy(nonzero[i].bytes, nonzero[i].length);
		struct insn_place place =
		    insn_choose_nonzero(code, nonzero[i].length, A1 | A2 | A3, A3);

		if (place.offset != nonzero[i].offset || (place.offset && !place.emulated))
			fail_msg("%s: +%u", nonzero[i].name, place.offset);
		free(code);
	}
}

/* A jump back from far behind is seen; a function whose end is out of sight is not trusted. */
static void test_whole_function(void **state)
{
	size_t length = 5000;
	uint8_t *code = malloc(length);
	int32_t back;

	(void)state;
	assert_non_null(code);
	memset(code, 0x90, length);
	memcpy(code, "\xf3\x0f\x1e\xfa\x55", 5);
	code[length - 5] = 0xe9;
	back = 5 - (int32_t)length; /* behind the push */
	memcpy(code + length - 4, &back, 4);
	assert_int_equal(insn_choose(code, length, length, A1, true).offset, 4);
	back = 4 - (int32_t)length; /* to the push */
	memcpy(code + length - 4, &back, 4);
	assert_int_equal(insn_choose(code, length, length, A1, true).offset, 0);
	/* The same without its end. */
	assert_int_equal(insn_choose(code, INSN_WINDOW, length, A1, true).offset, 0);
	assert_int_equal(insn_choose(code, INSN_WINDOW, 0, A1, true).offset, 4);
	/* Bytes behind the function are not the function's. */
	assert_int_equal(insn_choose(code, length, length - 5, A1, true).offset, 4);
	free(code);
}

/* The search does not go on for ever. */
static void test_window(void **state)
{
	uint8_t code[INSN_WINDOW + 8];

	(void)state;
	for (size_t i = 0; i < sizeof(code); i += 2)
		memcpy(code + i, "\x89\xf8", 2);
	memcpy(code + INSN_WINDOW - 2, "\x55\xc3", 2);
	assert_int_equal(insn_choose(code, sizeof(code), sizeof(code), A1, true).offset,
			 INSN_WINDOW - 2);
	memcpy(code + INSN_WINDOW - 2, "\x89\xf8\x55\xc3", 4);
	assert_int_equal(insn_choose(code, sizeof(code), sizeof(code), A1, true).offset, 0);
}

/*
 * Instructions to make functions of; all can be executed if every argument
 * register points to memory.
 */
static const struct {
	const char *bytes;
	unsigned length;
} parts[] = {
#define PART(text)                                                                                 \
	{                                                                                          \
		text, sizeof(text) - 1                                                             \
	}
    PART("\xf3\x0f\x1e\xfa"),                     /* endbr64 */
    PART("\x48\x89\xf8"),                         /* mov %rdi,%rax */
    PART("\x48\x89\xf7"),                         /* mov %rsi,%rdi */
    PART("\x49\x89\xd0"),                         /* mov %rdx,%r8 */
    PART("\x66\xb9\x05\x00"),                     /* mov $5,%cx */
    PART("\x40\xb6\x07"),                         /* mov $7,%sil */
    PART("\xb6\x09"),                             /* mov $9,%dh */
    PART("\x48\x8d\x47\x08"),                     /* lea 8(%rdi),%rax */
    PART("\x48\x8d\x7f\x08"),                     /* lea 8(%rdi),%rdi */
    PART("\x48\x85\xff"),                         /* test %rdi,%rdi */
    PART("\x48\x81\xfe\x00\x10\x00\x00"),         /* cmp $0x1000,%rsi */
    PART("\x48\x83\xc2\x10"),                     /* add $16,%rdx */
    PART("\x48\xf7\xe6"),                         /* mul %rsi */
    PART("\x48\x99"),                             /* cqto */
    PART("\x48\x0f\xaf\xfe"),                     /* imul %rsi,%rdi */
    PART("\x48\x87\xca"),                         /* xchg %rcx,%rdx */
    PART("\x4c\x0f\xc1\xc9"),                     /* xadd %r9,%rcx */
    PART("\x48\x0f\x44\xfe"),                     /* cmove %rsi,%rdi */
    PART("\x40\x0f\x94\xc7"),                     /* sete %dil */
    PART("\x48\x0f\xce"),                         /* bswap %rsi */
    PART("\x66\x48\x0f\x6e\xc7"),                 /* movq %rdi,%xmm0 */
    PART("\x66\x48\x0f\x7e\xc2"),                 /* movq %xmm0,%rdx */
    PART("\x0f\x11\x44\x24\xe0"),                 /* movups %xmm0,-32(%rsp) */
    PART("\x48\x83\xec\x10"),                     /* sub $16,%rsp */
    PART("\x6a\x03"),                             /* push $3 */
    PART("\x48\x8d\x64\x24\xf0"),                 /* lea -16(%rsp),%rsp */
    PART("\xfc"),                                 /* cld */
    PART("\x0f\x31"),                             /* rdtsc */
    PART("\x64\x48\x8b\x04\x25\x28\x00\x00\x00"), /* mov %fs:0x28,%rax */
    PART("\x0f\x1f\x44\x00\x00"),                 /* nop5 */
    PART("\x48\xd1\xef"),                         /* shr %rdi */
    PART("\x41\xff\xc1"),                         /* inc %r9d */
#undef PART
};

#ifdef __x86_64__

struct registers {
	uint64_t args[6], sp;
};

/* The last part of an executed function: stores the registers and returns. */
static size_t put_exit(uint8_t *code, struct registers *to)
{
	static const char store[] = "\x48\x89\x38"          /* mov %rdi,(%rax) */
				    "\x48\x89\x70\x08"      /* mov %rsi,8(%rax) */
				    "\x48\x89\x50\x10"      /* mov %rdx,16(%rax) */
				    "\x48\x89\x48\x18"      /* mov %rcx,24(%rax) */
				    "\x4c\x89\x40\x20"      /* mov %r8,32(%rax) */
				    "\x4c\x89\x48\x28"      /* mov %r9,40(%rax) */
				    "\x48\x89\x60\x30"      /* mov %rsp,48(%rax) */
				    "\x48\x8b\x60\x38\xc3"; /* mov 56(%rax),%rsp; ret */

	memcpy(code, "\x48\xb8", 2); /* movabs $to,%rax */
	memcpy(code + 2, &to, 8);
	memcpy(code + 10, store, sizeof(store) - 1);
	return 10 + sizeof(store) - 1;
}

/*
 * Executes `length` bytes of `code` as the beginning of a function and gives
 * the registers it leaves; `page` is executable memory, `entry` what the
 * registers were.
 */
static void execute(uint8_t *page, const uint8_t *code, size_t length, struct registers *entry,
		    struct registers *left)
{
	static struct {
		struct registers regs;
		uint64_t sp; /* to go back to */
	} at;
	static uint64_t memory[6][8];
	uint8_t *p = page;
	uint64_t *slot = &at.sp;

	memset(&at, 0, sizeof(at));
	/* First of all, what the stack pointer is, to compare and to go back to. */
	memcpy(p, "\x48\xb8", 2); /* movabs $slot,%rax; mov %rsp,(%rax) */
	memcpy(p + 2, &slot, 8);
	memcpy(p + 10, "\x48\x89\x20", 3);
	p += 13;
	memcpy(p, code, length);
	put_exit(p + length, &at.regs);
	((void (*)(void *, void *, void *, void *, void *, void *))(uintptr_t)page)(
	    memory[0], memory[1], memory[2], memory[3], memory[4], memory[5]);
	for (size_t i = 0; i < 6; i++)
		entry->args[i] = (uintptr_t)memory[i];
	entry->sp = at.sp;
	*left = at.regs;
}

static void test_executed(void **state)
{
	uint8_t *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC,
			     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	unsigned moved = 0;

	(void)state;
	if (page == MAP_FAILED)
		skip(); /* a machine that allows no such memory */
	srand(2);
	for (int run = 0; run < 5000; run++) {
		unsigned args = rand() & rand() & 63, count = 1 + rand() % 6;
		bool entry_sp = rand() % 2;
		struct registers entry, left;
		struct insn_place place;
		uint8_t code[128];
		size_t length = 0;

		for (unsigned i = 0; i < count; i++) {
			size_t k = rand() % COUNT(parts);

			memcpy(code + length, parts[k].bytes, parts[k].length);
			length += parts[k].length;
		}
		memcpy(code + length, "\x55\x5d\xc3", 3); /* push, pop, ret */
		length += 3;
		place = insn_choose(code, length, length, args, entry_sp);
		assert_true(place.offset <= length - 3);
		moved += place.offset > 0;
		execute(page, code, place.offset, &entry, &left);
		for (unsigned i = 0; i < 6; i++)
			if (args & 1u << i)
				assert_int_equal(left.args[i], entry.args[i]);
		if (entry_sp)
			assert_int_equal(left.sp, entry.sp);
	}
	/* It would be right, and useless, to stay at the entry always. */
	assert_true(moved > 500);
	munmap(page, 4096);
}

/* The functions of the C library this test runs with. */
static void test_running_libc(void **state)
{
	static const struct {
		const void *function;
		unsigned args;
		bool entry_sp;
	} functions[] = {
	    {(const void *)(uintptr_t)malloc, A1, true},
	    {(const void *)(uintptr_t)calloc, A1 | A2, true},
	    {(const void *)(uintptr_t)realloc, A1 | A2, true},
	    {(const void *)(uintptr_t)free, A1, false},
	    {(const void *)(uintptr_t)posix_memalign, A1 | A3, true},
	    {(const void *)(uintptr_t)aligned_alloc, A2, true},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(functions); i++) {
		const uint8_t *code = functions[i].function;
		struct insn_place place =
		    insn_choose(code, INSN_WINDOW, 0, functions[i].args, functions[i].entry_sp);

		assert_true(place.offset < INSN_WINDOW);
		assert_non_null(place.reason);
		if (!place.emulated)
			assert_true(place.offset == 0 || strstr(place.reason, "nop"));
	}
}

#endif

/* Anything at all: the answer is a place in the code, or the entry. */
static void test_garbage(void **state)
{
	(void)state;
	srand(3);
	for (int run = 0; run < 10000; run++) {
		size_t length = rand() % 100, size = length;
		uint8_t bytes[128], *code;
		struct insn_place place;

		if (rand() % 3 == 0)
			size = rand() % 20000;
		for (size_t i = 0; i < length; i++)
			bytes[i] = rand();
		for (size_t at = 0; rand() % 4 && at + 16 < length;) { /* sense, then garbage */
			size_t k = rand() % COUNT(parts);

			memcpy(bytes + at, parts[k].bytes, parts[k].length);
			at += parts[k].length;
		}
		code = exact_copy(bytes, length);
		place = insn_choose(code, length, size, rand() % 64, rand() % 2);
		assert_true(place.offset == 0 ||
			    (place.offset < length && place.offset < INSN_WINDOW));
		assert_non_null(place.reason);
		assert_true(!insn_choose_nonzero(code, length, A3, A1).offset ||
			    insn_choose_nonzero(code, length, A3, A1).offset < length);
		if (place.emulated)
			assert_true(length > 0);
		free(code);
	}
}

/* A chosen place is the beginning of an instruction of the sequence, whatever follows. */
static void test_boundaries(void **state)
{
	(void)state;
	srand(4);
	for (int run = 0; run < 5000; run++) {
		bool begins[160] = {false};
		uint8_t code[160];
		size_t length = 0;
		struct insn_place place;

		for (int i = rand() % 8; i >= 0; i--) {
			size_t k = rand() % COUNT(parts);

			begins[length] = true;
			memcpy(code + length, parts[k].bytes, parts[k].length);
			length += parts[k].length;
		}
		begins[length] = true;
		memcpy(code + length, "\x53\x5b\xc3", 3);
		length += 3;
		place = insn_choose(code, length, rand() % 2 ? length : 0, rand() % 64, rand() % 2);
		assert_true(begins[place.offset]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_cases),          cmocka_unit_test(test_nonzero),
	    cmocka_unit_test(test_whole_function), cmocka_unit_test(test_window),
#ifdef __x86_64__
	    cmocka_unit_test(test_executed),       cmocka_unit_test(test_running_libc),
#endif
	    cmocka_unit_test(test_boundaries),     cmocka_unit_test(test_garbage),
	};

	return cmocka_run_group_tests_name("probe instruction", tests, NULL, NULL);
}
