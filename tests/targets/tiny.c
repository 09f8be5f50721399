/* SPDX-License-Identifier: GPL-2.0 */
/* A program with no libc and no allocator: waits to be killed. */
#include <sys/syscall.h>

void _start(void);

void _start(void)
{
	long result;

	for (;;)
		__asm__ volatile("syscall"
				 : "=a"(result)
				 : "a"(SYS_pause)
				 : "rcx", "r11", "memory");
}
