/* SPDX-License-Identifier: GPL-2.0 */
/* A library with tracepoints that is loaded while its program runs. */
#define _SDT_HAS_SEMAPHORES 1
#include <sys/sdt.h>

__extension__ unsigned short late_begin_semaphore __attribute__((section(".probes")));
__extension__ unsigned short late_end_semaphore __attribute__((section(".probes")));

void late_begin(void);
void late_end(void);
int late_is_traced(void);

void late_begin(void)
{
	STAP_PROBE2(late, begin, 1.5, "text");
}

void late_end(void)
{
	STAP_PROBE(late, end);
}

int late_is_traced(void)
{
	const volatile unsigned short *begin = &late_begin_semaphore, *end = &late_end_semaphore;

	return *begin && *end;
}
