/* SPDX-License-Identifier: GPL-2.0 */
/* The works, and a socket: orders go one way, times the other. */
#include "doctor/child.h"

#include <errno.h>
#include <signal.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "doctor/median.h"
#include "target/mappings.h"

struct child {
	pid_t pid;
	int socket;
};

struct order {
	enum child_work work;
	unsigned count;
};

/* The probed instruction is each function's first. */
#define FUNCTION(name, code)                                                                       \
	asm(".pushsection .text\n.p2align 4\n.type " #name ", %function\n" #name ":\n" code        \
	    "\nret\n.size " #name ", . - " #name "\n.popsection\n");                               \
	void name(void)

#if defined(__x86_64__)
FUNCTION(work_emulated, "push %rbp\npop %rbp");
FUNCTION(work_stepped, "mov %rdi, %rax");
FUNCTION(work_nop, ".byte 0x0f, 0x1f, 0x44, 0x00, 0x00");

const char *const child_instructions[WORK_NR] = {"push", "mov", "nop5"};
#elif defined(__aarch64__)
FUNCTION(work_emulated, "b 1f\n1:");
FUNCTION(work_stepped, "mov x1, x0");
FUNCTION(work_nop, "nop");

const char *const child_instructions[WORK_NR] = {"b", "mov", "nop"};
#endif

static void (*const functions[WORK_NR])(void) = {work_emulated, work_stepped, work_nop};

/* ---- in the child --------------------------------------------------------- */

static uint64_t call(void (*function)(void), unsigned count)
{
	uint64_t start = clock_ns();

	while (count--)
		function();
	return clock_ns() - start;
}

static void ask(void)
{
	syscall(SYS_getsid, 0);
}

/*
 * Only read, so that each fault finds the kernel's page of zeros.  Fresh pages would
 * cost what the machine (or its host) takes to find them, which is more than any probe
 * and different each time.
 */
static uint64_t touch(unsigned count)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE), size = count * page, at;
	volatile char *memory =
	    mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	uint64_t start = 0, end = 0;

	if (memory == MAP_FAILED)
		return 0;
	/* a fault a page: none of them huge */
	if (!madvise((void *)memory, size, MADV_NOHUGEPAGE)) {
		start = clock_ns();
		for (at = 0; at < size; at += page)
			(void)memory[at];
		end = clock_ns();
	}
	munmap((void *)memory, size);
	return end - start;
}

static uint64_t work(enum child_work work, unsigned count)
{
	if (work == WORK_FAULT)
		return touch(count);
	return call(work == WORK_SYSCALL ? ask : functions[work], count);
}

static void __attribute__((noreturn)) child_main(int orders)
{
	struct order order;

	while (recv(orders, &order, sizeof(order), 0) == sizeof(order)) {
		double ns[CHILD_BATCHES], answer;
		int i;

		work(order.work, order.count); /* warms up */
		for (i = 0; i < CHILD_BATCHES; i++)
			ns[i] = (double)work(order.work, order.count) / order.count;
		answer = median(ns, CHILD_BATCHES);
		if (send(orders, &answer, sizeof(answer), MSG_NOSIGNAL) != sizeof(answer))
			break;
	}
	_exit(0);
}

/* ---- in the parent -------------------------------------------------------- */

int child_start(struct child **out)
{
	struct child *c = calloc(1, sizeof(*c));
	pid_t parent = getpid();
	int ends[2], err;

	*out = NULL;
	if (!c)
		return -ENOMEM;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends)) {
		err = -errno;
		free(c);
		return err;
	}
	c->pid = fork();
	if (!c->pid) {
		close(ends[0]);
		if (prctl(PR_SET_PDEATHSIG, SIGKILL) || getppid() != parent)
			_exit(1);
		child_main(ends[1]);
	}
	err = -errno;
	close(ends[1]);
	c->socket = ends[0];
	if (c->pid > 0) {
		*out = c;
		return 0;
	}
	close(ends[0]);
	free(c);
	return err;
}

void child_stop(struct child *c)
{
	if (!c)
		return;
	close(c->socket);
	kill(c->pid, SIGKILL);
	waitpid(c->pid, NULL, 0);
	free(c);
}

pid_t child_pid(const struct child *c)
{
	return c->pid;
}

int child_run(struct child *c, enum child_work work, unsigned count, double *ns)
{
	const struct order order = {work, count};
	double answer;

	if (send(c->socket, &order, sizeof(order), MSG_NOSIGNAL) != sizeof(order) ||
	    recv(c->socket, &answer, sizeof(answer), 0) != sizeof(answer))
		return -EPIPE;
	if (answer <= 0)
		return -ENOMEM;
	*ns = answer;
	return 0;
}

int child_place(enum child_work work, uint64_t *offset)
{
	uint64_t address = (uintptr_t)functions[work];
	const struct mapping *m;
	struct mappings maps;
	int err = mappings_read(getpid(), &maps);

	if (err)
		return err;
	m = mappings_find(&maps, address);
	if (m)
		*offset = address - m->start + m->offset;
	mappings_free(&maps);
	return m ? 0 : -ENOENT;
}
