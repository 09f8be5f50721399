/* SPDX-License-Identifier: GPL-2.0 */
/*
 * NVML, NVIDIA's management library, where it is installed: how many bytes of each device each
 * process has, as the driver counts them, contexts and code included.
 *
 * The library is opened at run time, and called by a thread of its own: it may be slow, or
 * hang, and nobody waits for it longer than he says.  Its pids are those of the machine.
 */
#ifndef MS_GPU_NVML_H
#define MS_GPU_NVML_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "gpu/figure.h"

struct nvml;

/* Starts the thread; the library is opened by the first question.  NULL: no memory, no thread. */
struct nvml *nvml_new(void);
/* A thread that hangs in the library is left behind. */
void nvml_free(struct nvml *nvml);

/* Asks for all devices and processes; nothing if it is still at the last question. */
void nvml_ask(struct nvml *nvml);

/* Waits until the last question is answered, so long at most; false: it is not. */
bool nvml_wait(struct nvml *nvml, unsigned milliseconds);

/* Counts the answers, so that a new one can be told from an old one. */
uint64_t nvml_answers(struct nvml *nvml);

/* What this process has, by the last answer: adds to `figures`. */
void nvml_process(struct nvml *nvml, pid_t pid, struct gpu_figures *figures);
/* The devices that there are, in their order, whoever uses them. */
void nvml_devices(struct nvml *nvml, struct gpu_figures *devices);

/*
 * Why there are no answers, in words; "" if there are, or it has not been asked.  `missing` is
 * set if that is because the library is not installed.
 */
void nvml_reason(struct nvml *nvml, char *text, size_t size, bool *missing);

#endif
