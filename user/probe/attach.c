/* SPDX-License-Identifier: GPL-2.0 */
/* The attach ladder. */
#include "probe/attach.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <fcntl.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <linux/bpf.h>

#include "base/log.h"
#include "probe/uprobes.h"
#include "target/mappings.h"

struct attach {
	int *fds; /* links of the multi kinds */
	size_t fd_count;
	struct bpf_link **links; /* perf */
	size_t link_count;
};

/*
 * One link for all points, or, with `returns`, for those that return.
 *
 * Those that only count at the entry are in no session: the kernel asks the session of each
 * tracer that has a probe there, and one whose process it is not lets it put a return probe
 * in.  So would another memsnoop where a C++ exception begins to unwind, which that ends.
 */
static int attach_multi(struct kernel *k, struct attach *a, bool returns, const char *path,
			pid_t pid, const struct attach_point *points, size_t count)
{
	uint64_t *offsets = calloc(count, sizeof(*offsets));
	uint64_t *cookies = calloc(count, sizeof(*cookies));
	bool session = kernel_method(k) == ATTACH_SESSION;
	struct uprobes uprobes = {
	    .kind = session && returns ? UPROBES_SESSION : UPROBES_MULTI,
	    .returns = returns && !session,
	    .path = path,
	    .pid = pid,
	    .offsets = offsets,
	    .cookies = cookies,
	};
	size_t i, n = 0;
	int fd = -ENOMEM;

	if (!offsets || !cookies)
		goto out;
	for (i = 0; i < count; i++) {
		if (points[i].usdt || (returns ? !points[i].returns : session && points[i].returns))
			continue;
		offsets[n] = points[i].offset;
		cookies[n++] = points[i].cookie;
	}
	fd = 0;
	if (!n)
		goto out;
	uprobes.count = n;
	fd = uprobes_link(bpf_program__fd(kernel_program(k, returns)), &uprobes);
	if (fd > 0)
		a->fds[a->fd_count++] = fd;
out:
	free(offsets);
	free(cookies);
	return fd < 0 ? fd : 0;
}

static int attach_perf(struct kernel *k, struct attach *a, bool returns, const char *path,
		       pid_t pid, const struct attach_point *point)
{
	LIBBPF_OPTS(bpf_uprobe_opts, opts, .bpf_cookie = point->cookie, .retprobe = returns,
		    .ref_ctr_offset = point->semaphore);
	struct bpf_program *program =
	    point->usdt ? kernel_program_usdt(k) : kernel_program(k, returns);
	struct bpf_link *link =
	    bpf_program__attach_uprobe_opts(program, pid, path, point->offset, &opts);

	if (!link)
		return -errno;
	a->links[a->link_count++] = link;
	return 0;
}

static int attach_usdts_multi(struct kernel *k, struct attach *a, const char *path, pid_t pid,
			      const struct attach_point *points, size_t count)
{
	uint64_t *numbers = calloc(3 * count, sizeof(*numbers));
	struct uprobes uprobes = {
	    .kind = UPROBES_MULTI,
	    .path = path,
	    .pid = pid,
	    .offsets = numbers,
	};
	size_t i, n = 0;
	int fd = 0;

	if (!numbers)
		return -ENOMEM;
	uprobes.cookies = numbers + count;
	uprobes.semaphores = numbers + 2 * count;
	for (i = 0; i < count; i++) {
		if (!points[i].usdt)
			continue;
		numbers[n] = points[i].offset;
		numbers[count + n] = points[i].cookie;
		numbers[2 * count + n++] = points[i].semaphore;
	}
	uprobes.count = n;
	if (n)
		fd = uprobes_link(bpf_program__fd(kernel_program_usdt(k)), &uprobes);
	if (fd > 0)
		a->fds[a->fd_count++] = fd;
	free(numbers);
	return fd < 0 ? fd : 0;
}

/* The program's tracepoints, last: what they say is about blocks that are seen. */
static int attach_usdts(struct kernel *k, struct attach *a, const char *path, pid_t pid,
			const struct attach_point *points, size_t count)
{
	size_t i;
	int err = 0;

	if (kernel_method(k) != ATTACH_PERF)
		err = attach_usdts_multi(k, a, path, pid, points, count);
	else
		for (i = 0; i < count && !err; i++)
			if (points[i].usdt)
				err = attach_perf(k, a, false, path, pid, &points[i]);
	if (err && err != -ESRCH && err != -ENOMEM) {
		log_verbose("pid %d: its tracepoints cannot be probed: %s", pid, strerror(-err));
		err = 0;
	}
	return err;
}

int attach_open(struct kernel *k, pid_t pid, int fd, const struct attach_point *points,
		size_t count, struct attach **out)
{
	struct attach *a = calloc(1, sizeof(*a));
	char path[64];
	size_t i;
	int err = 0;

	if (!a)
		return -ENOMEM;
	/* The open file itself, whatever its name leads to by now. */
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	a->fds = calloc(3, sizeof(*a->fds));
	a->links = calloc(2 * count, sizeof(struct bpf_link *));
	if (!a->fds || !a->links) {
		err = -ENOMEM;
		goto fail;
	}
	switch (kernel_method(k)) {
	case ATTACH_SESSION:
		/* Frees, which are among the entries, first. */
		err = attach_multi(k, a, false, path, pid, points, count);
		if (!err)
			err = attach_multi(k, a, true, path, pid, points, count);
		break;
	case ATTACH_MULTI:
		/* Returns first: a call whose entry is seen has its return seen. */
		err = attach_multi(k, a, true, path, pid, points, count);
		if (!err)
			err = attach_multi(k, a, false, path, pid, points, count);
		break;
	default:
		for (i = 0; i < count && !err; i++) {
			if (points[i].usdt)
				continue;
			if (points[i].returns)
				err = attach_perf(k, a, true, path, pid, &points[i]);
			if (!err)
				err = attach_perf(k, a, false, path, pid, &points[i]);
		}
	}
	if (!err)
		err = attach_usdts(k, a, path, pid, points, count);
	if (err)
		goto fail;
	*out = a;
	return 0;
fail:
	attach_close(a);
	return err;
}

void attach_close(struct attach *a)
{
	size_t i;

	if (!a)
		return;
	for (i = 0; i < a->fd_count; i++)
		close(a->fds[i]);
	for (i = 0; i < a->link_count; i++)
		bpf_link__destroy(a->links[i]);
	free(a->fds);
	free(a->links);
	free(a);
}

/* What the ladder tries its links on. */
static __attribute__((noinline, noclone)) void attach_rehearsal(void)
{
	asm volatile("" ::: "memory");
}

/* Where that is: the file, to be closed, and the offset in it. */
static int rehearsal_open(int *fd, uint64_t *offset)
{
	uint64_t address = (uintptr_t)attach_rehearsal;
	const struct mapping *m;
	struct mappings maps;
	int err = mappings_read(getpid(), &maps);

	if (err)
		return err;
	m = mappings_find(&maps, address);
	if (m)
		*offset = address - m->start + m->offset;
	*fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	if (!m || *fd < 0)
		err = -ENOENT;
	if (err && *fd >= 0)
		close(*fd);
	mappings_free(&maps);
	return err;
}

/*
 * Whether this kernel makes links of a multi kind.  A program that does nothing finds it
 * out; loading all of ours first would take a hundred times as long.
 */
static int link_try(enum attach_method method)
{
	const struct bpf_insn nothing[] = {
	    {.code = BPF_ALU64 | BPF_MOV | BPF_K}, /* r0 = 0 */
	    {.code = BPF_JMP | BPF_EXIT},
	};
	LIBBPF_OPTS(bpf_prog_load_opts, options);
	uint64_t offset = 0;
	const struct uprobes uprobes = {
	    .kind = method == ATTACH_SESSION ? UPROBES_SESSION : UPROBES_MULTI,
	    .path = "/proc/self/exe",
	    .pid = getpid(),
	    .offsets = &offset,
	    .count = 1,
	};
	int program, file, link, err;

	if (method == ATTACH_PERF)
		return 0;
	options.expected_attach_type = uprobes.kind;
	program = bpf_prog_load(BPF_PROG_TYPE_KPROBE, "memsnoop_try", "GPL", nothing,
				sizeof(nothing) / sizeof(nothing[0]), &options);
	if (program < 0)
		return program;
	err = rehearsal_open(&file, &offset);
	if (!err) {
		link = uprobes_link(program, &uprobes);
		if (link >= 0)
			close(link);
		close(file);
		err = link < 0 ? link : 0;
	}
	close(program);
	return err;
}

/* Whether our programs can be attached so. */
static int attach_try(struct kernel *k)
{
	struct attach_point point = {.returns = true};
	struct attach *a = NULL;
	int fd, err = rehearsal_open(&fd, &point.offset);

	if (err)
		return err;
	err = attach_open(k, getpid(), fd, &point, 1, &a);
	attach_close(a);
	close(fd);
	return err;
}

int attach_rung(const struct kernel_options *options, const struct probe_table *table,
		enum attach_method method, struct kernel **out)
{
	int err;

	*out = NULL;
	if (options->refused[method]) {
		log_verbose("attach: %s: refused by --no-feature", attach_names[method]);
		return -ECANCELED;
	}
	err = link_try(method);
	if (!err)
		err = kernel_open(options, table, method, out);
	if (!err)
		err = attach_try(*out);
	if (err) {
		kernel_close(*out);
		*out = NULL;
		log_verbose("attach: %s: %s", attach_names[method], strerror(-err));
	}
	return err;
}

int attach_ladder(const struct kernel_options *options, const struct probe_table *table,
		  struct kernel **out)
{
	char missing[256];
	int err = -ECANCELED, method;

	for (method = 0; method < ATTACH_NR; method++) {
		int answer = attach_rung(options, table, method, out);

		if (!answer) {
			log_verbose("attach: %s: works, taken", attach_names[method]);
			return 0;
		}
		if (answer != -ECANCELED)
			err = answer;
	}
	if (err == -ECANCELED)
		return log_error(err, "--no-feature leaves no way to attach: session, multi and "
				      "perf are all refused");
	if (kernel_lacks(missing, sizeof(missing)))
		return log_error(err, "this kernel is too old, it lacks %s", missing);
	return log_error(err, "cannot load or attach BPF programs: %s (-v says more)",
			 strerror(-err));
}
