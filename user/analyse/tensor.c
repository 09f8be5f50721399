/* SPDX-License-Identifier: GPL-2.0 */
/* Names and shapes of tensors. */
#include "analyse/tensor.h"

#include <inttypes.h>
#include <stdio.h>

const char *const category_names[CATEGORY_NR] = {
#define X(id, name) name,
    CATEGORIES(X)
#undef X
};

const char *const stage_names[STAGE_NR] = {
#define X(id, name) name,
    STAGES(X)
#undef X
};

/* c10/core/ScalarType.h: new types are added at its end. */
static const struct {
	const char *name;
	unsigned bytes;
} dtypes[] = {
    {"uint8", 1},           {"int8", 1},
    {"int16", 2},           {"int32", 4},
    {"int64", 8},           {"float16", 2},
    {"float32", 4},         {"float64", 8},
    {"complex32", 4},       {"complex64", 8},
    {"complex128", 16},     {"bool", 1},
    {"qint8", 1},           {"quint8", 1},
    {"qint32", 4},          {"bfloat16", 2},
    {"quint4x2", 1},        {"quint2x4", 1},
    {"bits1x8", 1},         {"bits2x4", 1},
    {"bits4x2", 1},         {"bits8", 1},
    {"bits16", 2},          {"float8_e5m2", 1},
    {"float8_e4m3fn", 1},   {"float8_e5m2fnuz", 1},
    {"float8_e4m3fnuz", 1}, {"uint16", 2},
    {"uint32", 4},          {"uint64", 8},
};

/* c10/core/DeviceType.h */
static const char *const devices[] = {
    [0] = "cpu",    [1] = "cuda",    [2] = "mkldnn",
    [3] = "opengl", [4] = "opencl",  [5] = "ideep",
    [6] = "hip",    [7] = "fpga",    [8] = "maia",
    [9] = "xla",    [10] = "vulkan", [11] = "metal",
    [12] = "xpu",   [13] = "mps",    [14] = "meta",
    [15] = "hpu",   [16] = "ve",     [17] = "lazy",
    [18] = "ipu",   [19] = "mtia",   [20] = "privateuseone",
};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

unsigned tensor_dtype_bytes(uint8_t dtype)
{
	return dtype < COUNT(dtypes) ? dtypes[dtype].bytes : 0;
}

const char *tensor_dtype_name(uint8_t dtype)
{
	return dtype < COUNT(dtypes) ? dtypes[dtype].name : NULL;
}

#define ROUNDING 512

bool tensor_shape_fits(const struct tensor_shape *shape, uint64_t size, uint16_t device)
{
	uint64_t bytes = tensor_dtype_bytes(shape->dtype);
	int i;

	if (!bytes || shape->ndim > TENSOR_DIMS)
		return false;
	for (i = 0; i < shape->ndim; i++)
		if (__builtin_mul_overflow(bytes, shape->dims[i], &bytes))
			return false;
	return bytes == size ||
	       (device && size % ROUNDING == 0 && bytes < size && size - bytes < ROUNDING);
}

char *tensor_shape_text(const struct tensor_shape *shape, char *text, size_t size)
{
	const char *name = tensor_dtype_name(shape->dtype);
	size_t at;
	int i;

	if (!name || shape->ndim > TENSOR_DIMS) {
		snprintf(text, size, "%s", "");
		return text;
	}
	at = (size_t)snprintf(text, size, "%s[", name);
	for (i = 0; i < shape->ndim && at < size; i++)
		at += (size_t)snprintf(text + at, size - at, "%s%" PRIu64, i ? ", " : "",
				       shape->dims[i]);
	if (at < size)
		snprintf(text + at, size - at, "]");
	return text;
}

char *tensor_device_text(uint16_t device, char *text, size_t size)
{
	unsigned type = device & 0xff;
	const char *name = type < COUNT(devices) ? devices[type] : NULL;

	if (!device)
		snprintf(text, size, "cpu");
	else if (name && device >> 8 == TENSOR_INDEX_ANY)
		snprintf(text, size, "%s", name);
	else if (name)
		snprintf(text, size, "%s:%u", name, (unsigned)device >> 8);
	else
		snprintf(text, size, "device %u:%u", type, (unsigned)device >> 8);
	return text;
}
