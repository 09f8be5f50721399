/* SPDX-License-Identifier: GPL-2.0 */
#include "render/frametexts.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "render/json_parts.h"
#include "render/value.h"

int frame_texts_init(struct frame_texts *f)
{
	*f = (struct frame_texts){0};
	return frameset_init(&f->set, true);
}

void frame_texts_free(struct frame_texts *f)
{
	for (size_t i = 0; i < f->capacity; i++)
		free(f->texts[i].text);
	free(f->texts);
	frameset_free(&f->set);
}

/* The number of a frame, FRAMESET_NONE without memory. */
static uint32_t frame_number(struct frame_texts *f, const struct frame *frame)
{
	uint32_t index = frameset_add(&f->set, frame);
	json_t *object;

	if (index == FRAMESET_NONE)
		return FRAMESET_NONE;
	if (index >= f->capacity) {
		size_t capacity = f->set.capacity;
		struct frame_text *texts = reallocarray(f->texts, capacity, sizeof(*texts));

		if (!texts)
			return FRAMESET_NONE;
		memset(texts + f->capacity, 0, (capacity - f->capacity) * sizeof(*texts));
		f->texts = texts;
		f->capacity = capacity;
	}
	if (!f->texts[index].text) {
		object =
		    json_pack("{s:o,s:o,s:I,s:o,s:s,s:b}", "function", value_text(frame->function),
			      "file", value_text(frame->file), "line", (json_int_t)frame->line,
			      "module", value_text(frame->module), "kind",
			      frame_kind_names[frame->kind], "inlined", (int)frame->inlined);
		f->texts[index].text = object ? json_dumps(object, VALUE_FLAGS) : NULL;
		json_decref(object);
		if (!f->texts[index].text)
			return FRAMESET_NONE;
		f->texts[index].length = strlen(f->texts[index].text);
	}
	return index;
}

int frame_texts_stack(struct frame_texts *f, FILE *out, const struct stack *stack)
{
	fputs("\"frames\":[", out);
	for (size_t i = 0; i < stack->frame_count; i++) {
		uint32_t frame = frame_number(f, &stack->frames[i]);

		if (frame == FRAMESET_NONE)
			return -ENOMEM;
		if (i)
			fputc(',', out);
		json_number(out, frame);
	}
	fputc(']', out);
	return 0;
}

void frame_texts_put(const struct frame_texts *f, FILE *out)
{
	fputs("\"frames\":[", out);
	for (size_t i = 0; i < f->set.count; i++) {
		fputs(i ? ",\n" : "\n", out);
		fwrite(f->texts[i].text, 1, f->texts[i].length, out);
	}
	fputc(']', out);
}
