/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A program under a seccomp filter that lets a few system calls pass and kills
 * it for any other, as container runtimes and sandboxes set them.
 *
 *   filtered BLOCKS    takes the filter, then makes so many blocks of 100 bytes
 *                      once it is sent a line
 */
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#define ALLOW(call)                                                                                \
	BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_##call, 0, 1),                                     \
	    BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)

static void *volatile keep;

static void make(int blocks)
{
	for (int i = 0; i < blocks; i++)
		keep = malloc(100);
}

int main(int argc, char **argv)
{
	struct sock_filter code[] = {
	    BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
	    ALLOW(read),
	    ALLOW(write),
	    ALLOW(brk),
	    ALLOW(mmap),
	    ALLOW(munmap),
	    ALLOW(exit_group),
	    BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
	};
	struct sock_fprog filter = {.len = sizeof(code) / sizeof(code[0]), .filter = code};
	char line;

	/* The C library's own first steps need more than the filter lets pass. */
	free(malloc(1));
	if (argc != 2 || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) ||
	    prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter))
		return 2;
	if (write(STDOUT_FILENO, "ready\n", 6) != 6 || read(STDIN_FILENO, &line, 1) != 1)
		return 3;
	make(atoi(argv[1]));
	_exit(0);
}
