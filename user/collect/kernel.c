/* SPDX-License-Identifier: GPL-2.0 */
/* Loads the BPF object and gives its maps a plain C face. */
#include "collect/kernel.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "base/log.h"
#include "base/phase.h"
#include "memsnoop.skel.h"

#define BATCH_BYTES (1u << 20) /* of values read by one call */

/* enum bpf_attach_type since 6.6 (commit 89ae89f53d20) and 6.13 (d920179b3d48). */
#define TRACE_UPROBE_MULTI 48
#define TRACE_UPROBE_SESSION 57

#define CAPABILITY_SYS_ADMIN 21
#define CAPABILITY_PERFMON 38
#define CAPABILITY_BPF 39

const char *const attach_names[ATTACH_NR] = {"session", "multi", "perf"};

struct kernel {
	struct memsnoop_bpf *skel;
	struct ring_buffer *ring;
	enum attach_method method;
	const struct kernel_events *events;
	void *event_context;
};

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

static uint64_t effective_capabilities(void)
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

int kernel_check_privileges(void)
{
	uint64_t caps = effective_capabilities();
	bool admin = caps >> CAPABILITY_SYS_ADMIN & 1;

	if (!admin && !(caps >> CAPABILITY_BPF & 1))
		return log_error(
		    -EPERM, "needs CAP_BPF to load BPF programs: run it as root (sudo memsnoop …)");
	if (!admin && !(caps >> CAPABILITY_PERFMON & 1))
		return log_error(
		    -EPERM, "needs CAP_PERFMON to attach probes: run it as root (sudo memsnoop …)");
	if (access("/sys/kernel/btf/vmlinux", R_OK))
		return log_error(-errno, "this kernel has no BTF (/sys/kernel/btf/vmlinux): it "
					 "must be built with CONFIG_DEBUG_INFO_BTF");
	return 0;
}

static void choose_programs(struct memsnoop_bpf *skel, enum attach_method method)
{
	bpf_program__set_autoload(skel->progs.entry_perf, method == ATTACH_PERF);
	bpf_program__set_autoload(skel->progs.return_perf, method == ATTACH_PERF);
	bpf_program__set_autoload(skel->progs.entry_multi, method == ATTACH_MULTI);
	bpf_program__set_autoload(skel->progs.return_multi, method == ATTACH_MULTI);
	bpf_program__set_autoload(skel->progs.session, method == ATTACH_SESSION);
	bpf_program__set_expected_attach_type(skel->progs.entry_multi, TRACE_UPROBE_MULTI);
	bpf_program__set_expected_attach_type(skel->progs.return_multi, TRACE_UPROBE_MULTI);
	bpf_program__set_expected_attach_type(skel->progs.session, TRACE_UPROBE_SESSION);
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
	bpf_map__set_max_entries(skel->maps.codes, o->max_codes);
	bpf_map__set_max_entries(skel->maps.tasks, o->max_threads);
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

	if (!k->events || size < sizeof(*kind))
		return 0;
	if (*kind == MS_EVENT_CODE && size >= sizeof(struct ms_code_event))
		k->events->code(data, k->event_context);
	else if (*kind != MS_EVENT_CODE && size >= sizeof(struct ms_event))
		k->events->process(data, k->event_context);
	return 0;
}

int kernel_open(const struct kernel_options *options, const struct probe_table *table,
		enum attach_method method, struct kernel **out)
{
	struct kernel *k = calloc(1, sizeof(*k));
	uint64_t time = 0;
	size_t i;
	int err;

	if (!k)
		return -ENOMEM;
	libbpf_set_print(print_libbpf);
	k->method = method;
	k->skel = memsnoop_bpf__open();
	if (!k->skel) {
		err = -errno;
		goto fail;
	}
	choose_programs(k->skel, method);
	size_maps(k->skel, options);
	k->skel->bss->native_python = options->native_python;
	for (i = 0; i < table->count; i++)
		k->skel->bss->rows[i] = table->rows[i].spec;
	phase_ms(&time);
	err = memsnoop_bpf__load(k->skel);
	if (err)
		goto fail;
	say_verified(k, phase_ms(&time));
	k->ring = ring_buffer__new(bpf_map__fd(k->skel->maps.events), on_ring, k, NULL);
	if (!k->ring) {
		err = -errno;
		goto fail;
	}
	k->skel->links.on_fork = bpf_program__attach(k->skel->progs.on_fork);
	k->skel->links.on_exec = bpf_program__attach(k->skel->progs.on_exec);
	k->skel->links.on_exit = bpf_program__attach(k->skel->progs.on_exit);
	if (!k->skel->links.on_fork || !k->skel->links.on_exec || !k->skel->links.on_exit) {
		err = -errno;
		goto fail;
	}
	*out = k;
	return 0;
fail:
	kernel_close(k);
	return err;
}

void kernel_close(struct kernel *k)
{
	if (!k)
		return;
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
		return k->skel->progs.session;
	case ATTACH_MULTI:
		return returns ? k->skel->progs.return_multi : k->skel->progs.entry_multi;
	default:
		return returns ? k->skel->progs.return_perf : k->skel->progs.entry_perf;
	}
}

static int image_create(struct kernel *k, uint32_t *out)
{
	static const struct ms_image image_zero;
	static const struct ms_stack_totals totals_zero;
	uint32_t image = __sync_fetch_and_add(&k->skel->bss->next_image, 1) + 1;
	struct ms_stack_key key = {.id = image, .hash = MS_STACK_OTHER};
	int err = bpf_map_update_elem(bpf_map__fd(k->skel->maps.images), &image, &image_zero,
				      BPF_NOEXIST);

	for (key.layer = 0; !err && key.layer < MS_LAYER_NR; key.layer++)
		err = bpf_map_update_elem(bpf_map__fd(k->skel->maps.totals), &key, &totals_zero,
					  BPF_NOEXIST);
	*out = image;
	return err;
}

int64_t kernel_proc_add(struct kernel *k, pid_t tgid, uint32_t flags, uint64_t start_ns)
{
	struct ms_proc proc = {.flags = flags, .start_ns = start_ns};
	uint32_t key = tgid;
	int err = image_create(k, &proc.id);

	if (!err)
		err =
		    bpf_map_update_elem(bpf_map__fd(k->skel->maps.procs), &key, &proc, BPF_NOEXIST);
	return err ? err : (int64_t)proc.id;
}

int kernel_proc_set(struct kernel *k, pid_t tgid, uint32_t image, uint32_t flags)
{
	int fd = bpf_map__fd(k->skel->maps.procs);
	struct ms_proc proc;
	uint32_t key = tgid;
	int err = bpf_map_lookup_elem(fd, &key, &proc);

	if (err)
		return err;
	proc.id = image;
	proc.flags = flags;
	return bpf_map_update_elem(fd, &key, &proc, BPF_EXIST);
}

int kernel_mappings_set(struct kernel *k, uint32_t image, const struct ms_mappings *mappings)
{
	return bpf_map_update_elem(bpf_map__fd(k->skel->maps.mappings), &image, mappings, BPF_ANY);
}

int kernel_python_set(struct kernel *k, uint32_t image, const struct ms_python *python)
{
	return bpf_map_update_elem(bpf_map__fd(k->skel->maps.pythons), &image, python, BPF_ANY);
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
	return __atomic_load_n(&k->skel->bss->losses[which], __ATOMIC_RELAXED);
}

int kernel_image(const struct kernel *k, uint32_t image, struct ms_image *out)
{
	return bpf_map_lookup_elem(bpf_map__fd(k->skel->maps.images), &image, out);
}

int kernel_piece(const struct kernel *k, uint64_t name, struct ms_piece *out)
{
	return bpf_map_lookup_elem(bpf_map__fd(k->skel->maps.pieces), &name, out);
}

/*
 * Reads a whole hash map in batches, so that entries that come and go meanwhile
 * cannot restart the walk.  fn gets each batch; stops on its first error.
 */
static int read_batches(int fd, size_t key_size, size_t value_size,
			int (*fn)(const void *keys, const void *values, uint32_t n, void *context),
			void *context)
{
	uint32_t batch = 0, n;
	size_t size = BATCH_BYTES / value_size + 1;
	char *keys = malloc(size * key_size), *values = malloc(size * value_size);
	bool first = true;
	int err = keys && values ? 0 : -ENOMEM;

	while (!err) {
		n = size;
		err =
		    bpf_map_lookup_batch(fd, first ? NULL : &batch, &batch, keys, values, &n, NULL);
		if (err == -ENOSPC) {
			/* One bucket holds more than a batch. */
			char *k = realloc(keys, 2 * size * key_size);
			char *v = k ? realloc(values, 2 * size * value_size) : NULL;

			keys = k ? k : keys;
			values = v ? v : values;
			err = k && v ? 0 : -ENOMEM;
			size *= 2;
			continue;
		}
		if (err && err != -ENOENT)
			break;
		first = false;
		if (n) {
			int stop = fn(keys, values, n, context);

			if (stop)
				err = stop;
		}
	}
	free(keys);
	free(values);
	return err == -ENOENT ? 0 : err;
}

struct totals_sink {
	struct kernel_total *items;
	size_t count, room;
};

static int take_totals(const void *keys, const void *values, uint32_t n, void *context)
{
	const struct ms_stack_key *key = keys;
	const struct ms_stack_totals *value = values;
	struct totals_sink *sink = context;
	uint32_t i;

	if (sink->count + n > sink->room) {
		size_t room = 2 * (sink->count + n);
		void *items = realloc(sink->items, room * sizeof(*sink->items));

		if (!items)
			return -ENOMEM;
		sink->items = items;
		sink->room = room;
	}
	for (i = 0; i < n; i++)
		sink->items[sink->count++] = (struct kernel_total){key[i], value[i]};
	return 0;
}

int kernel_totals(const struct kernel *k, struct kernel_total **out, size_t *count)
{
	struct totals_sink sink = {0};
	int err = read_batches(bpf_map__fd(k->skel->maps.totals), sizeof(struct ms_stack_key),
			       sizeof(struct ms_stack_totals), take_totals, &sink);

	if (err) {
		free(sink.items);
		return err;
	}
	*out = sink.items;
	*count = sink.count;
	return 0;
}

struct pieces_reader {
	int (*fn)(uint64_t name, const struct ms_piece *piece, void *context);
	void *context;
};

static int give_pieces(const void *keys, const void *values, uint32_t n, void *context)
{
	const struct pieces_reader *reader = context;
	const struct ms_piece *pieces = values;
	const uint64_t *names = keys;
	uint32_t i;
	int err = 0;

	for (i = 0; i < n && !err; i++)
		err = reader->fn(names[i], &pieces[i], reader->context);
	return err;
}

int kernel_pieces(const struct kernel *k,
		  int (*fn)(uint64_t name, const struct ms_piece *piece, void *context),
		  void *context)
{
	struct pieces_reader reader = {fn, context};

	return read_batches(bpf_map__fd(k->skel->maps.pieces), sizeof(uint64_t),
			    sizeof(struct ms_piece), give_pieces, &reader);
}

struct forget {
	bool (*dead)(uint32_t image, void *context);
	void *context;
	int fd;
	size_t key_size;
};

/* Both keys begin with the image. */
static int forget_batch(const void *keys, const void *values, uint32_t n, void *context)
{
	struct forget *f = context;
	uint32_t i, image;

	(void)values;
	for (i = 0; i < n; i++) {
		const char *key = (const char *)keys + i * f->key_size;

		memcpy(&image, key, sizeof(image));
		if (f->dead(image, f->context))
			bpf_map_delete_elem(f->fd, key);
	}
	return 0;
}

int kernel_forget(struct kernel *k, bool (*dead)(uint32_t image, void *context), void *context)
{
	struct forget totals = {dead, context, bpf_map__fd(k->skel->maps.totals),
				sizeof(struct ms_stack_key)};
	struct forget blocks = {dead, context, bpf_map__fd(k->skel->maps.blocks),
				sizeof(struct ms_block_key)};
	struct forget images = {dead, context, bpf_map__fd(k->skel->maps.images), sizeof(uint32_t)};
	struct forget pythons = {dead, context, bpf_map__fd(k->skel->maps.pythons),
				 sizeof(uint32_t)};
	struct forget mappings = {dead, context, bpf_map__fd(k->skel->maps.mappings),
				  sizeof(uint32_t)};
	int err = read_batches(totals.fd, totals.key_size, sizeof(struct ms_stack_totals),
			       forget_batch, &totals);

	if (!err)
		err = read_batches(blocks.fd, blocks.key_size, sizeof(struct ms_block),
				   forget_batch, &blocks);
	if (!err)
		err = read_batches(images.fd, images.key_size, sizeof(struct ms_image),
				   forget_batch, &images);
	if (!err)
		err = read_batches(pythons.fd, pythons.key_size, sizeof(struct ms_python),
				   forget_batch, &pythons);
	if (!err)
		err = read_batches(mappings.fd, mappings.key_size, sizeof(struct ms_mappings),
				   forget_batch, &mappings);
	return err;
}

struct codes_reader {
	int (*fn)(const struct ms_code_key *key, uint32_t id, void *context);
	void *context;
};

static int give_codes(const void *keys, const void *values, uint32_t n, void *context)
{
	const struct codes_reader *reader = context;
	const struct ms_code_key *key = keys;
	const uint32_t *ids = values;
	uint32_t i;
	int err = 0;

	for (i = 0; i < n && !err; i++)
		err = reader->fn(&key[i], ids[i], reader->context);
	return err;
}

int kernel_codes(const struct kernel *k,
		 int (*fn)(const struct ms_code_key *key, uint32_t id, void *context),
		 void *context)
{
	struct codes_reader reader = {fn, context};

	return read_batches(bpf_map__fd(k->skel->maps.codes), sizeof(struct ms_code_key),
			    sizeof(uint32_t), give_codes, &reader);
}
