/* SPDX-License-Identifier: GPL-2.0 */
/* Asks drivers, and keeps what they said last, and at most, by image and device. */
#include "collect/drivers.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "gpu/drm.h"
#include "target/process.h"

#define PERIOD_NS 500000000ULL
/* NVML mostly answers within that; if not, the next tick takes its answer. */
#define TICK_WAIT_MS 10
#define LAST_WAIT_MS 500
/* It opens devices first, which may take long where nobody else has them open. */
#define FIRST_WAIT_MS 3000
#define INIT_PID_NAMESPACE 0xEFFFFFFCU /* PROC_PID_INIT_INO */

/* One device of an image, as its driver tells it. */
struct told {
	enum gpu_teller teller;
	char bus[GPU_BUS_LEN];
	uint32_t of; /* figure.h */
	uint64_t bytes, peak_bytes, counted_bytes;
};

struct image_driver {
	uint32_t image;
	char *visible;
	struct told items[GPU_FIGURES_MAX];
	size_t count;
};

void drivers_free(struct drivers *d)
{
	size_t i;

	for (i = 0; i < d->count; i++)
		free(d->images[i].visible);
	free(d->images);
	nvml_free(d->nvml);
}

static struct image_driver *image_find(const struct drivers *d, uint32_t image)
{
	size_t i;

	for (i = 0; i < d->count; i++)
		if (d->images[i].image == image)
			return &d->images[i];
	return NULL;
}

static struct image_driver *image_open(struct drivers *d, const struct image *image)
{
	struct image_driver *found = image_find(d, image->id), *items;

	if (found)
		return found;
	items = reallocarray(d->images, d->count + 1, sizeof(*items));
	if (!items)
		return NULL;
	d->images = items;
	found = &items[d->count++];
	*found = (struct image_driver){
	    .image = image->id,
	    .visible = process_variable(image->pid, "CUDA_VISIBLE_DEVICES"),
	};
	return found;
}

/* ---- what calls come to ---------------------------------------------------------------- */

static bool is_cuda(uint32_t device)
{
	return GPU_DEVICE_PLACE(device) == GPU_PLACE_CUDA;
}

/* Of another device than CUDA's, which is not the host's either. */
static bool is_other(uint32_t device)
{
	uint32_t place = GPU_DEVICE_PLACE(device);

	return place == GPU_PLACE_HSA_POOL || place == GPU_PLACE_ZE || place == GPU_PLACE_OPENCL;
}

static const struct gpu_books *books_of(const struct gpus *gpus, uint32_t image)
{
	const struct gpu *gpu = gpus_find(gpus, image);

	return gpu ? gpu_books(gpu) : NULL;
}

static bool has(const struct gpu_books *b, bool (*kind)(uint32_t device))
{
	size_t i;

	for (i = 0; b && i < b->device_count; i++)
		if (kind(b->devices[i].device))
			return true;
	return false;
}

static uint64_t counted_on(const struct gpu_books *b, uint32_t of)
{
	uint64_t sum = 0;
	size_t i;

	for (i = 0; i < b->device_count; i++) {
		const struct gpu_device *device = &b->devices[i];

		if (of == GPU_OF_ALL ? is_other(device->device) : device->device == of)
			sum += (uint64_t)device->totals.live_bytes;
	}
	return sum;
}

/* ---- taking what is told ----------------------------------------------------------------- */

static struct told *told_open(struct image_driver *to, const struct gpu_figure *f)
{
	struct told *t;
	size_t i;

	for (i = 0; i < to->count; i++)
		if (to->items[i].teller == f->teller && !strcmp(to->items[i].bus, f->bus))
			return &to->items[i];
	if (to->count == GPU_FIGURES_MAX)
		return NULL;
	t = &to->items[to->count++];
	*t = (struct told){.teller = f->teller};
	memcpy(t->bus, f->bus, sizeof(t->bus));
	return t;
}

/* Figures of one teller.  None at all: it does not know the process, or not any more. */
static void take(struct image_driver *to, const struct gpu_books *b,
		 const struct gpu_figures *figures, const struct gpu_view *view)
{
	uint32_t of[GPU_FIGURES_MAX], *devices = calloc(b->device_count + 1, sizeof(*devices));
	size_t i;

	if (!devices || !figures->count) {
		free(devices);
		return;
	}
	for (i = 0; i < b->device_count; i++)
		devices[i] = b->devices[i].device;
	gpu_figures_match(figures, devices, b->device_count, view, of);
	for (i = 0; i < to->count; i++)
		if (to->items[i].teller == figures->items[0].teller)
			to->items[i].bytes = 0;
	for (i = 0; i < figures->count; i++) {
		struct told *t = told_open(to, &figures->items[i]);

		if (!t)
			break;
		t->of = of[i];
		t->bytes = figures->items[i].bytes;
		if (t->bytes > t->peak_bytes)
			t->peak_bytes = t->bytes;
	}
	for (i = 0; i < to->count; i++)
		to->items[i].counted_bytes = counted_on(b, to->items[i].of);
	free(devices);
}

static void take_nvml(struct drivers *d, const struct gpus *gpus, const struct image *image)
{
	const struct gpu_books *b = books_of(gpus, image->id);
	struct image_driver *to = has(b, is_cuda) ? image_open(d, image) : NULL;
	struct gpu_figures devices, figures = {.count = 0};
	const struct gpu_view view = {&devices, to ? to->visible : NULL};

	if (!to)
		return;
	nvml_devices(d->nvml, &devices);
	nvml_process(d->nvml, image->pid, &figures);
	take(to, b, &figures, &view);
}

static void take_drm(struct drivers *d, const struct gpus *gpus, const struct image *image)
{
	const struct gpu_books *b = books_of(gpus, image->id);
	struct image_driver *to = has(b, is_other) ? image_open(d, image) : NULL;
	struct gpu_figures none = {.count = 0}, figures = {.count = 0};
	const struct gpu_view view = {&none, NULL};
	char directory[64];

	if (!to)
		return;
	snprintf(directory, sizeof(directory), "/proc/%d", image->pid);
	if (!drm_read(directory, &figures))
		take(to, b, &figures, &view);
}

/* ---- when --------------------------------------------------------------------------------- */

static bool is_running(const struct image *image)
{
	return image->ready_ns && !image->end_ns;
}

/* NVML, from the first process on that CUDA's driver was called by. */
static struct nvml *nvml_wanted(struct drivers *d, const struct gpus *gpus, uint32_t image)
{
	struct stat st;

	if (d->nvml || d->foreign || !has(books_of(gpus, image), is_cuda))
		return d->nvml;
	d->foreign = !stat("/proc/self/ns/pid", &st) && st.st_ino != INIT_PID_NAMESPACE;
	if (!d->foreign)
		d->nvml = nvml_new();
	return d->nvml;
}

static void take_answer(struct drivers *d, const struct gpus *gpus, struct image *const *images,
			size_t count)
{
	uint64_t answers = nvml_answers(d->nvml);
	size_t i;

	if (answers == d->taken)
		return;
	d->taken = answers;
	for (i = 0; i < count; i++)
		if (is_running(images[i]))
			take_nvml(d, gpus, images[i]);
}

void drivers_tick(struct drivers *d, const struct gpus *gpus, const struct target *target)
{
	struct image *const *images;
	size_t i, n = target_images(target, &images);
	uint64_t now = clock_ns();
	bool due = now - d->asked_ns >= PERIOD_NS;
	struct nvml *nvml = NULL;

	for (i = 0; i < n; i++) {
		if (!is_running(images[i]))
			continue;
		nvml = nvml_wanted(d, gpus, images[i]->id);
		if (due)
			take_drm(d, gpus, images[i]);
	}
	if (due)
		d->asked_ns = now;
	if (!nvml)
		return;
	if (due) {
		nvml_ask(nvml);
		nvml_wait(nvml, TICK_WAIT_MS);
	}
	take_answer(d, gpus, images, n);
}

void drivers_last(struct drivers *d, const struct gpus *gpus, const struct image *image)
{
	struct nvml *nvml = nvml_wanted(d, gpus, image->id);
	unsigned patience;

	take_drm(d, gpus, image);
	if (!nvml || !has(books_of(gpus, image->id), is_cuda))
		return;
	patience = d->late ? 0 : nvml_answers(nvml) ? LAST_WAIT_MS : FIRST_WAIT_MS;
	/* What is being answered may be of before now. */
	d->late = !nvml_wait(nvml, patience);
	if (!d->late) {
		nvml_ask(nvml);
		d->late = !nvml_wait(nvml, patience);
	}
	if (!d->late)
		take_nvml(d, gpus, image);
}

/* ---- reading -------------------------------------------------------------------------------- */

static struct device_totals *device_open(const struct gpus *gpus, struct process *p,
					 const struct told *t)
{
	const char *name = gpus_told_name(gpus, t->of, t->bus);
	struct device_totals *items;
	size_t i;

	if (!name)
		return NULL;
	for (i = 0; i < p->device_count; i++)
		if (!strcmp(p->devices[i].name, name))
			return &p->devices[i];
	items = reallocarray(p->devices, p->device_count + 1, sizeof(*items));
	if (!items)
		return NULL;
	p->devices = items;
	items[p->device_count] = (struct device_totals){.name = name};
	return &items[p->device_count++];
}

int drivers_fill(const struct drivers *d, const struct gpus *gpus, struct process *p)
{
	const struct image_driver *of = image_find(d, p->id);
	size_t i;

	for (i = 0; of && i < of->count; i++) {
		const struct told *t = &of->items[i];
		struct device_totals *to = device_open(gpus, p, t);

		if (!to)
			return -ENOMEM;
		to->driver_known = true;
		to->driver_bytes = t->bytes;
		to->driver_peak_bytes = t->peak_bytes;
		to->driver_compared = t->of != GPU_OF_UNKNOWN;
		to->driver_counted_bytes = to->driver_compared ? t->counted_bytes : 0;
	}
	return 0;
}

bool drivers_remark(const struct drivers *d, char *text, size_t size)
{
	bool missing = false;

	*text = 0;
	if (d->foreign)
		snprintf(text, size,
			 "memsnoop runs in a pid namespace, and pids that the "
			 "driver tells are the machine's");
	else if (d->late)
		snprintf(text, size, "NVML does not answer");
	else if (d->nvml)
		nvml_reason(d->nvml, text, size, &missing);
	return *text != 0;
}
