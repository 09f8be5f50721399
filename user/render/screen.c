/* SPDX-License-Identifier: GPL-2.0 */
/* ncurses draws; the text is render_table()'s. */
#include "render/screen.h"

#include <errno.h>
#include <langinfo.h>
#include <locale.h>
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
	/* ncurses takes bytes for characters by the locale; ours are UTF-8 in any case */
	if (!setlocale(LC_CTYPE, "") || strcmp(nl_langinfo(CODESET), "UTF-8"))
		setlocale(LC_CTYPE, "C.UTF-8");
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

void screen_fit(struct screen *screen, struct render_options *o)
{
	(void)screen;
	fit_terminal();
	o->rows = LINES;
	o->columns = COLS;
	o->colour = false;
}

void screen_show(struct screen *screen, char *text)
{
	char *line;
	int row = 0;

	(void)screen;
	erase();
	while ((line = strsep(&text, "\n")) && row < LINES)
		draw_line(row++, line);
	refresh();
}

int screen_draw(struct screen *screen, const struct snapshot *s, const struct render_options *o)
{
	struct render_options fitted = *o;
	char *text = NULL;
	size_t length;
	FILE *out = open_memstream(&text, &length);
	int err;

	if (!out)
		return -ENOMEM;
	screen_fit(screen, &fitted);
	err = render_table(out, s, &fitted);
	if (fclose(out))
		err = -ENOMEM;
	if (!err)
		screen_show(screen, text);
	free(text);
	return err;
}

int screen_key(struct screen *screen)
{
	int key = getch();

	(void)screen;
	return key == ERR ? 0 : key;
}

bool screen_quit_wanted(struct screen *screen)
{
	int key;

	while ((key = screen_key(screen)))
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
