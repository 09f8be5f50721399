/* SPDX-License-Identifier: GPL-2.0 */
#include "system/hidden.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "target/process.h"

static int add(struct hidden *h, pid_t pid)
{
	if (h->count == h->room) {
		size_t room = h->room ? 2 * h->room : 8;
		pid_t *pids = reallocarray(h->pids, room, sizeof(*pids));

		if (!pids)
			return -ENOMEM;
		h->pids = pids;
		h->room = room;
	}
	h->pids[h->count++] = pid;
	return 0;
}

int hidden_find(struct hidden *h, hidden_known_fn *known, void *context)
{
	DIR *proc = opendir("/proc");
	struct process_usage usage;
	struct dirent *entry;
	int err = 0;

	if (!proc)
		return -errno;
	while (!err && (entry = readdir(proc))) {
		pid_t pid = (pid_t)strtol(entry->d_name, NULL, 10);

		if (pid < 1 || known(pid, context) || process_usage(pid, &usage))
			continue;
		log_verbose("pid %d is not among the kernel's tasks, only in /proc", pid);
		err = add(h, pid);
	}
	closedir(proc);
	return err;
}

static void give(pid_t pid, const struct tasks_pass *pass, void *context)
{
	struct ms_system_process process = {.kind = MS_SYSTEM_PROCESS, .tgid = (uint32_t)pid};
	const uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);
	struct process_usage usage;
	char *comm;

	if (process_usage(pid, &usage))
		return;
	process.ppid = (uint32_t)usage.parent;
	process.uid = usage.uid;
	process.threads = usage.threads;
	process.oom_score_adj = usage.oom_score_adj;
	process.start_ns = usage.start_ns;
	process.pages[MS_SYSTEM_FILE] = (int64_t)(usage.memory.file_bytes / page);
	process.pages[MS_SYSTEM_ANON] = (int64_t)(usage.memory.anon_bytes / page);
	process.pages[MS_SYSTEM_SWAP] = (int64_t)(usage.memory.swap_bytes / page);
	process.pages[MS_SYSTEM_SHMEM] = (int64_t)(usage.memory.shmem_bytes / page);
	process.total_vm_pages = usage.memory.mapped_bytes / page;
	process.hiwater_rss_pages = usage.memory.rss_peak_bytes / page;
	process.hugetlb_pages = usage.hugetlb_bytes / page;
	process.page_table_bytes = usage.memory.page_table_bytes;
	process.min_flt = usage.minor;
	process.maj_flt = usage.major;
	comm = process_comm(pid);
	snprintf(process.comm, sizeof(process.comm), "%s", comm ? comm : "");
	free(comm);
	pass->process(&process, context);
}

void hidden_read(struct hidden *h, hidden_known_fn *known, const struct tasks_pass *pass,
		 void *context)
{
	size_t kept = 0;

	for (size_t i = 0; i < h->count; i++) {
		if (known(h->pids[i], context))
			continue;
		give(h->pids[i], pass, context);
		h->pids[kept++] = h->pids[i];
	}
	h->count = kept;
}

void hidden_free(struct hidden *h)
{
	free(h->pids);
	memset(h, 0, sizeof(*h));
}
