/* SPDX-License-Identifier: GPL-2.0 */
#include "system/watch.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/log.h"
#include "system/hidden.h"
#include "system/tasks.h"

struct watch {
	struct tasks *tasks;
	struct cgroups *cgroups;
	struct procs *procs;
	struct kills kills;
	struct hidden hidden;
	double began_s, interval_s, busy_s;
	uint64_t refreshes, failed;
	struct meminfo memory;
	struct pressure pressure;
	struct loss losses[MS_SYSTEM_LOSS_NR];
};

static const char *const loss_names[] = {
#define X(id, text) #id,
    MS_SYSTEM_LOSSES(X)
#undef X
};

static const char *const loss_texts[] = {
#define X(id, text) text,
    MS_SYSTEM_LOSSES(X)
#undef X
};

/* The clock of task->start_boottime, which goes on while the machine sleeps. */
static double now_s(void)
{
	struct timespec now;

	clock_gettime(CLOCK_BOOTTIME, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

int watch_open(double interval_s, struct watch **out)
{
	struct watch *w = calloc(1, sizeof(*w));
	int err = -ENOMEM;

	if (!w)
		return log_error(err, "out of memory");
	err = tasks_open(&w->tasks);
	if (err)
		goto fail;
	/* from here on: loading takes a while */
	w->interval_s = interval_s;
	w->began_s = now_s();
	w->cgroups = cgroups_new();
	w->procs = w->cgroups ? procs_new(w->cgroups, interval_s) : NULL;
	if (!w->procs) {
		err = log_error(-ENOMEM, "out of memory");
		goto fail;
	}
	*out = w;
	return 0;
fail:
	watch_close(w);
	return err;
}

void watch_close(struct watch *w)
{
	if (!w)
		return;
	tasks_close(w->tasks);
	hidden_free(&w->hidden);
	kills_free(&w->kills);
	procs_free(w->procs);
	cgroups_free(w->cgroups);
	free(w);
}

int watch_fd(const struct watch *w)
{
	return tasks_events_fd(w->tasks);
}

static void on_process(const struct ms_system_process *process, void *context)
{
	struct watch *w = context;

	procs_add(w->procs, process);
}

static void on_thread(const struct ms_system_thread *thread, void *context)
{
	struct watch *w = context;

	procs_add_thread(w->procs, thread);
}

static void on_end(const struct ms_system_end *end, void *context)
{
	struct watch *w = context;

	procs_end(w->procs, end);
}

static void on_oom(const struct ms_system_oom *oom, void *context)
{
	struct watch *w = context;

	kills_add(&w->kills, oom, w->began_s, w->cgroups, w->procs);
}

void watch_drain(struct watch *w)
{
	static const struct tasks_events events = {on_end, on_oom};

	tasks_events_read(w->tasks, &events, w);
}

static bool is_known(pid_t pid, void *context)
{
	const struct watch *w = context;

	return procs_knows(w->procs, pid);
}

static int look(struct watch *w)
{
	static const struct tasks_pass pass = {on_process, on_thread};
	int err = meminfo_read(&w->memory);

	pressure_read(&w->pressure);
	procs_begin(w->procs, now_s() - w->began_s);
	if (!err)
		err = tasks_read(w->tasks, &pass, w);
	if (!err && !w->refreshes)
		err = hidden_find(&w->hidden, is_known, w);
	hidden_read(&w->hidden, is_known, &pass, w);
	if (!err)
		err = procs_found(w->procs, w->memory.total + w->memory.swap_total);
	/* after the pass: what it found and has ended since is taken out again */
	watch_drain(w);
	if (!err)
		err = procs_finish(w->procs);
	return err;
}

void watch_refresh(struct watch *w)
{
	double before = now_s();
	int err = look(w);

	if (err) {
		w->failed++;
		log_verbose("a refresh failed: %s", strerror(-err));
	}
	w->busy_s += now_s() - before;
	w->refreshes++;
}

void watch_complete(struct watch *w)
{
	procs_read_cmdlines(w->procs);
}

void watch_view(struct watch *w, struct system_view *out)
{
	const uint64_t counts[MS_SYSTEM_LOSS_NR] = {
	    [MS_SYSTEM_LOSS_ends] = tasks_ends_lost(w->tasks),
	    [MS_SYSTEM_LOSS_ooms] = tasks_ooms_lost(w->tasks) + w->kills.unlisted,
	    [MS_SYSTEM_LOSS_refreshes] = w->failed,
	    [MS_SYSTEM_LOSS_groups_full] = procs_groups(w->procs)->unnamed,
	    [MS_SYSTEM_LOSS_ended_unlisted] = procs_unlisted(w->procs),
	    [MS_SYSTEM_LOSS_cgroups_unnamed] = cgroups_unnamed(w->cgroups),
	};

	for (int i = 0; i < MS_SYSTEM_LOSS_NR; i++)
		w->losses[i] = (struct loss){loss_names[i], loss_texts[i], counts[i]};
	*out = (struct system_view){
	    .duration_s = now_s() - w->began_s,
	    .interval_s = w->interval_s,
	    .refreshes = w->refreshes,
	    .refresh_s = w->refreshes ? w->busy_s / (double)w->refreshes : 0,
	    .memory = w->memory,
	    .pressure = w->pressure,
	    .groups = procs_groups(w->procs)->items,
	    .group_count = procs_groups(w->procs)->count,
	    .kills = w->kills.items,
	    .kill_count = w->kills.count,
	    .losses = w->losses,
	    .loss_count = MS_SYSTEM_LOSS_NR,
	};
	out->running = procs_running(w->procs, &out->running_count);
	out->ended = procs_ended(w->procs, &out->ended_count);
	out->cgroups = cgroups_list(w->cgroups, &out->cgroup_count);
}
