/* SPDX-License-Identifier: GPL-2.0 */
/* Why the programs cannot be loaded, where the kernel's age explains it. */
#include <stdio.h>

#include <bpf/libbpf.h>

#include "collect/kernel.h"

/* The newest that no version of the programs can do without; see maps.bpf.h for the rest. */
static const struct {
	enum bpf_func_id helper;
	const char *name;
} needed[] = {
    {BPF_FUNC_ringbuf_reserve, "BPF ring buffers (Linux 5.8)"},
    {BPF_FUNC_get_attach_cookie, "BPF cookies (Linux 5.15)"},
    {BPF_FUNC_loop, "bpf_loop (Linux 5.17)"},
};

bool kernel_lacks(char *text, size_t size)
{
	size_t i, used = 0;

	text[0] = '\0';
	for (i = 0; i < sizeof(needed) / sizeof(needed[0]); i++)
		if (libbpf_probe_bpf_helper(BPF_PROG_TYPE_KPROBE, needed[i].helper, NULL) == 0 &&
		    used < size)
			used += snprintf(text + used, size - used, "%s%s", used ? ", " : "",
					 needed[i].name);
	return used > 0;
}
