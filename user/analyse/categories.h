/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What a block is for: by when it lived against the backward passes and the optimizer's
 * steps, by what PyTorch says of it, and by who allocated it.
 */
#ifndef MS_CATEGORIES_H
#define MS_CATEGORIES_H

#include "analyse/blocks.h"
#include "analyse/stages.h"

/* What is known of the process. */
struct category_context {
	const struct stages *stages;
	struct moment now;
	bool parameters; /* some are known for what they are, by the gradients that came for them */
};

/*
 * The category of a block, as far as it is known now: of one that has ended it stays, but
 * that the first parameter of the process may tell others from them.
 */
enum category_kind category_of(const struct tensor_block *block,
			       const struct category_context *context);

#endif
