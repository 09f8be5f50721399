/* SPDX-License-Identifier: GPL-2.0 */
#include "collect/tensors.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "analyse/marks.h"
#include "base/clock.h"
#include "base/log.h"
#include "collect/callers.h"
#include "collect/ggml.h"
#include "collect/pieces.h"
#include "target/process.h"

/* Of a source file, as far as a line is looked for in it. */
#define SOURCE_MAX (4 << 20)
#define LINE_BYTES 1024
#define STATEMENT_BYTES 4096
/* Ended blocks of a process that wait for names: 12 MiB of them. */
#define WAITING_MAX (1 << 18)

_Static_assert(TENSOR_DIMS == MS_DIMS && TENSOR_DTYPE_NONE == MS_DTYPE_NONE,
	       "a shape is told as it is shown");

int image_tensors_init(struct image_tensors *t, uint64_t start_ns, const struct own_rules *rules)
{
	*t = (struct image_tensors){.start_ns = start_ns, .rules = rules, .memory = intern_new()};
	return t->memory ? native_names_init(&t->names) : -ENOMEM;
}

void image_tensors_free(struct image_tensors *t)
{
	size_t i;

	for (i = 0; i < t->room; i++)
		tensors_free(t->items[i]);
	free(t->items);
	pair_map_free(&t->by_stack);
	pair_map_free(&t->by_frame);
	native_names_free(&t->names);
	intern_free(t->memory);
	*t = (struct image_tensors){0};
}

struct tensors *image_tensors_find(const struct image_tensors *t, uint32_t image)
{
	return image < t->room ? t->items[image] : NULL;
}

static struct tensors *image_tensors_get(struct image_tensors *t, const struct target *target,
					 uint32_t id)
{
	const struct image *image;

	if (id >= t->room) {
		size_t room = 2 * (size_t)id + 16;
		void *items = realloc(t->items, room * sizeof(*t->items));

		if (!items)
			return NULL;
		t->items = items;
		memset(t->items + t->room, 0, (room - t->room) * sizeof(*t->items));
		t->room = room;
	}
	image = t->items[id] ? NULL : target_image(target, id);
	if (!t->items[id])
		t->items[id] =
		    tensors_new(image ? clock_seconds(t->start_ns, image->start_ns) : 0, t->rules);
	if (t->items[id])
		tensors_read_names(t->items[id], &t->names.marks);
	return t->items[id];
}

/* ---- marks ------------------------------------------------------------------------- */

/* Whether a line goes on in the next one, as far as an argument list does. */
static bool goes_on(const char *line)
{
	size_t length = strlen(line);

	while (length && strchr(" \t\r\n", line[length - 1]))
		length--;
	return length && strchr(",(", line[length - 1]);
}

/* Line `number` of a file, behind the lines of its statement before it. */
static bool read_statement(FILE *file, unsigned number, char *text)
{
	char line[LINE_BYTES] = "";

	*text = '\0';
	while (number && fgets(line, sizeof(line), file)) {
		size_t used = goes_on(text) ? strlen(text) : 0;

		if (used + strlen(line) >= STATEMENT_BYTES)
			used = 0;
		strcpy(text + used, line);
		number -= strchr(line, '\n') != NULL;
	}
	return !number;
}

/*
 * The statement at a line of a source file of the process.  What it says only tells a buffer
 * from a parameter, so a file that leads elsewhere does no harm; one that blocks would.
 */
static bool source_statement(pid_t pid, const char *path, unsigned number, char *text)
{
	char name[4352];
	struct stat st;
	bool found = false;
	FILE *file;
	int fd;

	snprintf(name, sizeof(name), "/proc/%d/root%s", pid, path);
	fd = open(name, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOFOLLOW);
	if (fd < 0)
		return false;
	file = fstat(fd, &st) || !S_ISREG(st.st_mode) || st.st_size > SOURCE_MAX ? NULL
										 : fdopen(fd, "r");
	if (file)
		found = read_statement(file, number, text);
	if (file)
		fclose(file);
	else
		close(fd);
	return found;
}

static unsigned marks_of(struct image_tensors *t, const struct target *target, pid_t pid,
			 uint64_t frame)
{
	uintptr_t known = (uintptr_t)pair_map_find(&t->by_frame, frame, 0);
	const char *function, *file;
	char statement[STATEMENT_BYTES];
	unsigned number, marks;

	if (known)
		return (unsigned)(known - 1);
	if (!codes_frame(target_codes(target), MS_FRAME_PYTHON_CODE(frame),
			 MS_FRAME_PYTHON_UNIT(frame), &function, &file, &number))
		return 0; /* it may come to be known */
	marks = marks_of_frame(function, file) | own_marks(t->rules, function, file, number);
	if (marks_want_statement(marks) && source_statement(pid, file, number, statement))
		marks |= marks_of_statement(statement);
	pair_map_add(&t->by_frame, frame, 0, (void *)(uintptr_t)(marks + 1));
	return marks;
}

static unsigned marks_of_stack(struct image_tensors *t, const struct kernel *kernel,
			       const struct target *target, const struct ms_tensor_event *e)
{
	uintptr_t known = (uintptr_t)pair_map_find(&t->by_stack, e->stack, 0);
	static const struct pieces none;
	struct ms_stack stack;
	unsigned marks = 0;
	uint32_t i;

	if (known || e->stack <= MS_STACK_REMARKS)
		return known ? (unsigned)(known - 1) : 0;
	if (pieces_stack(&none, kernel, e->stack, &stack))
		return 0;
	native_names_note(&t->names, e->stack, &stack);
	for (i = 0; i < stack.nr; i++)
		if (MS_FRAME_MODULE(stack.frames[i]) == MS_MODULE_PYTHON)
			marks |= marks_of(t, target, (pid_t)e->tgid, stack.frames[i]);
	pair_map_add(&t->by_stack, e->stack, 0, (void *)(uintptr_t)(marks + 1));
	return marks;
}

/* ---- events ------------------------------------------------------------------------ */

static const enum tensor_what whats[] = {
    [MS_TENSOR_ALLOC] = TENSOR_ALLOC,         [MS_TENSOR_FREE] = TENSOR_FREE,
    [MS_TENSOR_BEGIN] = TENSOR_BEGIN,         [MS_TENSOR_END] = TENSOR_END,
    [MS_TENSOR_PUSH] = TENSOR_PUSH,           [MS_TENSOR_POP] = TENSOR_POP,
    [MS_TENSOR_UPDATE] = TENSOR_UPDATE,       [MS_TENSOR_USAGE] = TENSOR_USAGE,
    [MS_TENSOR_PARAMETER] = TENSOR_PARAMETER, [MS_TENSOR_REQUEST] = TENSOR_REQUEST,
};

static const enum stage_kind stages[] = {
    [MARK_NONE] = STAGE_NONE,    [MARK_BACKWARD] = STAGE_BACKWARD, [MARK_RANGE] = STAGE_OWN,
    [MARK_LOADING] = STAGE_LOAD, [MARK_CONTEXT] = STAGE_CONTEXT,   [MARK_RUN] = STAGE_FORWARD,
};

static struct tensor_shape shape_of(const struct ms_tensor_event *e)
{
	struct tensor_shape shape = {.ndim = e->ndim, .dtype = e->dtype};
	size_t i;

	for (i = 0; i < TENSOR_DIMS; i++)
		shape.dims[i] = i < e->ndim ? e->dims[i] : 0;
	/* It was meant for another block, or this one is larger than its tensor. */
	if (!tensor_shape_fits(&shape, e->size, e->device))
		shape = (struct tensor_shape){.dtype = TENSOR_DTYPE_NONE};
	return shape;
}

static bool reports_totals(const struct target *target, const struct ms_tensor_event *e)
{
	return e->what <= MS_TENSOR_FREE &&
	       modules_table(target_modules(target))->rows[e->row].spec.total_arg;
}

/* A range that one of the user's stages is known by has its name. */
static const char *range_name(const struct own_rules *rules, const char *name)
{
	unsigned marks = *name ? own_marks(rules, name, "", 0) & rules->stages : 0;

	return marks ? rules->items[own_number(marks)].name : name;
}

/* A tracepoint that stages of the user's end at, and others begin. */
static int on_moment(struct tensors *tensors, const struct own_rules *rules, const char *tracepoint,
		     const struct tensor_event *moment)
{
	struct tensor_event event = *moment;
	size_t i;
	int err = 0;

	event.what = TENSOR_POP;
	for (i = 0; i < rules->count && !err; i++) {
		event.address = own_object(i);
		if (rules->items[i].end && !strcmp(rules->items[i].end, tracepoint))
			err = tensors_event(tensors, &event);
	}
	event.what = TENSOR_PUSH;
	for (i = 0; i < rules->count && !err; i++) {
		event.address = own_object(i);
		event.name = rules->items[i].name;
		if (rules->items[i].begin && !strcmp(rules->items[i].begin, tracepoint))
			err = tensors_event(tensors, &event);
	}
	return err;
}

/* An object begins one range at a time: if it is in another, the end of that was not seen. */
static int range_forget(struct tensors *tensors, const struct tensor_event *push)
{
	struct tensor_event event = *push;

	event.what = TENSOR_POP;
	return tensors_event(tensors, &event);
}

int image_tensors_event(struct image_tensors *t, const struct kernel *kernel,
			const struct target *target, const struct ms_tensor_event *e)
{
	struct tensors *tensors = image_tensors_get(t, target, e->image);
	const struct probe_row *row = &modules_table(target_modules(target))->rows[e->row];
	struct tensor_event event = {
	    .t_s = clock_seconds(t->start_ns, e->time_ns),
	    .thread = e->tid,
	    .device = e->device,
	    .address = e->address,
	    .size = e->size,
	    .stack = e->stack,
	    .sp = e->sp,
	    .name = "",
	    .stage = stages[row->mark],
	    .shape.dtype = TENSOR_DTYPE_NONE,
	};
	char name[MS_RANGE_NAME + 1] = "";

	if (tensors && e->what == MS_TENSOR_MOMENT)
		return on_moment(tensors, t->rules, row->symbol, &event);
	if (!tensors || e->what >= sizeof(whats) / sizeof(whats[0]))
		return -ENOMEM;
	event.what = whats[e->what];
	if (e->what == MS_TENSOR_ALLOC)
		event.shape = shape_of(e);
	if (e->what == MS_TENSOR_ALLOC && row->spec.maker_arg)
		event.device = ggml_device(target, e->image, e->maker);
	/* The host's allocator has none; what is mapped from files says its own size. */
	event.totals = e->device != MS_DEVICE_CPU && reports_totals(target, e);
	event.allocated = e->allocated;
	event.reserved = e->reserved;
	if (e->what == MS_TENSOR_ALLOC || e->what == MS_TENSOR_PUSH)
		event.marks = marks_of_stack(t, kernel, target, e);
	if (e->what == MS_TENSOR_PUSH) {
		memcpy(name, e->name, MS_RANGE_NAME);
		if (!e->unread_name.empty && e->unread_name.address)
			process_string((pid_t)e->tgid, e->unread_name.address, name, sizeof(name));
		event.name = range_name(t->rules, name);
	}
	if (e->address && (e->what == MS_TENSOR_PUSH || e->what == MS_TENSOR_POP))
		image_callers_event(tensors_callers(tensors), target, e, event.t_s);
	if (e->what == MS_TENSOR_PARAMETER) {
		event.gradient_address = e->gradient.address;
		event.gradient_size = e->gradient.size;
	}
	if (e->what == MS_TENSOR_REQUEST)
		event.stream = e->stream;
	if (e->what == MS_TENSOR_PUSH && e->address && range_forget(tensors, &event))
		return -ENOMEM;
	return tensors_event(tensors, &event);
}

void image_tensors_names(struct image_tensors *t, const struct frames_source *source, bool must)
{
	uint32_t id;

	for (id = 0; id < t->room && !must; id++)
		must = t->items[id] && tensors_waiting(t->items[id]) > WAITING_MAX;
	if (!must)
		return;
	native_names_read(&t->names, source, t->rules);
	for (id = 0; id < t->room; id++)
		if (t->items[id])
			tensors_names_read(t->items[id]);
}

static const struct {
	enum probe_group group;
	const char *wanted, *known; /* what is said when its probes go in, and out */
} tellings[] = {
    [TOLD_SHAPES] = {GROUP_SHAPES, "shapes of tensors are told again",
		     "shapes of tensors are known"},
    [TOLD_STATES] = {GROUP_STATES, "what steps of optimizers change is told",
		     "what steps of optimizers change is known"},
};

static void tell(struct image_tensors *t, struct target *target, uint32_t id, enum tensor_told what,
		 double t_s)
{
	bool wanted = tensors_wants(t->items[id], what);

	if (wanted == tensors_is_told(t->items[id], what))
		return;
	/* Taken out, they say nothing more; put in, they do once that is done. */
	if (!wanted)
		tensors_tell(t->items[id], what, false, t_s);
	if (target_tell(target, id, tellings[what].group, wanted))
		return;
	if (wanted)
		tensors_tell(t->items[id], what, true, clock_seconds(t->start_ns, clock_ns()));
	if (what == TOLD_SHAPES && !wanted)
		log_verbose("image %u: %s: %zu stacks and sizes", id, tellings[what].known,
			    tensors_shapes(t->items[id])->known.count);
	else
		log_verbose("image %u: %s", id,
			    wanted ? tellings[what].wanted : tellings[what].known);
}

void image_tensors_tick(struct image_tensors *t, struct target *target, double t_s)
{
	uint32_t id;
	int what;

	for (id = 0; id < t->room; id++) {
		for (what = 0; t->items[id] && what < TOLD_NR; what++)
			tell(t, target, id, what, t_s);
		if (t->items[id])
			image_callers_tick(tensors_callers(t->items[id]), target, id, t->start_ns);
	}
}
