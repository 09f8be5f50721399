/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The built-in rows of the probe table but those of the gpu layer (table_gpu.c), and
 * what can be asked of a row.  No row names a library: a function is known by its symbol, wherever
 * it is.
 */
#include <errno.h>
#include <fnmatch.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "probe/table.h"

/* Words for the rows below; numbers are arguments, counted from 1. */
#define ALLOC(size) .kind = MS_KIND_ALLOC, .size_arg = size
#define ALLOC_N(count, size) .kind = MS_KIND_ALLOC, .size_arg = count, .size_arg2 = size
#define THROWS .throws = 1 /* a C++ exception may leave it */
#define OUT(pointer) .ptr_arg = pointer, .ptr_out = 1, .zero_is_ok = 1
#define REALLOC(old, size) .kind = MS_KIND_REALLOC, .old_arg = old, .size_arg = size
#define REALLOC_N(old, count, size) REALLOC(old, count), .size_arg2 = size
#define BUFFER(size, maker) ALLOC(size), .maker_arg = maker
#define FREE(block) .kind = MS_KIND_FREE, .ptr_arg = block

/* Of the tensor layer: functions that are told of a block, and those that mark a moment. */
#define TOLD(block, size) .kind = MS_KIND_ALLOC, .ptr_arg = block, .size_arg = size, .at_entry = 1
#define TOLD_FREE(block) .kind = MS_KIND_FREE, .ptr_arg = block, .at_entry = 1
#define REPORT(block, bytes, total, device)                                                        \
	.kind = MS_KIND_REPORT, .ptr_arg = block, .size_arg = bytes, .total_arg = total,           \
	.device_arg = device
#define FAILED(size) .kind = MS_KIND_FAILED, .size_arg = size
#define SHAPE(sizes, type) .kind = MS_KIND_SHAPE, .dims_arg = sizes, .dtype_arg = type
#define RANGE .kind = MS_KIND_RANGE
#define NAME(name, form) .kind = MS_KIND_NAME, .name_arg = name, .name_form = form
#define PUSH(object) .kind = MS_KIND_PUSH, .ptr_arg = object
#define PUSH_NAMED(name) .kind = MS_KIND_PUSH, .name_arg = name
#define POP(object) .kind = MS_KIND_POP, .ptr_arg = object

#define SPEC(...) .spec = {.layer = MS_LAYER_HEAP, __VA_ARGS__}
#define ROW(name, ...)                                                                             \
	{                                                                                          \
		.symbol = name, SPEC(__VA_ARGS__)                                                  \
	}
#define TENSOR(name, stands_for, ...)                                                              \
	{                                                                                          \
		.symbol = name, .mark = stands_for, .spec = {                                      \
			.layer = MS_LAYER_TENSOR,                                                  \
			__VA_ARGS__                                                                \
		}                                                                                  \
	}
#define TENSOR_PART(name, of, ...)                                                                 \
	{                                                                                          \
		.symbol = name, .part = of, .spec = {.layer = MS_LAYER_TENSOR, __VA_ARGS__ }       \
	}
#define MALLOC(name)                                                                               \
	{                                                                                          \
		.symbol = name, SPEC(ALLOC(1)), .is_malloc = true                                  \
	}
#define ROW_IF_MALLOC(name, ...)                                                                   \
	{                                                                                          \
		.symbol = name, SPEC(__VA_ARGS__), .needs_malloc = true                            \
	}

/* jemalloc's own interface, under the prefix it was built with. */
#define JEMALLOC_X(prefix)                                                                         \
	ROW(prefix "mallocx", ALLOC(1)), ROW(prefix "rallocx", REALLOC(1, 2)),                     \
	    ROW(prefix "dallocx", FREE(1)), ROW(prefix "sdallocx", FREE(1))
/* xallocx is not here: it grows a block in place by as much as it can, which only it knows. */

#define JEMALLOC(prefix)                                                                           \
	MALLOC(prefix "malloc"), ROW(prefix "calloc", ALLOC_N(1, 2)),                              \
	    ROW(prefix "realloc", REALLOC(1, 2)), ROW(prefix "free", FREE(1)),                     \
	    ROW(prefix "posix_memalign", ALLOC(3), OUT(1)), ROW(prefix "aligned_alloc", ALLOC(2)), \
	    ROW(prefix "memalign", ALLOC(2)), ROW(prefix "valloc", ALLOC(1)),                      \
	    ROW(prefix "pvalloc", ALLOC(1)), ROW(prefix "free_sized", FREE(1)),                    \
	    ROW(prefix "free_aligned_sized", FREE(1)), JEMALLOC_X(prefix)

#define EMPTY_GENERIC                                                                              \
	"_ZN2at6detail13empty_genericEN3c108ArrayRefIlEEPNS1_9AllocatorENS1_14DispatchKeySetENS1_" \
	"10ScalarTypeE"
#define BFC(space) "_ZN" space "12BFCAllocator"
#define RECORD_FUNCTION "_ZN5torch8autograd8profiler25record_function_enter_newERK"
#define STRING "NSt7__cxx1112basic_stringIcSt11char_traitsIcESaIcEEE"
#define OLD_STRING "Ss" /* libstdc++'s from before C++11, which wheels had up to 2.6 */

static const struct probe_row builtin[] = {
    /* The C library's, and every library's that replaces them. */
    MALLOC("malloc"),
    ROW("calloc", ALLOC_N(1, 2)),
    ROW("realloc", REALLOC(1, 2)),
    ROW_IF_MALLOC("reallocarray", REALLOC_N(1, 2, 3)), /* libbsd has one, too */
    ROW("free", FREE(1)),
    ROW("cfree", FREE(1)),
    ROW("free_sized", FREE(1)),
    ROW("free_aligned_sized", FREE(1)),
    ROW("posix_memalign", ALLOC(3), OUT(1)),
    ROW("aligned_alloc", ALLOC(2)),
    ROW("memalign", ALLOC(2)),
    ROW("valloc", ALLOC(1)),
    ROW("pvalloc", ALLOC(1)),
    ROW("reallocf", REALLOC(1, 2), .null_frees = 1),

    JEMALLOC_X(""),
    JEMALLOC("je_"),
    JEMALLOC("_rjem_"),    /* Rust's tikv-jemallocator */
    JEMALLOC("je_arrow_"), /* Apache Arrow's own copy */

    MALLOC("tc_malloc"),
    ROW("tc_malloc_skip_new_handler", ALLOC(1)),
    ROW("tc_calloc", ALLOC_N(1, 2)),
    ROW("tc_realloc", REALLOC(1, 2)),
    ROW("tc_free", FREE(1)),
    ROW("tc_free_sized", FREE(1)),
    ROW("tc_cfree", FREE(1)),
    ROW("tc_posix_memalign", ALLOC(3), OUT(1)),
    ROW("tc_memalign", ALLOC(2)),
    ROW("tc_valloc", ALLOC(1)),
    ROW("tc_pvalloc", ALLOC(1)),
    ROW("tc_new", ALLOC(1), THROWS),
    ROW("tc_new_nothrow", ALLOC(1)),
    ROW("tc_new_aligned", ALLOC(1), THROWS),
    ROW("tc_new_aligned_nothrow", ALLOC(1)),
    ROW("tc_newarray", ALLOC(1), THROWS),
    ROW("tc_newarray_nothrow", ALLOC(1)),
    ROW("tc_newarray_aligned", ALLOC(1), THROWS),
    ROW("tc_newarray_aligned_nothrow", ALLOC(1)),
    ROW("tc_delete", FREE(1)),
    ROW("tc_delete_nothrow", FREE(1)),
    ROW("tc_delete_sized", FREE(1)),
    ROW("tc_delete_aligned", FREE(1)),
    ROW("tc_delete_aligned_nothrow", FREE(1)),
    ROW("tc_delete_sized_aligned", FREE(1)),
    ROW("tc_deletearray", FREE(1)),
    ROW("tc_deletearray_nothrow", FREE(1)),
    ROW("tc_deletearray_sized", FREE(1)),
    ROW("tc_deletearray_aligned", FREE(1)),
    ROW("tc_deletearray_aligned_nothrow", FREE(1)),
    ROW("tc_deletearray_sized_aligned", FREE(1)),

    /*
     * mimalloc.  Those that copy strings have no size to read; mi_cfree ends in
     * mi_free; mi_heap_destroy frees blocks in bulk, of which nothing is seen.
     */
    MALLOC("mi_malloc"),
    ROW("mi_malloc_small", ALLOC(1)),
    ROW("mi_zalloc", ALLOC(1)),
    ROW("mi_zalloc_small", ALLOC(1)),
    ROW("mi_calloc", ALLOC_N(1, 2)),
    ROW("mi_mallocn", ALLOC_N(1, 2)),
    ROW("mi_realloc", REALLOC(1, 2)),
    ROW("mi_reallocf", REALLOC(1, 2), .null_frees = 1),
    ROW("mi_rezalloc", REALLOC(1, 2)),
    ROW("mi_reallocn", REALLOC_N(1, 2, 3)),
    ROW("mi_reallocarray", REALLOC_N(1, 2, 3)),
    ROW("mi_recalloc", REALLOC_N(1, 2, 3)),
    ROW("mi_expand", REALLOC(1, 2)),
    ROW("mi_free", FREE(1)),
    ROW("mi_free_size", FREE(1)),
    ROW("mi_free_size_aligned", FREE(1)),
    ROW("mi_free_aligned", FREE(1)),
    ROW("mi_malloc_aligned", ALLOC(1)),
    ROW("mi_malloc_aligned_at", ALLOC(1)),
    ROW("mi_zalloc_aligned", ALLOC(1)),
    ROW("mi_zalloc_aligned_at", ALLOC(1)),
    ROW("mi_calloc_aligned", ALLOC_N(1, 2)),
    ROW("mi_calloc_aligned_at", ALLOC_N(1, 2)),
    ROW("mi_realloc_aligned", REALLOC(1, 2)),
    ROW("mi_realloc_aligned_at", REALLOC(1, 2)),
    ROW("mi_rezalloc_aligned", REALLOC(1, 2)),
    ROW("mi_rezalloc_aligned_at", REALLOC(1, 2)),
    ROW("mi_recalloc_aligned", REALLOC_N(1, 2, 3)),
    ROW("mi_recalloc_aligned_at", REALLOC_N(1, 2, 3)),
    ROW("mi_posix_memalign", ALLOC(3), OUT(1)),
    ROW("mi_aligned_alloc", ALLOC(2)),
    ROW("mi_memalign", ALLOC(2)),
    ROW("mi_valloc", ALLOC(1)),
    ROW("mi_pvalloc", ALLOC(1)),
    ROW("mi_new", ALLOC(1), THROWS),
    ROW("mi_new_nothrow", ALLOC(1)),
    ROW("mi_new_aligned", ALLOC(1), THROWS),
    ROW("mi_new_aligned_nothrow", ALLOC(1)),
    ROW("mi_new_n", ALLOC_N(1, 2), THROWS),
    ROW("mi_new_realloc", REALLOC(1, 2), THROWS),
    ROW("mi_new_reallocn", REALLOC_N(1, 2, 3), THROWS),
    /* The same with a heap before the other arguments. */
    ROW("mi_heap_malloc", ALLOC(2)),
    ROW("mi_heap_malloc_small", ALLOC(2)),
    ROW("mi_heap_zalloc", ALLOC(2)),
    ROW("mi_heap_calloc", ALLOC_N(2, 3)),
    ROW("mi_heap_mallocn", ALLOC_N(2, 3)),
    ROW("mi_heap_realloc", REALLOC(2, 3)),
    ROW("mi_heap_reallocf", REALLOC(2, 3), .null_frees = 1),
    ROW("mi_heap_rezalloc", REALLOC(2, 3)),
    ROW("mi_heap_reallocn", REALLOC_N(2, 3, 4)),
    ROW("mi_heap_recalloc", REALLOC_N(2, 3, 4)),
    ROW("mi_heap_malloc_aligned", ALLOC(2)),
    ROW("mi_heap_zalloc_aligned", ALLOC(2)),
    ROW("mi_heap_calloc_aligned", ALLOC_N(2, 3)),
    ROW("mi_heap_realloc_aligned", REALLOC(2, 3)),
    ROW("mi_heap_alloc_new", ALLOC(2), THROWS),
    ROW("mi_heap_alloc_new_n", ALLOC_N(2, 3), THROWS),

    /* operator new and new[]: plain, nothrow, aligned, aligned and nothrow. */
    ROW_IF_MALLOC("_Znwm", ALLOC(1), THROWS),
    ROW_IF_MALLOC("_ZnwmRKSt9nothrow_t", ALLOC(1)),
    ROW_IF_MALLOC("_ZnwmSt11align_val_t", ALLOC(1), THROWS),
    ROW_IF_MALLOC("_ZnwmSt11align_val_tRKSt9nothrow_t", ALLOC(1)),
    ROW_IF_MALLOC("_Znam", ALLOC(1), THROWS),
    ROW_IF_MALLOC("_ZnamRKSt9nothrow_t", ALLOC(1)),
    ROW_IF_MALLOC("_ZnamSt11align_val_t", ALLOC(1), THROWS),
    ROW_IF_MALLOC("_ZnamSt11align_val_tRKSt9nothrow_t", ALLOC(1)),
    /* operator delete and delete[]: plain, nothrow, sized, aligned and their mixtures. */
    ROW_IF_MALLOC("_ZdlPv", FREE(1)),
    ROW_IF_MALLOC("_ZdlPvRKSt9nothrow_t", FREE(1)),
    ROW_IF_MALLOC("_ZdlPvm", FREE(1)),
    ROW_IF_MALLOC("_ZdlPvSt11align_val_t", FREE(1)),
    ROW_IF_MALLOC("_ZdlPvSt11align_val_tRKSt9nothrow_t", FREE(1)),
    ROW_IF_MALLOC("_ZdlPvmSt11align_val_t", FREE(1)),
    ROW_IF_MALLOC("_ZdaPv", FREE(1)),
    ROW_IF_MALLOC("_ZdaPvRKSt9nothrow_t", FREE(1)),
    ROW_IF_MALLOC("_ZdaPvm", FREE(1)),
    ROW_IF_MALLOC("_ZdaPvSt11align_val_t", FREE(1)),
    ROW_IF_MALLOC("_ZdaPvSt11align_val_tRKSt9nothrow_t", FREE(1)),
    ROW_IF_MALLOC("_ZdaPvmSt11align_val_t", FREE(1)),

    /*
     * PyTorch, from 1.13 on: its allocator of host memory tells of every block; all others
     * report theirs, and those that map files.  (total_* of the report are signed up to 2.0.)
     */
    TENSOR_PART("_ZN3c1025ProfiledCPUMemoryReporter3NewEPvm", PART_FIRST, TOLD(2, 3)),
    TENSOR_PART("_ZN3c1025ProfiledCPUMemoryReporter6DeleteEPv", PART_FIRST_FREE, TOLD_FREE(2)),
    TENSOR_PART("_ZN3c1025ProfiledCPUMemoryReporter11OutOfMemoryEm", PART_WITH_FIRST, FAILED(2)),
    /* What it allocates with, where it does not export the former: in older ones, or stripped. */
    TENSOR_PART("_ZN3c109alloc_cpuEm", PART_STAND_IN, ALLOC(1), THROWS),
    TENSOR_PART("_ZN3c108free_cpuEPv", PART_STAND_IN_FREE, FREE(1)),
    TENSOR("_ZN3c1027reportMemoryUsageToProfilerEPvlllNS_6DeviceE", MARK_NONE, REPORT(1, 2, 3, 5)),
    TENSOR("_ZN3c1027reportMemoryUsageToProfilerEPvlmmNS_6DeviceE", MARK_NONE, REPORT(1, 2, 3, 5)),
    TENSOR("_ZN3c1027reportOutOfMemoryToProfilerElllNS_6DeviceE", MARK_NONE, FAILED(1),
	   .device_arg = 4),
    TENSOR("_ZN3c1027reportOutOfMemoryToProfilerElmmNS_6DeviceE", MARK_NONE, FAILED(1),
	   .device_arg = 4),
    /*
     * Its caching allocators, from 2.1 on, say what was asked for: pointer, device, bytes, stream.
     * (In 2.1 the pointer is not known yet.)  What a free says the report does, too.
     */
    TENSOR("pytorch:malloc", MARK_NONE, .kind = MS_KIND_REQUEST, .ptr_arg = 1, .device_arg = 2,
	   .size_arg = 3, .stream_arg = 4),
    /*
     * What it makes tensors with: sizes, how many, type.  The first argument is where the
     * tensor goes.  (empty_cpu() calls the first.)  Two names: std::optional came in place of its
     * own with 2.2.
     */
    TENSOR("_ZN2at6detail17empty_strided_cpuEN3c108ArrayRefIlEES3_NS1_10ScalarTypeEb", MARK_NONE,
	   SHAPE(2, 6)),
    TENSOR(EMPTY_GENERIC "NS1_8optionalINS1_12MemoryFormatEEE", MARK_NONE, SHAPE(2, 6)),
    TENSOR(EMPTY_GENERIC "St8optionalINS1_12MemoryFormatEE", MARK_NONE, SHAPE(2, 6)),
    /* A whole backward pass; and the node that adds a gradient to its parameter's. */
    TENSOR(
	"_ZN5torch8autograd6Engine7executeERKSt6vectorINS0_4EdgeESaIS3_EERKS2_IN2at6TensorESaIS9_"
	"EEbbbS7_",
	MARK_BACKWARD, RANGE, THROWS),
    TENSOR("_ZN5torch8autograd14AccumulateGrad5applyEOSt6vectorIN2at6TensorESaIS4_EE", MARK_NONE,
	   .kind = MS_KIND_PARAMETER, .ptr_arg = 2), /* the first is where its result goes */
    /*
     * torch.autograd.profiler.record_function(), which optimizers and data loaders use, too: its
     * name, from 2.0 on; the object it makes, by c10::RecordScope::USER_SCOPE; its end.
     */
    TENSOR(RECORD_FUNCTION STRING "RKN3c108optionalIS7_EE", MARK_RANGE, NAME(2, MS_NAME_STRING)),
    TENSOR(RECORD_FUNCTION STRING "RKSt8optionalIS7_E", MARK_RANGE, NAME(2, MS_NAME_STRING)),
    TENSOR(RECORD_FUNCTION OLD_STRING "RKN3c108optionalISsEE", MARK_RANGE, NAME(2, MS_NAME_STRING)),
    TENSOR(RECORD_FUNCTION OLD_STRING "RKSt8optionalISsE", MARK_RANGE, NAME(2, MS_NAME_STRING)),
    TENSOR("_ZN2at14RecordFunctionC1ENS_11RecordScopeE", MARK_RANGE, PUSH(1), .only_arg = 2,
	   .only_value = 7),
    TENSOR("_ZN2at14RecordFunction3endEv", MARK_RANGE, POP(1)),
    /*
     * ggml and llama.cpp: buffers, with what they are for (1 weights, 2 what is computed), and
     * what calls mean.  A buffer's address stands for it; what it is made of is inside the call.
     * Weights that are mapped from a file are handed over as they lie there.
     */
    TENSOR("ggml_backend_buft_alloc_buffer", MARK_NONE, BUFFER(2, 1)),
    TENSOR("ggml_backend_dev_buffer_from_host_ptr", MARK_NONE, BUFFER(3, MS_MAKER_HOST)),
    TENSOR("ggml_backend_cpu_buffer_from_ptr", MARK_NONE, BUFFER(2, MS_MAKER_HOST)),
    TENSOR("ggml_backend_buffer_free", MARK_NONE, FREE(1)),
    TENSOR("ggml_aligned_malloc", MARK_NONE, ALLOC(1)),
    TENSOR("ggml_aligned_free", MARK_NONE, FREE(1)),
    TENSOR("ggml_backend_buffer_set_usage", MARK_NONE, .kind = MS_KIND_USAGE, .ptr_arg = 1,
	   .size_arg = 2),
    TENSOR("llama_model_load_from_file", MARK_LOADING, RANGE, THROWS),
    TENSOR("llama_model_load_from_splits", MARK_LOADING, RANGE, THROWS),
    TENSOR("llama_init_from_model", MARK_CONTEXT, RANGE, THROWS),
    TENSOR("llama_decode", MARK_RUN, RANGE, THROWS),
    TENSOR("llama_encode", MARK_RUN, RANGE, THROWS),
    /* Both of these, since llama.cpp 0.7 */
    TENSOR("llama_process", MARK_RUN, RANGE, THROWS),
    TENSOR("whisper_init_with_params_no_state", MARK_LOADING, RANGE, THROWS),
    TENSOR("whisper_init_state", MARK_CONTEXT, RANGE, THROWS),
    TENSOR("whisper_encode", MARK_RUN, RANGE, THROWS),
    TENSOR("whisper_encode_with_state", MARK_RUN, RANGE, THROWS),
    TENSOR("whisper_decode", MARK_RUN, RANGE, THROWS),
    TENSOR("whisper_decode_with_state", MARK_RUN, RANGE, THROWS),
    TENSOR("whisper_full_with_state", MARK_RUN, RANGE, THROWS),
    /*
     * TensorFlow's arena, before and after 2.9, and ONNX Runtime's where it has its symbols: its
     * own builds and Debian's are stripped, and export no allocator.
     */
    TENSOR(BFC("10tensorflow") "11AllocateRawEmmRKNS_20AllocationAttributesE", MARK_NONE, ALLOC(3),
	   THROWS),
    TENSOR(BFC("10tensorflow") "13DeallocateRawEPv", MARK_NONE, FREE(2)),
    TENSOR(BFC("3tsl") "11AllocateRawEmmRKNS_20AllocationAttributesE", MARK_NONE, ALLOC(3), THROWS),
    TENSOR(BFC("3tsl") "13DeallocateRawEPv", MARK_NONE, FREE(2)),
    TENSOR("_ZN11onnxruntime8BFCArena5AllocEm", MARK_NONE, ALLOC(2), THROWS),
    /* Beside its regions: initializers, which its Free() takes, too. */
    TENSOR("_ZN11onnxruntime8BFCArena7ReserveEm", MARK_NONE, ALLOC(2), THROWS),
    TENSOR("_ZN11onnxruntime8BFCArena4FreeEPv", MARK_NONE, FREE(2)),
    TENSOR("_ZN11onnxruntime12CPUAllocator5AllocEm", MARK_NONE, ALLOC(2), THROWS),
    TENSOR("_ZN11onnxruntime12CPUAllocator4FreeEPv", MARK_NONE, FREE(2)),
    /*
     * NVTX, as long as it was a library (CUDA 12); since then it is a header, whose functions are
     * part of who calls them.  Other forms of a name are not read, but their ranges end, too.
     */
    TENSOR("nvtxRangePushA", MARK_RANGE, PUSH_NAMED(1)),
    TENSOR("nvtxRangePushW", MARK_RANGE, PUSH(0)),
    TENSOR("nvtxRangePushEx", MARK_RANGE, PUSH(0)),
    TENSOR("nvtxRangePop", MARK_RANGE, POP(0)),

    /* What glibc's and musl's dynamic linker call when the list of libraries has changed. */
    {.symbol = "_dl_debug_state", .spec = {.kind = MS_KIND_MARKER}},
    /* How throwing a C++ exception begins, and what it comes to: the first allocates, and that
     * is not part of the call that fails. */
    {.symbol = "__cxa_allocate_exception", .spec = {.kind = MS_KIND_UNWIND}},
    {.symbol = "_Unwind_RaiseException", .spec = {.kind = MS_KIND_UNWIND}},
};

#define BUILTIN_COUNT (sizeof(builtin) / sizeof(builtin[0]))

int probe_table_init(struct probe_table *table)
{
	size_t count = BUILTIN_COUNT + probe_gpu_count + probe_update_count;

	*table = (struct probe_table){.rows = calloc(count, sizeof(*table->rows))};
	if (!table->rows)
		return -ENOMEM;
	memcpy(table->rows, builtin, sizeof(builtin));
	memcpy(table->rows + BUILTIN_COUNT, probe_gpu_rows,
	       probe_gpu_count * sizeof(*probe_gpu_rows));
	memcpy(table->rows + BUILTIN_COUNT + probe_gpu_count, probe_update_rows,
	       probe_update_count * sizeof(*probe_update_rows));
	table->count = count;
	return 0;
}

void probe_table_free(struct probe_table *table)
{
	for (size_t i = 0; i < table->owned_count; i++)
		free(table->owned[i]);
	free(table->owned);
	free(table->rows);
	*table = (struct probe_table){0};
}

bool probe_row_matches(const struct probe_row *row, const char *path)
{
	static const char deleted[] = " (deleted)";
	char name[PATH_MAX + sizeof(deleted)];
	const char *part = path ? path : "";
	const char *slash = strrchr(part, '/');
	size_t length;

	if (!row->library)
		return true;
	if (slash && !strchr(row->library, '/'))
		part = slash + 1;
	length = strlen(part);
	if (length >= sizeof(name))
		return false;
	memcpy(name, part, length + 1);
	if (length >= strlen(deleted) && strcmp(name + length - strlen(deleted), deleted) == 0)
		name[length - strlen(deleted)] = '\0';
	return fnmatch(row->library, name, 0) == 0;
}

static unsigned arg_bit(unsigned arg)
{
	return arg ? 1u << (arg - 1) : 0;
}

/* An argument and the one behind it. */
static unsigned two_bits(unsigned arg)
{
	return arg ? 3u << (arg - 1) : 0;
}

/* Those in registers on every processor. */
#define ARGUMENTS 0x3fu

unsigned probe_row_args(const struct probe_row *row)
{
	const struct ms_row *spec = &row->spec;

	if (spec->layer == MS_LAYER_GPU || spec->lists)
		return ARGUMENTS; /* all are told, or read */
	return arg_bit(spec->size_arg) | arg_bit(spec->size_arg2) | arg_bit(spec->ptr_arg) |
	       arg_bit(spec->old_arg) | arg_bit(spec->device_arg) | arg_bit(spec->name_arg) |
	       arg_bit(spec->dtype_arg) | arg_bit(spec->only_arg) | arg_bit(spec->stream_arg) |
	       (spec->maker_arg == MS_MAKER_HOST ? 0 : arg_bit(spec->maker_arg)) |
	       two_bits(spec->total_arg) | two_bits(spec->dims_arg);
}

unsigned probe_row_nonzero(const struct probe_row *row)
{
	return row->spec.kind == MS_KIND_ALLOC && row->spec.at_entry ? arg_bit(row->spec.size_arg)
								     : 0;
}

bool probe_row_reads_stack(const struct probe_row *row)
{
	/* Of a range it is said where its function returns to. */
	return probe_row_group(row) == GROUP_RANGES ||
	       (row->spec.kind == MS_KIND_UPDATE && row->spec.ptr_arg + 2 * row->spec.lists > 7);
}

enum probe_group probe_row_group(const struct probe_row *row)
{
	switch (row->spec.kind) {
	case MS_KIND_SHAPE:
		return GROUP_SHAPES;
	case MS_KIND_UPDATE:
		return GROUP_STATES;
	case MS_KIND_PUSH:
	case MS_KIND_POP:
		return row->spec.ptr_arg ? GROUP_RANGES : GROUP_STEADY;
	default:
		return GROUP_STEADY;
	}
}

bool probe_row_returns(const struct probe_row *row)
{
	if (row->spec.layer == MS_LAYER_GPU)
		return true; /* a free counts when it has ended well */
	return !row->spec.at_entry &&
	       (row->spec.kind == MS_KIND_ALLOC || row->spec.kind == MS_KIND_REALLOC ||
		row->spec.kind == MS_KIND_RANGE);
}

bool probe_row_is_usdt(const struct probe_row *row)
{
	return row->spec.kind == MS_KIND_REQUEST || row->spec.kind == MS_KIND_MOMENT;
}

bool probe_row_allocates(const struct probe_row *row)
{
	switch (row->spec.kind) {
	case MS_KIND_ALLOC:
	case MS_KIND_FREE:
	case MS_KIND_REALLOC:
	case MS_KIND_REPORT:
		return true;
	default:
		return false;
	}
}

/* Whether it serves all layers. */
static bool is_common(const struct probe_row *row)
{
	return row->spec.kind == MS_KIND_MARKER || row->spec.kind == MS_KIND_UNWIND;
}

void probe_table_keep(struct probe_table *table, const bool layers[MS_LAYER_NR])
{
	size_t i, kept = 0;

	for (i = 0; i < table->count; i++) {
		const struct probe_row *row = &table->rows[i];

		if (row->from_user || is_common(row) || layers[row->spec.layer])
			table->rows[kept++] = *row;
	}
	table->count = kept;
}
