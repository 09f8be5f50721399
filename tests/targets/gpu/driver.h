/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The part of the doubles that is the kernel's: what each process has of each device, contexts
 * included.  It is kept in the directory $GPU_DOUBLE_DRIVER, a file for each process, where the
 * double of NVML finds it; without that variable there is none.
 */
#ifndef DRIVER_DOUBLE_H
#define DRIVER_DOUBLE_H

#include <stdint.h>

/* What a context takes, beside what is allocated in it. */
#define DRIVER_CONTEXT_BYTES (311ULL << 20)

/* `device` as the process numbers it: $CUDA_VISIBLE_DEVICES ("1,0") says which one that is. */
void driver_change(int device, int64_t bytes);

#endif
