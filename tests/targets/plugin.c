/* SPDX-License-Identifier: GPL-2.0 */
/* A library to be loaded late: it allocates through the libc. */
#include <stdlib.h>

void *plugin_take(size_t size);
void plugin_give(void *address);

void *plugin_take(size_t size)
{
	return malloc(size);
}

void plugin_give(void *address)
{
	free(address);
}
