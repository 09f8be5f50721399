/* SPDX-License-Identifier: GPL-2.0 */
/* What this kernel can do, apart from probes. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "base/text.h"
#include "doctor/check.h"
#include "probe/preempt.h"
#include "vm/pagescan.h"

#define VERSION(major, minor) ((major)*1000 + (minor))
#define OLDEST VERSION(5, 17)

void check_version(struct doctor *d, const struct check *check)
{
	unsigned major = 0, minor = 0;
	struct utsname name;

	if (uname(&name)) {
		doctor_say(d, check, VERDICT_UNKNOWN, "%s", strerror(errno));
		return;
	}
	sscanf(name.release, "%u.%u", &major, &minor);
	doctor_say(d, check, VERSION(major, minor) < OLDEST ? VERDICT_WARN : VERDICT_OK,
		   "%s %s, %s", name.sysname, name.release, name.machine);
}

void check_btf(struct doctor *d, const struct check *check)
{
	const char *path = "/sys/kernel/btf/vmlinux";

	d->has_btf = !access(path, R_OK);
	if (!d->has_btf)
		doctor_say(d, check, VERDICT_MISSING, "%s: %s", path, strerror(errno));
	else
		doctor_say(d, check, VERDICT_OK, "%s", path);
}

void check_preemption(struct doctor *d, const struct check *check)
{
	char modes[128];
	bool possible = preempt_possible(modes, sizeof(modes));

	doctor_say(d, check, VERDICT_OK, "%s%s%s%s",
		   possible ? "in the kernel, too" : "none in the kernel", *modes ? ": " : "",
		   modes, possible ? "; kprobes go before fentry, which would miss events" : "");
}

void check_jit(struct doctor *d, const struct check *check)
{
	char line[16];
	int err = doctor_read_line("/proc/sys/net/core/bpf_jit_enable", line, sizeof(line));

	if (err) {
		doctor_say(d, check, VERDICT_UNKNOWN, "net.core.bpf_jit_enable: %s",
			   strerror(-err));
		return;
	}
	doctor_say(d, check, strcmp(line, "0") ? VERDICT_OK : VERDICT_SLOW,
		   "net.core.bpf_jit_enable is %s", line);
}

/* What trial_has_…() answers. */
static void say_probed(struct doctor *d, const struct check *check, int answer)
{
	if (answer < 0)
		doctor_say(d, check, VERDICT_UNKNOWN, "%s", strerror(-answer));
	else if (answer)
		doctor_say(d, check, VERDICT_OK, "works");
	else
		doctor_say(d, check, VERDICT_MISSING, "this kernel has none");
}

void check_loop(struct doctor *d, const struct check *check)
{
	if (d->may_trace)
		say_probed(d, check, trial_has_loop());
	else
		doctor_say_untried(d, check);
}

void check_ring(struct doctor *d, const struct check *check)
{
	if (d->may_trace)
		say_probed(d, check, trial_has_ring());
	else
		doctor_say_untried(d, check);
}

void check_iterator(struct doctor *d, const struct check *check)
{
	const struct trial_target target = {.name = "task"};
	int fd;

	if (!d->trials) {
		doctor_say_untried(d, check);
		return;
	}
	fd = trial_attach(d->trials, TRIAL_ITERATOR, &target);
	if (fd < 0) {
		doctor_say(d, check, VERDICT_MISSING, "%s", hook_answer_text(fd));
		return;
	}
	close(fd);
	doctor_say(d, check, VERDICT_OK, "works");
}

void check_pagemap_scan(struct doctor *d, const struct check *check)
{
	int fd = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
	uint64_t categories;
	int err = fd < 0 ? -errno : pagescan_categories(fd, &categories);

	if (fd >= 0)
		close(fd);
	if (err)
		doctor_say(d, check, VERDICT_SLOW, "%s",
			   err == -EOPNOTSUPP ? "this kernel has none" : strerror(-err));
	else
		doctor_say(d, check, VERDICT_OK, "works");
}

void check_memlock(struct doctor *d, const struct check *check)
{
	char limit[HUMAN_LEN] = "unlimited";
	struct rlimit rlimit;

	if (!getrlimit(RLIMIT_MEMLOCK, &rlimit) && rlimit.rlim_cur != RLIM_INFINITY)
		text_bytes(limit, rlimit.rlim_cur);
	/* commit 4cfdbd6af79c and those after it */
	doctor_say(d, check, VERDICT_OK,
		   "%s, which does not matter: BPF memory is charged to the cgroup since 5.11",
		   limit);
}
