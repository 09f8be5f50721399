/* SPDX-License-Identifier: GPL-2.0 */
/* Which line of a stack is the program's own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "analyse/lines.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define NATIVE(name, file)                                                                         \
	{                                                                                          \
		.function = name, .module = file, .kind = FRAME_NATIVE                             \
	}
#define PYTHON(name, path, number)                                                                 \
	{                                                                                          \
		.function = name, .file = path, .line = number, .kind = FRAME_PYTHON               \
	}

static const char libc[] = "/lib/libc.so.6", ggml[] = "/lib/libggml-base.so.0",
		  llama[] = "/lib/libllama.so.0", program[] = "/opt/run";

#define STACK(name, ...)                                                                           \
	static struct frame name##_frames[] = {__VA_ARGS__};                                       \
	static const struct stack name = {.frames = name##_frames,                                 \
					  .frame_count = COUNT(name##_frames)}

STACK(weights, NATIVE("__libc_start_main", libc), NATIVE("main", program),
      NATIVE("llama_model_load_from_file", llama), NATIVE("[libllama.so.0+0x10]", llama),
      NATIVE("ggml_alloc_tensors", ggml), NATIVE("ggml_buffer", ggml));
STACK(cache, NATIVE("__libc_start_main", libc), NATIVE("main", program),
      NATIVE("llama_kv_cache::llama_kv_cache", llama), NATIVE("ggml_buffer", ggml));
STACK(built_in, NATIVE("__libc_start_main", libc), NATIVE("main", program), NATIVE("load", program),
      NATIVE("[run+0x20]", program), NATIVE("ggml_buffer", program));
STACK(nameless, NATIVE("[run+0x10]", program), NATIVE("ggml_buffer", program));
STACK(model, PYTHON("<module>", "/a/train.py", 9), PYTHON("forward", "/a/train.py", 5),
      PYTHON("linear", "/usr/lib/torch/nn/functional.py", 3),
      NATIVE("at::empty", "/lib/libtorch.so"));
STACK(managed, PYTHON("<module>", "/a/train.py", 9), PYTHON("forward", "/a/train.py", 5),
      PYTHON("compile", "/usr/lib/python3/dist-packages/torch/a.py", 3),
      PYTHON("enter", "/usr/lib/python3.14/contextlib.py", 7),
      NATIVE("at::empty", "/lib/libtorch.so"));
STACK(package, PYTHON("<module>", "/a/train.py", 9),
      PYTHON("block", "/opt/lib/python3.11/site-packages/net/model.py", 7),
      PYTHON("enter", "/opt/lib/python3.11/contextlib.py", 7),
      NATIVE("at::empty", "/lib/libtorch.so"));
STACK(other_model, PYTHON("<module>", "/a/train.py", 9), PYTHON("forward", "/a/train.py", 6),
      NATIVE("at::empty", "/lib/libtorch.so"));

static void test_own(void **state)
{
	(void)state;
	assert_string_equal(lines_own(&weights)->function, "llama_model_load_from_file");
	assert_string_equal(lines_own(&cache)->function, "llama_kv_cache::llama_kv_cache");
	assert_string_equal(lines_own(&built_in)->function, "load");
	assert_string_equal(lines_own(&nameless)->function, "ggml_buffer");
	assert_string_equal(lines_own(&model)->function, "forward");
	assert_string_equal(lines_own(&managed)->function, "forward");
	assert_string_equal(lines_own(&package)->function, "block");
	assert_null(lines_own(&(struct stack){0}));
}

static void test_same(void **state)
{
	(void)state;
	assert_true(lines_same(&model, &model));
	assert_true(lines_same(&model, &managed));
	assert_false(lines_same(&model, &other_model));
	assert_false(lines_same(&model, &cache));
	assert_true(lines_same(&cache, &cache));
	assert_false(lines_same(&cache, &weights));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_own),
	    cmocka_unit_test(test_same),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
