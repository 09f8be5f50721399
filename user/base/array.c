/* SPDX-License-Identifier: GPL-2.0 */
#include "base/array.h"

#include <errno.h>
#include <stdlib.h>

#define ROOM_MIN 16

int array_reserve(void *array, size_t count, size_t *room, size_t size)
{
	size_t more = *room ? 2 * *room : ROOM_MIN;
	void *items;

	if (count < *room)
		return 0;
	items = realloc(*(void **)array, more * size);
	if (!items)
		return -ENOMEM;
	*(void **)array = items;
	*room = more;
	return 0;
}
