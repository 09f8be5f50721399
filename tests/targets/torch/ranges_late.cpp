/* SPDX-License-Identifier: GPL-2.0 */
/* An extension with ranges of its own, that the target ranges loads when it is told to. */
#include "autograd.h"
#include "ranges.h"

void ranges_late(void)
{
	at::RecordFunction record(at::RecordScope::USER_SCOPE);

	record.end();
}
