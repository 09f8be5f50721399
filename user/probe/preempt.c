/* SPDX-License-Identifier: GPL-2.0 */
/* The mode is one of a list in debugfs, which need not be mounted: ours is nowhere to be seen. */
#include "probe/preempt.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/mount.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

/* A mount of debugfs without a place (5.2, commits 24dcb3d90a1f and 93766fbd2696), or -1. */
static int debugfs_open(void)
{
	int context = (int)syscall(SYS_fsopen, "debugfs", FSOPEN_CLOEXEC), mount = -1;

	if (context < 0)
		return -1;
	if (!syscall(SYS_fsconfig, context, FSCONFIG_CMD_CREATE, NULL, NULL, 0))
		mount = (int)syscall(SYS_fsmount, context, FSMOUNT_CLOEXEC, 0);
	close(context);
	return mount;
}

/* (There with CONFIG_PREEMPT_DYNAMIC.)  The length, 0 if none. */
static size_t modes_read(char *text, size_t size)
{
	int mount = debugfs_open(), file = -1;
	ssize_t n = 0;

	if (mount >= 0) {
		file = openat(mount, "sched/preempt", O_RDONLY | O_CLOEXEC);
		close(mount);
	}
	if (file >= 0) {
		n = read(file, text, size - 1);
		close(file);
	}
	text[n > 0 ? n : 0] = '\0';
	text[strcspn(text, "\n")] = '\0';
	return strlen(text);
}

bool preempt_judge(const char *release, const char *version, const char *modes)
{
	unsigned major = 0;

	if (modes)
		return !strstr(modes, "(none)") && !strstr(modes, "(voluntary)");
	/* Of "PREEMPT", "PREEMPT_RT", "PREEMPT_LAZY" each says so; "PREEMPT_DYNAMIC" leaves it
	 * open. */
	if (strstr(version, "PREEMPT") && !strstr(version, "PREEMPT_DYNAMIC"))
		return true;
	/* 7.0 has no others left on x86-64 and arm64. */
	return strstr(version, "PREEMPT") && sscanf(release, "%u", &major) == 1 && major >= 7;
}

bool preempt_possible(char *text, size_t size)
{
	static char modes[128]; /* facts about the kernel */
	static int possible = -1;
	struct utsname name;

	if (possible < 0) {
		size_t n = modes_read(modes, sizeof(modes));

		possible =
		    !uname(&name) && preempt_judge(name.release, name.version, n ? modes : NULL);
	}
	if (text)
		snprintf(text, size, "%s", modes);
	return possible;
}

uint64_t preempt_passed_over(const struct bpf_program *program)
{
	struct bpf_prog_info info = {0};
	uint32_t size = sizeof(info);

	return bpf_obj_get_info_by_fd(bpf_program__fd(program), &info, &size)
		   ? 0
		   : info.recursion_misses;
}
