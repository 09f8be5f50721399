/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Fills the reserves of the kernel's tables.  An entry is taken from a reserve of the
 * CPU, four at first, and one that runs low is filled by an interrupt (bpf_mem_alloc,
 * 6.1): too late in a page fault, which comes with interrupts off, and whose stack
 * may need seventeen pieces at once.  The first entry taken fills it to dozens.
 */
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "collect/kernel_inside.h"

static void touch_table(const struct bpf_map *map)
{
	size_t key_size = bpf_map__key_size(map);
	char *bytes = calloc(1, key_size + bpf_map__value_size(map));
	int fd = bpf_map__fd(map);

	if (!bytes)
		return;
	memset(bytes, 0xff, key_size); /* nothing that there is has this key */
	if (!bpf_map_update_elem(fd, bytes, bytes + key_size, BPF_NOEXIST))
		bpf_map_delete_elem(fd, bytes);
	free(bytes);
}

/* Where it cannot run on a CPU, what is short there is counted as always. */
void kernel_prime(const struct kernel *k)
{
	const struct bpf_map *maps[] = {k->skel->maps.pieces, k->skel->maps.totals,
					k->skel->maps.touches};
	long cpu, count = sysconf(_SC_NPROCESSORS_CONF);
	size_t size = CPU_ALLOC_SIZE(count), i;
	cpu_set_t *before = CPU_ALLOC(count), *one = CPU_ALLOC(count);

	if (!before || !one || sched_getaffinity(0, size, before))
		goto out;
	for (cpu = 0; cpu < count; cpu++) {
		CPU_ZERO_S(size, one);
		CPU_SET_S(cpu, size, one);
		if (sched_setaffinity(0, size, one))
			continue;
		for (i = 0; i < sizeof(maps) / sizeof(maps[0]); i++)
			touch_table(maps[i]);
	}
	sched_setaffinity(0, size, before);
out:
	CPU_FREE(before);
	CPU_FREE(one);
}
