/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Many live blocks at once.
 *
 *   hold COUNT SIZE [keep]    COUNT blocks of SIZE bytes, then all freed
 *                             (keep: the process ends with them)
 */
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "ledger.h"

int main(int argc, char **argv)
{
	if (argc < 3)
		return 2;
	size_t count = strtoul(argv[1], NULL, 10), size = strtoul(argv[2], NULL, 10);
	struct block *blocks = mmap(NULL, count * sizeof(*blocks), PROT_READ | PROT_WRITE,
				    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (blocks == MAP_FAILED)
		return 1;
	for (size_t i = 0; i < count; i++)
		ledger_malloc(&blocks[i], size);
	if (argc < 4 || strcmp(argv[3], "keep"))
		for (size_t i = 0; i < count; i++)
			ledger_free(&blocks[i]);
	ledger_write("hold");
	return 0;
}
