/* SPDX-License-Identifier: GPL-2.0 */
/* BPF_LINK_CREATE for uprobe_multi and session links. */
#include "probe/uprobes.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

#define LINK_CREATE 28
#define UPROBE_MULTI_RETURN 1u

struct link_create_uprobes {
	uint32_t prog_fd, target_fd, attach_type, flags;
	uint64_t path, offsets, ref_ctr_offsets, cookies;
	uint32_t count, uprobe_flags, pid, pad;
};

int uprobes_link(int program_fd, const struct uprobes *u)
{
	struct link_create_uprobes attr = {
	    .prog_fd = (uint32_t)program_fd,
	    .attach_type = (uint32_t)u->kind,
	    .path = (uintptr_t)u->path,
	    .offsets = (uintptr_t)u->offsets,
	    .ref_ctr_offsets = (uintptr_t)u->semaphores,
	    .cookies = (uintptr_t)u->cookies,
	    .count = (uint32_t)u->count,
	    .uprobe_flags = u->returns ? UPROBE_MULTI_RETURN : 0,
	    .pid = (uint32_t)u->pid,
	};
	int fd = (int)syscall(SYS_bpf, LINK_CREATE, &attr, sizeof(attr));

	if (fd < 0)
		return -errno;
	fcntl(fd, F_SETFD, FD_CLOEXEC);
	return fd;
}
