/* SPDX-License-Identifier: GPL-2.0 */
/* The command, its tree, and the stops ptrace(2) makes of it. */
#include "target/launch.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/array.h"
#include "base/log.h"

#define TRACE_OPTIONS                                                                              \
	(PTRACE_O_TRACEEXEC | PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK | PTRACE_O_TRACECLONE |     \
	 PTRACE_O_TRACEEXIT)
#define DETACH_TRIES 2000 /* of 1 ms: a thread in uninterruptible sleep stops late */

struct thread {
	pid_t tid;
	pid_t held_for; /* SIGURG is on its way for this process; 0: no */
};

struct launch {
	struct launch_ops ops;
	pid_t pid;
	int go;     /* closed: the child may exec */
	int status; /* the child writes errno here if exec fails */
	bool ended;
	int wait_status;
	int exec_errno;
	struct thread *threads;
	size_t thread_count, thread_room;
};

static bool is_program(const char *path)
{
	struct stat st;

	if (stat(path, &st))
		return false;
	if (!S_ISREG(st.st_mode) || access(path, X_OK)) {
		errno = EACCES;
		return false;
	}
	return true;
}

char *launch_find(const char *name)
{
	const char *path = getenv("PATH"), *end;
	int error = ENOENT;
	char *file;

	if (!*name) {
		errno = ENOENT;
		return NULL;
	}
	if (strchr(name, '/'))
		return is_program(name) ? strdup(name) : NULL;
	for (path = path ? path : "/usr/bin:/bin"; path; path = *end ? end + 1 : NULL) {
		end = strchrnul(path, ':');
		if (asprintf(&file, "%.*s%s%s", (int)(end - path), path, end == path ? "" : "/",
			     name) < 0)
			return NULL;
		if (is_program(file))
			return file;
		free(file);
		if (errno == EACCES)
			error = EACCES;
	}
	errno = error;
	return NULL;
}

/* The child: waits until it is traced, then becomes the command. */
static void __attribute__((noreturn)) child_run(char *const argv[], int go, int status)
{
	sigset_t none;
	char byte;
	int error;

	while (read(go, &byte, 1) < 0 && errno == EINTR)
		;
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	signal(SIGPIPE, SIG_DFL);
	execvp(argv[0], argv);
	error = errno;
	if (write(status, &error, sizeof(error)) < 0)
		_exit(126);
	_exit(127);
}

static struct thread *thread_find(struct launch *l, pid_t tid)
{
	size_t i;

	for (i = 0; i < l->thread_count; i++)
		if (l->threads[i].tid == tid)
			return &l->threads[i];
	return NULL;
}

static struct thread *thread_get(struct launch *l, pid_t tid)
{
	struct thread *thread = thread_find(l, tid);

	if (thread)
		return thread;
	if (array_reserve(&l->threads, l->thread_count, &l->thread_room, sizeof(*l->threads)))
		return NULL;
	thread = &l->threads[l->thread_count++];
	*thread = (struct thread){.tid = tid};
	return thread;
}

static void thread_remove(struct launch *l, pid_t tid)
{
	struct thread *thread = thread_find(l, tid);

	if (thread)
		*thread = l->threads[--l->thread_count];
}

int launch_start(char *const argv[], const struct launch_ops *ops, struct launch **out)
{
	struct launch *l = calloc(1, sizeof(*l));
	int go[2] = {-1, -1}, status[2] = {-1, -1}, err;

	if (!l)
		return -ENOMEM;
	l->ops = *ops;
	l->go = l->status = -1;
	if (pipe2(go, O_CLOEXEC) || pipe2(status, O_CLOEXEC | O_NONBLOCK)) {
		err = -errno;
		goto fail;
	}
	l->pid = fork();
	if (l->pid < 0) {
		err = -errno;
		goto fail;
	}
	if (!l->pid) {
		close(go[1]);
		child_run(argv, go[0], status[1]);
	}
	close(go[0]);
	close(status[1]);
	l->go = go[1];
	l->status = status[0];
	if (ptrace(PTRACE_SEIZE, l->pid, 0, TRACE_OPTIONS)) {
		err = -errno;
		launch_free(l);
		return err;
	}
	thread_get(l, l->pid);
	*out = l;
	return 0;
fail:
	for (int i = 0; i < 2; i++) {
		if (go[i] >= 0)
			close(go[i]);
		if (status[i] >= 0)
			close(status[i]);
	}
	free(l);
	return err;
}

void launch_go(struct launch *l)
{
	close(l->go);
	l->go = -1;
}

pid_t launch_pid(const struct launch *l)
{
	return l->pid;
}

void launch_expect(struct launch *l, pid_t tid, pid_t tgid)
{
	struct thread *thread = thread_get(l, tid);

	if (thread)
		thread->held_for = tgid;
}

bool launch_ended(const struct launch *l, int *wait_status, int *exec_errno)
{
	*wait_status = l->wait_status;
	*exec_errno = l->exec_errno;
	return l->ended;
}

static void command_ended(struct launch *l, int wait_status)
{
	int error;

	l->ended = true;
	l->wait_status = wait_status;
	if (read(l->status, &error, sizeof(error)) == sizeof(error))
		l->exec_errno = error;
}

/* A signal is about to be delivered: ours is dropped, any other passed on. */
static void signal_stop(struct launch *l, pid_t tid, int signal)
{
	struct thread *thread = thread_find(l, tid);

	if (signal == SIGURG && thread && thread->held_for) {
		l->ops.stopped(thread->held_for, l->ops.context);
		thread->held_for = 0;
		signal = 0;
	}
	ptrace(PTRACE_CONT, tid, 0, signal);
}

static void event_stop(struct launch *l, pid_t tid, int event, int signal)
{
	bool known = thread_find(l, tid);

	switch (event) {
	case PTRACE_EVENT_STOP:
		if (signal == SIGSTOP || signal == SIGTSTP || signal == SIGTTIN ||
		    signal == SIGTTOU) {
			/* Job control: it stays stopped, and still hears SIGCONT. */
			thread_get(l, tid);
			ptrace(PTRACE_LISTEN, tid, 0, 0);
			return;
		}
		if (!known)
			l->ops.stopped(tid, l->ops.context); /* born */
		break;
	case PTRACE_EVENT_EXEC:
		l->ops.stopped(tid, l->ops.context);
		break;
	case PTRACE_EVENT_EXIT:
		l->ops.exiting(tid, l->ops.context);
		break;
	}
	thread_get(l, tid);
	ptrace(PTRACE_CONT, tid, 0, 0);
}

void launch_reap(struct launch *l)
{
	int status;
	pid_t tid;

	while ((tid = waitpid(-1, &status, __WALL | WNOHANG)) > 0) {
		l->ops.drain(l->ops.context);
		if (!WIFSTOPPED(status)) {
			thread_remove(l, tid);
			if (tid == l->pid)
				command_ended(l, status);
		} else if (status >> 16) {
			event_stop(l, tid, status >> 16, WSTOPSIG(status));
		} else {
			signal_stop(l, tid, WSTOPSIG(status));
		}
	}
}

/* While detaching, a thread that has stopped is let go with its signal. */
static void detach_stopped(struct launch *l, pid_t tid, int status)
{
	struct thread *thread = thread_find(l, tid);
	int signal = status >> 16 ? 0 : WSTOPSIG(status);

	if (signal == SIGURG && thread && thread->held_for)
		signal = 0;
	ptrace(PTRACE_DETACH, tid, 0, signal);
	thread_remove(l, tid);
}

void launch_detach(struct launch *l)
{
	const struct timespec pause = {.tv_nsec = 1000000};
	int status, tries = 0;
	size_t i;
	pid_t tid;

	for (i = 0; i < l->thread_count; i++)
		ptrace(PTRACE_INTERRUPT, l->threads[i].tid, 0, 0);
	while (l->thread_count && tries < DETACH_TRIES) {
		tid = waitpid(-1, &status, __WALL | WNOHANG);
		if (tid < 0)
			break;
		if (!tid) {
			nanosleep(&pause, NULL);
			tries++;
			continue;
		}
		if (WIFSTOPPED(status)) {
			detach_stopped(l, tid, status);
			continue;
		}
		thread_remove(l, tid);
		if (tid == l->pid)
			command_ended(l, status);
	}
}

void launch_free(struct launch *l)
{
	if (!l)
		return;
	if (l->go >= 0) {
		/* Before the pipe is closed, which is what the child waits for. */
		kill(l->pid, SIGKILL);
		waitpid(l->pid, NULL, __WALL);
		close(l->go);
	}
	if (l->status >= 0)
		close(l->status);
	free(l->threads);
	free(l);
}
