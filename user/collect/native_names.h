/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Stacks of tensors whose native functions' names are still to be read, which takes symbols and
 * so is not done when an event comes: what categories go by.
 */
#ifndef MS_NATIVE_NAMES_H
#define MS_NATIVE_NAMES_H

#include "analyse/native.h"
#include "analyse/own.h"
#include "collect/frames.h"

struct native_names {
	struct native_marks marks; /* of those that were read */
	struct pair_map by_frame;  /* the same of frames: -> marks + 1 */
	struct unread {
		uint64_t stack;
		size_t count;
		uint64_t *frames;
	} * unread;
	size_t count, room;
};

/* 0 or -ENOMEM. */
int native_names_init(struct native_names *names);
void native_names_free(struct native_names *names);

/* A stack is new.  Without memory it is as if its names said nothing. */
void native_names_note(struct native_names *names, uint64_t hash, const struct ms_stack *stack);
/* Reads what there is to be read. */
void native_names_read(struct native_names *names, const struct frames_source *source,
		       const struct own_rules *rules);

#endif
