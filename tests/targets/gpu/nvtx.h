/* SPDX-License-Identifier: GPL-2.0 */
/* What the double of NVTX, as long as it was a library, has of the public interface. */
#ifndef NVTX_DOUBLE_H
#define NVTX_DOUBLE_H

#include <stdint.h>
#include <wchar.h>

typedef struct {
	uint16_t version, size;
	uint32_t category;
	int32_t colorType;
	uint32_t color;
	int32_t payloadType, reserved0;
	uint64_t payload;
	int32_t messageType;
	const char *message;
} nvtxEventAttributes_t;

/* The level that was begun, or ended; below 0: nobody listens. */
int nvtxRangePushA(const char *name);
int nvtxRangePushW(const wchar_t *name);
int nvtxRangePushEx(const nvtxEventAttributes_t *attributes);
int nvtxRangePop(void);

#endif
