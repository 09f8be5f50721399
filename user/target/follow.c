/* SPDX-License-Identifier: GPL-2.0 */
/* What becomes of the traced processes: fork, exec, exit, new libraries. */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "target/process.h"
#include "target/target_inside.h"

static void sync_unheld(struct target *t, pid_t pid, uint32_t flags)
{
	int err = flags & MS_PROC_HOLD ? 0 : target_sync(t, pid);

	if (err && err != -ESRCH && err != -EPERM)
		log_warn("pid %d: cannot follow it: %s", pid, strerror(-err));
}

static void image_forked(struct target *t, const struct ms_event *e)
{
	struct traced *parent, *former = traced_find(t, e->tgid);
	struct image *image;

	if (former) {
		/* The exit of a former owner of the pid was lost. */
		image_end(t, former->image, e->time_ns);
		jit_files_end(&former->image->jit);
		traced_remove(t, former);
	}
	parent = traced_find(t, e->parent);
	if (e->flags & MS_PROC_BORROWED) {
		if (parent)
			traced_new(t, e->tgid, parent->image, e->flags);
		return;
	}
	image = image_add(t, e->id, e->tgid, e->parent, e->time_ns);
	if (!image || !traced_new(t, e->tgid, image, e->flags))
		return;
	image->followed = !(e->flags & MS_PROC_HOLD);
	if (parent && parent->image->python)
		image_set_python(t, image, parent->image->python);
	if (parent && parent->image->torch.vtable[0][0]) {
		image->torch = parent->image->torch;
		kernel_torch_set(t->kernel, image->id, &image->torch);
	}
	image->parent = parent ? parent->image : NULL;
	sync_unheld(t, e->tgid, e->flags);
}

static void image_execed(struct target *t, const struct ms_event *e)
{
	struct traced *traced = traced_find(t, e->tgid);
	struct image *old, *image;

	if (!traced)
		return;
	old = traced->image;
	if (!(traced->flags & MS_PROC_BORROWED)) {
		image_end(t, old, e->time_ns);
		old->execed = true;
		jit_files_end(&old->jit);
	}
	image = image_add(t, e->id, e->tgid, old->ppid, e->time_ns);
	if (!image)
		return;
	image->after_exec = true;
	if (traced->flags & MS_PROC_BORROWED)
		image->ppid = old->pid;
	traced->image = image;
	image->followed = !(e->flags & MS_PROC_HOLD);
	image->maxrss_before = e->maxrss_pages;
	/* The links follow the process across exec, unless a thread that was
	 * not the leader called it: the task they hold is gone then. */
	if (e->parent != e->tgid)
		traced_close(t, traced);
	traced->flags = e->flags & ~MS_PROC_READY;
	sync_unheld(t, e->tgid, e->flags);
}

static void image_exited(struct target *t, const struct ms_event *e)
{
	struct traced *traced = traced_find(t, e->tgid);
	uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);
	struct image *image;

	if (!traced)
		return;
	image = traced->image;
	if (!(traced->flags & MS_PROC_BORROWED)) {
		image_end(t, image, e->time_ns);
		image->wait_status = e->exit_code;
		jit_files_end(&image->jit);
		/* signal->maxrss outlives exec: a larger former program hides this
		 * one's, and then the last tick's high-water mark stands.  So it does where
		 * it is higher: this one leaves out what the CPUs have not added yet. */
		if (e->maxrss_pages > image->maxrss_before &&
		    e->maxrss_pages * page > image->memory.rss_peak_bytes)
			image->memory.rss_peak_bytes = e->maxrss_pages * page;
	}
	traced_remove(t, traced);
}

/*
 * Processes that are gone and whose exits found the ring buffer full; their status is not
 * known.  What is there is read before each tick: after two of them nothing more comes.
 */
static void end_unannounced(struct target *t)
{
	struct ms_event gone = {.kind = MS_EVENT_EXIT, .time_ns = clock_ns()};
	size_t i = kernel_loss(t->kernel, MS_LOSS_events) ? t->traced_count : 0;
	struct process_memory memory;

	while (i-- > 0) {
		struct traced *traced = t->traced[i];

		gone.tgid = (uint32_t)traced->pid;
		if (!process_memory(traced->pid, &memory))
			traced->missed = false;
		else if (!traced->missed)
			traced->missed = true;
		else
			image_exited(t, &gone);
	}
}

void target_tick(struct target *t)
{
	size_t i;

	end_unannounced(t);
	for (i = 0; i < t->traced_count; i++)
		traced_look_again(t, t->traced[i]);
}

void target_event(struct target *t, const struct ms_event *e)
{
	switch (e->kind) {
	case MS_EVENT_FORK:
		image_forked(t, e);
		break;
	case MS_EVENT_EXEC:
		image_execed(t, e);
		break;
	case MS_EVENT_EXIT:
		image_exited(t, e);
		break;
	case MS_EVENT_LIBS:
		sync_unheld(t, e->tgid, e->flags);
		break;
	}
}
