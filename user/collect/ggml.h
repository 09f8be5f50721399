/* SPDX-License-Identifier: GPL-2.0 */
/* Which device a buffer of ggml is on. */
#ifndef MS_GGML_H
#define MS_GGML_H

#include <stdint.h>

#include "target/target.h"

/*
 * The device, as MS_DEVICE() with the index TENSOR_INDEX_ANY, of a buffer that the function at
 * address `maker` of image `image` has made: by the library that it lies in, of which each kind of
 * device has one.  MS_DEVICE_CPU for 0, and for what lies in none of these.
 */
uint16_t ggml_device(const struct target *target, uint32_t image, uint64_t maker);

#endif
