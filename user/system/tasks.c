/* SPDX-License-Identifier: GPL-2.0 */
/* Loads bpf/system/ and reads it. */
#include "system/tasks.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "base/log.h"
#include "collect/kernel.h"
#include "probe/preempt.h"
#include "system.skel.h"

#define FIRST_ROOM (1 << 16)

struct tasks {
	struct system_bpf *skel;
	struct ring_buffer *ring;
	const struct bpf_program *on_exit; /* the one of the two that is attached */
	const struct tasks_events *events;
	void *context;
	char *pass; /* what the last pass wrote */
	size_t room;
};

static int on_ring(void *context, void *data, size_t size)
{
	struct tasks *t = context;
	const uint32_t *kind = data;

	(void)size; /* each kind has one size */
	if (t->events && *kind == MS_SYSTEM_END)
		t->events->end(data, t->context);
	else if (t->events && *kind == MS_SYSTEM_OOM)
		t->events->oom(data, t->context);
	return 0;
}

/* Without tracefs there is only the second way: see bpf/system/system.bpf.c. */
static int attach(struct tasks *t)
{
	struct system_bpf *skel = t->skel;

	skel->links.dump_tasks = bpf_program__attach(skel->progs.dump_tasks);
	if (!skel->links.dump_tasks)
		return -errno;
	skel->links.on_oom = bpf_program__attach(skel->progs.on_oom);
	if (!skel->links.on_oom)
		return -errno;
	t->on_exit = skel->progs.on_exit_event;
	skel->links.on_exit_event = bpf_program__attach(skel->progs.on_exit_event);
	if (skel->links.on_exit_event)
		return 0;
	log_verbose("the tracepoint of exit cannot be had as an event (%s): as a BTF tracepoint",
		    strerror(errno));
	t->on_exit = skel->progs.on_exit_btf;
	skel->links.on_exit_btf = bpf_program__attach(skel->progs.on_exit_btf);
	return skel->links.on_exit_btf ? 0 : -errno;
}

static int say_failure(int err)
{
	char missing[256];

	if (kernel_lacks(missing, sizeof(missing)))
		return log_error(err, "this kernel is too old, it lacks %s", missing);
	return log_error(err,
			 "cannot load the iterator over tasks and the tracepoint of exit: %s (-v "
			 "says more)",
			 strerror(-err));
}

int tasks_open(struct tasks **out)
{
	struct tasks *t = calloc(1, sizeof(*t));
	int err = -ENOMEM, cpus;

	if (!t)
		goto fail;
	kernel_log_libbpf();
	t->skel = system_bpf__open();
	err = -errno;
	if (!t->skel)
		goto fail;
	cpus = libbpf_num_possible_cpus();
	t->skel->rodata->cpus = cpus > 0 ? cpus : 1;
	err = system_bpf__load(t->skel);
	if (!err)
		err = attach(t);
	if (err)
		goto fail;
	t->ring = ring_buffer__new(bpf_map__fd(t->skel->maps.ends), on_ring, t, NULL);
	err = -errno;
	if (!t->ring)
		goto fail;
	*out = t;
	return 0;
fail:
	tasks_close(t);
	return say_failure(err);
}

void tasks_close(struct tasks *t)
{
	if (!t)
		return;
	ring_buffer__free(t->ring);
	system_bpf__destroy(t->skel);
	free(t->pass);
	free(t);
}

/* Runs the iterator to its end; the number of bytes in t->pass, or a negative errno. */
static ssize_t run_pass(struct tasks *t, int fd)
{
	size_t used = 0;

	for (;;) {
		ssize_t n;

		if (t->room - used < FIRST_ROOM / 2) {
			size_t room = t->room ? 2 * t->room : FIRST_ROOM;
			char *pass = realloc(t->pass, room);

			if (!pass)
				return -ENOMEM;
			t->pass = pass;
			t->room = room;
		}
		n = read(fd, t->pass + used, t->room - used);
		if (!n)
			return (ssize_t)used;
		if (n > 0)
			used += (size_t)n;
		/* EAGAIN: a million tasks in a row had nothing to say */
		else if (errno != EINTR && errno != EAGAIN)
			return -errno;
	}
}

/* The bytes of the record at `at`, 0 if it is none. */
static size_t give_record(const char *at, size_t left, const struct tasks_pass *pass, void *context)
{
	struct ms_system_process process;
	struct ms_system_thread thread;
	uint32_t kind;

	if (left < sizeof(thread))
		return 0;
	memcpy(&kind, at, sizeof(kind));
	if (kind == MS_SYSTEM_THREAD) {
		memcpy(&thread, at, sizeof(thread));
		pass->thread(&thread, context);
		return sizeof(thread);
	}
	if (kind != MS_SYSTEM_PROCESS || left < sizeof(process))
		return 0;
	memcpy(&process, at, sizeof(process));
	pass->process(&process, context);
	return sizeof(process);
}

int tasks_read(struct tasks *t, const struct tasks_pass *pass, void *context)
{
	int fd = bpf_iter_create(bpf_link__fd(t->skel->links.dump_tasks));
	ssize_t used;
	size_t at = 0, size;

	if (fd < 0)
		return -errno;
	used = run_pass(t, fd);
	close(fd);
	if (used < 0)
		return (int)used;
	while ((size = give_record(t->pass + at, (size_t)used - at, pass, context)))
		at += size;
	return at == (size_t)used ? 0 : -EBADMSG;
}

int tasks_events_fd(const struct tasks *t)
{
	return ring_buffer__epoll_fd(t->ring);
}

void tasks_events_read(struct tasks *t, const struct tasks_events *events, void *context)
{
	t->events = events;
	t->context = context;
	ring_buffer__consume(t->ring);
}

uint64_t tasks_ends_lost(const struct tasks *t)
{
	/* what the kernel passed the program over for: threads too, which is more than was lost */
	return __atomic_load_n(&t->skel->bss->ends_lost, __ATOMIC_RELAXED) +
	       preempt_passed_over(t->on_exit);
}

uint64_t tasks_ooms_lost(const struct tasks *t)
{
	return __atomic_load_n(&t->skel->bss->ooms_lost, __ATOMIC_RELAXED);
}
