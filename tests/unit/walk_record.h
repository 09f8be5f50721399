/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A stopped thread, recorded: its registers, its stack, its code's mappings with
 * their unwind tables, and what libdw says its frames are.  The walk of the BPF
 * programs (bpf/stack.bpf.h, compiled for user space) then runs on the record.
 */
#ifndef MS_WALK_RECORD_H
#define MS_WALK_RECORD_H

#include <elfutils/libdwfl.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

#include "memsnoop.h"
#include "target/mappings.h"
#include "unwind/table.h"

#define RECORD_FRAMES 512
#define RECORD_STACK ((size_t)1 << 20)
#define RECORD_FILES 256
#define RED_ZONE 256 /* recorded below the stack pointer */

struct record {
	struct user_regs_struct regs;
	uint64_t stack; /* address of bytes[0] */
	size_t stack_size;
	unsigned char *bytes;
	struct mappings maps;
	struct unwind_table tables[RECORD_FILES]; /* by mapping; block_count 0: none */
	uint64_t frames[RECORD_FRAMES];           /* libdw's: where each frame is */
	size_t frame_count;
};

static inline void record_free(struct record *r)
{
	for (size_t i = 0; i < RECORD_FILES; i++)
		unwind_table_free(&r->tables[i]);
	mappings_free(&r->maps);
	free(r->bytes);
	*r = (struct record){0};
}

/* As much of the stack as there is above the stack pointer, up to RECORD_STACK. */
static inline int record_stack(struct record *r, pid_t pid)
{
	struct iovec local, remote;
	ssize_t n;

	r->stack = (r->regs.rsp - RED_ZONE) & ~7ULL;
	r->bytes = malloc(RECORD_STACK);
	if (!r->bytes)
		return -ENOMEM;
	local = (struct iovec){r->bytes, RECORD_STACK};
	remote = (struct iovec){(void *)(uintptr_t)r->stack, RECORD_STACK};
	n = process_vm_readv(pid, &local, 1, &remote, 1, 0);
	if (n <= 0)
		return -EFAULT;
	r->stack_size = (size_t)n;
	return 0;
}

static inline void record_table(struct record *r, pid_t pid, size_t at)
{
	const struct mapping *m = &r->maps.items[at];
	char name[64];
	int fd;

	if (strcmp(m->path, "[vdso]") == 0) {
		size_t size = m->end - m->start;
		struct iovec local = {malloc(size), size};
		struct iovec remote = {(void *)(uintptr_t)m->start, size};

		if (process_vm_readv(pid, &local, 1, &remote, 1, 0) == (ssize_t)size)
			unwind_table_from_memory(local.iov_base, size, UNWIND_TABLE_MAX,
						 &r->tables[at]);
		free(local.iov_base);
		return;
	}
	if (!m->inode)
		return;
	snprintf(name, sizeof(name), "/proc/%d/map_files/%llx-%llx", pid,
		 (unsigned long long)m->start, (unsigned long long)m->end);
	fd = open(name, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return;
	unwind_table_build(fd, UNWIND_TABLE_MAX, &r->tables[at]);
	close(fd);
}

static inline int record_frame(Dwfl_Frame *frame, void *context)
{
	struct record *r = context;
	Dwarf_Addr pc;

	if (r->frame_count == RECORD_FRAMES || !dwfl_frame_pc(frame, &pc, NULL))
		return DWARF_CB_ABORT;
	r->frames[r->frame_count++] = pc;
	return DWARF_CB_OK;
}

/* libdw's frames, as many as it finds. */
static inline int record_truth(struct record *r, pid_t pid)
{
	static const Dwfl_Callbacks callbacks = {
	    .find_elf = dwfl_linux_proc_find_elf,
	    .find_debuginfo = dwfl_standard_find_debuginfo,
	};
	Dwfl *dwfl = dwfl_begin(&callbacks);
	int err = -EIO;

	if (!dwfl)
		return -ENOMEM;
	if (!dwfl_linux_proc_report(dwfl, pid) && !dwfl_report_end(dwfl, NULL, NULL) &&
	    !dwfl_linux_proc_attach(dwfl, pid, true)) {
		dwfl_getthread_frames(dwfl, pid, record_frame, r);
		err = r->frame_count ? 0 : -ENODATA;
	}
	dwfl_end(dwfl);
	return err;
}

/* Records a process that this one has stopped by ptrace. */
static inline int record_take(struct record *r, pid_t pid)
{
	int err;

	*r = (struct record){0};
	if (ptrace(PTRACE_GETREGS, pid, NULL, &r->regs))
		return -errno;
	err = record_stack(r, pid);
	if (!err)
		err = mappings_read(pid, &r->maps);
	for (size_t i = 0; !err && i < r->maps.count && i < RECORD_FILES; i++)
		record_table(r, pid, i);
	return err ? err : record_truth(r, pid);
}

#endif
