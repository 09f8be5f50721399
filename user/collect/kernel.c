/* SPDX-License-Identifier: GPL-2.0 */
/* Loads the BPF object and gives its maps a plain C face. */
#include "collect/kernel.h"

#include <errno.h>
#include <linux/capability.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "base/log.h"
#include "base/phase.h"
#include "collect/kernel_inside.h"
#include "collect/maps.h"
#include "probe/preempt.h"
#include "probe/uprobes.h"

const char *const attach_names[ATTACH_NR] = {"session", "multi", "perf"};

static int print_libbpf(enum libbpf_print_level level, const char *format, va_list args)
{
	char line[512];

	if (!log_is_verbose() || level == LIBBPF_DEBUG)
		return 0;
	vsnprintf(line, sizeof(line), format, args);
	line[strcspn(line, "\n")] = '\0';
	log_verbose("%s", line);
	return 0;
}

void kernel_log_libbpf(void)
{
	libbpf_set_print(print_libbpf);
}

uint64_t kernel_capabilities(void)
{
	FILE *status = fopen("/proc/self/status", "re");
	unsigned long long caps = 0;
	char line[256];

	if (!status)
		return 0;
	while (fgets(line, sizeof(line), status))
		if (sscanf(line, "CapEff: %llx", &caps) == 1)
			break;
	fclose(status);
	return caps;
}

/* PROC_PID_INIT_INO of include/linux/proc_ns.h, the same since 3.8 (commit 98f842e675f9). */
#define FIRST_PID_NAMESPACE "pid:[4026531836]"

bool kernel_pids_agree(void)
{
	char name[sizeof(FIRST_PID_NAMESPACE) + 16];
	ssize_t n = readlink("/proc/self/ns/pid", name, sizeof(name) - 1);

	name[n > 0 ? n : 0] = '\0';
	return n < 0 || !strcmp(name, FIRST_PID_NAMESPACE);
}

int kernel_check_privileges(void)
{
	uint64_t caps = kernel_capabilities();
	bool admin = caps >> CAP_SYS_ADMIN & 1;

	if (!admin && !(caps >> CAP_BPF & 1))
		return log_error(
		    -EPERM, "needs CAP_BPF to load BPF programs: run it as root (sudo memsnoop …)");
	if (!admin && !(caps >> CAP_PERFMON & 1))
		return log_error(
		    -EPERM, "needs CAP_PERFMON to attach probes: run it as root (sudo memsnoop …)");
	if (!kernel_pids_agree())
		return log_error(-EPERM,
				 "cannot trace from inside a container's pid namespace: run "
				 "it on the host, or with --pid=host");
	if (access("/sys/kernel/btf/vmlinux", R_OK))
		return log_error(-errno, "this kernel has no BTF (/sys/kernel/btf/vmlinux): it "
					 "must be built with CONFIG_DEBUG_INFO_BTF");
	return 0;
}

static void choose_programs(struct memsnoop_bpf *skel, enum attach_method method)
{
	bpf_program__set_autoload(skel->progs.entry_perf, method == ATTACH_PERF);
	bpf_program__set_autoload(skel->progs.return_perf, method == ATTACH_PERF);
	bpf_program__set_autoload(skel->progs.entry_multi, method != ATTACH_PERF);
	bpf_program__set_autoload(skel->progs.return_multi, method == ATTACH_MULTI);
	bpf_program__set_autoload(skel->progs.session, method == ATTACH_SESSION);
	bpf_program__set_autoload(skel->progs.usdt_perf, method == ATTACH_PERF);
	bpf_program__set_autoload(skel->progs.usdt_multi, method != ATTACH_PERF);
	bpf_program__set_expected_attach_type(skel->progs.entry_multi, UPROBES_MULTI);
	bpf_program__set_expected_attach_type(skel->progs.return_multi, UPROBES_MULTI);
	bpf_program__set_expected_attach_type(skel->progs.session, UPROBES_SESSION);
	bpf_program__set_expected_attach_type(skel->progs.usdt_multi, UPROBES_MULTI);
}

/*
 * A stack has totals for each process and at least one piece of its own; and there
 * is one entry per image and layer for what has no stack.  They come out of the
 * stacks' number where it is large: one more than a power of two would double the
 * memory of the empty map.
 */
static size_t totals_size(const struct kernel_options *o)
{
	size_t others = MS_LAYER_NR * o->max_procs;

	return o->max_stacks > 2 * others ? o->max_stacks : o->max_stacks + others;
}

static void size_maps(struct memsnoop_bpf *skel, const struct kernel_options *o)
{
	bpf_map__set_max_entries(skel->maps.procs, o->max_procs);
	bpf_map__set_max_entries(skel->maps.images, o->max_procs);
	bpf_map__set_max_entries(skel->maps.mappings, o->max_procs);
	bpf_map__set_max_entries(skel->maps.pythons, o->max_procs);
	bpf_map__set_max_entries(skel->maps.torches, o->max_procs);
	bpf_map__set_max_entries(skel->maps.rss, o->max_procs);
	bpf_map__set_max_entries(skel->maps.touches, o->max_touches);
	bpf_map__set_max_entries(skel->maps.codes, o->max_codes);
	bpf_map__set_max_entries(skel->maps.tasks, o->max_threads);
	bpf_map__set_max_entries(skel->maps.recents, o->max_threads);
	bpf_map__set_max_entries(skel->maps.blocks, o->max_blocks);
	bpf_map__set_max_entries(skel->maps.pieces, o->max_stacks);
	bpf_map__set_max_entries(skel->maps.totals, totals_size(o));
}

/*
 * With -v, what the verifier went through for each program, of a million that it allows:
 * kernels differ in it more than in anything else.  (Told since 5.16, commit aba64c7da983.)
 */
static void say_verified(const struct kernel *k, double ms)
{
	struct bpf_program *program;

	log_verbose("attach: %s: programs loaded in %.0f ms", attach_names[k->method], ms);
	bpf_object__for_each_program(program, k->skel->obj)
	{
		struct bpf_prog_info info = {0};
		uint32_t size = sizeof(info);

		if (!log_is_verbose() || !bpf_program__autoload(program) ||
		    bpf_obj_get_info_by_fd(bpf_program__fd(program), &info, &size))
			continue;
		log_verbose("verifier: %s: %u instructions", bpf_program__name(program),
			    info.verified_insns);
	}
}

static int on_ring(void *context, void *data, size_t size)
{
	struct kernel *k = context;
	const uint32_t *kind = data;

	(void)size; /* each kind has one size */
	if (!k->events)
		return 0;
	if (*kind == MS_EVENT_CODE)
		k->events->code(data, k->event_context);
	else if (*kind == MS_EVENT_VM)
		k->events->vm(data, k->event_context);
	else if (*kind == MS_EVENT_OOM)
		k->events->oom(data, k->event_context);
	else if (*kind == MS_EVENT_TENSOR)
		k->events->tensor(data, k->event_context);
	else if (*kind == MS_EVENT_GPU)
		k->events->gpu(data, k->event_context);
	else
		k->events->process(data, k->event_context);
	return 0;
}

static int open_as(const struct kernel_options *options, const struct probe_table *table,
		   enum attach_method method, bool by_events, struct kernel **out)
{
	struct kernel *k = calloc(1, sizeof(*k));
	uint64_t time = 0;
	size_t i;
	int err;

	if (!k)
		return -ENOMEM;
	kernel_log_libbpf();
	k->method = method;
	k->skel = memsnoop_bpf__open();
	if (!k->skel) {
		err = -errno;
		goto fail;
	}
	choose_programs(k->skel, method);
	tasks_choose(k->skel, by_events);
	err = hooks_choose(k, options);
	if (err)
		goto fail;
	size_maps(k->skel, options);
	k->skel->bss->native_python = options->native_python;
	k->skel->bss->touches_kept = options->layers[MS_LAYER_RSS];
	for (i = 0; i < table->count; i++)
		k->skel->bss->rows[i] = table->rows[i].spec;
	phase_ms(&time);
	err = memsnoop_bpf__load(k->skel);
	if (err)
		goto fail;
	say_verified(k, phase_ms(&time));
	kernel_prime(k);
	k->ring = ring_buffer__new(bpf_map__fd(k->skel->maps.events), on_ring, k, NULL);
	if (!k->ring) {
		err = -errno;
		goto fail;
	}
	err = tasks_attach(k->skel, by_events);
	if (!err)
		err = hooks_attach(k);
	if (err)
		goto fail;
	*out = k;
	return 0;
fail:
	kernel_close(k);
	return err;
}

int kernel_open(const struct kernel_options *options, const struct probe_table *table,
		enum attach_method method, struct kernel **out)
{
	int err = -ENOTSUP;

	/* Not without tracefs, and not in a kernel older than such kernels are. */
	if (preempt_possible(NULL, 0))
		err = open_as(options, table, method, true, out);
	return err ? open_as(options, table, method, false, out) : 0;
}

void kernel_close(struct kernel *k)
{
	if (!k)
		return;
	hooks_detach(k);
	ring_buffer__free(k->ring);
	memsnoop_bpf__destroy(k->skel);
	free(k);
}

enum attach_method kernel_method(const struct kernel *k)
{
	return k->method;
}

struct bpf_program *kernel_program(const struct kernel *k, bool returns)
{
	switch (k->method) {
	case ATTACH_SESSION:
		return returns ? k->skel->progs.session : k->skel->progs.entry_multi;
	case ATTACH_MULTI:
		return returns ? k->skel->progs.return_multi : k->skel->progs.entry_multi;
	default:
		return returns ? k->skel->progs.return_perf : k->skel->progs.entry_perf;
	}
}

struct bpf_program *kernel_program_usdt(const struct kernel *k)
{
	return k->method == ATTACH_PERF ? k->skel->progs.usdt_perf : k->skel->progs.usdt_multi;
}

int kernel_usdt_layout(struct kernel *k, const struct ms_usdt *layout)
{
	struct ms_usdt *layouts = k->skel->bss->usdt_layouts;
	size_t i;

	for (i = 0; i < k->usdt_layouts; i++)
		if (!memcmp(&layouts[i], layout, sizeof(*layout)))
			return (int)i;
	if (i == MS_USDT_LAYOUTS)
		return -ENOSPC;
	/* No probe has its number yet. */
	layouts[i] = *layout;
	return (int)k->usdt_layouts++;
}

static int image_create(struct kernel *k, uint32_t *out)
{
	static const struct ms_image image_zero;
	static const struct ms_stack_totals totals_zero;
	uint32_t image = __sync_fetch_and_add(&k->skel->bss->next_image, 1) + 1;
	struct ms_stack_key key = {.id = image, .hash = MS_STACK_OTHER};
	int err = maps_put(bpf_map__fd(k->skel->maps.images), &image, &image_zero, BPF_NOEXIST);

	for (key.layer = 0; !err && key.layer < MS_LAYER_NR; key.layer++)
		err = maps_put(bpf_map__fd(k->skel->maps.totals), &key, &totals_zero, BPF_NOEXIST);
	*out = image;
	return err;
}

int64_t kernel_proc_add(struct kernel *k, pid_t tgid, uint32_t flags, uint64_t start_ns)
{
	struct ms_proc proc = {.flags = flags, .start_ns = start_ns};
	uint32_t key = tgid;
	int err = image_create(k, &proc.id);

	if (!err)
		err = maps_put(bpf_map__fd(k->skel->maps.procs), &key, &proc, BPF_NOEXIST);
	return err ? err : (int64_t)proc.id;
}

int kernel_proc_set(struct kernel *k, pid_t tgid, uint32_t image, uint32_t flags)
{
	int fd = bpf_map__fd(k->skel->maps.procs);
	struct ms_proc proc;
	uint32_t key = tgid;
	int err = maps_get(fd, &key, &proc);

	if (err)
		return err;
	proc.id = image;
	proc.flags = flags;
	return maps_put(fd, &key, &proc, BPF_EXIST);
}

int kernel_mappings_set(struct kernel *k, uint32_t image, const struct ms_mappings *mappings)
{
	return maps_put(bpf_map__fd(k->skel->maps.mappings), &image, mappings, BPF_ANY);
}

int kernel_python_set(struct kernel *k, uint32_t image, const struct ms_python *python)
{
	return maps_put(bpf_map__fd(k->skel->maps.pythons), &image, python, BPF_ANY);
}

int kernel_torch_set(struct kernel *k, uint32_t image, const struct ms_torch *torch)
{
	return maps_put(bpf_map__fd(k->skel->maps.torches), &image, torch, BPF_ANY);
}

int kernel_unwind_fd(const struct kernel *k)
{
	return bpf_map__fd(k->skel->maps.unwind_tables);
}

void kernel_walks(const struct kernel *k, struct ms_walks *out)
{
	memcpy(out, &k->skel->bss->walks, sizeof(*out));
}

int kernel_events_fd(const struct kernel *k)
{
	return ring_buffer__epoll_fd(k->ring);
}

void kernel_events_read(struct kernel *k, const struct kernel_events *events, void *context)
{
	k->events = events;
	k->event_context = context;
	ring_buffer__consume(k->ring);
}

void kernel_stop(struct kernel *k)
{
	__atomic_store_n(&k->skel->bss->stopped, 1, __ATOMIC_SEQ_CST);
}

void kernel_loss_add(struct kernel *k, enum ms_loss which, uint64_t n)
{
	__atomic_fetch_add(&k->skel->bss->losses[which], n, __ATOMIC_RELAXED);
}

uint64_t kernel_loss(const struct kernel *k, enum ms_loss which)
{
	if (which == MS_LOSS_passed_over)
		return hooks_passed_over(k);
	return __atomic_load_n(&k->skel->bss->losses[which], __ATOMIC_RELAXED);
}

int kernel_image(const struct kernel *k, uint32_t image, struct ms_image *out)
{
	return maps_get(bpf_map__fd(k->skel->maps.images), &image, out);
}

int kernel_rss(const struct kernel *k, uint32_t image, struct ms_rss *out)
{
	int err = maps_get(bpf_map__fd(k->skel->maps.rss), &image, out);

	if (!err && out->tick != k->skel->bss->rss_tick)
		out->high_pages = 0;
	return err;
}

void kernel_rss_tick(struct kernel *k)
{
	__atomic_fetch_add(&k->skel->bss->rss_tick, 1, __ATOMIC_RELAXED);
}

int kernel_piece(const struct kernel *k, uint64_t name, struct ms_piece *out)
{
	return maps_get(bpf_map__fd(k->skel->maps.pieces), &name, out);
}
