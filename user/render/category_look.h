/* SPDX-License-Identifier: GPL-2.0 */
/* How a category of tensors looks, the same in every picture, and where it stands. */
#ifndef MS_CATEGORY_LOOK_H
#define MS_CATEGORY_LOOK_H

/*
 * "#rrggbb", for light and dark pictures, with dark letters readable on it; a category that
 * we do not know has a colour by its name.
 */
const char *category_colour(const char *name);
/* Its place from the bottom of a stack: what stays is below what comes and goes. */
unsigned category_rank(const char *name);

#endif
