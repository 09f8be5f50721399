/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Starting a command under ptrace, so that it and everything it starts stand
 * still while probes are put in: at exec, at birth, and when a library was
 * loaded.  ptrace is used for nothing else; with PTRACE_SEIZE and without
 * EXITKILL the whole tree runs on unharmed should we die.
 */
#ifndef MS_LAUNCH_H
#define MS_LAUNCH_H

#include <stdbool.h>
#include <sys/types.h>

struct launch;

struct launch_ops {
	/* Reads pending kernel events; called before a stop is judged. */
	void (*drain)(void *context);
	/* `pid` stands still, just after exec, birth or a change of its libraries. */
	void (*stopped)(pid_t pid, void *context);
	/* A thread stands still, about to exit; its memory is still there. */
	void (*exiting)(pid_t tid, void *context);
	void *context;
};

/*
 * The file that execvp() would run for `name`, or NULL with errno: ENOENT,
 * EACCES.  The caller frees it.
 */
char *launch_find(const char *name);

/* Forks the child, seized and waiting; it runs at launch_go().  0 or a negative errno. */
int launch_start(char *const argv[], const struct launch_ops *ops, struct launch **out);
void launch_go(struct launch *launch);
pid_t launch_pid(const struct launch *launch);
/* The kernel side has sent SIGURG to thread `tid` of `tgid`: it will stop. */
void launch_expect(struct launch *launch, pid_t tid, pid_t tgid);
/* Handles what waitpid() reports; to be called on SIGCHLD. */
void launch_reap(struct launch *launch);
/* Whether the command has ended; its wait status; the errno of a failed exec, or 0. */
bool launch_ended(const struct launch *launch, int *wait_status, int *exec_errno);
/* Lets every traced thread go; the tree runs on untraced. */
void launch_detach(struct launch *launch);
/* Before launch_go() the child ends, and the command is never run. */
void launch_free(struct launch *launch);

#endif
