/* SPDX-License-Identifier: GPL-2.0 */
/* ncurses draws; the text is render_table()'s. */
#include "render/screen.h"

#include <errno.h>
#include <ncurses.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

struct screen {
	SCREEN *terminal;
};

static void give_back(void)
{
	if (!isendwin())
		endwin();
}

struct screen *screen_open(void)
{
	static bool registered;
	struct screen *screen;

	if (!isatty(STDOUT_FILENO) || !isatty(STDIN_FILENO))
		return NULL;
	screen = calloc(1, sizeof(*screen));
	if (!screen)
		return NULL;
	screen->terminal = newterm(NULL, stdout, stdin);
	if (!screen->terminal) {
		free(screen);
		return NULL;
	}
	if (!registered)
		atexit(give_back);
	registered = true;
	cbreak();
	noecho();
	curs_set(0);
	nodelay(stdscr, TRUE);
	keypad(stdscr, TRUE);
	if (has_colors()) {
		start_color();
		use_default_colors();
		init_pair(1, COLOR_RED, -1);
		init_pair(2, COLOR_CYAN, -1);
	}
	return screen;
}

static void fit_terminal(void)
{
	struct winsize size;

	if (!ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) && size.ws_row && size.ws_col &&
	    (size.ws_row != LINES || size.ws_col != COLS))
		resizeterm(size.ws_row, size.ws_col);
}

static void draw_line(int row, const char *line)
{
	attr_t attributes = A_NORMAL;

	if (!strncmp(line, "!!!", 3))
		attributes = A_BOLD | COLOR_PAIR(1);
	else if (!row)
		attributes = A_BOLD | COLOR_PAIR(2);
	attrset(attributes);
	mvaddnstr(row, 0, line, -1);
	attrset(A_NORMAL);
}

int screen_draw(struct screen *screen, const struct snapshot *s, const struct render_options *o)
{
	struct render_options fitted = *o;
	char *text = NULL, *line, *rest;
	size_t length;
	FILE *out;
	int err, row = 0;

	(void)screen;
	fit_terminal();
	fitted.rows = LINES;
	fitted.columns = COLS;
	fitted.colour = false;
	out = open_memstream(&text, &length);
	if (!out)
		return -ENOMEM;
	err = render_table(out, s, &fitted);
	if (fclose(out))
		err = -ENOMEM;
	if (!err) {
		erase();
		rest = text;
		while ((line = strsep(&rest, "\n")) && row < LINES)
			draw_line(row++, line);
		refresh();
	}
	free(text);
	return err;
}

bool screen_quit_wanted(struct screen *screen)
{
	int key;

	(void)screen;
	while ((key = getch()) != ERR)
		if (key == 'q' || key == 'Q')
			return true;
	return false;
}

void screen_close(struct screen *screen)
{
	if (!screen)
		return;
	endwin();
	delscreen(screen->terminal);
	free(screen);
}
