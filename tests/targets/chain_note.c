/* SPDX-License-Identifier: GPL-2.0 */
/* The records of chain.h: kept in memory, because printing would allocate. */
#include "chain.h"

#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define BYTES (4 << 20)
/* Unlike what libraries ask for, and below what malloc maps by itself. */
#define FIRST_SIZE 50003
#define STEP 7

__thread struct chain chain;
const char *chain_scenario = "";

static char text[BYTES];
static size_t used;
static size_t records;
static atomic_flag busy = ATOMIC_FLAG_INIT;

/* snprintf allocates nothing for strings and whole numbers. */
static void put(const char *format, ...)
{
	va_list args;
	int n;

	va_start(args, format);
	n = vsnprintf(text + used, sizeof(text) - used, format, args);
	va_end(args);
	if (n < 0 || (size_t)n >= sizeof(text) - used) {
		static const char full[] = "chain: no room for the records\n";

		if (write(2, full, sizeof(full) - 1) < 0)
			_exit(4);
		_exit(3);
	}
	used += n;
}

FN size_t chain_note(const struct chain_note *note)
{
	size_t size;

	while (atomic_flag_test_and_set(&busy))
		;
	size = FIRST_SIZE + STEP * records++;
	put("{\"scenario\":\"%s\",\"pid\":%d,\"size\":%zu,\"allocs\":%d,\"call\":\"%s\",",
	    chain_scenario, (int)getpid(), size, note->allocs ? note->allocs : 1,
	    note->call ? note->call : "malloc");
	put("\"ends\":\"%s\",\"least\":%d,\"wild\":%d,\"by_pointer\":%d,\"chain\":[",
	    note->ends ? note->ends : "", note->least, note->wild, note->by_pointer);
	for (int i = 0; i < chain.nr; i++)
		put("%s\"%s\"", i ? "," : "", chain.names[i]);
	put("]}\n");
	atomic_flag_clear(&busy);
	return size;
}

void chain_flush(void)
{
	size_t done = 0;

	while (done < used) {
		ssize_t n = write(1, text + done, used - done);

		if (n < 0)
			_exit(4);
		done += n;
	}
	used = 0;
}
