/* SPDX-License-Identifier: GPL-2.0 */
/* A library that is gone when the report is written. */
#include "chain_parts.h"

#include <stdlib.h>

void gone_outer(void);

static FN void gone_inner(void)
{
	ENTER();
	ALLOC();
	LEAVE();
}

FN void gone_outer(void)
{
	ENTER();
	half_plain(gone_inner);
	LEAVE();
}
