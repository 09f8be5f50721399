/* SPDX-License-Identifier: GPL-2.0 */
#include "target/callsites.h"

#include <errno.h>

#include "base/log.h"
#include "probe/elfcalls.h"

/* Where a row's function is in the module; 0: in another. */
static uint64_t function_of(const struct module *module, uint32_t row)
{
	size_t i;

	for (i = 0; i < module->elf.hit_count; i++)
		if (module->elf.hits[i].row == row && !module->elf.hits[i].is_return)
			return module->elf.hits[i].function;
	return 0;
}

static int attach_place(struct callsites *s, struct kernel *kernel, pid_t pid,
			const struct module *module, const struct call_place *place)
{
	const struct attach_point point = {
	    .offset = MS_FRAME_OFFSET(place->frame),
	    .cookie = MS_COOKIE(place->row, module->id) | MS_COOKIE_CALL,
	};
	int err;

	if (call_place_find(s->places, s->count, place) < s->count)
		return 0;
	if (s->count == CALL_SITES_MAX)
		return -ENOSPC;
	err = attach_open(kernel, pid, module->fd, &point, 1, &s->attached[s->count]);
	if (!err)
		s->places[s->count++] = *place;
	return err;
}

static int add_calls(struct callsites *s, struct kernel *kernel, pid_t pid,
		     const struct modules *modules, const struct call_place *back)
{
	const struct module *module = modules_find(modules, MS_FRAME_MODULE(back->frame));
	struct elfcalls_wanted wanted = {
	    .symbol = modules_table(modules)->rows[back->row].symbol,
	    .back = MS_FRAME_OFFSET(back->frame),
	};
	uint64_t sites[CALL_SITES_MAX];
	size_t i, n = 0;
	int err = 0;

	if (module && module->fd >= 0) {
		wanted.function = function_of(module, back->row);
		n = elfcalls_find(module->fd, &wanted, sites, CALL_SITES_MAX);
	}
	if (!n) {
		log_verbose("pid %d: nothing is known to call %s before %s+0x%llx", pid,
			    wanted.symbol, module ? module->path : "?",
			    (unsigned long long)wanted.back);
		return -ENOENT;
	}
	for (i = 0; i < n && !err; i++) {
		struct call_place place = {back->row, MS_FRAME(module->id, sites[i])};

		err = attach_place(s, kernel, pid, module, &place);
	}
	return err;
}

int callsites_add(struct callsites *s, struct kernel *kernel, pid_t pid,
		  const struct modules *modules, const struct call_place *backs, size_t count)
{
	size_t i;
	int err = 0;

	for (i = 0; i < count && !err; i++)
		err = add_calls(s, kernel, pid, modules, &backs[i]);
	return err ? err : (int)s->count;
}

void callsites_keep(struct callsites *s, const struct call_place *kept, size_t count,
		    struct closer *closer)
{
	size_t i, n = 0;

	for (i = 0; i < s->count; i++) {
		if (call_place_find(kept, count, &s->places[i]) == count) {
			closer_add(closer, s->attached[i]);
			continue;
		}
		s->places[n] = s->places[i];
		s->attached[n++] = s->attached[i];
	}
	s->count = n;
}
