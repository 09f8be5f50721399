/* SPDX-License-Identifier: GPL-2.0 */
/* Reads /proc/PID/{status,comm,cmdline,cgroup,exe}. */
#include "target/process.h"

#include <ctype.h>
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#include "base/log.h"

#define CONTAINER_ID_LEN 64 /* hexadecimal digits, by Docker, podman, containerd */

/* Reads a small file of /proc/PID; the length, or a negative errno. */
static ssize_t read_file(pid_t pid, const char *file, char *buffer, size_t size)
{
	char name[64];
	ssize_t n;
	int fd;

	snprintf(name, sizeof(name), "/proc/%d/%s", pid, file);
	fd = open(name, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return errno == ENOENT ? -ESRCH : -errno;
	n = read(fd, buffer, size - 1);
	if (n < 0)
		n = -errno;
	else
		buffer[n] = '\0';
	close(fd);
	return n;
}

/* The number after `key` in a status file. */
static bool status_number(const char *status, const char *key, uint64_t *out)
{
	const char *at = strstr(status, key);

	/* the name of a process is in there too, and may be anything */
	while (at && at != status && at[-1] != '\n')
		at = strstr(at + 1, key);
	if (!at)
		return false;
	*out = strtoull(at + strlen(key), NULL, 10);
	return true;
}

/* The last number of the line: the pid in the innermost namespace. */
static pid_t innermost_pid(const char *status)
{
	const char *line = strstr(status, "\nNSpid:"), *end, *at;

	if (!line)
		return 0;
	line += strlen("\nNSpid:");
	end = line + strcspn(line, "\n");
	for (at = end; at > line && isdigit((unsigned char)at[-1]);)
		at--;
	return (pid_t)strtol(at, NULL, 10);
}

/* When it began, by the clock of files' times; 0 if that cannot be read. */
static int64_t started_s(pid_t pid)
{
	char stat[1024];
	struct timespec boot, real;
	ssize_t n = read_file(pid, "stat", stat, sizeof(stat));
	const char *at = n > 0 ? strrchr(stat, ')') : NULL;
	unsigned long long ticks;

	/* proc(5): starttime is the 22nd field, the second is the name in parentheses. */
	if (!at || sscanf(at + 1,
			  "%*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s "
			  "%*s %*s %*s %llu",
			  &ticks) != 1)
		return 0;
	clock_gettime(CLOCK_BOOTTIME, &boot);
	clock_gettime(CLOCK_REALTIME, &real);
	return real.tv_sec - boot.tv_sec + (int64_t)(ticks / (unsigned long)sysconf(_SC_CLK_TCK));
}

int process_identify(pid_t pid, struct process_identity *out)
{
	char status[4096];
	unsigned long uid, euid;
	ssize_t n = read_file(pid, "status", status, sizeof(status));
	const char *uids = n > 0 ? strstr(status, "\nUid:") : NULL;

	if (n < 0)
		return n;
	if (!uids || sscanf(uids, "\nUid: %lu %lu", &uid, &euid) != 2)
		return -ESRCH;
	*out = (struct process_identity){innermost_pid(status), (uid_t)uid, (uid_t)euid,
					 started_s(pid)};
	return out->pid ? 0 : -ESRCH;
}

int process_memory(pid_t pid, struct process_memory *out)
{
	static const struct {
		const char *key;
		size_t field;
	} fields[] = {
	    {"VmRSS:", offsetof(struct process_memory, rss_bytes)},
	    {"VmHWM:", offsetof(struct process_memory, rss_peak_bytes)},
	    {"RssAnon:", offsetof(struct process_memory, anon_bytes)},
	    {"RssFile:", offsetof(struct process_memory, file_bytes)},
	    {"RssShmem:", offsetof(struct process_memory, shmem_bytes)},
	    {"VmSwap:", offsetof(struct process_memory, swap_bytes)},
	    {"VmPTE:", offsetof(struct process_memory, page_table_bytes)},
	    {"VmSize:", offsetof(struct process_memory, mapped_bytes)},
	    /* The kernel's one count, exec_vm, less the program's own text and that (4.5). */
	    {"VmExe:", offsetof(struct process_memory, code_bytes)},
	    {"VmLib:", offsetof(struct process_memory, code_bytes)},
	};
	char status[4096];
	ssize_t n = read_file(pid, "status", status, sizeof(status));
	uint64_t kib;
	size_t i;

	if (n < 0)
		return n;
	*out = (struct process_memory){0};
	for (i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
		/* A zombie has no memory and no such lines. */
		if (!status_number(status, fields[i].key, &kib))
			return -ESRCH;
		*(uint64_t *)((char *)out + fields[i].field) += kib * 1024;
	}
	return 0;
}

/* proc(5): of /proc/PID/stat fields 10 and 12 are the faults, 22 is the start. */
static int read_stat(pid_t pid, struct process_usage *out)
{
	char stat[1024];
	ssize_t n = read_file(pid, "stat", stat, sizeof(stat));
	const char *at = n > 0 ? strrchr(stat, ')') : NULL;
	unsigned long long minor, major, ticks;

	if (!at || sscanf(at + 1,
			  "%*s %*s %*s %*s %*s %*s %*s %llu %*s %llu %*s %*s %*s %*s %*s %*s %*s "
			  "%*s %*s %llu",
			  &minor, &major, &ticks) != 3)
		return -ESRCH;
	out->minor = minor;
	out->major = major;
	out->start_ns = ticks * (1000000000 / (unsigned long long)sysconf(_SC_CLK_TCK));
	return 0;
}

int process_usage(pid_t pid, struct process_usage *out)
{
	uint64_t parent = 0, uid = 0, threads = 0, hugetlb_kib = 0;
	char text[4096];
	int err;

	*out = (struct process_usage){0};
	err = process_memory(pid, &out->memory);
	if (err)
		return err;
	if (read_file(pid, "status", text, sizeof(text)) < 0)
		return -ESRCH;
	status_number(text, "PPid:", &parent);
	status_number(text, "Uid:", &uid);
	status_number(text, "Threads:", &threads);
	status_number(text, "HugetlbPages:", &hugetlb_kib);
	out->parent = (pid_t)parent;
	out->uid = (uid_t)uid;
	out->threads = (unsigned)threads;
	out->hugetlb_bytes = hugetlb_kib * 1024;
	if (read_file(pid, "oom_score_adj", text, sizeof(text)) > 0)
		out->oom_score_adj = (int)strtol(text, NULL, 10);
	return read_stat(pid, out);
}

int process_tgid(pid_t tid)
{
	char status[4096];
	uint64_t tgid;
	ssize_t n = read_file(tid, "status", status, sizeof(status));

	if (n < 0)
		return n;
	return status_number(status, "Tgid:", &tgid) ? (int)tgid : -ESRCH;
}

int process_parent(pid_t pid)
{
	char status[4096];
	uint64_t ppid;
	ssize_t n = read_file(pid, "status", status, sizeof(status));

	if (n < 0)
		return n;
	return status_number(status, "PPid:", &ppid) ? (int)ppid : -ESRCH;
}

bool process_has_filter(pid_t pid)
{
	char status[4096];
	uint64_t mode;

	return read_file(pid, "status", status, sizeof(status)) > 0 &&
	       status_number(status, "Seccomp:", &mode) && mode == 2;
}

bool process_has_shadow_stack(pid_t pid)
{
	char status[16384]; /* groups and processors come before */
	char *features;

	if (read_file(pid, "status", status, sizeof(status)) <= 0)
		return false;
	features = strstr(status, "\nx86_Thread_features:");
	if (!features)
		return false;
	features[1 + strcspn(features + 1, "\n")] = '\0';
	return strstr(features, "shstk") != NULL;
}

bool process_is_32_bit(const char *program)
{
	unsigned char ident[EI_NIDENT];
	ssize_t n;
	int fd = open(program, O_RDONLY | O_CLOEXEC | O_NONBLOCK);

	if (fd < 0)
		return false;
	n = read(fd, ident, sizeof(ident));
	close(fd);
	return n == sizeof(ident) && !memcmp(ident, ELFMAG, SELFMAG) &&
	       ident[EI_CLASS] == ELFCLASS32;
}

int process_check(pid_t pid)
{
	char status[4096], link[64], target[8];
	ssize_t n = read_file(pid, "status", status, sizeof(status));
	uint64_t tgid, unused;

	if (n < 0)
		return log_error(
		    n, n == -ESRCH ? "no process with pid %d" : "pid %d: cannot be read", pid);
	if (strstr(status, "\nState:\tZ") || strstr(status, "\nState:\tX"))
		return log_error(-ESRCH, "pid %d has exited already", pid);
	if (status_number(status, "Tgid:", &tgid) && (pid_t)tgid != pid)
		return log_error(-EINVAL, "pid %d is a thread of process %d: use -p %d", pid,
				 (int)tgid, (int)tgid);
	snprintf(link, sizeof(link), "/proc/%d/exe", pid);
	if (!status_number(status, "VmSize:", &unused) ||
	    (readlink(link, target, sizeof(target)) < 0 && errno == ENOENT))
		return log_error(-EINVAL,
				 "pid %d is a kernel thread: it has no user memory to trace", pid);
	if (process_is_32_bit(link))
		return log_error(-ENOEXEC,
				 "pid %d is a 32-bit process: only 64-bit ones can be traced", pid);
	return 0;
}

char *process_comm(pid_t pid)
{
	char comm[64] = "";

	if (read_file(pid, "comm", comm, sizeof(comm)) > 0)
		comm[strcspn(comm, "\n")] = '\0';
	return strdup(comm);
}

char *process_cmdline(pid_t pid)
{
	char text[4096] = "";
	ssize_t i, n = read_file(pid, "cmdline", text, sizeof(text));

	while (n > 0 && !text[n - 1])
		n--;
	for (i = 0; i < n; i++)
		if (!text[i])
			text[i] = ' ';
	return strdup(text);
}

void process_string(pid_t pid, uint64_t address, char *text, size_t size)
{
	uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);
	size_t at = 0;

	/* Page by page: what comes after the string may not be there. */
	while (at < size - 1) {
		size_t room = size - 1 - at, in_page = page - (address + at) % page;
		struct iovec to = {text + at, room < in_page ? room : in_page};
		struct iovec from = {(void *)(uintptr_t)(address + at), to.iov_len};
		ssize_t n = process_vm_readv(pid, &to, 1, &from, 1, 0);

		if (n <= 0) {
			*text = 0;
			return;
		}
		if (memchr(text + at, 0, (size_t)n))
			return;
		at += (size_t)n;
	}
	text[at] = 0;
}

char *process_variable(pid_t pid, const char *name)
{
	char path[64], *entry = NULL, *found = NULL;
	size_t room = 0, length = strlen(name);
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/environ", pid);
	file = fopen(path, "re");
	if (!file)
		return NULL;
	while (!found && getdelim(&entry, &room, '\0', file) > 0)
		if (!strncmp(entry, name, length) && entry[length] == '=')
			found = strdup(entry + length + 1);
	free(entry);
	fclose(file);
	return found;
}

char *process_container_id(const char *cgroup)
{
	size_t run = 0;
	const char *at;

	for (at = cgroup; *at; at++) {
		run = isxdigit((unsigned char)*at) ? run + 1 : 0;
		if (run == CONTAINER_ID_LEN && !isxdigit((unsigned char)at[1]))
			return strndup(at + 1 - CONTAINER_ID_LEN, CONTAINER_ID_LEN);
	}
	return NULL;
}

char *process_container(pid_t pid)
{
	char text[8192] = "";

	return read_file(pid, "cgroup", text, sizeof(text)) > 0 ? process_container_id(text) : NULL;
}

/* Whether `controller` is one of the names, joined by commas, up to the colon. */
static bool has_controller(const char *names, const char *controller)
{
	size_t length = strlen(controller);

	for (;; names += strcspn(names, ",:") + 1) {
		if (strcspn(names, ",:") == length && !strncmp(names, controller, length))
			return true;
		if (names[strcspn(names, ",:")] != ',')
			return false;
	}
}

/* cgroups(7): lines of hierarchy:controllers:path; those of version 2 are 0 and none. */
char *process_cgroup(pid_t pid, const char *controller)
{
	char text[8192] = "", *line, *names, *path, *rest = text;

	if (read_file(pid, "cgroup", text, sizeof(text)) <= 0)
		return NULL;
	while ((line = strsep(&rest, "\n"))) {
		names = strchr(line, ':');
		path = names ? strchr(names + 1, ':') : NULL;
		if (path && has_controller(names + 1, controller))
			return strdup(path + 1);
	}
	return NULL;
}
