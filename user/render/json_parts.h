/* SPDX-License-Identifier: GPL-2.0 */
/* Parts of the JSON document. */
#ifndef MS_JSON_PARTS_H
#define MS_JSON_PARTS_H

#include "render/frametexts.h"

/* Not printf(), not jansson: a report has more of these than of anything else. */
void json_number(FILE *out, uint64_t value);
/* "ooms", "failures" and "limits".  0 or a negative errno. */
int json_shortage(FILE *out, const struct snapshot *s, struct frame_texts *texts);

#endif
