/* SPDX-License-Identifier: GPL-2.0 */
/* The arguments of the allocation tracepoints of each kernel, from BTF made up here. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <bpf/btf.h>

#include "slab/arguments.h"
#include "slab/contract.h"

struct types {
	struct btf *btf;
	int number, pointer, alias; /* ids: unsigned long, void *, a typedef of it */
};

static struct types types_new(void)
{
	struct types t = {.btf = btf__new_empty()};

	assert_non_null(t.btf);
	t.number = btf__add_int(t.btf, "unsigned long", 8, 0);
	t.pointer = btf__add_ptr(t.btf, 0);
	t.alias = btf__add_typedef(t.btf, "handle_t", t.pointer);
	assert_true(t.number > 0 && t.pointer > 0 && t.alias > 0);
	return t;
}

/* A tracepoint; its arguments are told by letters: n a number, p a pointer, a the alias. */
static void add_tracepoint(const struct types *t, const char *name, const char *arguments)
{
	char typedef_name[64];
	int function = btf__add_func_proto(t->btf, 0), pointer;

	assert_true(function > 0);
	assert_int_equal(btf__add_func_param(t->btf, "", t->pointer), 0); /* __data */
	for (; *arguments; arguments++)
		assert_int_equal(btf__add_func_param(t->btf, "",
						     *arguments == 'n'   ? t->number
						     : *arguments == 'a' ? t->alias
									 : t->pointer),
				 0);
	pointer = btf__add_ptr(t->btf, function);
	snprintf(typedef_name, sizeof(typedef_name), "btf_trace_%s", name);
	assert_true(btf__add_typedef(t->btf, typedef_name, pointer) > 0);
}

static void each_kernels_arguments(void **state)
{
	static const struct {
		const char *name, *arguments;
		int expected;
	} cases[] = {
	    /* up to 5.19: site, address, wanted, taken, flags (, node) */
	    {"kmalloc", "npnnn", SLAB_ARGS_SIZES},
	    {"kmalloc_node", "npnnnn", SLAB_ARGS_SIZES},
	    {"kmem_cache_alloc", "npnnn", SLAB_ARGS_SIZES},
	    /* 6.0: with the cache before the sizes */
	    {"kmalloc", "nppnnn", SLAB_ARGS_CACHE_SIZES},
	    {"kmem_cache_alloc", "nppnnn", SLAB_ARGS_CACHE_SIZES},
	    {"kmem_cache_alloc_node", "nppnnnn", SLAB_ARGS_CACHE_SIZES},
	    /* since 6.1: sizes, flags and node; the cache, flags and node */
	    {"kmalloc", "npnnnn", SLAB_ARGS_SIZES},
	    {"kmem_cache_alloc", "nppnn", SLAB_ARGS_CACHE},
	    /* a typedef of a pointer is one */
	    {"kmem_cache_alloc", "npann", SLAB_ARGS_CACHE},
	    /* what there has never been */
	    {"kmalloc", "npnn", -EPROTO},
	    {"kmalloc", "ppnnnn", -EPROTO},
	    {"kmalloc", "nnnnnn", -EPROTO},
	    {"kmalloc", "", -EPROTO},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct types t = types_new();

		add_tracepoint(&t, cases[i].name, cases[i].arguments);
		if (arguments_of(t.btf, cases[i].name) != cases[i].expected)
			fail_msg("%s(%s): %d", cases[i].name, cases[i].arguments,
				 arguments_of(t.btf, cases[i].name));
		assert_true(arguments_known(t.btf, cases[i].name));
		assert_false(arguments_known(t.btf, "other"));
		assert_int_equal(arguments_of(t.btf, "other"), -ENOENT);
		btf__free(t.btf);
	}
}

static void other_types_of_the_name(void **state)
{
	struct types t = types_new();

	(void)state;
	btf__add_typedef(t.btf, "btf_trace_number", t.number);
	btf__add_typedef(t.btf, "btf_trace_pointer", t.pointer);
	assert_false(arguments_known(t.btf, "number"));
	assert_false(arguments_known(t.btf, "pointer"));
	btf__free(t.btf);
}

/* Whatever this kernel is, its tracepoints are known. */
static void this_kernel(void **state)
{
	struct btf *btf = btf__load_vmlinux_btf();

	(void)state;
	if (!btf)
		skip();
	assert_true(arguments_of(btf, "kmalloc") >= 0);
	assert_true(arguments_of(btf, "kmem_cache_alloc") >= 0);
	assert_true(arguments_known(btf, "mm_page_free"));
	btf__free(btf);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(each_kernels_arguments),
	    cmocka_unit_test(other_types_of_the_name),
	    cmocka_unit_test(this_kernel),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
