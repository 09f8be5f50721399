/* SPDX-License-Identifier: GPL-2.0 */
#include "collect/ggml.h"

#include <string.h>

#include "analyse/tensor.h"
#include "mapping.h"

/*
 * ggml/src/ggml-backend-reg.cpp has them all; c10/core/DeviceType.h is where the numbers are from.
 * A program that has them built in has one file for all of them: then it is not known.
 */
static const struct {
	const char *library;
	uint8_t type;
} libraries[] = {
    {"/libggml-cuda.", TENSOR_CUDA},     {"/libggml-hip.", TENSOR_HIP},
    {"/libggml-vulkan.", TENSOR_VULKAN}, {"/libggml-sycl.", TENSOR_XPU},
    {"/libggml-opencl.", TENSOR_OPENCL}, {"/libggml-metal.", TENSOR_METAL},
};

static const struct module *module_at(const struct target *target, uint32_t id, uint64_t address)
{
	const struct image *image = target_image(target, id);
	const struct ms_mapping *m = image ? mapping_find(image->table, address) : NULL;

	return m ? modules_find(target_modules(target), m->module) : NULL;
}

uint16_t ggml_device(const struct target *target, uint32_t image, uint64_t maker)
{
	const struct module *module = maker ? module_at(target, image, maker) : NULL;
	const char *name = module ? strrchr(module->path, '/') : NULL;
	size_t i;

	for (i = 0; name && i < sizeof(libraries) / sizeof(libraries[0]); i++)
		if (!strncmp(name, libraries[i].library, strlen(libraries[i].library)))
			return MS_DEVICE(libraries[i].type, TENSOR_INDEX_ANY);
	return MS_DEVICE_CPU;
}
