/* SPDX-License-Identifier: GPL-2.0 */
/* What the running kernel's allocation tracepoints tell, and in which order. */
#ifndef MS_ARGUMENTS_H
#define MS_ARGUMENTS_H

#include <stdbool.h>

struct btf;

/* Whether there is such a tracepoint. */
bool arguments_known(const struct btf *btf, const char *tracepoint);
/* An enum slab_arguments; -ENOENT: no such tracepoint, -EPROTO: of an unknown form. */
int arguments_of(const struct btf *btf, const char *tracepoint);

#endif
