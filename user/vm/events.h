/* SPDX-License-Identifier: GPL-2.0 */
/* System calls of the vm layer, as the kernel side tells them, into an account. */
#ifndef MS_VM_EVENTS_H
#define MS_VM_EVENTS_H

#include "memsnoop.h"
#include "vm/account.h"

/* Memory that a call has filled with pages, where no page fault shows who did. */
struct vm_populated {
	uint64_t start, end;
	uint64_t stack;
};

/*
 * Applies one system call, begun or ended.  *populated is what it has filled: an
 * empty range for most; mlockall() fills [0, UINT64_MAX).  `huge_page` is the
 * default size of huge pages, in bytes.  0, -ENOMEM as account.h says, or a
 * positive errno: the call could not have its memory.
 */
int vm_event_apply(struct vm_account *account, const struct ms_vm_event *event, uint64_t huge_page,
		   struct vm_populated *populated);
/* Bytes that a call which maps memory has asked for; 0 if it is not known or none. */
uint64_t vm_event_wanted(const struct ms_vm_event *event);

#endif
