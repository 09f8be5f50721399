/* SPDX-License-Identifier: GPL-2.0 */
/* A child under the strictest filter calls a function with a return probe. */
#include "probe/seccomp.h"

#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/log.h"
#include "probe/attach.h"
#include "target/mappings.h"

static __attribute__((noinline, noclone)) void rehearse(void)
{
	asm volatile("" ::: "memory");
}

/* The child: waits for its probe, takes the filter, calls, and leaves by the one call left to it.
 */
static void __attribute__((noreturn)) child_run(int go)
{
	struct sock_filter code[] = {
	    BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
	    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_exit_group, 0, 1),
	    BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	    BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
	};
	struct sock_fprog filter = {.len = sizeof(code) / sizeof(code[0]), .filter = code};
	char byte;

	if (read(go, &byte, 1) != 1 || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) ||
	    prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter))
		_exit(1);
	rehearse();
	syscall(SYS_exit_group, 0);
	__builtin_unreachable();
}

/* Probes rehearse() in the child; the program must take it for a traced one. */
static int probe_child(struct kernel *kernel, pid_t child, struct attach **attach)
{
	uint64_t address = (uintptr_t)rehearse;
	struct attach_point point = {.returns = true};
	int64_t image = kernel_proc_add(kernel, child, 0, 0);
	const struct mapping *m;
	struct mappings maps;
	int fd, err = image < 0 ? (int)image : mappings_read(getpid(), &maps);

	if (err)
		return err;
	err = kernel_proc_set(kernel, child, image, MS_PROC_READY);
	m = mappings_find(&maps, address);
	fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	if (!err && m && fd >= 0) {
		point.offset = address - m->start + m->offset;
		err = attach_open(kernel, child, fd, &point, 1, attach);
	}
	if (fd >= 0)
		close(fd);
	mappings_free(&maps);
	return err;
}

static bool try_it(struct kernel *kernel)
{
	struct attach *attach = NULL;
	int go[2], status = -1;
	pid_t child;

	if (pipe2(go, O_CLOEXEC))
		return false;
	child = fork();
	if (!child)
		child_run(go[0]);
	close(go[0]);
	if (child > 0 && !probe_child(kernel, child, &attach) && write(go[1], "", 1) != 1)
		status = -1;
	close(go[1]);
	if (child > 0)
		waitpid(child, &status, 0);
	attach_close(attach);
	return child > 0 && attach && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

bool seccomp_spares_returns(struct kernel *kernel)
{
	static int answer; /* of this kernel, the same for every run: 0 not known, 1 yes, 2 no */

	if (!answer) {
		answer = try_it(kernel) ? 1 : 2;
		log_verbose("seccomp: a filter %s a return probe here",
			    answer == 1 ? "lets pass" : "kills a process for");
	}
	return answer == 1;
}
