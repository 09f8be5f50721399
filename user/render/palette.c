/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Colours of frames.  Warm is native code, blue is Python, and the further from
 * the program's own code, the paler.  A new kind of module is a row.
 */
#include "render/palette.h"

#include <fnmatch.h>
#include <math.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "render/category_look.h"
#include "render/parts.h"

static const struct {
	const char *name;
	double hue, hue_spread; /* degrees; a shade lies within ± spread */
	double saturation;
	double light, light_spread;
} families[PALETTE_NR] = {
    [PALETTE_APPLICATION] = {"application", 14, 6, 0.82, 0.68, 0.04},
    [PALETTE_LIBRARY] = {"library", 46, 4, 0.72, 0.69, 0.04},
    [PALETTE_FRAMEWORK] = {"ML framework, maths, GPU", 30, 5, 0.88, 0.66, 0.04},
    [PALETTE_PYTHON] = {"Python", 212, 7, 0.70, 0.72, 0.04},
    [PALETTE_INTERPRETER] = {"interpreter", 208, 8, 0.34, 0.80, 0.03},
    [PALETTE_LIBC] = {"libc, allocator", 174, 8, 0.34, 0.69, 0.04},
    [PALETTE_JIT] = {"JIT", 128, 8, 0.38, 0.70, 0.04},
    [PALETTE_KERNEL] = {"kernel", 268, 8, 0.48, 0.79, 0.03},
    [PALETTE_UNKNOWN] = {"unknown", 30, 4, 0.08, 0.80, 0.02},
};

/* By the name of the module's file; the first row that matches counts. */
static const struct {
	const char *pattern;
	enum palette family;
} modules[] = {
    {"libc.so*", PALETTE_LIBC},
    {"libc-[0-9]*", PALETTE_LIBC},
    {"ld-*", PALETTE_LIBC},
    {"libpthread*", PALETTE_LIBC},
    {"libm.so*", PALETTE_LIBC},
    {"libdl.so*", PALETTE_LIBC},
    {"librt.so*", PALETTE_LIBC},
    {"libgcc_s*", PALETTE_LIBC},
    {"libstdc++*", PALETTE_LIBC},
    {"libc++*", PALETTE_LIBC},
    {"libjemalloc*", PALETTE_LIBC},
    {"libtcmalloc*", PALETTE_LIBC},
    {"libmimalloc*", PALETTE_LIBC},
    {"python[0-9.]*", PALETTE_INTERPRETER},
    {"python", PALETTE_INTERPRETER},
    {"libpython*", PALETTE_INTERPRETER},
    {"node", PALETTE_INTERPRETER},
    {"libnode*", PALETTE_INTERPRETER},
    {"ruby*", PALETTE_INTERPRETER},
    {"libruby*", PALETTE_INTERPRETER},
    {"perl*", PALETTE_INTERPRETER},
    {"libperl*", PALETTE_INTERPRETER},
    {"java", PALETTE_INTERPRETER},
    {"libjvm*", PALETTE_INTERPRETER},
    {"libtorch*", PALETTE_FRAMEWORK},
    {"libc10*", PALETTE_FRAMEWORK},
    {"_C.*", PALETTE_FRAMEWORK},
    {"*torch*.so*", PALETTE_FRAMEWORK},
    {"libcu*", PALETTE_FRAMEWORK},
    {"libnv*", PALETTE_FRAMEWORK},
    {"libnccl*", PALETTE_FRAMEWORK},
    {"libggml*", PALETTE_FRAMEWORK},
    {"libllama*", PALETTE_FRAMEWORK},
    {"libmkl*", PALETTE_FRAMEWORK},
    {"libdnnl*", PALETTE_FRAMEWORK},
    {"libopenblas*", PALETTE_FRAMEWORK},
    {"libblas*", PALETTE_FRAMEWORK},
    {"liblapack*", PALETTE_FRAMEWORK},
    {"libgomp*", PALETTE_FRAMEWORK},
    {"libiomp*", PALETTE_FRAMEWORK},
    {"libonnx*", PALETTE_FRAMEWORK},
    {"libtensorflow*", PALETTE_FRAMEWORK},
    {"libxla*", PALETTE_FRAMEWORK},
    {"libamdhip*", PALETTE_FRAMEWORK},
    {"libhsa-*", PALETTE_FRAMEWORK},
    {"libroc*", PALETTE_FRAMEWORK},
    {"libhip*", PALETTE_FRAMEWORK},
    {"libze_*", PALETTE_FRAMEWORK},
    {"_multiarray*", PALETTE_FRAMEWORK},
    {"libprotobuf*", PALETTE_FRAMEWORK},
    {"*.so", PALETTE_LIBRARY},
    {"*.so.*", PALETTE_LIBRARY},
    {"[[]*", PALETTE_KERNEL}, /* [vdso], [vsyscall] */
};

const char *palette_name(enum palette family)
{
	return families[family].name;
}

enum palette palette_of(const struct frame *frame)
{
	const char *name = part_basename(frame->module);

	switch (frame->kind) {
	case FRAME_PYTHON:
		return PALETTE_PYTHON;
	case FRAME_JIT:
		return PALETTE_JIT;
	case FRAME_KERNEL:
		return PALETTE_KERNEL;
	case FRAME_NOTE:
		return PALETTE_UNKNOWN;
	case FRAME_CATEGORY:
	case FRAME_SHAPE:
		return PALETTE_NR;
	case FRAME_NATIVE:
		break;
	}
	if (!*name)
		return PALETTE_UNKNOWN;
	for (size_t i = 0; i < sizeof(modules) / sizeof(modules[0]); i++)
		if (!fnmatch(modules[i].pattern, name, 0))
			return modules[i].family;
	return PALETTE_APPLICATION;
}

static double channel(double hue, double saturation, double light, double shift)
{
	double k = fmod(shift + hue / 30, 12);
	double a = saturation * fmin(light, 1 - light);

	return light - a * fmax(-1, fmin(fmin(k - 3, 9 - k), 1));
}

static const char *from_hsl(char buffer[COLOUR_LEN], double hue, double saturation, double light)
{
	snprintf(buffer, COLOUR_LEN, "#%02x%02x%02x",
		 (unsigned)lround(255 * channel(hue, saturation, light, 0)) & 0xff,
		 (unsigned)lround(255 * channel(hue, saturation, light, 8)) & 0xff,
		 (unsigned)lround(255 * channel(hue, saturation, light, 4)) & 0xff);
	return buffer;
}

/* FNV-1a, continued: the same on every machine and in every run. */
static uint32_t shade(uint32_t hash, const char *text)
{
	for (; text && *text; text++)
		hash = (hash ^ (unsigned char)*text) * 16777619u;
	return hash;
}

const char *palette_colour(char buffer[COLOUR_LEN], const struct frame *frame)
{
	enum palette family = palette_of(frame);
	uint32_t hash = shade(shade(2166136261u, part_basename(frame->module)), frame->function);
	double first, second;

	if (family == PALETTE_NR) {
		snprintf(
		    buffer, COLOUR_LEN, "%s",
		    category_colour(frame->kind == FRAME_SHAPE ? frame->module : frame->function));
		return buffer;
	}
	hash ^= hash >> 15;
	first = (double)(hash & 0xff) / 127.5 - 1;
	second = (double)(hash >> 8 & 0xff) / 127.5 - 1;
	return from_hsl(buffer, families[family].hue + first * families[family].hue_spread,
			families[family].saturation,
			families[family].light + second * families[family].light_spread);
}

const char *palette_mean(char buffer[COLOUR_LEN], enum palette family)
{
	return from_hsl(buffer, families[family].hue, families[family].saturation,
			families[family].light);
}
