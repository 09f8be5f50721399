/* SPDX-License-Identifier: GPL-2.0 */
/*
 * For each tracepoint there is a type btf_trace_NAME: a pointer to a function with the
 * tracepoint's arguments behind one that is the kernel's own.
 */
#include "slab/arguments.h"

#include <errno.h>
#include <stdio.h>

#include <bpf/btf.h>

#include "slab/contract.h"

/* By position; the first one is the kernel's own. */
enum { ARGUMENT_SITE = 1, ARGUMENT_ADDRESS, ARGUMENT_THIRD };

/* Of kmem_cache_alloc with the cache: site, address, cache, flags, node. */
#define WITH_CACHE_ONLY 6
/* The fewest that there have been: site, address, wanted, taken, flags. */
#define FEWEST 6

static const struct btf_type *function_of(const struct btf *btf, const char *tracepoint)
{
	const struct btf_type *type;
	char name[128];
	int id;

	snprintf(name, sizeof(name), "btf_trace_%s", tracepoint);
	id = btf__find_by_name_kind(btf, name, BTF_KIND_TYPEDEF);
	if (id < 0)
		return NULL;
	type = btf__type_by_id(btf, btf__type_by_id(btf, (__u32)id)->type);
	if (!type || !btf_is_ptr(type))
		return NULL;
	type = btf__type_by_id(btf, type->type);
	return type && btf_is_func_proto(type) ? type : NULL;
}

bool arguments_known(const struct btf *btf, const char *tracepoint)
{
	return function_of(btf, tracepoint);
}

static bool is_pointer(const struct btf *btf, const struct btf_type *function, int position)
{
	int id = btf__resolve_type(btf, btf_params(function)[position].type);
	const struct btf_type *type = id < 0 ? NULL : btf__type_by_id(btf, (__u32)id);

	return type && btf_is_ptr(type);
}

int arguments_of(const struct btf *btf, const char *tracepoint)
{
	const struct btf_type *function = function_of(btf, tracepoint);
	int count;

	if (!function)
		return -ENOENT;
	count = btf_vlen(function);
	if (count < FEWEST || is_pointer(btf, function, ARGUMENT_SITE) ||
	    !is_pointer(btf, function, ARGUMENT_ADDRESS))
		return -EPROTO;
	if (!is_pointer(btf, function, ARGUMENT_THIRD))
		return SLAB_ARGS_SIZES;
	return count == WITH_CACHE_ONLY ? SLAB_ARGS_CACHE : SLAB_ARGS_CACHE_SIZES;
}
