/* SPDX-License-Identifier: GPL-2.0 */
/* Loads the BPF object of --slab and gives its maps a plain C face. */
#include "slab/slab.h"

#include <errno.h>
#include <inttypes.h>
#include <linux/membarrier.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>

#include "base/log.h"
#include "collect/kernel.h"
#include "probe/preempt.h"
#include "slab.skel.h"
#include "slab/arguments.h"

#define COPIES 4 /* of each program, one behind the other */
#define COPIES_AT_FIRST 2
/* Another one is attached if more than this part of the events is missed. */
#define NESTED_PART 1000

struct slab {
	struct slab_bpf *skel;
	int copies;              /* that are attached */
	uint64_t misses_before;  /* while nothing was counted yet */
	uint64_t events, nested; /* when it was last looked whether the copies are enough */
	bool sees_bulk;
};

/* ---- programs ------------------------------------------------------------- */

/* Which of the programs at one place, from 1 on: the last digit of its name. */
static int copy_of(const struct bpf_program *program)
{
	const char *name = bpf_program__name(program);

	return name[strlen(name) - 1] - '0';
}

static bool is_at_tracepoint(const struct bpf_program *program)
{
	return bpf_program__type(program) == BPF_PROG_TYPE_RAW_TRACEPOINT;
}

/* Of "raw_tp/kmalloc". */
static const char *tracepoint_of(const struct bpf_program *program)
{
	return strchr(bpf_program__section_name(program), '/') + 1;
}

/* Those for tracepoints that this kernel has no more are left out. */
static int choose_programs(struct slab_bpf *skel, const struct btf *btf)
{
	struct bpf_program *program;

	bpf_object__for_each_program(program, skel->obj)
	{
		const char *tracepoint = tracepoint_of(program);
		const char *end = tracepoint + strlen(tracepoint);

		if (!is_at_tracepoint(program) || arguments_known(btf, tracepoint))
			continue;
		if (end - tracepoint < 5 || strcmp(end - 5, "_node"))
			return log_error(-ENOENT,
					 "--slab: this kernel has no tracepoint kmem:%s (it needs "
					 "CONFIG_TRACEPOINTS and CONFIG_DEBUG_INFO_BTF)",
					 tracepoint);
		bpf_program__set_autoload(program, false);
	}
	return 0;
}

/*
 * Functions that hand objects out and take them back in bulk, by the names that they have
 * had.  One that this kernel has not got is nothing to miss.
 */
static const struct bulk_row {
	const char *program; /* without its number */
	const char *functions[2];
} bulk_rows[] = {
    {"bulk_free_", {"kmem_cache_free_bulk"}},
    {"bulk_alloc_", {"kmem_cache_alloc_bulk_noprof", "kmem_cache_alloc_bulk"}},
    {"rcu_sheaf_", {"__kfree_rcu_sheaf"}},
};

#define BULK_ROWS (sizeof(bulk_rows) / sizeof(bulk_rows[0]))

/* Whether a function of the kernel can be traced here: found out by a program that does nothing. */
static bool can_trace(const struct btf *btf, const char *function)
{
	const struct bpf_insn nothing[] = {
	    {.code = BPF_ALU64 | BPF_MOV | BPF_K}, /* r0 = 0 */
	    {.code = BPF_JMP | BPF_EXIT},
	};
	LIBBPF_OPTS(bpf_prog_load_opts, options, .expected_attach_type = BPF_TRACE_FENTRY);
	int program, link, id = btf__find_by_name_kind(btf, function, BTF_KIND_FUNC);

	if (id < 0)
		return false;
	options.attach_btf_id = (uint32_t)id;
	program = bpf_prog_load(BPF_PROG_TYPE_TRACING, "memsnoop_try", "GPL", nothing,
				sizeof(nothing) / sizeof(nothing[0]), &options);
	if (program < 0)
		return false;
	link = bpf_raw_tracepoint_open(NULL, program);
	if (link >= 0)
		close(link);
	close(program);
	return link >= 0;
}

/* The name that this kernel has for the row's function, NULL: it has none. */
static const char *bulk_function(const struct bulk_row *row, const struct btf *btf)
{
	size_t i;

	for (i = 0; i < sizeof(row->functions) / sizeof(row->functions[0]); i++)
		if (row->functions[i] &&
		    btf__find_by_name_kind(btf, row->functions[i], BTF_KIND_FUNC) >= 0)
			return row->functions[i];
	return NULL;
}

static bool choose_bulk(struct slab_bpf *skel, const struct btf *btf)
{
	bool can = can_trace(btf, bulk_rows[0].functions[0]);
	struct bpf_program *program;
	const char *function;
	size_t i;

	bpf_object__for_each_program(program, skel->obj) for (i = 0; i < BULK_ROWS && can; i++)
	{
		const char *prefix = bulk_rows[i].program;

		function = bulk_function(&bulk_rows[i], btf);
		if (!function || strncmp(bpf_program__name(program), prefix, strlen(prefix)))
			continue;
		if (!bpf_program__set_attach_target(program, 0, function))
			bpf_program__set_autoload(program, true);
	}
	log_verbose("slab: objects in bulk: %s",
		    can ? "seen" : "not seen, this kernel's functions cannot be traced");
	return can;
}

static int choose_arguments(struct slab_bpf *skel, const struct btf *btf)
{
	int kmalloc = arguments_of(btf, "kmalloc"), cache = arguments_of(btf, "kmem_cache_alloc");

	/* kmalloc has never told a cache and no sizes. */
	if (kmalloc < 0 || kmalloc == SLAB_ARGS_CACHE || cache < 0)
		return log_error(-EPROTO, "--slab: this kernel's allocation tracepoints have "
					  "arguments that memsnoop does not know");
	skel->rodata->kmalloc_arguments = (uint32_t)kmalloc;
	skel->rodata->cache_arguments = (uint32_t)cache;
	skel->rodata->page_shift = (uint32_t)__builtin_ctzl((unsigned long)sysconf(_SC_PAGESIZE));
	return 0;
}

static int attach_copy(struct slab_bpf *skel, int copy, bool at_tracepoints)
{
	struct bpf_object_skeleton *all = skel->skeleton;
	int i;

	for (i = 0; i < all->prog_cnt; i++) {
		struct bpf_program *program = *all->progs[i].prog;

		if (!bpf_program__autoload(program) || copy_of(program) != copy ||
		    is_at_tracepoint(program) != at_tracepoints)
			continue;
		*all->progs[i].link = bpf_program__attach(program);
		if (!*all->progs[i].link)
			return -errno;
	}
	return 0;
}

/*
 * The first program of a place must be the first one to run.  A tracepoint runs them in
 * the order in which they were attached; a function runs the last one first.
 */
static int attach(struct slab *s)
{
	int copy, err = 0;

	for (copy = COPIES; copy > 0 && !err; copy--)
		err = attach_copy(s->skel, copy, false);
	for (s->copies = 0; s->copies < COPIES_AT_FIRST && !err; s->copies++)
		err = attach_copy(s->skel, s->copies + 1, true);
	return err;
}

/* Runs of a first program that the kernel left out because its CPU was in the middle of one. */
static uint64_t misses(const struct slab *s)
{
	struct bpf_program *program;
	uint64_t sum = 0;

	bpf_object__for_each_program(program, s->skel->obj)
	{
		if (bpf_program__autoload(program) && copy_of(program) == 1)
			sum += preempt_passed_over(program);
	}
	return sum;
}

/* ---- maps ----------------------------------------------------------------- */

/* Preallocated: in the middle of an allocation nothing may be allocated. */
static void size_maps(struct slab_bpf *skel, const struct slab_limits *limits)
{
	const struct {
		struct bpf_map *map;
		size_t entries;
	} maps[] = {
	    {skel->maps.images, 1},
	    {skel->maps.blocks, limits->blocks},
	    {skel->maps.pieces, limits->stacks},
	    {skel->maps.totals, limits->stacks + SLAB_LAYER_NR},
	};
	size_t i;

	for (i = 0; i < sizeof(maps) / sizeof(maps[0]); i++) {
		bpf_map__set_map_flags(maps[i].map, 0);
		bpf_map__set_max_entries(maps[i].map, (uint32_t)maps[i].entries);
	}
}

/* The kernel's image, and in each layer the entry for what has no stack. */
static int make_image(struct slab_bpf *skel)
{
	static const struct ms_image image_zero;
	static const struct ms_stack_totals totals_zero;
	struct ms_stack_key key = {.id = SLAB_IMAGE, .hash = MS_STACK_OTHER};
	int err =
	    bpf_map_update_elem(bpf_map__fd(skel->maps.images), &key.id, &image_zero, BPF_NOEXIST);

	for (key.layer = 0; !err && key.layer < SLAB_LAYER_NR; key.layer++)
		err = bpf_map_update_elem(bpf_map__fd(skel->maps.totals), &key, &totals_zero,
					  BPF_NOEXIST);
	return err;
}

/* ---- the whole -------------------------------------------------------------- */

static int prepare(struct slab *s, const struct slab_limits *limits)
{
	struct btf *btf = btf__load_vmlinux_btf();
	struct slab_bpf *skel = s->skel;
	int err;

	if (!btf)
		return log_error(-errno, "--slab: cannot read this kernel's BTF: %s",
				 strerror(errno));
	err = choose_programs(skel, btf);
	if (!err)
		err = choose_arguments(skel, btf);
	if (!err)
		s->sees_bulk = choose_bulk(skel, btf);
	btf__free(btf);
	if (err)
		return err;
	size_maps(skel, limits);
	skel->bss->stopped = 1; /* until all are attached */
	return 0;
}

int slab_open(const struct slab_limits *limits, struct slab **out)
{
	struct slab *s = calloc(1, sizeof(*s));
	int err;

	if (!s)
		return log_error(-ENOMEM, "out of memory");
	kernel_log_libbpf();
	s->skel = slab_bpf__open();
	if (!s->skel) {
		err = log_error(-errno, "--slab: cannot open its programs: %s", strerror(errno));
		goto fail;
	}
	err = prepare(s, limits);
	if (err)
		goto fail;
	err = slab_bpf__load(s->skel);
	if (!err)
		err = make_image(s->skel);
	if (err) {
		log_error(err, "--slab: cannot load its programs and tables: %s%s", strerror(-err),
			  err == -ENOMEM ? " (--max-blocks makes them smaller)" : "");
		goto fail;
	}
	err = attach(s);
	if (err) {
		log_error(err, "--slab: cannot attach to the kernel's allocations: %s",
			  strerror(-err));
		goto fail;
	}
	s->misses_before = misses(s);
	__atomic_store_n(&s->skel->bss->stopped, 0, __ATOMIC_SEQ_CST);
	*out = s;
	return 0;
fail:
	slab_close(s);
	return err;
}

static uint64_t taken_again(const struct slab *s)
{
	return __atomic_load_n(&s->skel->bss->taken_again, __ATOMIC_RELAXED);
}

void slab_stop(struct slab *s)
{
	__atomic_store_n(&s->skel->bss->stopped, 1, __ATOMIC_SEQ_CST);
	/* The programs run in RCU's read-side sections; this waits for all of them. */
	if (syscall(SYS_membarrier, MEMBARRIER_CMD_GLOBAL, 0, 0))
		log_verbose("slab: cannot wait for other CPUs: %s", strerror(errno));
	log_verbose("slab: %" PRIu64 " events came in the middle of another, %" PRIu64
		    " of them were seen by a second program; there are %d at each place",
		    misses(s) - s->misses_before, taken_again(s), s->copies);
}

void slab_close(struct slab *s)
{
	if (!s)
		return;
	slab_bpf__destroy(s->skel);
	free(s);
}

bool slab_sees_bulk(const struct slab *s)
{
	return s->sees_bulk;
}

void slab_keep_up(struct slab *s)
{
	struct ms_totals layers[SLAB_LAYER_NR];
	uint64_t events = 0, nested = slab_loss(s, MS_LOSS_nested);
	int i, err;

	if (s->copies == COPIES || slab_layers(s, layers))
		return;
	for (i = 0; i < SLAB_LAYER_NR; i++)
		events += layers[i].allocs + layers[i].frees + layers[i].unknown_frees;
	if (nested - s->nested > (events - s->events) / NESTED_PART) {
		err = attach_copy(s->skel, s->copies + 1, true);
		s->copies = err ? COPIES : s->copies + 1;
	}
	s->nested = nested;
	s->events = events;
}

int slab_layers(const struct slab *s, struct ms_totals out[SLAB_LAYER_NR])
{
	uint32_t id = SLAB_IMAGE;
	struct ms_image image;
	int err = bpf_map_lookup_elem(bpf_map__fd(s->skel->maps.images), &id, &image);

	if (!err)
		memcpy(out, image.layer, SLAB_LAYER_NR * sizeof(*out));
	return err;
}

int slab_totals(const struct slab *s, struct kernel_total **out, size_t *count)
{
	return totals_read(bpf_map__fd(s->skel->maps.totals), out, count);
}

int slab_pieces(const struct slab *s)
{
	return bpf_map__fd(s->skel->maps.pieces);
}

int slab_cache(const struct slab *s, uint32_t number, struct slab_cache *out)
{
	int err = bpf_map_lookup_elem(bpf_map__fd(s->skel->maps.caches), &number, out);

	return err ? err : *out->name ? 0 : -ENOENT;
}

uint64_t slab_loss(const struct slab *s, enum ms_loss which)
{
	uint64_t missed;

	if (which != MS_LOSS_nested)
		return __atomic_load_n(&s->skel->bss->losses[which], __ATOMIC_RELAXED);
	missed = misses(s) - s->misses_before;
	return missed > taken_again(s) ? missed - taken_again(s) : 0;
}
