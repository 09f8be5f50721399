/* SPDX-License-Identifier: GPL-2.0 */
/* Figures of drivers, and the devices they are about. */
#include "gpu/figure.h"

#include <stdlib.h>
#include <string.h>

#include "gpu/books.h"
#include "gpu/calls.h"

struct gpu_figure *gpu_figures_open(struct gpu_figures *f, enum gpu_teller teller, const char *bus)
{
	struct gpu_figure *found;
	size_t i;

	for (i = 0; i < f->count; i++)
		if (f->items[i].teller == teller && !strcmp(f->items[i].bus, bus))
			return &f->items[i];
	if (f->count == GPU_FIGURES_MAX)
		return NULL;
	found = &f->items[f->count++];
	*found = (struct gpu_figure){.teller = teller};
	strncpy(found->bus, bus, sizeof(found->bus) - 1);
	return found;
}

/* ---- CUDA's numbers ------------------------------------------------------------------ */

/* The device of NVML that a word of CUDA_VISIBLE_DEVICES names: a number, or how its uuid begins.
 */
static const struct gpu_figure *named(const struct gpu_figures *nvml, const char *word,
				      size_t length)
{
	const struct gpu_figure *found = NULL;
	char *end;
	unsigned long number = strtoul(word, &end, 10);
	bool is_number = end == word + length && *word >= '0' && *word <= '9';
	size_t i;

	for (i = 0; i < nvml->count; i++) {
		const struct gpu_figure *d = &nvml->items[i];

		if (is_number ? d->index != number
			      : length < 5 || strncmp(d->uuid, word, length) != 0)
			continue;
		if (found)
			return NULL; /* more than one begins so */
		found = d;
	}
	return found;
}

/* The number that CUDA gives the device of NVML in this process; GPU_OF_UNKNOWN: none. */
static uint32_t ordinal_of(const struct gpu_view *view, unsigned index)
{
	const char *word = view->visible;
	uint32_t ordinal = 0;

	if (!word)
		return GPU_DEVICE(GPU_PLACE_CUDA, index);
	/* What comes after a word that names no device is not there for CUDA. */
	while (*word) {
		size_t length = strcspn(word, ",");
		const struct gpu_figure *device = named(view->nvml, word, length);

		if (!device)
			break;
		if (device->index == index)
			return GPU_DEVICE(GPU_PLACE_CUDA, ordinal);
		ordinal++;
		word += length + (word[length] == ',');
	}
	return GPU_OF_UNKNOWN;
}

static bool is_among(const uint32_t *devices, size_t count, uint32_t device)
{
	size_t i;

	for (i = 0; i < count; i++)
		if (devices[i] == device)
			return true;
	return false;
}

/*
 * The process may have set CUDA_VISIBLE_DEVICES itself, which nobody sees.  Where a device was
 * counted that has no figure, figures of devices that were not are in doubt: one of
 * them is that device's, several are nobody's.
 */
static void settle_doubts(const struct gpu_figures *f, const uint32_t *devices, size_t count,
			  uint32_t of[GPU_FIGURES_MAX])
{
	size_t i, bare = 0, doubtful = 0;
	uint32_t missing = 0;

	for (i = 0; i < count; i++)
		if (GPU_DEVICE_PLACE(devices[i]) == GPU_PLACE_CUDA &&
		    !is_among(of, f->count, devices[i])) {
			missing = devices[i];
			bare++;
		}
	if (!bare)
		return;
	for (i = 0; i < f->count; i++)
		doubtful +=
		    f->items[i].teller == GPU_TELLER_NVML && !is_among(devices, count, of[i]);
	for (i = 0; i < f->count; i++)
		if (f->items[i].teller == GPU_TELLER_NVML && !is_among(devices, count, of[i]))
			of[i] = bare == 1 && doubtful == 1 ? missing : GPU_OF_UNKNOWN;
}

/* ---- others ---------------------------------------------------------------------------- */

/* Others are numbered as nobody else does: only if there is one, it is known which. */
static uint32_t only_other(const struct gpu_figures *f, const uint32_t *devices, size_t count)
{
	uint32_t found = GPU_OF_ALL;
	size_t i, figures = 0, level_zero = 0, others = 0;

	for (i = 0; i < f->count; i++)
		figures += f->items[i].teller == GPU_TELLER_DRM;
	if (figures != 1)
		return GPU_OF_UNKNOWN;
	for (i = 0; i < count; i++) {
		uint32_t place = GPU_DEVICE_PLACE(devices[i]);

		others += place == GPU_PLACE_HSA_POOL || place == GPU_PLACE_OPENCL;
		if (place != GPU_PLACE_ZE)
			continue;
		level_zero++;
		found = devices[i];
	}
	return level_zero == 1 && !others ? found : GPU_OF_ALL;
}

void gpu_figures_match(const struct gpu_figures *f, const uint32_t *devices, size_t count,
		       const struct gpu_view *view, uint32_t of[GPU_FIGURES_MAX])
{
	uint32_t other = only_other(f, devices, count);
	size_t i;

	for (i = 0; i < f->count; i++)
		of[i] = f->items[i].teller == GPU_TELLER_NVML ? ordinal_of(view, f->items[i].index)
							      : other;
	settle_doubts(f, devices, count, of);
}
