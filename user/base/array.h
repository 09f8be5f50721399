/* SPDX-License-Identifier: GPL-2.0 */
/* Arrays that grow. */
#ifndef MS_ARRAY_H
#define MS_ARRAY_H

#include <stddef.h>

/*
 * Sees that an array has room for one more item of `size` bytes than the `count` that it has:
 * `array` is the address of the pointer to it, *room how many it has room for.  0, or -ENOMEM
 * and all is as it was.
 */
int array_reserve(void *array, size_t count, size_t *room, size_t size);

#endif
