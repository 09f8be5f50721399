/* SPDX-License-Identifier: GPL-2.0 */
#include "system/kills.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "system.h"

static struct kill from_event(const struct ms_system_oom *e, double began_s)
{
	uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);
	struct kill kill = {
	    .pid = (int)e->tgid,
	    .at_s = (double)e->time_ns / 1e9 - began_s,
	    .anon_bytes = (uint64_t)e->pages[MS_SYSTEM_ANON] * page,
	    .file_bytes = (uint64_t)e->pages[MS_SYSTEM_FILE] * page,
	    .shmem_bytes = (uint64_t)e->pages[MS_SYSTEM_SHMEM] * page,
	    .swap_bytes = (uint64_t)e->pages[MS_SYSTEM_SWAP] * page,
	    .page_table_bytes = e->page_table_bytes,
	    .mapped_bytes = e->total_vm_pages * page,
	    .oom_score_adj = e->oom_score_adj,
	};

	memcpy(kill.comm, e->comm, sizeof(kill.comm));
	kill.comm[sizeof(kill.comm) - 1] = '\0';
	return kill;
}

static void from_proc(struct kill *kill, const struct proc *p)
{
	memcpy(kill->comm, p->comm, sizeof(kill->comm));
	kill->anon_bytes = p->anon_bytes;
	kill->file_bytes = p->file_bytes;
	kill->shmem_bytes = p->shmem_bytes;
	kill->swap_bytes = p->swap_bytes;
	kill->page_table_bytes = p->page_table_bytes;
	kill->mapped_bytes = p->mapped_bytes;
	kill->oom_score_adj = p->oom_score_adj;
	if (p->cgroup && p->cgroup->path)
		kill->cgroup = strdup(p->cgroup->path);
}

void kills_add(struct kills *k, const struct ms_system_oom *event, double began_s,
	       struct cgroups *cgroups, const struct procs *procs)
{
	struct kill *items = NULL, kill = from_event(event, began_s);
	const struct proc *proc = event->known ? NULL : procs_find(procs, kill.pid);
	struct cgroupfs_memory memory = {0};

	if (k->count < KILLS_MAX)
		items = realloc(k->items, (k->count + 1) * sizeof(*items));
	if (!items) {
		k->unlisted++;
		return;
	}
	k->items = items;
	if (proc)
		from_proc(&kill, proc);
	if (event->known)
		kill.cgroup =
		    cgroups_path(cgroups, event->cgroup.id, event->cgroup.v1, kill.pid, &memory);
	kill.rss_bytes = kill.anon_bytes + kill.file_bytes + kill.shmem_bytes;
	kill.usage_bytes = memory.usage;
	kill.limit_bytes = memory.limit;
	k->items[k->count++] = kill;
}

void kills_free(struct kills *k)
{
	for (size_t i = 0; i < k->count; i++)
		free(k->items[i].cgroup);
	free(k->items);
	*k = (struct kills){0};
}
