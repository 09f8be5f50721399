/* SPDX-License-Identifier: GPL-2.0 */
/* One row of `kinds` says how the kernel wants each kind, one function attaches it. */
#include "probe/trial.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/perf_event.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>

#include "probe/uprobes.h"

struct trials {
	struct btf *btf; /* NULL: the kernel has none */
	int runs;        /* a map of one number */
};

struct kind {
	enum bpf_prog_type type;
	int attach_type;        /* expected by the program; 0: none */
	const char *btf_prefix; /* NULL: not found by BTF */
	const char *pmu;        /* of perf's */
	int btf_kind;
	bool returns;
	int (*attach)(const struct kind *kind, int program, const struct trial_target *target);
};

static int attach_btf(const struct kind *kind, int program, const struct trial_target *target)
{
	int fd = bpf_raw_tracepoint_open(NULL, program);

	(void)kind;
	(void)target;
	return fd < 0 ? -errno : fd;
}

static int attach_raw(const struct kind *kind, int program, const struct trial_target *target)
{
	int fd = bpf_raw_tracepoint_open(target->name, program);

	(void)kind;
	return fd < 0 ? -errno : fd;
}

static int attach_iterator(const struct kind *kind, int program, const struct trial_target *target)
{
	int fd = bpf_link_create(program, 0, kind->attach_type, NULL);

	(void)target;
	return fd < 0 ? -errno : fd;
}

/* A number in a file of sysfs, or a negative errno. */
static int pmu_number(const char *pmu, const char *name, const char *format)
{
	char path[128];
	FILE *file;
	int number, n;

	snprintf(path, sizeof(path), "/sys/bus/event_source/devices/%s/%s", pmu, name);
	file = fopen(path, "re");
	if (!file)
		return errno == ENOENT ? -EOPNOTSUPP : -errno;
	n = fscanf(file, format, &number);
	fclose(file);
	return n == 1 ? number : -EINVAL;
}

/* The PMUs are of 4.17 (commits e12f03d7031a and 33ea4b24277b), their links of 5.15 (b89fbfbb854c).
 */
static int attach_perf(const struct kind *kind, int program, const struct trial_target *target)
{
	struct perf_event_attr attr = {.size = sizeof(attr)};
	int type = pmu_number(kind->pmu, "type", "%d"), bit = 0, event, fd;

	if (type >= 0 && kind->returns)
		bit = pmu_number(kind->pmu, "format/retprobe", "config:%d");
	if (type < 0 || bit < 0)
		return type < 0 ? type : bit;
	attr.type = (uint32_t)type;
	attr.config = kind->returns ? 1ULL << bit : 0;
	attr.config1 = (uintptr_t)target->name;
	attr.config2 = target->offset;
	event = (int)syscall(SYS_perf_event_open, &attr, target->pid ? target->pid : -1,
			     target->pid ? -1 : 0, -1, PERF_FLAG_FD_CLOEXEC);
	if (event < 0)
		return -errno;
	fd = bpf_link_create(program, event, BPF_PERF_EVENT, NULL);
	if (fd < 0)
		fd = -errno;
	close(event); /* the link holds it */
	return fd;
}

static int attach_uprobes(const struct kind *kind, int program, const struct trial_target *target)
{
	struct uprobes uprobes = {
	    .kind = kind->attach_type,
	    .returns = kind->returns,
	    .path = target->name,
	    .pid = target->pid,
	    .offsets = &target->offset,
	    .count = 1,
	};

	return uprobes_link(program, &uprobes);
}

#define TRACING(type_, prefix, kind_, attach_)                                                     \
	{                                                                                          \
		.type = BPF_PROG_TYPE_TRACING, .attach_type = (type_), .btf_prefix = (prefix),     \
		.btf_kind = (kind_), .attach = (attach_)                                           \
	}
#define PERF(pmu_, returns_)                                                                       \
	{                                                                                          \
		.type = BPF_PROG_TYPE_KPROBE, .pmu = (pmu_), .returns = (returns_),                \
		.attach = attach_perf                                                              \
	}
#define MULTI(type_, returns_)                                                                     \
	{                                                                                          \
		.type = BPF_PROG_TYPE_KPROBE, .attach_type = (type_), .returns = (returns_),       \
		.attach = attach_uprobes                                                           \
	}

static const struct kind kinds[TRIAL_NR] = {
    [TRIAL_FENTRY] = TRACING(BPF_TRACE_FENTRY, "", BTF_KIND_FUNC, attach_btf),
    [TRIAL_FEXIT] = TRACING(BPF_TRACE_FEXIT, "", BTF_KIND_FUNC, attach_btf),
    [TRIAL_KPROBE] = PERF("kprobe", false),
    [TRIAL_KRETPROBE] = PERF("kprobe", true),
    [TRIAL_TRACEPOINT] = TRACING(BPF_TRACE_RAW_TP, "btf_trace_", BTF_KIND_TYPEDEF, attach_btf),
    [TRIAL_RAW_TRACEPOINT] = {.type = BPF_PROG_TYPE_RAW_TRACEPOINT, .attach = attach_raw},
    [TRIAL_ITERATOR] = TRACING(BPF_TRACE_ITER, "bpf_iter_", BTF_KIND_FUNC, attach_iterator),
    [TRIAL_UPROBE] = PERF("uprobe", false),
    [TRIAL_URETPROBE] = PERF("uprobe", true),
    [TRIAL_UPROBE_MULTI] = MULTI(UPROBES_MULTI, false),
    [TRIAL_URETPROBE_MULTI] = MULTI(UPROBES_MULTI, true),
    [TRIAL_UPROBE_SESSION] = MULTI(UPROBES_SESSION, false),
};

/* Adds one to the map's number and returns 0. */
static int load(const struct trials *t, const struct kind *kind, uint32_t btf_id)
{
	const struct bpf_insn code[] = {
	    {.code = BPF_LD | BPF_DW, /* BPF_IMM is 0 */
	     .dst_reg = BPF_REG_1,
	     .src_reg = BPF_PSEUDO_MAP_VALUE,
	     .imm = t->runs},
	    {0}, /* the other half: the offset in the value */
	    {.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_2, .imm = 1},
	    {.code = BPF_STX | BPF_DW | BPF_ATOMIC,
	     .dst_reg = BPF_REG_1,
	     .src_reg = BPF_REG_2,
	     .imm = BPF_ADD},
	    {.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0},
	    {.code = BPF_JMP | BPF_EXIT},
	};
	LIBBPF_OPTS(bpf_prog_load_opts, options,
		    .expected_attach_type = (enum bpf_attach_type)kind->attach_type,
		    .attach_btf_id = btf_id);
	int fd = bpf_prog_load(kind->type, "memsnoop_trial", "GPL", code,
			       sizeof(code) / sizeof(*code), &options);
	return fd < 0 ? -errno : fd;
}

int trial_attach(struct trials *t, enum trial_kind which, const struct trial_target *target)
{
	const struct kind *kind = &kinds[which];
	char name[128];
	int program, id = 0, fd;

	if (kind->btf_prefix) {
		if (!t->btf)
			return -ENODATA;
		snprintf(name, sizeof(name), "%s%s", kind->btf_prefix, target->name);
		id = btf__find_by_name_kind(t->btf, name, kind->btf_kind);
		if (id < 0)
			return -ENOENT;
	}
	program = load(t, kind, (uint32_t)id);
	if (program < 0)
		return program;
	fd = kind->attach(kind, program, target);
	close(program); /* the link holds it */
	return fd;
}

int trial_has_loop(void)
{
	return libbpf_probe_bpf_helper(BPF_PROG_TYPE_KPROBE, BPF_FUNC_loop, NULL);
}

int trial_has_ring(void)
{
	return libbpf_probe_bpf_map_type(BPF_MAP_TYPE_RINGBUF, NULL);
}

uint64_t trial_runs(const struct trials *t)
{
	uint64_t runs = 0;
	uint32_t key = 0;

	bpf_map_lookup_elem(t->runs, &key, &runs);
	return runs;
}

int trials_open(struct trials **out)
{
	struct trials *t = calloc(1, sizeof(*t));
	libbpf_print_fn_t print;

	*out = NULL;
	if (!t)
		return -ENOMEM;
	t->runs = bpf_map_create(BPF_MAP_TYPE_ARRAY, "memsnoop_runs", sizeof(uint32_t),
				 sizeof(uint64_t), 1, NULL);
	if (t->runs < 0) {
		int err = -errno;

		free(t);
		return err;
	}
	print = libbpf_set_print(NULL); /* none is an answer, too */
	t->btf = btf__load_vmlinux_btf();
	libbpf_set_print(print);
	*out = t;
	return 0;
}

void trials_close(struct trials *t)
{
	if (!t)
		return;
	btf__free(t->btf);
	close(t->runs);
	free(t);
}
