/* SPDX-License-Identifier: GPL-2.0 */
/* The live table on a terminal, redrawn in place.  It gives the terminal back
 * as it was when it is closed, also when the program ends by exit(). */
#ifndef MS_SCREEN_H
#define MS_SCREEN_H

#include "render/render.h"

struct screen;

/* Takes the terminal over; NULL if stdin and stdout are not one. */
struct screen *screen_open(void);
int screen_draw(struct screen *screen, const struct snapshot *s, const struct render_options *o);
/* The same in two steps, for other tables: the size there is, and lines to show (text is cut up).
 */
void screen_fit(struct screen *screen, struct render_options *o);
void screen_show(struct screen *screen, char *text);
/* The next key that was pressed, 0 if none. */
int screen_key(struct screen *screen);
/* Reads keys; true if the user wants to leave (q). */
bool screen_quit_wanted(struct screen *screen);
void screen_close(struct screen *screen);

#endif
