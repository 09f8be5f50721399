/* SPDX-License-Identifier: GPL-2.0 */
/* One row is one place in a framework's Python code that tells a stage, or a category. */
#include "analyse/marks.h"

#include <string.h>

struct mark_row {
	unsigned mark;
	const char *file; /* the path ends so; or, ending in '/', it contains that */
	/* Its last component, up to Python 3.10 all that there is; with a class, which is known
	 * from 3.11 on, the last two; NULL: any. */
	const char *function;
};

static const struct mark_row rows[] = {
    {MARK_FORWARD, "/torch/nn/modules/module.py", "_call_impl"},
    {MARK_FORWARD, "/torch/nn/modules/module.py", "_wrapped_call_impl"}, /* 2.1 and later */
    {MARK_LOAD, "/torch/serialization.py", "load"},
    {MARK_LOAD, "/torch/nn/modules/module.py", "load_state_dict"},
    {MARK_LOAD, "/torch/hub.py", NULL},
    {MARK_LOAD, "/safetensors/", NULL},
    {MARK_LOAD, "/transformers/modeling_utils.py", "from_pretrained"},
    {MARK_ZERO, "/torch/optim/optimizer.py", "zero_grad"},
    {MARK_STATE_LOAD, "/torch/optim/optimizer.py", "load_state_dict"},
    {MARK_STEP, "/torch/optim/optimizer.py", "wrapper"}, /* profile_hook_step() */
    {MARK_STEP, "/torch/optim/", "step"},
    {MARK_DATA, "/torch/utils/data/", NULL},
    {MARK_RECOMPUTE, "/torch/utils/checkpoint.py", NULL},
    {MARK_CACHE, "/transformers/cache_utils.py", NULL},
    {MARK_CACHE, "/vllm/worker/cache_engine.py", "_allocate_kv_cache"}, /* V0 */
    {MARK_CACHE, "/vllm/v1/worker/gpu_model_runner.py", "_allocate_kv_cache_tensors"},
    {MARK_CACHE, "/vllm/v1/worker/gpu/attn_utils.py", "_allocate_kv_cache"},
    {MARK_CACHE, "/sglang/srt/mem_cache/", "_create_buffers"},
    {MARK_CACHE, "/sglang/srt/mem_cache/memory_pool.py", "MHATokenToKVPool.__init__"},
    {MARK_CACHE, "/sglang/srt/mem_cache/memory_pool.py", "MLATokenToKVPool.__init__"},
    {MARK_CACHE, "/text_generation_server/layers/attention/kv_cache.py", "__init__"},
    {MARK_CACHE, "/torchtune/modules/kv_cache.py", "__init__"},
    {MARK_CACHE, "/litgpt/model.py", "build_kv_cache"},
    {MARK_CACHE, "/nanochat/engine.py", "KVCache._ensure_cache"},
    {MARK_CACHE, "/nanochat/engine.py", "KVCache.insert_kv"}, /* older ones of it */
    {MARK_CACHE, "/nanochat/engine.py", "KVCache.prefill"},
    {MARK_CACHE, "/model.py", "KVCache.__init__"}, /* gpt-fast, and what was made after it */
    {MARK_INIT, NULL, "__init__"},
    {MARK_INIT | MARK_NN, "/torch/nn/modules/", "__init__"},
    {MARK_INIT | MARK_NN, "/torch/nn/modules/", "reset_parameters"},
};

/* What a constructor's statement says. */
static const struct {
	unsigned mark;
	const char *text;
} statements[] = {
    {MARK_BUFFER, "register_buffer"},
    {MARK_CACHE, "self.cache_k = "}, /* Meta's llama */
    {MARK_CACHE, "self.cache_v = "},
};

/* Names that PyTorch gives ranges. */
static const struct {
	const char *prefix;
	enum stage_kind stage;
} ranges[] = {
    {"Optimizer.step#", STAGE_STEP},
    {"Optimizer.zero_grad#", STAGE_ZERO},
    {"enumerate(DataLoader)#", STAGE_DATA},
    {"enumerate(DataPipe)#", STAGE_DATA},
};

/* The same, from who began a range that has no name: PyTorch's up to 1.13. */
static const struct {
	unsigned mark;
	enum stage_kind stage;
} beginners[] = {
    {MARK_ZERO, STAGE_ZERO},
    {MARK_STEP, STAGE_STEP},
    {MARK_DATA, STAGE_DATA},
};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static bool file_is(const char *file, const char *wanted)
{
	size_t length = strlen(file), end = strlen(wanted);

	if (wanted[end - 1] == '/')
		return strstr(file, wanted) != NULL;
	return length >= end && !strcmp(file + length - end, wanted);
}

/* "a.<locals>.b.c" is named "c", and "b.c". */
static bool function_is(const char *function, const char *wanted)
{
	size_t length = strlen(function), end = strlen(wanted);

	return length >= end && !strcmp(function + length - end, wanted) &&
	       (length == end || function[length - end - 1] == '.');
}

unsigned marks_of_frame(const char *function, const char *file)
{
	unsigned marks = 0;
	size_t i;

	for (i = 0; i < COUNT(rows); i++)
		if ((!rows[i].file || file_is(file, rows[i].file)) &&
		    (!rows[i].function || function_is(function, rows[i].function)))
			marks |= rows[i].mark;
	return marks;
}

bool marks_want_statement(unsigned marks)
{
	return marks & MARK_INIT;
}

unsigned marks_of_statement(const char *text)
{
	unsigned marks = 0;
	size_t i;

	for (i = 0; i < COUNT(statements); i++)
		if (strstr(text, statements[i].text))
			marks |= statements[i].mark;
	return marks;
}

enum stage_kind marks_of_range(const char *name, unsigned marks)
{
	size_t i;

	for (i = 0; i < COUNT(ranges); i++)
		if (!strncmp(name, ranges[i].prefix, strlen(ranges[i].prefix)))
			return ranges[i].stage;
	for (i = 0; !*name && i < COUNT(beginners); i++)
		if (marks & beginners[i].mark)
			return beginners[i].stage;
	return STAGE_OWN;
}
