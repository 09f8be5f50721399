/* SPDX-License-Identifier: GPL-2.0 */
/* The tensors of each image: the kernel side's events, as analyse/ wants them. */
#ifndef MS_COLLECT_TENSORS_H
#define MS_COLLECT_TENSORS_H

#include "analyse/tensors.h"
#include "collect/kernel.h"
#include "collect/native_names.h"
#include "symbol/intern.h"
#include "target/target.h"

struct image_tensors {
	struct tensors **items; /* by image id; NULL: none */
	size_t room;
	struct pair_map by_stack, by_frame; /* -> marks + 1 */
	struct native_names names;
	const struct own_rules *rules;
	struct intern *memory; /* names of devices, and shapes */
	uint64_t start_ns;
	uint64_t lost; /* events, when what lives was last looked at */
};

int image_tensors_init(struct image_tensors *tensors, uint64_t start_ns,
		       const struct own_rules *rules);
void image_tensors_free(struct image_tensors *tensors);

/* 0 or -ENOMEM: the event is lost. */
int image_tensors_event(struct image_tensors *tensors, const struct kernel *kernel,
			const struct target *target, const struct ms_tensor_event *event);
/* Now and then: has shapes told where they are wanted, and no longer where they are known. */
void image_tensors_tick(struct image_tensors *tensors, struct target *target, double t_s);
/*
 * Reads the names of native functions, as far as they are new, and says of what has ended what it
 * was.  `must`: before categories are shown; else only if much waits for it.
 */
void image_tensors_names(struct image_tensors *tensors, const struct frames_source *source,
			 bool must);
/* Looks what really lives, of every image, if events were lost since it did last. */
void image_tensors_settle(struct image_tensors *tensors, const struct kernel *kernel);
/* NULL: the image has none. */
struct tensors *image_tensors_find(const struct image_tensors *tensors, uint32_t image);

#endif
