/* SPDX-License-Identifier: GPL-2.0 */
/* A small program to become: what vfork, posix_spawn and exec run. */
#include "ledger.h"

int main(void)
{
	struct block blocks[30];

	for (int i = 0; i < 30; i++)
		ledger_malloc(&blocks[i], 77);
	for (int i = 0; i < 10; i++)
		ledger_free(&blocks[i]);
	ledger_write("image");
	return 0;
}
