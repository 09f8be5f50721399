/* SPDX-License-Identifier: GPL-2.0 */
/* What is mounted, and what lies in this machine's directories. */
#include <errno.h>
#include <mntent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "doctor/check.h"

/* Where `type` is mounted, with an option (NULL: any): whether it is. */
static bool find_mount(const char *type, const char *option, char *directory, size_t size)
{
	FILE *file = setmntent("/proc/self/mounts", "re");
	struct mntent *m;
	bool found = false;

	while (file && !found && (m = getmntent(file))) {
		found = !strcmp(m->mnt_type, type) && (!option || hasmntopt(m, option));
		if (found)
			snprintf(directory, size, "%s", m->mnt_dir);
	}
	if (file)
		endmntent(file);
	return found;
}

void check_proc(struct doctor *d, const struct check *check)
{
	char directory[256];

	if (access("/proc/self/maps", R_OK))
		doctor_say(d, check, VERDICT_MISSING, "/proc/self/maps: %s", strerror(errno));
	else if (!access("/proc/1/stat", R_OK))
		doctor_say(d, check, VERDICT_OK, "mounted, shows other processes");
	else if (find_mount("proc", "hidepid", directory, sizeof(directory)))
		doctor_say(d, check, VERDICT_WARN, "mounted with hidepid: hides other processes")
		    ->without = "only processes of the same user can be looked at";
	else
		doctor_say(d, check, VERDICT_WARN, "/proc/1/stat: %s", strerror(errno))->without =
		    "only some processes can be looked at";
}

void check_tracefs(struct doctor *d, const struct check *check)
{
	char directory[256];

	if (find_mount("tracefs", NULL, directory, sizeof(directory)))
		doctor_say(d, check, VERDICT_OK, "mounted at %s; memsnoop does not use it",
			   directory);
	else
		doctor_say(d, check, VERDICT_OK, "not mounted; memsnoop does not use it");
}

void check_cgroup(struct doctor *d, const struct check *check)
{
	char v1[256], v2[256], path[512], line[1024];
	bool has_v1 = find_mount("cgroup", "memory", v1, sizeof(v1));
	bool has_v2 = find_mount("cgroup2", NULL, v2, sizeof(v2)), in_v2 = false;

	if (has_v2) {
		snprintf(path, sizeof(path), "%s/cgroup.controllers", v2);
		in_v2 = !doctor_read_line(path, line, sizeof(line)) && strstr(line, "memory");
	}
	if (has_v1)
		snprintf(path, sizeof(path), "%s/memory.usage_in_bytes", v1);
	else
		snprintf(path, sizeof(path), "%s/memory.stat", has_v2 ? v2 : "");
	if (!in_v2 && !has_v1)
		doctor_say(d, check, VERDICT_WARN, "no memory controller: %s",
			   has_v2 ? "version 2 is mounted without it" : "none is mounted");
	else if (access(path, R_OK))
		doctor_say(d, check, VERDICT_WARN, "%s: %s", path, strerror(errno));
	else
		doctor_say(d, check, VERDICT_OK, "memory is in version %s, at %s%s",
			   in_v2 ? "2" : "1", in_v2 ? v2 : v1,
			   has_v1 && has_v2 ? " (both versions are mounted)" : "");
}

/* Where drivers and toolkits put theirs; first that of our own C library. */
static const char *const library_directories[] = {
    "/usr/lib64",
    "/usr/lib",
    "/lib",
    "/usr/local/lib",
    "/usr/local/cuda/lib64",
    "/usr/local/nvidia/lib64",
    "/opt/rocm/lib",
    "/usr/lib/wsl/lib",
};

static bool is_there(const char *directory, int length, const char *name, char *path, size_t size)
{
	int n = snprintf(path, size, "%.*s/%s", length, directory, name);

	return n > 0 && (size_t)n < size && !access(path, R_OK);
}

bool doctor_library(const char *name, char *path, size_t size)
{
	char libc[4096], *slash;
	size_t i;

	doctor_libc(libc, sizeof(libc));
	slash = strrchr(libc, '/');
	if (slash && is_there(libc, (int)(slash - libc), name, path, size))
		return true;
	for (i = 0; i < sizeof(library_directories) / sizeof(*library_directories); i++)
		if (is_there(library_directories[i], 256, name, path, size))
			return true;
	return false;
}

void check_gpu(struct doctor *d, const struct check *check)
{
	static const struct {
		const char *library, *what;
	} drivers[] = {
	    {"libcuda.so.1", "NVIDIA's CUDA driver"},
	    {"libamdhip64.so", "AMD's HIP"},
	    {"libhsa-runtime64.so.1", "AMD's HSA"},
	    {"libze_loader.so.1", "Intel's Level Zero"},
	};
	char path[4096];
	size_t i, count = 0;

	for (i = 0; i < sizeof(drivers) / sizeof(*drivers); i++) {
		if (!doctor_library(drivers[i].library, path, sizeof(path)))
			continue;
		doctor_say(d, check, VERDICT_WARN, "%s is there (%s)", drivers[i].what, path);
		count++;
	}
	if (!count)
		doctor_say(d, check, VERDICT_OK, "no driver found: nothing to trace");
}
