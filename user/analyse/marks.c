/* SPDX-License-Identifier: GPL-2.0 */
/* One row is one place in a framework's Python code that tells a stage, or a category. */
#include "analyse/marks.h"

#include <string.h>

struct mark_row {
	unsigned mark;
	const char *file;     /* the path ends so; or, ending in '/', it contains that */
	const char *function; /* its last component, up to 3.10 all that there is; NULL: any */
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
    {MARK_INIT, NULL, "__init__"},
    {MARK_INIT | MARK_NN, "/torch/nn/modules/", "__init__"},
    {MARK_INIT | MARK_NN, "/torch/nn/modules/", "reset_parameters"},
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

unsigned marks_of_frame(const char *function, const char *file)
{
	const char *last = strrchr(function, '.');
	unsigned marks = 0;
	size_t i;

	last = last ? last + 1 : function;
	for (i = 0; i < COUNT(rows); i++)
		if ((!rows[i].file || file_is(file, rows[i].file)) &&
		    (!rows[i].function || !strcmp(last, rows[i].function)))
			marks |= rows[i].mark;
	return marks;
}

bool marks_want_statement(unsigned marks)
{
	return marks & MARK_INIT;
}

unsigned marks_of_statement(const char *text)
{
	return strstr(text, "register_buffer") ? MARK_BUFFER : 0;
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
