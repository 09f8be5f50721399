/* SPDX-License-Identifier: GPL-2.0 */
/* The whole system: what is parsed, and how processes, groups and rates are kept. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "system.h"
#include "system/cgroupfs.h"
#include "system/groups.h"
#include "system/meminfo.h"
#include "system/procs.h"
#include "system/rates.h"

static FILE *text_file(const char *text)
{
	FILE *file = tmpfile();

	assert_non_null(file);
	fputs(text, file);
	rewind(file);
	return file;
}

/* ---- rates -------------------------------------------------------------------- */

static void test_rates(void **state)
{
	struct history h = {0};
	struct rates r;

	(void)state;
	history_add(&h, &(struct sample){10, 1000, 5, 1});
	r = history_rates(&h);
	assert_true(r.bytes == 0 && r.minor == 0 && r.major == 0);
	history_add(&h, &(struct sample){12, 5000, 25, 1});
	r = history_rates(&h);
	assert_true(r.bytes == 2000 && r.minor == 10 && r.major == 0);
	/* five samples are kept: the first is forgotten with the sixth */
	history_add(&h, &(struct sample){13, 5000, 25, 1});
	history_add(&h, &(struct sample){14, 5000, 25, 1});
	history_add(&h, &(struct sample){15, 5000, 25, 1});
	history_add(&h, &(struct sample){16, 1000, 25, 1});
	r = history_rates(&h);
	assert_true(r.bytes == -1000 && r.minor == 0);
}

static void test_rates_of_what_goes_back_or_stands(void **state)
{
	struct history h = {0};
	struct rates r;

	(void)state;
	history_add(&h, &(struct sample){10, 0, 50, 50});
	history_add(&h, &(struct sample){10, 900, 60, 60});
	r = history_rates(&h);
	assert_true(r.bytes == 0 && r.minor == 0);
	history_add(&h, &(struct sample){11, 900, 40, 70});
	r = history_rates(&h);
	assert_true(r.bytes == 900 && r.minor == 0 && r.major == 20);
}

/* ---- /proc/meminfo and memory pressure ------------------------------------------- */

static void test_meminfo(void **state)
{
	struct meminfo m;
	FILE *file = text_file("MemTotal:       24683620 kB\nMemFree:  1 kB\nCached:  7 kB\n"
			       "SwapCached:  9 kB\nHugePages_Total:       5\nPageTables: 3 kB\n");

	(void)state;
	assert_int_equal(meminfo_parse(file, &m), 0);
	fclose(file);
	assert_int_equal(m.total, 24683620ULL * 1024);
	assert_int_equal(m.free, 1024);
	assert_int_equal(m.cached, 7 * 1024);
	assert_int_equal(m.page_tables, 3 * 1024);
	assert_int_equal(m.available, 0);
	file = text_file("Cached: 5 kB\nMemTotal: much\n");
	assert_true(meminfo_parse(file, &m) < 0);
	fclose(file);
}

static void test_every_row_of_meminfo_has_its_field(void **state)
{
	char text[4096] = "";
	struct meminfo m;
	FILE *file;

	(void)state;
	for (size_t i = 0; i < MEMINFO_ROWS; i++)
		sprintf(text + strlen(text), "%s: %zu kB\n", meminfo_rows[i].name, i + 1);
	file = text_file(text);
	assert_int_equal(meminfo_parse(file, &m), 0);
	fclose(file);
	for (size_t i = 0; i < MEMINFO_ROWS; i++)
		assert_int_equal(meminfo_value(&m, &meminfo_rows[i]), (i + 1) * 1024);
}

static void test_pressure(void **state)
{
	struct pressure p;
	FILE *file = text_file("some avg10=1.25 avg60=2.50 avg300=3.00 total=12345\n"
			       "full avg10=0.50 avg60=0.25 avg300=0.00 total=77\n");

	(void)state;
	pressure_parse(file, &p);
	fclose(file);
	assert_true(p.known);
	assert_true(p.some[0] == 1.25 && p.some[1] == 2.5 && p.some[2] == 3);
	assert_true(p.full[0] == 0.5 && p.full[2] == 0);
	file = text_file("");
	pressure_parse(file, &p);
	fclose(file);
	assert_false(p.known);
}

/* ---- the file systems of control groups ------------------------------------------ */

static void test_mounts(void **state)
{
	static const char text[] =
	    "22 1 0:5 / /proc rw - proc proc rw\n"
	    "34 30 0:31 / /sys/fs/cgroup/memory\\040here rw,relatime shared:9 - cgroup cgroup "
	    "rw,memory\n"
	    "35 30 0:31 /docker /elsewhere rw - cgroup cgroup rw,memory\n"
	    "36 30 0:32 / /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpu,memoryless\n"
	    "39 30 0:35 /a/b /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n";
	FILE *file = text_file(text);
	struct cgroupfs fs;

	(void)state;
	cgroupfs_parse(&fs, file);
	fclose(file);
	assert_string_equal(fs.mounts[true].point, "/sys/fs/cgroup/memory here");
	assert_string_equal(fs.mounts[true].root, "/");
	assert_string_equal(fs.mounts[false].point, "/sys/fs/cgroup/unified");
	assert_string_equal(fs.mounts[false].root, "/a/b");
	cgroupfs_free(&fs);
}

struct place {
	char directory[64];
	struct cgroupfs fs;
};

static void put(const struct place *place, const char *name, const char *text)
{
	char path[256];
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", place->directory, name);
	file = fopen(path, "w");
	assert_non_null(file);
	fputs(text, file);
	fclose(file);
}

/* A directory that is mounted as both versions, with one group "g" in it. */
static struct place place_make(const char *root)
{
	struct place place = {.directory = "/tmp/system_test.XXXXXX"};
	char text[512], path[128];
	FILE *file;

	assert_non_null(mkdtemp(place.directory));
	snprintf(path, sizeof(path), "%s/g", place.directory);
	assert_int_equal(mkdir(path, 0700), 0);
	snprintf(text, sizeof(text),
		 "1 1 0:1 %s %s rw - cgroup2 c rw\n1 1 0:1 %s %s rw - cgroup c rw,memory\n", root,
		 place.directory, root, place.directory);
	file = text_file(text);
	cgroupfs_parse(&place.fs, file);
	fclose(file);
	return place;
}

static void place_end(struct place *place)
{
	char command[128];

	snprintf(command, sizeof(command), "rm -r '%s'", place->directory);
	assert_int_equal(system(command), 0);
	cgroupfs_free(&place->fs);
}

static void test_version_1(void **state)
{
	struct place place = place_make("/");
	struct cgroupfs_memory m;

	(void)state;
	put(&place, "g/memory.usage_in_bytes", "4096000\n");
	put(&place, "g/memory.limit_in_bytes", "9223372036854771712\n");
	put(&place, "g/memory.max_usage_in_bytes", "5000000\n");
	put(&place, "g/memory.failcnt", "17\n");
	put(&place, "g/memory.oom_control", "oom_kill_disable 0\nunder_oom 0\noom_kill 3\n");
	assert_int_equal(cgroupfs_read(&place.fs, true, "/g", &m), 0);
	assert_int_equal(m.usage, 4096000);
	assert_int_equal(m.limit, 0);
	assert_int_equal(m.peak, 5000000);
	assert_int_equal(m.limit_hits, 17);
	assert_int_equal(m.oom_kills, 3);
	put(&place, "g/memory.limit_in_bytes", "67108864\n");
	assert_int_equal(cgroupfs_read(&place.fs, true, "/g", &m), 0);
	assert_int_equal(m.limit, 67108864);
	place_end(&place);
}

static void test_version_2(void **state)
{
	struct place place = place_make("/");
	struct cgroupfs_memory m;

	(void)state;
	assert_true(cgroupfs_read(&place.fs, false, "/g", &m) < 0);
	put(&place, "g/memory.current", "8192\n");
	put(&place, "g/memory.max", "max\n");
	put(&place, "g/memory.events",
	    "low 1\nhigh 2\nmax 38\noom 4\noom_kill 5\noom_group_kill 6\n");
	/* memory.peak came with 5.19 */
	assert_int_equal(cgroupfs_read(&place.fs, false, "/g", &m), 0);
	assert_int_equal(m.usage, 8192);
	assert_int_equal(m.limit, 0);
	assert_int_equal(m.peak, 0);
	assert_int_equal(m.limit_hits, 38);
	assert_int_equal(m.ooms, 4);
	assert_int_equal(m.oom_kills, 5);
	put(&place, "g/memory.peak", "9000\n");
	put(&place, "g/memory.max", "16384\n");
	assert_int_equal(cgroupfs_read(&place.fs, false, "/g", &m), 0);
	assert_int_equal(m.peak, 9000);
	assert_int_equal(m.limit, 16384);
	place_end(&place);
}

static void test_part_of_a_hierarchy_is_mounted(void **state)
{
	struct place place = place_make("/pod");
	char path[128];
	struct stat st;

	(void)state;
	snprintf(path, sizeof(path), "%s/g", place.directory);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(cgroupfs_id(&place.fs, false, "/pod/g"), st.st_ino);
	assert_int_equal(cgroupfs_id(&place.fs, false, "/g"), 0);
	assert_int_equal(cgroupfs_id(&place.fs, false, "/podium/g"), 0);
	place_end(&place);
}

/* ---- groups of short-lived processes ----------------------------------------------- */

static const struct group *group_of(const struct groups *g, const char *comm, const char *parent)
{
	for (size_t i = 0; i < g->count; i++)
		if (!strcmp(g->items[i].comm, comm) && !strcmp(g->items[i].parent, parent))
			return &g->items[i];
	return NULL;
}

static void test_groups_add_up(void **state)
{
	struct groups g = {0};
	const struct group *sh;

	(void)state;
	groups_add(&g, &(struct short_life){"sh", "make", 10, 0, 0.5, 1000, 7, 1});
	groups_add(&g, &(struct short_life){"cc", "make", 10, 0, 0.5, 1000, 7, 1});
	groups_mark(&g);
	groups_add(&g, &(struct short_life){"sh", "make", 10, 2, 1.5, 3000, 3, 0});
	groups_add(&g, &(struct short_life){"sh", "cron", 11, 0, 1, 1, 1, 1});
	groups_mark(&g);
	assert_int_equal(g.count, 3);
	sh = group_of(&g, "sh", "make");
	assert_int_equal(sh->count, 2);
	assert_int_equal(sh->recent, 1);
	assert_int_equal(sh->failed, 1);
	assert_int_equal(sh->ppid, 10);
	assert_int_equal(sh->peak_sum_bytes, 4000);
	assert_int_equal(sh->peak_max_bytes, 3000);
	assert_true(sh->life_sum_s == 2 && sh->life_max_s == 1.5);
	assert_int_equal(sh->minor, 10);
	assert_int_equal(sh->major, 1);
	assert_int_equal(group_of(&g, "cc", "make")->recent, 0);
	/* the same name, started by another process of the parent's name */
	groups_add(&g, &(struct short_life){"sh", "make", 12, 0, 1, 1, 1, 1});
	assert_int_equal(group_of(&g, "sh", "make")->ppid, 0);
	groups_free(&g);
}

static void test_groups_have_an_end(void **state)
{
	struct groups g = {0};
	char name[16];

	(void)state;
	for (int i = 0; i < GROUPS_MAX + 500; i++) {
		snprintf(name, sizeof(name), "n%d", i);
		assert_int_equal(groups_add(&g, &(struct short_life){name, "p", 1, 0, 1, 1, 1, 1}),
				 0);
	}
	assert_int_equal(g.count, GROUPS_MAX + 1);
	assert_int_equal(g.unnamed, 500);
	assert_int_equal(group_of(&g, "[others]", "")->count, 500);
	/* those that have a group still go there */
	groups_add(&g, &(struct short_life){"n7", "p", 1, 0, 1, 1, 1, 1});
	assert_int_equal(g.unnamed, 500);
	assert_int_equal(group_of(&g, "n7", "p")->count, 2);
	groups_free(&g);
}

/* ---- processes, pass by pass ---------------------------------------------------------- */

#define INTERVAL_S 1.0
#define PAGES_PER_MIB (1048576 / 4096)

struct passes {
	struct cgroups *cgroups;
	struct procs *procs;
	uint64_t began_ns;
	double now_s;
};

static struct passes passes_make(void)
{
	struct passes p = {.cgroups = cgroups_new()};
	struct timespec now;

	assert_non_null(p.cgroups);
	p.procs = procs_new(p.cgroups, INTERVAL_S);
	assert_non_null(p.procs);
	clock_gettime(CLOCK_BOOTTIME, &now);
	p.began_ns = (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
	return p;
}

static void passes_end(struct passes *p)
{
	procs_free(p->procs);
	cgroups_free(p->cgroups);
}

static void pass_begin(struct passes *p)
{
	p->now_s += INTERVAL_S;
	procs_begin(p->procs, p->now_s);
}

/* A process with so many MiB of anonymous memory, that began `age_s` before we did. */
static void found(struct passes *p, int pid, double age_s, int mib)
{
	struct ms_system_process process = {
	    .tgid = (uint32_t)pid,
	    .start_ns = p->began_ns - (uint64_t)(int64_t)(age_s * 1e9),
	    .pages = {[MS_SYSTEM_ANON] = (int64_t)mib * PAGES_PER_MIB, [MS_SYSTEM_FILE] = -3},
	    .min_flt = 1,
	    .gone_min_flt = 100,
	    .comm = "prog",
	};

	procs_add(p->procs, &process);
}

static void pass_over(struct passes *p)
{
	assert_int_equal(procs_found(p->procs, 1ULL << 30), 0);
}

static void ended(struct passes *p, int pid, double age_s, double life_s)
{
	struct ms_system_end end = {
	    .tgid = (uint32_t)pid,
	    .start_ns = p->began_ns - (uint64_t)(int64_t)(age_s * 1e9),
	    .life_ns = (uint64_t)(life_s * 1e9),
	    .exit_code = 3 << 8,
	    .maxrss_pages = 64ULL * PAGES_PER_MIB,
	    .comm = "prog",
	    .parent_comm = "sh",
	};

	procs_end(p->procs, &end);
}

static void refresh_over(struct passes *p)
{
	assert_int_equal(procs_finish(p->procs), 0);
}

static const struct proc *running(const struct passes *p, int pid)
{
	size_t count;
	const struct proc *procs = procs_running(p->procs, &count);

	for (size_t i = 0; i < count; i++)
		if (procs[i].pid == pid)
			return &procs[i];
	return NULL;
}

static size_t ended_count(const struct passes *p)
{
	size_t count;

	procs_ended(p->procs, &count);
	return count;
}

static void test_growth(void **state)
{
	struct passes p = passes_make();

	(void)state;
	pass_begin(&p);
	found(&p, 7, 100, 10);
	pass_over(&p);
	refresh_over(&p);
	assert_int_equal(running(&p, 7)->growth_bytes, 0);
	assert_true(running(&p, 7)->rates.bytes == 0);
	pass_begin(&p);
	found(&p, 7, 100, 14);
	/* born half a second ago, after we began: grown from nothing, in this interval */
	found(&p, 8, -1.5, 6);
	pass_over(&p);
	refresh_over(&p);
	assert_int_equal(running(&p, 7)->growth_bytes, 4 << 20);
	assert_true(running(&p, 7)->rates.bytes == 4 << 20);
	assert_int_equal(running(&p, 8)->growth_bytes, 6 << 20);
	assert_true(running(&p, 8)->rates.bytes == 6 << 20);
	assert_int_equal(running(&p, 8)->minor, 101);
	/* counters below 0 count as 0, as in /proc */
	assert_int_equal(running(&p, 8)->file_bytes, 0);
	passes_end(&p);
}

static void test_threads_are_added_once(void **state)
{
	struct passes p = passes_make();
	const struct ms_system_thread thread = {.kind = MS_SYSTEM_THREAD, .tgid = 7, .min_flt = 20};

	(void)state;
	pass_begin(&p);
	procs_add_thread(p.procs, &thread);
	found(&p, 9, 100, 1);
	found(&p, 7, 100, 1);
	procs_add_thread(p.procs, &thread);
	/* a second thread tells of the process, for the leader is gone */
	found(&p, 7, 100, 1);
	pass_over(&p);
	refresh_over(&p);
	assert_int_equal(running(&p, 7)->minor, 100 + 1 + 1 + 20 + 20);
	assert_int_equal(running(&p, 7)->rss_bytes, 1 << 20);
	assert_int_equal(running(&p, 9)->minor, 101);
	passes_end(&p);
}

static void test_one_that_ends_is_listed(void **state)
{
	struct passes p = passes_make();
	const struct proc *one;
	size_t count;

	(void)state;
	pass_begin(&p);
	found(&p, 7, 100, 10);
	pass_over(&p);
	refresh_over(&p);
	/* gone in the next pass, its end read after that */
	pass_begin(&p);
	pass_over(&p);
	ended(&p, 7, 100, 100);
	refresh_over(&p);
	assert_null(running(&p, 7));
	one = procs_ended(p.procs, &count);
	assert_int_equal(count, 1);
	assert_true(one->ended && one->exit_known);
	assert_int_equal(one->exit_code, 3);
	assert_int_equal(one->rss_bytes, 10 << 20);
	assert_int_equal(one->rss_peak_bytes, 64 << 20);
	assert_int_equal(procs_groups(p.procs)->count, 0);
	passes_end(&p);
}

static void test_one_that_ends_after_the_pass_found_it(void **state)
{
	struct passes p = passes_make();

	(void)state;
	pass_begin(&p);
	found(&p, 6, 100, 10);
	found(&p, 7, 100, 10);
	found(&p, 8, 100, 10);
	pass_over(&p);
	ended(&p, 7, 100, 100);
	ended(&p, 6, 100, 100);
	refresh_over(&p);
	assert_null(running(&p, 7));
	assert_null(running(&p, 6));
	assert_non_null(running(&p, 8));
	assert_int_equal(ended_count(&p), 2);
	passes_end(&p);
}

static void test_short_ones_are_grouped(void **state)
{
	struct passes p = passes_make();
	const struct group *group;

	(void)state;
	pass_begin(&p);
	/* one that a pass happened to see, one that it did not */
	found(&p, 7, -0.9, 1);
	pass_over(&p);
	ended(&p, 7, -0.9, 0.2);
	ended(&p, 8, -0.9, 0.2);
	refresh_over(&p);
	group = group_of(procs_groups(p.procs), "prog", "sh");
	assert_non_null(group);
	assert_int_equal(group->count, 2);
	assert_int_equal(group->failed, 2);
	assert_int_equal(group->peak_max_bytes, 64 << 20);
	assert_int_equal(ended_count(&p), 0);
	assert_null(running(&p, 7));
	passes_end(&p);
}

static void test_a_lost_end(void **state)
{
	struct passes p = passes_make();
	const struct proc *one;
	size_t count;

	(void)state;
	pass_begin(&p);
	found(&p, 7, 100, 10);
	pass_over(&p);
	refresh_over(&p);
	for (int i = 0; i < 3; i++) {
		pass_begin(&p);
		pass_over(&p);
		refresh_over(&p);
		assert_null(running(&p, 7));
	}
	one = procs_ended(p.procs, &count);
	assert_int_equal(count, 1);
	assert_true(one->ended && !one->exit_known);
	passes_end(&p);
}

static void test_one_that_a_pass_missed_comes_back(void **state)
{
	struct passes p = passes_make();

	(void)state;
	pass_begin(&p);
	found(&p, 7, 100, 10);
	pass_over(&p);
	refresh_over(&p);
	pass_begin(&p);
	pass_over(&p);
	refresh_over(&p);
	pass_begin(&p);
	found(&p, 7, 100, 12);
	pass_over(&p);
	refresh_over(&p);
	assert_int_equal(running(&p, 7)->growth_bytes, 2 << 20);
	assert_int_equal(ended_count(&p), 0);
	passes_end(&p);
}

static void test_a_pid_that_is_used_again(void **state)
{
	struct passes p = passes_make();

	(void)state;
	pass_begin(&p);
	found(&p, 7, 100, 10);
	pass_over(&p);
	refresh_over(&p);
	pass_begin(&p);
	found(&p, 7, -1.1, 30);
	pass_over(&p);
	ended(&p, 7, 100, 100);
	refresh_over(&p);
	assert_int_equal(running(&p, 7)->growth_bytes, 30 << 20);
	assert_int_equal(ended_count(&p), 1);
	passes_end(&p);
}

static void test_the_list_of_ended_ones_has_an_end(void **state)
{
	struct passes p = passes_make();
	const struct proc *list;
	size_t count, largest = 0;

	(void)state;
	pass_begin(&p);
	for (int i = 1; i <= PROCS_ENDED_MAX + 100; i++)
		found(&p, i, 100, 1);
	pass_over(&p);
	refresh_over(&p);
	pass_begin(&p);
	/* the last ones grew most */
	for (int i = 1; i <= PROCS_ENDED_MAX + 100; i++)
		found(&p, i, 100, 1 + i);
	pass_over(&p);
	for (int i = 1; i <= PROCS_ENDED_MAX + 100; i++)
		ended(&p, i, 100, 100);
	refresh_over(&p);
	list = procs_ended(p.procs, &count);
	assert_int_equal(count, PROCS_ENDED_MAX);
	assert_int_equal(procs_unlisted(p.procs), 100);
	for (size_t i = 0; i < count; i++) {
		assert_true(list[i].pid > 100);
		largest = list[i].pid > (int)largest ? (size_t)list[i].pid : largest;
	}
	assert_int_equal(largest, PROCS_ENDED_MAX + 100);
	passes_end(&p);
}

static void test_oom_score(void **state)
{
	struct passes p = passes_make();
	struct ms_system_process process = {.tgid = 7, .oom_score_adj = 500};

	(void)state;
	pass_begin(&p);
	process.pages[MS_SYSTEM_ANON] = (1LL << 30) / 4096 / 4; /* a quarter of memory */
	procs_add(p.procs, &process);
	process.tgid = 8;
	process.oom_score_adj = -1000;
	procs_add(p.procs, &process);
	process.tgid = 9;
	process.oom_score_adj = 0;
	procs_add(p.procs, &process);
	pass_over(&p);
	refresh_over(&p);
	/* (1000 + 250 + 500 * total / 1000 / total * 1000) * 2 / 3, in the kernel's integers */
	assert_in_range(running(&p, 7)->oom_score, 1165, 1166);
	assert_int_equal(running(&p, 8)->oom_score, 0);
	assert_int_equal(running(&p, 9)->oom_score, 833);
	passes_end(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_rates),
	    cmocka_unit_test(test_rates_of_what_goes_back_or_stands),
	    cmocka_unit_test(test_meminfo),
	    cmocka_unit_test(test_every_row_of_meminfo_has_its_field),
	    cmocka_unit_test(test_pressure),
	    cmocka_unit_test(test_mounts),
	    cmocka_unit_test(test_version_1),
	    cmocka_unit_test(test_version_2),
	    cmocka_unit_test(test_part_of_a_hierarchy_is_mounted),
	    cmocka_unit_test(test_groups_add_up),
	    cmocka_unit_test(test_groups_have_an_end),
	    cmocka_unit_test(test_growth),
	    cmocka_unit_test(test_threads_are_added_once),
	    cmocka_unit_test(test_one_that_ends_is_listed),
	    cmocka_unit_test(test_one_that_ends_after_the_pass_found_it),
	    cmocka_unit_test(test_short_ones_are_grouped),
	    cmocka_unit_test(test_a_lost_end),
	    cmocka_unit_test(test_one_that_a_pass_missed_comes_back),
	    cmocka_unit_test(test_a_pid_that_is_used_again),
	    cmocka_unit_test(test_the_list_of_ended_ones_has_an_end),
	    cmocka_unit_test(test_oom_score),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
