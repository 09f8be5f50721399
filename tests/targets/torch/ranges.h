/* SPDX-License-Identifier: GPL-2.0 */
#ifndef RANGES_H
#define RANGES_H

/* Of libranges_late.so: a range of its own, whose function is called from there only. */
extern "C" void ranges_late(void);

#endif
