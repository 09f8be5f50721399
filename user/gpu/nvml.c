/* SPDX-License-Identifier: GPL-2.0 */
/* The thread that calls NVML, and what it and the others share. */
#include "gpu/nvml.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "gpu/nvml_library.h"

struct nvml {
	pthread_mutex_t lock;
	pthread_cond_t asked, answered;
	uint64_t questions, answers; /* an answer can be that there is none */
	bool over;
	bool left; /* by its owner: the thread frees it, if it ever comes to it */
	struct nvml_answer answer;
	char reason[NVML_REASON_LEN];
	bool missing;
	pthread_t thread;
};

static void destroy(struct nvml *n)
{
	nvml_answer_free(&n->answer);
	pthread_cond_destroy(&n->asked);
	pthread_cond_destroy(&n->answered);
	pthread_mutex_destroy(&n->lock);
	free(n);
}

/* Calls the library, with the lock let go; what it says replaces the last answer. */
static void answer(struct nvml *n, struct nvml_library **library)
{
	struct nvml_answer now = {0};
	char reason[NVML_REASON_LEN] = "";
	bool missing = n->missing;
	int err = -EIO;

	pthread_mutex_unlock(&n->lock);
	if (!*library && !missing)
		*library = nvml_library_open(reason, &missing);
	if (*library) {
		*reason = 0;
		err = nvml_library_ask(*library, &now, reason);
	}
	pthread_mutex_lock(&n->lock);
	nvml_answer_free(&n->answer);
	n->answer = now;
	if (missing && n->missing)
		return; /* known already */
	n->missing = missing;
	if (err)
		snprintf(n->reason, sizeof(n->reason), "%s", *reason ? reason : "no memory");
	else
		*n->reason = 0;
}

static void *run(void *arg)
{
	struct nvml_library *library = NULL;
	struct nvml *n = arg;
	bool left;

	pthread_mutex_lock(&n->lock);
	while (!n->over) {
		if (n->answers == n->questions) {
			pthread_cond_wait(&n->asked, &n->lock);
			continue;
		}
		answer(n, &library);
		n->answers = n->questions;
		pthread_cond_broadcast(&n->answered);
	}
	left = n->left;
	pthread_mutex_unlock(&n->lock);
	nvml_library_close(library);
	if (left)
		destroy(n);
	return NULL;
}

struct nvml *nvml_new(void)
{
	struct nvml *n = calloc(1, sizeof(*n));

	if (!n)
		return NULL;
	pthread_mutex_init(&n->lock, NULL);
	pthread_cond_init(&n->asked, NULL);
	pthread_cond_init(&n->answered, NULL);
	if (!pthread_create(&n->thread, NULL, run, n))
		return n;
	destroy(n);
	return NULL;
}

void nvml_free(struct nvml *n)
{
	bool idle;

	if (!n)
		return;
	pthread_mutex_lock(&n->lock);
	idle = n->answers == n->questions;
	n->over = true;
	n->left = !idle;
	pthread_cond_signal(&n->asked);
	if (!idle)
		pthread_detach(n->thread);
	pthread_mutex_unlock(&n->lock);
	if (!idle)
		return;
	pthread_join(n->thread, NULL);
	destroy(n);
}

void nvml_ask(struct nvml *n)
{
	pthread_mutex_lock(&n->lock);
	if (n->answers == n->questions) {
		n->questions++;
		pthread_cond_signal(&n->asked);
	}
	pthread_mutex_unlock(&n->lock);
}

bool nvml_wait(struct nvml *n, unsigned milliseconds)
{
	struct timespec until;
	bool answered;

	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += milliseconds / 1000;
	until.tv_nsec += milliseconds % 1000 * 1000000L;
	if (until.tv_nsec >= 1000000000L) {
		until.tv_nsec -= 1000000000L;
		until.tv_sec++;
	}
	pthread_mutex_lock(&n->lock);
	while (n->answers != n->questions &&
	       pthread_cond_timedwait(&n->answered, &n->lock, &until) != ETIMEDOUT)
		;
	answered = n->answers == n->questions;
	pthread_mutex_unlock(&n->lock);
	return answered;
}

uint64_t nvml_answers(struct nvml *n)
{
	uint64_t answers;

	pthread_mutex_lock(&n->lock);
	answers = n->answers;
	pthread_mutex_unlock(&n->lock);
	return answers;
}

void nvml_process(struct nvml *n, pid_t pid, struct gpu_figures *figures)
{
	pthread_mutex_lock(&n->lock);
	for (size_t i = 0; i < n->answer.count; i++) {
		const struct nvml_use *use = &n->answer.uses[i];
		const struct gpu_figure *device = &n->answer.devices.items[use->device];
		struct gpu_figure *f;

		if (use->pid != pid)
			continue;
		f = gpu_figures_open(figures, GPU_TELLER_NVML, device->bus);
		if (!f)
			continue;
		/* More than one entry: a device that is cut into instances. */
		f->index = device->index;
		memcpy(f->uuid, device->uuid, sizeof(f->uuid));
		if (__builtin_add_overflow(f->bytes, use->bytes, &f->bytes))
			f->bytes = UINT64_MAX;
	}
	pthread_mutex_unlock(&n->lock);
}

void nvml_devices(struct nvml *n, struct gpu_figures *devices)
{
	pthread_mutex_lock(&n->lock);
	*devices = n->answer.devices;
	pthread_mutex_unlock(&n->lock);
}

void nvml_reason(struct nvml *n, char *text, size_t size, bool *missing)
{
	pthread_mutex_lock(&n->lock);
	snprintf(text, size, "%s", n->reason);
	if (!*n->reason && n->answer.incomplete)
		snprintf(text, size, "the driver does not say it of each process");
	*missing = n->missing;
	pthread_mutex_unlock(&n->lock);
}
