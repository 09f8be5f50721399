/* SPDX-License-Identifier: GPL-2.0 */
/* Parts of the JSON document. */
#ifndef MS_JSON_PARTS_H
#define MS_JSON_PARTS_H

#include <jansson.h>

#include "render/frametexts.h"

/* "pid" and "process", which is the "id" of one of "processes": a pid that execs, or is used
 * again, has several of them.  `process`: an index. */
int json_pid(const struct snapshot *s, size_t process);
int json_process(const struct snapshot *s, size_t process);

/* Not printf(), not jansson: a report has more of these than of anything else. */
void json_number(FILE *out, uint64_t value);
/* "ooms", "failures" and "limits".  0 or a negative errno. */
int json_shortage(FILE *out, const struct snapshot *s, struct frame_texts *texts);

/* "tensors"; and "stages", "categories", "category_timeline".  The same. */
int json_tensor_stacks(FILE *out, const struct snapshot *s, struct frame_texts *texts);
int json_tensors(FILE *out, const struct snapshot *s);

/* "stage_makers". */
int json_makers(FILE *out, const struct snapshot *s, struct frame_texts *texts);
/* "segment_holders", and "allocators". */
int json_holders(FILE *out, const struct snapshot *s, struct frame_texts *texts);
int json_allocators(FILE *out, const struct snapshot *s);

/* ,"key":[ element, element ] */
typedef json_t *json_element_fn(const struct snapshot *s, size_t index);
int json_elements(FILE *out, const char *key, const struct snapshot *s, size_t count,
		  json_element_fn *element);

/* The same of elements that have a stack each, whose frames come behind their values. */
int json_framed(FILE *out, const char *key, const struct snapshot *s, const struct stack *stacks,
		size_t count, json_element_fn *element, struct frame_texts *texts);

#endif
