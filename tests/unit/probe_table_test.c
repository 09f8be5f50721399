/* SPDX-License-Identifier: GPL-2.0 */
/* The probe table: its built-in rows, its patterns, and --probe. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "gpu.h"
#include "probe/table.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static const struct probe_row *find(const struct probe_table *table, const char *symbol)
{
	for (size_t i = 0; i < table->count; i++)
		if (strcmp(table->rows[i].symbol, symbol) == 0)
			return &table->rows[i];
	fail_msg("no row for %s", symbol);
	return NULL;
}

static int setup(void **state)
{
	struct probe_table *table = malloc(sizeof(*table));

	assert_non_null(table);
	assert_int_equal(probe_table_init(table), 0);
	*state = table;
	return 0;
}

static int teardown(void **state)
{
	probe_table_free(*state);
	free(*state);
	return 0;
}

#define S(k, l, size, size2, ptr, out, old, zero, frees, may_throw)                                \
	{                                                                                          \
		.kind = k, .layer = l, .size_arg = size, .size_arg2 = size2, .ptr_arg = ptr,       \
		.ptr_out = out, .old_arg = old, .zero_is_ok = zero, .null_frees = frees,           \
		.throws = may_throw                                                                \
	}

/* kind, layer, size, size2, ptr, out, old, zero, null frees: as the functions' manuals have it. */
static const struct {
	const char *symbol;
	struct ms_row spec;
	bool needs_malloc;
	unsigned args;
} known[] = {
    {"malloc", S(MS_KIND_ALLOC, 0, 1, 0, 0, 0, 0, 0, 0, 0), false, 0x1},
    {"calloc", S(MS_KIND_ALLOC, 0, 1, 2, 0, 0, 0, 0, 0, 0), false, 0x3},
    {"realloc", S(MS_KIND_REALLOC, 0, 2, 0, 0, 0, 1, 0, 0, 0), false, 0x3},
    {"reallocarray", S(MS_KIND_REALLOC, 0, 2, 3, 0, 0, 1, 0, 0, 0), true, 0x7},
    {"reallocf", S(MS_KIND_REALLOC, 0, 2, 0, 0, 0, 1, 0, 1, 0), false, 0x3},
    {"mi_heap_reallocf", S(MS_KIND_REALLOC, 0, 3, 0, 0, 0, 2, 0, 1, 0), false, 0x6},
    {"free", S(MS_KIND_FREE, 0, 0, 0, 1, 0, 0, 0, 0, 0), false, 0x1},
    {"cfree", S(MS_KIND_FREE, 0, 0, 0, 1, 0, 0, 0, 0, 0), false, 0x1},
    {"free_sized", S(MS_KIND_FREE, 0, 0, 0, 1, 0, 0, 0, 0, 0), false, 0x1},
    {"posix_memalign", S(MS_KIND_ALLOC, 0, 3, 0, 1, 1, 0, 1, 0, 0), false, 0x5},
    {"aligned_alloc", S(MS_KIND_ALLOC, 0, 2, 0, 0, 0, 0, 0, 0, 0), false, 0x2},
    {"memalign", S(MS_KIND_ALLOC, 0, 2, 0, 0, 0, 0, 0, 0, 0), false, 0x2},
    {"valloc", S(MS_KIND_ALLOC, 0, 1, 0, 0, 0, 0, 0, 0, 0), false, 0x1},
    {"pvalloc", S(MS_KIND_ALLOC, 0, 1, 0, 0, 0, 0, 0, 0, 0), false, 0x1},
    {"mallocx", S(MS_KIND_ALLOC, 0, 1, 0, 0, 0, 0, 0, 0, 0), false, 0x1},
    {"rallocx", S(MS_KIND_REALLOC, 0, 2, 0, 0, 0, 1, 0, 0, 0), false, 0x3},
    {"sdallocx", S(MS_KIND_FREE, 0, 0, 0, 1, 0, 0, 0, 0, 0), false, 0x1},
    {"je_posix_memalign", S(MS_KIND_ALLOC, 0, 3, 0, 1, 1, 0, 1, 0, 0), false, 0x5},
    {"_rjem_calloc", S(MS_KIND_ALLOC, 0, 1, 2, 0, 0, 0, 0, 0, 0), false, 0x3},
    {"tc_memalign", S(MS_KIND_ALLOC, 0, 2, 0, 0, 0, 0, 0, 0, 0), false, 0x2},
    {"tc_new_aligned", S(MS_KIND_ALLOC, 0, 1, 0, 0, 0, 0, 0, 0, 1), false, 0x1},
    {"tc_delete_sized", S(MS_KIND_FREE, 0, 0, 0, 1, 0, 0, 0, 0, 0), false, 0x1},
    {"mi_mallocn", S(MS_KIND_ALLOC, 0, 1, 2, 0, 0, 0, 0, 0, 0), false, 0x3},
    {"mi_recalloc", S(MS_KIND_REALLOC, 0, 2, 3, 0, 0, 1, 0, 0, 0), false, 0x7},
    {"mi_aligned_alloc", S(MS_KIND_ALLOC, 0, 2, 0, 0, 0, 0, 0, 0, 0), false, 0x2},
    {"mi_malloc_aligned", S(MS_KIND_ALLOC, 0, 1, 0, 0, 0, 0, 0, 0, 0), false, 0x1},
    {"mi_heap_reallocn", S(MS_KIND_REALLOC, 0, 3, 4, 0, 0, 2, 0, 0, 0), false, 0xe},
    {"_Znwm", S(MS_KIND_ALLOC, 0, 1, 0, 0, 0, 0, 0, 0, 1), true, 0x1},
    {"_ZnamSt11align_val_tRKSt9nothrow_t", S(MS_KIND_ALLOC, 0, 1, 0, 0, 0, 0, 0, 0, 0), true, 0x1},
    {"_ZdlPvmSt11align_val_t", S(MS_KIND_FREE, 0, 0, 0, 1, 0, 0, 0, 0, 0), true, 0x1},
    {"_dl_debug_state", S(MS_KIND_MARKER, 0, 0, 0, 0, 0, 0, 0, 0, 0), false, 0x0},
};

static void test_known_rows(void **state)
{
	for (size_t i = 0; i < COUNT(known); i++) {
		const struct probe_row *row = find(*state, known[i].symbol);
		bool returns =
		    known[i].spec.kind == MS_KIND_ALLOC || known[i].spec.kind == MS_KIND_REALLOC;

		assert_memory_equal(&row->spec, &known[i].spec, sizeof(row->spec));
		assert_int_equal(row->needs_malloc, known[i].needs_malloc);
		assert_int_equal(probe_row_args(row), known[i].args);
		assert_int_equal(probe_row_returns(row), returns);
		assert_false(row->from_user);
		assert_null(row->library);
	}
}

/* What must hold for every row of the heap layer, whichever there are. */
static void check_heap_row(const struct probe_row *row)
{
	assert_int_equal(row->spec.kind == MS_KIND_REALLOC, row->spec.old_arg != 0);
	assert_int_equal(probe_row_returns(row), row->spec.size_arg != 0);
	if (row->spec.kind == MS_KIND_FREE)
		assert_int_equal(row->spec.ptr_arg, 1);
	if (strncmp(row->symbol, "_Z", 2) == 0)
		assert_true(row->needs_malloc);
	assert_int_equal(row->mark, MARK_NONE);
	assert_false(row->spec.at_entry);
}

/* Of the tensor layer: what the kernel side reads of a row is there. */
static void check_tensor_row(const struct probe_row *row)
{
	const struct ms_row *spec = &row->spec;

	switch (spec->kind) {
	case MS_KIND_ALLOC:
		assert_true(spec->size_arg);
		assert_int_equal(spec->at_entry, spec->ptr_arg && !spec->ptr_out);
		break;
	case MS_KIND_REPORT:
		assert_true(spec->ptr_arg && spec->size_arg && spec->total_arg && spec->device_arg);
		break;
	case MS_KIND_SHAPE:
		assert_true(spec->dims_arg && spec->dtype_arg);
		break;
	case MS_KIND_UPDATE:
		/* Lists after the first are read from the seventh argument on. */
		assert_true(spec->lists < 2 ? spec->ptr_arg >= 1 && spec->ptr_arg <= 5
					    : spec->ptr_arg == 5);
		assert_true(spec->lists <= MS_LISTS_MAX);
		assert_int_equal(probe_row_group(row), GROUP_STATES);
		break;
	case MS_KIND_FREE:
	case MS_KIND_PARAMETER:
	case MS_KIND_USAGE:
		assert_true(spec->ptr_arg);
		break;
	case MS_KIND_RANGE:
		assert_int_not_equal(row->mark, MARK_NONE);
		break;
	case MS_KIND_PUSH:
	case MS_KIND_POP:
		/* Where it is called from is only learned of what has an object. */
		assert_int_equal(probe_row_group(row), spec->ptr_arg ? GROUP_RANGES : GROUP_STEADY);
		assert_int_equal(probe_row_reads_stack(row), spec->ptr_arg != 0);
		break;
	}
}

/* Of the gpu layer: what its call needs is read. */
static void check_gpu_row(const struct probe_row *row)
{
	const struct ms_row *spec = &row->spec;

	assert_true(probe_row_returns(row)); /* a free counts when it has ended well */
	assert_true(spec->ptr_arg <= 8 && spec->size_arg <= 8 && row->gpu.of_arg <= 6);
	assert_true(spec->desc_nr <= MS_GPU_WORDS);
	assert_int_equal(spec->desc_arg != 0, spec->desc_nr != 0);
	assert_false(spec->ptr_out && !spec->ptr_arg);
	assert_false(spec->size_out && !spec->size_arg);
	assert_false(spec->kind == MS_KIND_FREE && spec->ptr_out);
	assert_false(spec->throws || spec->at_entry);
	switch (row->gpu.size) {
	case GPU_SIZE_ARGUMENT:
	case GPU_SIZE_CL_PIPE:
		assert_false(spec->size_out && row->gpu.what == GPU_BLOCK);
		break;
	case GPU_SIZE_VALUE:
	case GPU_SIZE_CL_IMAGE_2D:
	case GPU_SIZE_CL_IMAGE_3D:
		assert_true(spec->size_out);
		break;
	case GPU_SIZE_CL_IMAGE:
		assert_true(spec->size_out && spec->desc_nr == 9);
		break;
	default:
		assert_true(spec->desc_nr);
		break;
	}
	if (row->gpu.located)
		assert_true(spec->desc_nr);
	if (row->gpu.what == GPU_MAP || row->gpu.what == GPU_PART || row->gpu.what == GPU_HANDLE)
		assert_true(row->gpu.of_arg && row->gpu.of_space);
}

/* Each space of the gpu layer whose blocks are made has a function that ends them. */
static void test_gpu_spaces(void **state)
{
	const struct probe_table *table = *state;
	unsigned made = 0, freed = 0;

	for (size_t i = 0; i < table->count; i++) {
		const struct probe_row *row = &table->rows[i];

		if (row->spec.layer != MS_LAYER_GPU || row->gpu.what >= GPU_POOL)
			continue;
		if (row->spec.kind == MS_KIND_FREE)
			freed |= 1u << row->gpu.space;
		else
			made |= 1u << row->gpu.space;
	}
	assert_int_equal(made, freed);
	assert_true(made);
}

/* What must hold for every row, whichever there are. */
static void test_every_row(void **state)
{
	const struct probe_table *table = *state;

	assert_true(table->count > 0 && table->count <= MS_ROWS_MAX);
	for (size_t i = 0; i < table->count; i++) {
		const struct probe_row *row = &table->rows[i];

		for (size_t k = 0; k < i; k++)
			assert_string_not_equal(row->symbol, table->rows[k].symbol);
		assert_true(row->symbol[0] != '\0');
		assert_int_equal(probe_row_args(row) & ~0x3fu, 0);
		if (row->spec.layer != MS_LAYER_GPU)
			assert_int_equal(row->spec.ptr_out, row->spec.zero_is_ok);
		/* A file with only an operator new is no allocator: libstdc++. */
		assert_false(row->is_malloc && row->needs_malloc);
		if (row->spec.layer == MS_LAYER_HEAP)
			check_heap_row(row);
		else if (row->spec.layer == MS_LAYER_TENSOR)
			check_tensor_row(row);
		else if (row->spec.layer == MS_LAYER_GPU)
			check_gpu_row(row);
	}
	assert_true(find(table, "malloc")->is_malloc);
	assert_true(find(table, "je_malloc")->is_malloc);
	assert_true(find(table, "tc_malloc")->is_malloc);
	assert_true(find(table, "mi_malloc")->is_malloc);
}

/* Rows of a layer that is not traced are left out; what serves all layers stays. */
static void test_layers(void **state)
{
	struct probe_table *table = *state;
	bool layers[MS_LAYER_NR] = {[MS_LAYER_TENSOR] = true};

	probe_table_keep(table, layers);
	for (size_t i = 0; i < table->count; i++)
		assert_true(table->rows[i].spec.layer == MS_LAYER_TENSOR ||
			    table->rows[i].spec.kind == MS_KIND_MARKER ||
			    table->rows[i].spec.kind == MS_KIND_UNWIND);
	find(table, "_dl_debug_state");
	find(table, "ggml_backend_buffer_free");
	layers[MS_LAYER_TENSOR] = false;
	probe_table_keep(table, layers);
	for (size_t i = 0; i < table->count; i++)
		assert_int_not_equal(table->rows[i].spec.layer, MS_LAYER_TENSOR);
}

static void test_matches(void **state)
{
	static const struct {
		const char *library, *path;
		bool matches;
	} cases[] = {
	    {NULL, "/lib/libc.so.6", true},
	    {NULL, NULL, true},
	    {"*", "/anything", true},
	    {"libc.so.6", "/lib/x86_64-linux-gnu/libc.so.6", true},
	    {"libc.so.6", "libc.so.6", true},
	    {"libc.so", "/lib/libc.so.6", false},
	    {"libc.so*", "/lib/libc.so.6", true},
	    {"libc", "/libc/other", false},
	    {"lib[ab].so", "/x/liba.so", true},
	    {"lib[ab].so", "/x/libc.so", false},
	    {"/opt/*/liba.so", "/opt/x/liba.so", true},
	    {"/opt/*/liba.so", "/usr/x/liba.so", false},
	    {"liba.so", "/x/liba.so (deleted)", true},
	    {"/x/liba.so", "/x/liba.so (deleted)", true},
	    {"memfd:*", "/memfd:jit (deleted)", true},
	    {"liba.so", NULL, false},
	    {"liba.so", "", false},
	};
	char longpath[8192];

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct probe_row row = {.library = cases[i].library, .symbol = "f"};

		if (probe_row_matches(&row, cases[i].path) != cases[i].matches)
			fail_msg("'%s' against '%s'", cases[i].library, cases[i].path);
	}
	memset(longpath, 'a', sizeof(longpath));
	longpath[sizeof(longpath) - 1] = '\0';
	assert_false(probe_row_matches(&(struct probe_row){.library = "*"}, longpath));
}

static const struct {
	const char *text, *library, *symbol;
	struct ms_row spec;
} good[] = {
    {"liba.so:f kind=alloc size=arg1", "liba.so", "f", S(MS_KIND_ALLOC, 0, 1, 0, 0, 0, 0, 0, 0, 0)},
    {"*:f kind=alloc size=arg1 ptr=ret", "*", "f", S(MS_KIND_ALLOC, 0, 1, 0, 0, 0, 0, 0, 0, 0)},
    {"*:f,kind=alloc,size=arg6", "*", "f", S(MS_KIND_ALLOC, 0, 6, 0, 0, 0, 0, 0, 0, 0)},
    {"  *:f ,\t kind=alloc \n size=arg3 , ", "*", "f", S(MS_KIND_ALLOC, 0, 3, 0, 0, 0, 0, 0, 0, 0)},
    {"*:f size=arg2*arg1 kind=alloc", "*", "f", S(MS_KIND_ALLOC, 0, 2, 1, 0, 0, 0, 0, 0, 0)},
    {"*:f kind=alloc size=arg3 ptr=*arg1", "*", "f", S(MS_KIND_ALLOC, 0, 3, 0, 1, 1, 0, 1, 0, 0)},
    {"*:f kind=alloc size=arg3 ptr=*arg1 ok=nonnull", "*", "f",
     S(MS_KIND_ALLOC, 0, 3, 0, 1, 1, 0, 0, 0, 0)},
    {"*:f kind=alloc size=arg2 ptr=arg1 ok=zero", "*", "f",
     S(MS_KIND_ALLOC, 0, 2, 0, 1, 0, 0, 1, 0, 0)},
    {"*:f kind=free", "*", "f", S(MS_KIND_FREE, 0, 0, 0, 1, 0, 0, 0, 0, 0)},
    {"*:f kind=free ptr=arg2", "*", "f", S(MS_KIND_FREE, 0, 0, 0, 2, 0, 0, 0, 0, 0)},
    {"*:f kind=realloc size=arg2", "*", "f", S(MS_KIND_REALLOC, 0, 2, 0, 0, 0, 1, 0, 0, 0)},
    {"*:f kind=realloc size=arg3*arg4 old=arg2 ptr=ret", "*", "f",
     S(MS_KIND_REALLOC, 0, 3, 4, 0, 0, 2, 0, 0, 0)},
    {"*:f kind=alloc size=arg1 layer=heap", "*", "f", S(MS_KIND_ALLOC, 0, 1, 0, 0, 0, 0, 0, 0, 0)},
    {"*:f kind=alloc size=arg1 layer=tensor", "*", "f",
     S(MS_KIND_ALLOC, MS_LAYER_TENSOR, 1, 0, 0, 0, 0, 0, 0, 0)},
    {"/opt/a?b/lib*.so:_ZN3foo3barEm.part$0 kind=free layer=gpu", "/opt/a?b/lib*.so",
     "_ZN3foo3barEm.part$0", S(MS_KIND_FREE, MS_LAYER_GPU, 0, 0, 1, 0, 0, 0, 0, 0)},
};

static void test_add_good(void **state)
{
	struct probe_table *table = *state;
	size_t builtin = table->count, added = 0;
	char errbuf[200];

	for (size_t i = 0; i < COUNT(good); i++) {
		const struct probe_row *row;

		errbuf[0] = '\0';
		if (probe_table_add(table, good[i].text, errbuf, sizeof(errbuf)))
			fail_msg("'%s': %s", good[i].text, errbuf);
		row = &table->rows[builtin + added++];
		assert_int_equal(table->count, builtin + added);
		assert_string_equal(row->library, good[i].library);
		assert_string_equal(row->symbol, good[i].symbol);
		if (memcmp(&row->spec, &good[i].spec, sizeof(row->spec)) != 0)
			fail_msg("'%s' was understood wrongly", good[i].text);
		assert_true(row->from_user);
		assert_false(row->needs_malloc || row->is_malloc);
	}
	/* The rows that were there are still the same. */
	assert_string_equal(table->rows[0].symbol, "malloc");
}

static const struct {
	const char *text;
	const char *says; /* a part of the message */
} bad[] = {
    {"", "write LIB:SYMBOL"},
    {" , ", "write LIB:SYMBOL"},
    {"f", "'f' has no ':'"},
    {"kind=alloc size=arg1", "'kind=alloc' has no ':'"},
    {":f kind=free", "no library before ':f'"},
    {"liba.so: kind=free", "no symbol after 'liba.so:'"},
    {"/opt/a b:f kind=free", "'/opt/a' has no ':'"},
    {"*:ns::f kind=free", "':' in symbol 'ns::f'"},
    {"*:f(int) kind=free", "'(' in symbol 'f(int)'"},
    {"*:f@V1 kind=free", "without version"},
    {"*:f", "kind= is missing: it can be alloc, free or realloc"},
    {"*:f size=arg1", "kind= is missing"},
    {"*:f kind=alloc", "size= is missing: it can be argN or argN*argM"},
    {"*:f kind=realloc", "size= is missing"},
    {"*:f kind", "'kind' is not key=value"},
    {"*:f kind=", "kind='': it can be alloc, free or realloc"},
    {"*:f kind=malloc", "kind='malloc': it can be alloc, free or realloc"},
    {"*:f kind=Alloc size=arg1", "kind='Alloc'"},
    {"*:f kind=marker", "kind='marker'"},
    {"*:f kind=free kind=free", "kind= is given twice"},
    {"*:f kind=alloc size=arg1 size=arg1", "size= is given twice"},
    {"*:f kind=alloc size=arg1 sise=arg2", "unknown key 'sise': there are kind, size, ptr"},
    {"*:f kind=alloc size=arg1 =arg2", "unknown key ''"},
    {"*:f kind=alloc size=0", "size='0': it can be argN"},
    {"*:f kind=alloc size=arg0", "size='arg0'"},
    {"*:f kind=alloc size=arg7", "N and M from 1 to 6"},
    {"*:f kind=alloc size=arg", "size='arg'"},
    {"*:f kind=alloc size=arg12", "size='arg12'"},
    {"*:f kind=alloc size=arg1*", "size='arg1*'"},
    {"*:f kind=alloc size=arg1*arg", "size='arg1*arg'"},
    {"*:f kind=alloc size=arg1*arg2*arg3", "size='arg1*arg2*arg3'"},
    {"*:f kind=alloc size=arg1+arg2", "size='arg1+arg2'"},
    {"*:f kind=alloc size=arg1 * arg2", "'*' is not key=value"},
    {"*:f kind=alloc size=ret", "size='ret'"},
    {"*:f kind=alloc size=arg1 ptr=arg9", "ptr='arg9': it can be ret, argN or *argN"},
    {"*:f kind=alloc size=arg1 ptr=**arg1", "ptr='**arg1'"},
    {"*:f kind=alloc size=arg1 ptr=*ret", "ptr='*ret'"},
    {"*:f kind=alloc size=arg1 ptr=", "ptr=''"},
    {"*:f kind=alloc size=arg1 ok=yes", "ok='yes': it can be zero or nonnull"},
    {"*:f kind=alloc size=arg1 ok=zero", "ok=zero cannot go with ptr=ret"},
    {"*:f kind=alloc size=arg1 old=arg2", "old= belongs to kind=realloc only"},
    {"*:f kind=free old=arg2", "old= belongs to kind=realloc only"},
    {"*:f kind=realloc size=arg2 old=ret", "old='ret': it can be argN"},
    {"*:f kind=free size=arg2", "size= does not belong to kind=free"},
    {"*:f kind=free ok=zero", "ok= does not belong to kind=free"},
    {"*:f kind=free ptr=ret", "ptr= of kind=free can only be argN"},
    {"*:f kind=free ptr=*arg1", "ptr= of kind=free can only be argN"},
    {"*:f kind=free layer=vm", "layer='vm': it can be heap, tensor or gpu"},
    {"*:f kind=free layer=", "layer=''"},
};

static void test_add_bad(void **state)
{
	struct probe_table *table = *state;
	size_t count = table->count, owned = table->owned_count;
	char errbuf[200], tiny[8];

	for (size_t i = 0; i < COUNT(bad); i++) {
		errbuf[0] = '\0';
		assert_int_equal(probe_table_add(table, bad[i].text, errbuf, sizeof(errbuf)),
				 -EINVAL);
		if (!strstr(errbuf, bad[i].says) || strchr(errbuf, '\n'))
			fail_msg("'%s' says: %s", bad[i].text, errbuf);
		assert_int_equal(probe_table_add(table, bad[i].text, tiny, sizeof(tiny)), -EINVAL);
		assert_true(strlen(tiny) < sizeof(tiny));
		assert_int_equal(probe_table_add(table, bad[i].text, NULL, 0), -EINVAL);
	}
	assert_int_equal(table->count, count);
	assert_int_equal(table->owned_count, owned);
}

static void test_add_until_full(void **state)
{
	struct probe_table *table = *state;
	char text[64], errbuf[200];

	assert_true(table->count + 32 <= MS_ROWS_MAX);
	for (size_t i = table->count; i < MS_ROWS_MAX; i++) {
		snprintf(text, sizeof(text), "lib%zu.so:f%zu kind=free", i, i);
		assert_int_equal(probe_table_add(table, text, errbuf, sizeof(errbuf)), 0);
	}
	assert_int_equal(table->count, MS_ROWS_MAX);
	assert_int_equal(probe_table_add(table, "*:f kind=free", errbuf, sizeof(errbuf)), -EINVAL);
	assert_non_null(strstr(errbuf, "full (512 rows)"));
	assert_int_equal(table->count, MS_ROWS_MAX);
	assert_string_equal(table->rows[MS_ROWS_MAX - 1].symbol, "f511");
	assert_string_equal(table->rows[MS_ROWS_MAX - 1].library, "lib511.so");
}

/* Text of every kind, also long and binary: refused or taken, never more than that. */
static void test_add_random(void **state)
{
	static const char *const words[] = {
	    "*:f",   "kind=", "alloc", "free", "realloc",  "size=", "arg1",
	    "*arg2", "ptr=",  "ret",   "old=", "ok=",      "zero",  " ",
	    ",",     ":",     "=",     "*",    "\x1b[31m", "\xff",  "layer=heap"};
	struct probe_table *table = *state;
	char text[512], errbuf[80];

	srand(1);
	for (int i = 0; i < 20000 && table->count < MS_ROWS_MAX; i++) {
		size_t count = table->count;
		int err;

		text[0] = '\0';
		for (int k = rand() % 12; k >= 0; k--)
			strcat(text, words[rand() % COUNT(words)]);
		errbuf[0] = '\0';
		err = probe_table_add(table, text, errbuf, sizeof(errbuf));
		assert_true(err == 0 || (err == -EINVAL && errbuf[0]));
		assert_int_equal(table->count, count + (err == 0));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(test_known_rows, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_every_row, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_gpu_spaces, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_layers, setup, teardown),
	    cmocka_unit_test(test_matches),
	    cmocka_unit_test_setup_teardown(test_add_good, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_add_bad, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_add_until_full, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_add_random, setup, teardown),
	};

	return cmocka_run_group_tests_name("probe table", tests, NULL, NULL);
}
