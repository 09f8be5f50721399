/* SPDX-License-Identifier: GPL-2.0 */
/* Diagnostics: one line each, on stderr, control characters escaped. */
#ifndef MS_LOG_H
#define MS_LOG_H

#include <stdarg.h>
#include <stdbool.h>

void log_set_verbose(bool on);
bool log_is_verbose(void);
/* "memsnoop: …"; returns `error` (a negative errno) so callers can return it. */
int log_error(int error, const char *format, ...) __attribute__((format(printf, 2, 3)));
void log_warn(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* Only with -v. */
void log_verbose(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
