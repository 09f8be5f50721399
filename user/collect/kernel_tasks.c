/* SPDX-License-Identifier: GPL-2.0 */
/* The programs of fork, exec and exit: perf's tracepoints, or by BTF (bpf/task.bpf.c). */
#include <errno.h>

#include <bpf/libbpf.h>

#include "collect/kernel_inside.h"

void tasks_choose(struct memsnoop_bpf *skel, bool by_events)
{
	bpf_program__set_autoload(skel->progs.on_fork, !by_events);
	bpf_program__set_autoload(skel->progs.on_exec, !by_events);
	bpf_program__set_autoload(skel->progs.on_exit, !by_events);
	bpf_program__set_autoload(skel->progs.on_fork_event, by_events);
	bpf_program__set_autoload(skel->progs.on_exec_event, by_events);
	bpf_program__set_autoload(skel->progs.on_exit_event, by_events);
}

int tasks_attach(struct memsnoop_bpf *skel, bool by_events)
{
	const struct {
		struct bpf_program *program;
		struct bpf_link **link;
	} rows[] = {
	    {by_events ? skel->progs.on_fork_event : skel->progs.on_fork, &skel->links.on_fork},
	    {by_events ? skel->progs.on_exec_event : skel->progs.on_exec, &skel->links.on_exec},
	    {by_events ? skel->progs.on_exit_event : skel->progs.on_exit, &skel->links.on_exit},
	};
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		*rows[i].link = bpf_program__attach(rows[i].program);
		if (!*rows[i].link)
			return -errno;
	}
	return 0;
}
