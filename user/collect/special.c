/* SPDX-License-Identifier: GPL-2.0 */
#include "collect/special.h"

#include "vm/account.h"

/* The allocation function itself: known by its row, not by an address. */
static void name_row(const struct frames_source *s, uint64_t frame, struct frame *out)
{
	uint32_t row = MS_FRAME_OFFSET(frame) & ~MS_FRAME_ROW;
	const struct module *module = modules_find(s->modules, MS_FRAME_MODULE(frame));

	*out = (struct frame){.function = "[unknown call]", .kind = FRAME_NATIVE};
	if (row < s->table->count)
		out->function = symbols_demangle(s->symbols, s->table->rows[row].symbol);
	if (module)
		out->module = symbols_intern(s->symbols, module->path);
}

static void name_python(const struct frames_source *s, uint64_t frame, struct frame *out)
{
	*out = (struct frame){.kind = FRAME_PYTHON};
	codes_frame(s->codes, MS_FRAME_PYTHON_CODE(frame), MS_FRAME_PYTHON_UNIT(frame),
		    &out->function, &out->file, &out->line);
	if (!*out->file)
		out->file = NULL;
}

/* A system call. */
static void name_kernel(uint64_t frame, struct frame *out)
{
	static const char *const calls[MS_VM_NR] = {
#define X(name) [MS_VM_##name] = "[" #name "]",
	    MS_VM_CALLS(X)
#undef X
	};
	uint64_t call = MS_FRAME_OFFSET(frame);

	*out = (struct frame){.function = call < MS_VM_NR ? calls[call] : "[unknown call]",
			      .kind = FRAME_KERNEL};
}

bool special_frame(const struct frames_source *s, uint64_t frame, struct frame *out)
{
	if (MS_FRAME_MODULE(frame) == MS_MODULE_PYTHON)
		name_python(s, frame, out);
	else if (MS_FRAME_MODULE(frame) == MS_MODULE_CALL)
		name_kernel(frame, out);
	else if (MS_FRAME_IS_ROW(frame))
		name_row(s, frame, out);
	else
		return false;
	return true;
}

const char *special_stack(uint64_t name, const char **end)
{
	*end = name == MS_STACK_OTHER ? "table_full" : NULL;
	if (name == MS_STACK_OTHER)
		return "[stack table full]";
	if (name == MS_STACK_TENSOR_BEFORE)
		return "[allocated before tracing]";
	return name <= MS_STACK_REMARKS ? vm_stack_text(name) : NULL;
}
