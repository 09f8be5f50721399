/* SPDX-License-Identifier: GPL-2.0 */
/* What this process may do. */
#include <errno.h>
#include <linux/capability.h>
#include <stdio.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

#include "doctor/check.h"
#include "unwind/memory.h"

/* Any of them will do, and CAP_SYS_ADMIN always: before 5.8 it was all of these. */
static const struct capability {
	const char *name;
	int number;
	bool needed;
	const char *what, *without, *remedy;
} capabilities[] = {
    {"CAP_BPF", CAP_BPF, true, "loads BPF programs", "no BPF program can be loaded",
     "run it as root: sudo memsnoop …"},
    {"CAP_PERFMON", CAP_PERFMON, true, "attaches them, reads the kernel's memory",
     "no probe can be attached", "run it as root: sudo memsnoop …"},
    {"CAP_SYS_PTRACE", CAP_SYS_PTRACE, false, "looks into processes of other users",
     "only processes of the same user can be traced",
     "run it as root; in a container --cap-add=SYS_PTRACE"},
    {"CAP_CHECKPOINT_RESTORE", CAP_CHECKPOINT_RESTORE, false,
     "opens mapped files whose names are gone",
     "code of files that were deleted or replaced since is not probed and has no names",
     "run it as root; in a container --cap-add=CHECKPOINT_RESTORE"},
};

static bool has(const struct doctor *d, int number)
{
	return (d->capabilities >> number | d->capabilities >> CAP_SYS_ADMIN) & 1;
}

void check_capabilities(struct doctor *d, const struct check *check)
{
	size_t i;

	for (i = 0; i < sizeof(capabilities) / sizeof(*capabilities); i++) {
		const struct capability *c = &capabilities[i];
		/* ptrace is the one that CAP_SYS_ADMIN never stood for */
		bool is_there = c->number == CAP_SYS_PTRACE ? d->capabilities >> CAP_SYS_PTRACE & 1
							    : has(d, c->number);
		enum verdict verdict = is_there    ? VERDICT_OK
				       : c->needed ? VERDICT_MISSING
						   : VERDICT_WARN;
		struct finding *f =
		    doctor_say(d, check, verdict, "%s%s", is_there ? "" : "not there: ", c->what);

		f->name = c->name;
		f->needed = c->needed;
		f->without = is_there ? NULL : c->without;
		f->remedy = is_there ? NULL : c->remedy;
	}
}

void check_lockdown(struct doctor *d, const struct check *check)
{
	char line[128], *mode, *end;
	int err = doctor_read_line("/sys/kernel/security/lockdown", line, sizeof(line));

	if (err == -ENOENT) {
		doctor_say(d, check, VERDICT_OK,
			   "none that is known of: there is no /sys/kernel/security/lockdown");
		return;
	}
	mode = err ? NULL : strchr(line, '[');
	end = mode ? strchr(mode, ']') : NULL;
	if (!end) {
		doctor_say(d, check, VERDICT_UNKNOWN, "%s", err ? strerror(-err) : line);
		return;
	}
	*end = '\0';
	doctor_say(d, check, strcmp(mode + 1, "confidentiality") ? VERDICT_OK : VERDICT_MISSING,
		   "%s", mode + 1);
}

void check_pid_namespace(struct doctor *d, const struct check *check)
{
	if (kernel_pids_agree())
		doctor_say(d, check, VERDICT_OK, "the first one, as the kernel side counts");
	else
		doctor_say(d, check, VERDICT_MISSING, "another than the first: a container's");
}

static int try_ptrace(pid_t pid)
{
	int status, err = 0;

	if (ptrace(PTRACE_SEIZE, pid, NULL, NULL))
		return -errno;
	if (ptrace(PTRACE_INTERRUPT, pid, NULL, NULL) || waitpid(pid, &status, __WALL) != pid)
		err = -errno;
	if (ptrace(PTRACE_DETACH, pid, NULL, NULL) && !err)
		err = -errno;
	return err;
}

void check_ptrace(struct doctor *d, const struct check *check)
{
	int err = d->child ? try_ptrace(child_pid(d->child)) : -ECHILD;

	if (err)
		doctor_say(d, check, VERDICT_MISSING, "a child cannot be stopped: %s",
			   strerror(-err));
	else
		doctor_say(d, check, VERDICT_OK, "a child was stopped and let go");
}

void check_process_memory(struct doctor *d, const struct check *check)
{
	/* The child is a copy of us: this is at the same place in it. */
	static const char word[] = "memsnoop";
	char copy[sizeof(word)];
	int err = d->child ? memory_read(child_pid(d->child), (uintptr_t)word, copy, sizeof(copy))
			   : -ECHILD;

	if (!err && memcmp(copy, word, sizeof(word)) != 0)
		err = -EIO;
	if (err)
		doctor_say(d, check, VERDICT_MISSING, "a child's memory cannot be read: %s",
			   strerror(-err));
	else
		doctor_say(d, check, VERDICT_OK, "a child's was read, by process_vm_readv");
}

void check_perf_paranoid(struct doctor *d, const struct check *check)
{
	char line[32];
	int err = doctor_read_line("/proc/sys/kernel/perf_event_paranoid", line, sizeof(line));
	bool bound = !has(d, CAP_PERFMON);

	if (err == -ENOENT)
		doctor_say(d, check, VERDICT_MISSING, "this kernel has no perf events");
	else if (err)
		doctor_say(d, check, VERDICT_UNKNOWN, "%s", strerror(-err));
	else
		doctor_say(d, check, bound ? VERDICT_WARN : VERDICT_OK, "%s%s", line,
			   bound ? "" : ", which does not bind who has CAP_PERFMON");
}

void check_kallsyms(struct doctor *d, const struct check *check)
{
	FILE *file = fopen("/proc/kallsyms", "re");
	unsigned long long address = 0;
	char line[256], restrict_mode[16];

	if (!file) {
		doctor_say(d, check, VERDICT_WARN, "/proc/kallsyms: %s", strerror(errno));
		return;
	}
	/* per-CPU symbols come first and may be at 0 */
	while (!address && fgets(line, sizeof(line), file))
		sscanf(line, "%llx", &address);
	fclose(file);
	if (doctor_read_line("/proc/sys/kernel/kptr_restrict", restrict_mode,
			     sizeof(restrict_mode)))
		strcpy(restrict_mode, "unknown");
	if (address)
		doctor_say(d, check, VERDICT_OK, "/proc/kallsyms has addresses (kptr_restrict %s)",
			   restrict_mode);
	else
		doctor_say(d, check, VERDICT_WARN,
			   "/proc/kallsyms hides its addresses (kptr_restrict %s)", restrict_mode);
}
