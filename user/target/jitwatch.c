/* SPDX-License-Identifier: GPL-2.0 */
/* Signs of a JIT. */
#include "target/jitwatch.h"

#include <string.h>

#define WAIT_MIN_NS 5000000ULL
#define WAIT_MAX_NS 1000000000ULL
#define WAIT_SHARE 200 /* of the time one look in so many parts */
/* So much longer where no other code is counted, at first and at most. */
#define PATIENCE_NS 1000000000ULL
#define PATIENCE_MAX_NS (8 * PATIENCE_NS)

/*
 * How the names of programs and libraries begin that hold a JIT: their code is
 * then followed from its first instruction on.  Others are found out when they
 * have made some.
 */
static const char *const runtimes[] = {
    "node",      "libnode.so", "libv8",   "deno",          "bun",      "libjvm.so", "luajit",
    "libluajit", "pypy",       "libpypy", "libcoreclr.so", "beam.smp", "libjulia",  "libmono",
};

static bool is_runtime(const char *path)
{
	const char *slash = strrchr(path, '/');
	size_t i;

	for (i = 0; slash && i < sizeof(runtimes) / sizeof(runtimes[0]); i++)
		if (!strncmp(slash + 1, runtimes[i], strlen(runtimes[i])))
			return true;
	return false;
}

bool jit_watch_found(const struct mappings *maps)
{
	size_t i;

	if (maps->anonymous)
		return true;
	for (i = 0; i < maps->count; i++)
		if (is_runtime(maps->items[i].path))
			return true;
	return false;
}

bool jit_watch_due(const struct jit_watch *watch, uint64_t code_bytes, uint64_t now_ns)
{
	return now_ns >= watch->due_ns &&
	       (code_bytes != watch->code_bytes || now_ns >= watch->overdue_ns);
}

void jit_watch_looked(struct jit_watch *watch, uint64_t code_bytes, uint64_t start_ns,
		      uint64_t end_ns)
{
	uint64_t took = end_ns > start_ns ? end_ns - start_ns : 0;
	uint64_t wait = took < WAIT_MAX_NS / WAIT_SHARE ? took * WAIT_SHARE : WAIT_MAX_NS;

	watch->due_ns = end_ns + (wait > WAIT_MIN_NS ? wait : WAIT_MIN_NS);
	if (code_bytes != watch->code_bytes || !watch->patience_ns)
		watch->patience_ns = PATIENCE_NS;
	else if (watch->patience_ns < PATIENCE_MAX_NS)
		watch->patience_ns *= 2;
	watch->overdue_ns = watch->due_ns + watch->patience_ns;
	watch->code_bytes = code_bytes;
}
