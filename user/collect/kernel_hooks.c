/* SPDX-License-Identifier: GPL-2.0 */
/* The programs that are attached to the kernel itself: a row for each, by layer. */
#include <errno.h>

#include <bpf/libbpf.h>

#include "collect/kernel_inside.h"

static const struct hook_program {
	const char *name;
	enum ms_layer layer;
} programs[] = {
    {"vm_enter_tracepoint", MS_LAYER_VM},    {"vm_exit_tracepoint", MS_LAYER_VM},
    {"fault_user_tracepoint", MS_LAYER_RSS}, {"fault_kernel_tracepoint", MS_LAYER_RSS},
    {"rss_changed", MS_LAYER_RSS},
};

#define PROGRAMS (sizeof(programs) / sizeof(programs[0]))

static struct bpf_program *find(const struct kernel *k, size_t i)
{
	return bpf_object__find_program_by_name(k->skel->obj, programs[i].name);
}

void hooks_choose(struct kernel *k, const struct kernel_options *options)
{
	size_t i;

	for (i = 0; i < PROGRAMS; i++)
		bpf_program__set_autoload(find(k, i), options->layers[programs[i].layer]);
}

int hooks_attach(struct kernel *k)
{
	size_t i;

	for (i = 0; i < PROGRAMS; i++) {
		struct bpf_program *program = find(k, i);

		if (!bpf_program__autoload(program))
			continue;
		k->hooks[k->hook_count] = bpf_program__attach(program);
		if (!k->hooks[k->hook_count])
			return -errno;
		k->hook_count++;
	}
	return 0;
}

void hooks_detach(struct kernel *k)
{
	while (k->hook_count)
		bpf_link__destroy(k->hooks[--k->hook_count]);
}
