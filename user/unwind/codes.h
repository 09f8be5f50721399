/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Python's code objects by the ids that frames carry.  A code object is read
 * when the kernel side announces it, while it is most likely there, and kept for
 * good.  What the workers of one program have in common is kept once.
 */
#ifndef MS_CODES_H
#define MS_CODES_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "memsnoop.h"
#include "python.h"

struct codes;

struct codes *codes_new(void);
void codes_free(struct codes *codes);

/* Image `image` runs this interpreter (a second call replaces it).  0 or -ENOMEM. */
int codes_image(struct codes *codes, uint32_t image, const struct ms_python *python);
/* The image has ended: nothing of it can be read any more. */
void codes_image_end(struct codes *codes, uint32_t image);

/*
 * Reads the code object now, from process `pid`, unless the id is known.  0; -ESTALE or
 * another negative errno if it cannot be read: the id is then known as gone.
 */
int codes_add(struct codes *codes, uint32_t id, pid_t pid, const struct ms_code_key *key);
int codes_add_event(struct codes *codes, const struct ms_code_event *event);

/*
 * What a frame says: function and file are never NULL and live as long as
 * `codes`; line is 0 if it is not known.  False, and "<python: gone>" or
 * "<python: unknown>" with no file (""), if the code object could not be read,
 * or has never been announced (id 0: there was no room for an id).
 */
bool codes_frame(const struct codes *codes, uint32_t id, uint32_t unit, const char **function,
		 const char **file, unsigned *line);
/* Whether codes_add() has been called for it. */
bool codes_known(const struct codes *codes, uint32_t id);
/* Code objects that were gone, or that memory was wanting for. */
uint64_t codes_gone(const struct codes *codes);

#endif
