/* SPDX-License-Identifier: GPL-2.0 */
/* Signal handlers that allocate: called, on a stack of their own, and in the middle of code. */
#include "chain_parts.h"

#include <setjmp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <ucontext.h>

#define TRAP_FLAG 0x100

/*
 * musl's way out of a handler has no rows, and whatever the interrupted function
 * has in RBP: what called the handler cannot be told.
 */
#ifdef __GLIBC__
#define INTERRUPTED(depth) 0
#else
#define INTERRUPTED(depth) .ends = "any", .least = (depth), .wild = 1
#endif

static void set_handler(int signal, void (*handler)(int, siginfo_t *, void *), int flags)
{
	struct sigaction action = {.sa_sigaction = handler, .sa_flags = SA_SIGINFO | flags};

	sigemptyset(&action.sa_mask);
	sigaction(signal, &action, NULL);
}

/* ---- raised ---------------------------------------------------------------------- */

static FN void handler_alloc(void)
{
	ENTER();
	ALLOC_NOTED(INTERRUPTED(3));
	LEAVE();
}

static FN void on_normal(int signal, siginfo_t *info, void *context)
{
	(void)signal;
	(void)info;
	(void)context;
	ENTER_AS("+signal");
	ENTER();
	half_pressure(handler_alloc);
	LEAVE();
	LEAVE();
}

FN void signal_normal(void)
{
	ENTER();
	set_handler(SIGUSR1, on_normal, 0);
	raise(SIGUSR1);
	LEAVE();
}

#ifdef __GLIBC__
#define ALTERNATE .ends = "root,backwards", .least = 1
#else
#define ALTERNATE INTERRUPTED(1)
#endif

static FN void on_below(int signal, siginfo_t *info, void *context)
{
	(void)signal;
	(void)info;
	(void)context;
	ENTER_AS("+signal");
	ENTER();
	ALLOC_NOTED(ALTERNATE);
	LEAVE();
	LEAVE();
}

static FN void on_above(int signal, siginfo_t *info, void *context)
{
	(void)signal;
	(void)info;
	(void)context;
	ENTER_AS("+signal");
	ENTER();
	ALLOC_NOTED(ALTERNATE);
	LEAVE();
	LEAVE();
}

static char stack_below[65536];

static FN void with_alternate(void *memory, void (*handler)(int, siginfo_t *, void *))
{
	stack_t stack = {.ss_sp = memory, .ss_size = sizeof(stack_below)};

	ENTER();
	sigaltstack(&stack, NULL);
	set_handler(SIGUSR2, handler, SA_ONSTACK);
	raise(SIGUSR2);
	stack.ss_flags = SS_DISABLE;
	sigaltstack(&stack, NULL);
	LEAVE();
}

/* A stack below the normal one, and one above the frames that it interrupts. */
FN void signal_alternate(void)
{
	char stack_above[sizeof(stack_below)];

	ENTER();
	with_alternate(stack_below, on_below);
	with_alternate(stack_above, on_above);
	LEAVE();
}

/* ---- a fault ----------------------------------------------------------------------- */

static sigjmp_buf after_fault;

static FN void on_fault(int signal, siginfo_t *info, void *context)
{
	(void)signal;
	(void)info;
	(void)context;
	ENTER_AS("+signal");
	ENTER();
	ALLOC_NOTED(INTERRUPTED(1));
	siglongjmp(after_fault, 1);
}

/*
 * The instruction that faults is the function's first, after what -fcf-protection
 * may put there: the address before it is another function's.
 */
__attribute__((naked)) FN void fault_first(long zero);
__attribute__((naked)) FN void fault_first(__attribute__((unused)) long zero)
{
#ifdef __x86_64__
	__asm__ volatile("mov 0, %eax\n\tret");
#else
	__asm__ volatile("ldr w0, [x0]\n\tret");
#endif
}

static FN void fault_caller(void)
{
	ENTER();
	ENTER_AS("fault_first"); /* it cannot say so itself */
	fault_first(0);
	LEAVE();
	LEAVE();
}

FN void signal_fault(void)
{
	int depth = chain.nr;

	ENTER();
	set_handler(SIGSEGV, on_fault, SA_NODEFER);
	if (!sigsetjmp(after_fault, 1))
		fault_caller();
	signal(SIGSEGV, SIG_DFL);
	chain.nr = depth;
}

#ifdef __x86_64__ /* elsewhere no program can step itself */

/* ---- every instruction --------------------------------------------------------------- */

/*
 * The processor traps after each instruction, so that the handler meets every
 * state between the first and the last of a function: before its frame is there,
 * while it is made, while it is taken down.  Which function it is, the address
 * says: each is a section of its own.  None has a loop: every trap is a stack of
 * its own.
 */
#define STEPPED(name) __attribute__((section("steps_" #name)))
#define SECTION(name) extern HIDDEN const char __start_steps_##name[], __stop_steps_##name[]
#define IN(address, name) ((address) >= __start_steps_##name && (address) < __stop_steps_##name)

SECTION(driver);
SECTION(outer);
SECTION(alloca);
SECTION(aligned);
SECTION(pressure);

/*
 * What calls them and where, is the same for many traps: so that a report does not
 * make one stack of them, each goes a way of its own, by the bits of its number.
 */
#define WAY_BITS 10

static FN void way_left(unsigned number, int bits);
static FN void way_right(unsigned number, int bits);

#define WAY(number, bits)                                                                          \
	do {                                                                                       \
		if (!(bits))                                                                       \
			ALLOC_NOTED(INTERRUPTED(1 + WAY_BITS));                                    \
		else if ((number)&1)                                                               \
			way_left((number) >> 1, (bits)-1);                                         \
		else                                                                               \
			way_right((number) >> 1, (bits)-1);                                        \
	} while (0)

static FN void way_left(unsigned number, int bits)
{
	ENTER();
	WAY(number, bits);
	LEAVE();
}

static FN void way_right(unsigned number, int bits)
{
	ENTER();
	WAY(number, bits);
	LEAVE();
}

static unsigned step_number;
static volatile bool stepping;
static bool through_plt;
static uintptr_t seen[1 << 14];

static bool is_first_visit(uintptr_t address)
{
	size_t at = address * 0x9e3779b97f4a7c15ULL >> 50;

	while (seen[at] && seen[at] != address)
		at = (at + 1) % (sizeof(seen) / sizeof(*seen));
	if (seen[at])
		return false;
	seen[at] = address;
	return true;
}

/* The chain at an address, below the driver; false where there is nothing to test. */
static bool enter_stepped(const char *ip)
{
	const char *start, *stop;

	if (IN(ip, driver))
		return false;
	ENTER_AS("stepped_outer");
	if (IN(ip, outer))
		return true;
	if (IN(ip, alloca)) {
		ENTER_AS("stepped_alloca");
	} else if (IN(ip, aligned)) {
		ENTER_AS("stepped_aligned");
	} else if (IN(ip, pressure)) {
		ENTER_AS("stepped_pressure");
	} else {
		if (!through_plt || !is_first_visit((uintptr_t)ip))
			return false;
		lib_section(&start, &stop);
		ENTER_AS(ip >= start && ip < stop ? "lib_stepped" : "+resolver");
	}
	return true;
}

static FN void on_step(int signal, siginfo_t *info, void *context)
{
	ucontext_t *interrupted = context;
	struct chain saved;

	(void)signal;
	(void)info;
	if (!stepping) {
		interrupted->uc_mcontext.gregs[REG_EFL] &= ~TRAP_FLAG;
		return;
	}
	/* The interrupted function may be between two stores of an ENTER. */
	memcpy(&saved, &chain, sizeof(saved));
	if (enter_stepped((const char *)interrupted->uc_mcontext.gregs[REG_RIP])) {
		ENTER_AS("+signal");
		ENTER();
		WAY(step_number, WAY_BITS);
		step_number++;
	}
	memcpy(&chain, &saved, sizeof(saved));
}

STEPPED(alloca) static FN long stepped_alloca(long n)
{
	volatile char array[n];

	array[n - 1] = 1;
	return array[n - 1];
}

STEPPED(aligned) static FN long stepped_aligned(long n)
{
	_Alignas(64) volatile char array[64];

	array[n] = 1;
	return (uintptr_t)array % 64 + array[n];
}

STEPPED(pressure)
static FN long stepped_pressure(long a, long b, long c, long d, long e, long f, long g)
{
	__asm__ volatile("" : "+r"(a), "+r"(b)::"rbx", "r12", "r13", "r14", "r15", "memory");
	return a + b + c + d + e + f + g;
}

STEPPED(outer) static FN long stepped_outer(long n)
{
	long sum = stepped_alloca(n) + stepped_aligned(n);

	sum += stepped_pressure(sum, n, 3, 4, 5, 6, 7);
	if (through_plt) {
		lib_stepped();
		lib_stepped();
	}
	return sum;
}

/* Nothing but turning it on and off; a trap comes after the instruction that follows. */
STEPPED(driver) static FN long step_driver(long n)
{
	long sum;

	ENTER();
	stepping = true;
	__asm__ volatile("pushfq\n\torq %0, (%%rsp)\n\tpopfq" ::"i"(TRAP_FLAG) : "memory", "cc");
	sum = stepped_outer(n);
	stepping = false;
	LEAVE();
	return sum;
}

FN void signal_steps(void)
{
	ENTER();
	through_plt = false;
	set_handler(SIGTRAP, on_step, 0);
	step_driver(40);
	LEAVE();
}

/* The same through the PLT and, where calls are bound late, the dynamic linker's resolver. */
FN void signal_resolver(void)
{
	ENTER();
	memset(seen, 0, sizeof(seen));
	through_plt = true;
	set_handler(SIGTRAP, on_step, 0);
	step_driver(41);
	LEAVE();
}

#endif
