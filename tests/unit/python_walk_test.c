/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The kernel's walk of Python frames, compiled for user space, on live Pythons
 * that have stopped in known places (tests/targets/python_frames.py) and say
 * themselves what their stack is.  The native frames come from libdw.
 */
#include "python_workshop.h"

#include <elfutils/libdwfl.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/user.h>

#include "memsnoop.h"
#include "target/mappings.h"
#include "unwind/codes.h"
#include "unwind/cpython.h"
#include "unwind/memory.h"

#define IMAGE 1
#define NATIVE_MAX 8192
#define TEXT_MAX (256 * 1024)

/* ---- what the kernel gives to the walk ---------------------------------- */

#undef __always_inline
#define __always_inline inline __attribute__((always_inline))
#define WALK_FUNCTION static
#define BPF_NOEXIST 1

struct task_struct {
	struct {
		unsigned long fsbase;
	} thread;
};

#define CODES_MAX 8192

/* The walk's maps, and the process it walks. */
static struct kernel_side {
	pid_t pid;
	struct task_struct task;
	struct ms_python python;
	struct ms_code_key keys[CODES_MAX];
	uint32_t ids[CODES_MAX];
	size_t code_count, reads;
	struct ms_code_event event;
	struct codes *store;
	int pythons_map, codes_map, ring; /* only their addresses are used */
} kernel;

#define pythons kernel.pythons_map
#define codes kernel.codes_map
#define events kernel.ring
static uint32_t next_code;

static long bpf_probe_read_user(void *to, uint32_t size, const void *from)
{
	kernel.reads++;
	return memory_read(kernel.pid, (uintptr_t)from, to, size);
}

static void *bpf_map_lookup_elem(const void *map, const void *key)
{
	size_t i;

	if (map == &kernel.pythons_map)
		return *(const uint32_t *)key == IMAGE ? &kernel.python : NULL;
	for (i = 0; i < kernel.code_count; i++)
		if (!memcmp(&kernel.keys[i], key, sizeof(kernel.keys[i])))
			return &kernel.ids[i];
	return NULL;
}

static long bpf_map_update_elem(const void *map, const void *key, const void *value, uint64_t flags)
{
	assert_ptr_equal(map, &kernel.codes_map);
	assert_int_equal(flags, BPF_NOEXIST);
	if (kernel.code_count == CODES_MAX)
		return -E2BIG;
	memcpy(&kernel.keys[kernel.code_count], key, sizeof(*kernel.keys));
	memcpy(&kernel.ids[kernel.code_count++], value, sizeof(*kernel.ids));
	return 0;
}

static long bpf_loop(uint32_t count, long (*step)(uint32_t, void *), void *data, uint64_t flags)
{
	uint32_t i;

	(void)flags;
	for (i = 0; i < count; i++)
		if (step(i, data))
			break;
	return i;
}

static struct task_struct *bpf_get_current_task_btf(void)
{
	return &kernel.task;
}

static uint64_t bpf_get_current_pid_tgid(void)
{
	return (uint64_t)kernel.pid << 32;
}

static void *bpf_ringbuf_reserve(const void *ring, uint64_t size, uint64_t flags)
{
	(void)flags;
	assert_ptr_equal(ring, &kernel.ring);
	assert_int_equal(size, sizeof(kernel.event));
	return &kernel.event;
}

static void bpf_ringbuf_submit(const void *event, uint64_t flags)
{
	(void)flags;
	assert_ptr_equal(event, &kernel.event);
	assert_int_equal(kernel.event.kind, MS_EVENT_CODE);
	assert_int_equal(codes_add_event(kernel.store, &kernel.event), 0);
}

static void loss_add(enum ms_loss which, uint64_t n)
{
	fail_msg("loss %d: %lu", which, n);
}

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wunused-parameter"
#pragma GCC diagnostic ignored "-Wint-to-pointer-cast"
static uint64_t arch_thread_pointer(const struct task_struct *task)
{
	return task->thread.fsbase;
}

#include "python.bpf.h"
#pragma GCC diagnostic pop
#undef codes
#undef pythons
#undef events

/* ---- a Python that stops ------------------------------------------------- */

struct target {
	pid_t pid, tid;
	int in, out;
	char *expected; /* as it prints it */
};

static void target_start(struct target *t, const char *python, const char *scenario)
{
	char script[2 * PATH_MAX];
	int in[2], out[2];

	snprintf(script, sizeof(script), "%s/python_frames.py", python_scripts);
	assert_int_equal(pipe2(in, O_CLOEXEC) | pipe2(out, O_CLOEXEC), 0);
	t->pid = fork();
	assert_true(t->pid >= 0);
	if (!t->pid) {
		dup2(in[0], 0);
		dup2(out[1], 1);
		/* The sanitizers' own settings are not for it. */
		execl(python, python, script, scenario, NULL);
		_exit(127);
	}
	close(in[0]);
	close(out[1]);
	t->in = in[1];
	t->out = out[0];
}

/* Reads its report, and waits until the thread that made it is in its read(0). */
static void target_wait(struct target *t)
{
	char path[64], call[64];
	size_t used = 0;
	ssize_t n;
	FILE *file;

	t->expected = malloc(TEXT_MAX);
	assert_non_null(t->expected);
	do {
		n = read(t->out, t->expected + used, TEXT_MAX - 1 - used);
		if (n <= 0)
			fail_msg("the script has said nothing");
		used += (size_t)n;
		t->expected[used] = '\0';
	} while (used < 4 || strcmp(t->expected + used - 4, "\ngo\n") != 0);
	t->tid = atoi(t->expected);
	snprintf(path, sizeof(path), "/proc/%d/task/%d/syscall", t->pid, t->tid);
	for (;;) {
		file = fopen(path, "r");
		assert_non_null(file);
		if (fgets(call, sizeof(call), file) && !strncmp(call, "0 0x0 ", 6))
			break;
		fclose(file);
		usleep(1000);
	}
	fclose(file);
}

static void target_end(struct target *t)
{
	int status;

	close(t->in);
	close(t->out);
	assert_int_equal(waitpid(t->pid, &status, 0), t->pid);
	free(t->expected);
}

/* ---- its native frames ---------------------------------------------------- */

struct native {
	uint64_t ip, sp;
	const char *name;
};

struct natives {
	struct native frame[NATIVE_MAX];
	size_t count;
	bool complete; /* libdw has found all of them */
};

static struct natives natives;

static int native_add(Dwfl_Frame *state, void *data)
{
	struct natives *all = data;
	struct native *n = &all->frame[all->count];
	Dwfl_Module *module;
	bool activation;
	Dwarf_Word sp = 0;
	Dwarf_Addr pc;

	if (all->count == NATIVE_MAX)
		return DWARF_CB_ABORT;
	if (!dwfl_frame_pc(state, &pc, &activation) || dwfl_frame_reg(state, 7, &sp))
		return DWARF_CB_ABORT;
	n->ip = activation ? pc : pc - 1;
	n->sp = sp;
	module = dwfl_addrmodule(dwfl_thread_dwfl(dwfl_frame_thread(state)), n->ip);
	n->name = module ? dwfl_module_addrname(module, n->ip) : NULL;
	all->count++;
	return DWARF_CB_OK;
}

static int no_debuginfo(Dwfl_Module *module, void **data, const char *name, Dwarf_Addr base,
			const char *file, const char *link, GElf_Word crc, char **out)
{
	(void)module, (void)data, (void)name, (void)base, (void)file, (void)link, (void)crc;
	*out = NULL;
	return -1;
}

/* The thread is ours to ptrace; the caller ends *dwfl. */
static void natives_read(const struct target *t, Dwfl **dwfl)
{
	static const Dwfl_Callbacks callbacks = {
	    .find_elf = dwfl_linux_proc_find_elf,
	    .find_debuginfo = no_debuginfo,
	};

	natives.count = 0;
	*dwfl = dwfl_begin(&callbacks);
	assert_non_null(*dwfl);
	assert_int_equal(dwfl_linux_proc_report(*dwfl, t->pid), 0);
	assert_int_equal(dwfl_report_end(*dwfl, NULL, NULL), 0);
	assert_int_equal(dwfl_linux_proc_attach(*dwfl, t->pid, true), 0);
	natives.complete = !dwfl_getthread_frames(*dwfl, t->tid, native_add, &natives);
	assert_true(natives.count > 3);
}

/* ---- the walk --------------------------------------------------------------- */

static void detect(pid_t pid)
{
	struct python_symbols symbols;
	struct mappings maps;
	char path[PATH_MAX], why[256] = "no interpreter";
	uint64_t bias;
	size_t i;
	int fd, err = -ENOENT;

	assert_int_equal(mappings_read(pid, &maps), 0);
	for (i = 0; err && i < maps.count; i++) {
		snprintf(path, sizeof(path), "/proc/%d/root%s", pid, maps.items[i].path);
		fd = open(path, O_RDONLY | O_CLOEXEC);
		if (fd < 0)
			continue;
		err = python_symbols_read(fd, &symbols);
		close(fd);
		if (!err)
			err = python_bias(&symbols, maps.items[i].start, maps.items[i].end,
					  maps.items[i].offset, &bias);
		if (!err && python_detect(pid, &symbols, bias, &kernel.python, why, sizeof(why)))
			fail_msg("%s: %s", path, why);
	}
	mappings_free(&maps);
	if (err)
		fail_msg("%s", why);
	assert_int_equal(codes_image(kernel.store, IMAGE, &kernel.python), 0);
}

static struct python_state walk_state;

struct text {
	char data[TEXT_MAX];
	size_t used;
};

static struct text seen;

static void add(const char *format, ...) __attribute__((format(printf, 1, 2)));
static void add(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	seen.used +=
	    (size_t)vsnprintf(seen.data + seen.used, TEXT_MAX - seen.used, format, arguments);
	va_end(arguments);
	assert_true(seen.used < TEXT_MAX);
}

static void add_python(uint64_t frame)
{
	const char *function, *file;
	unsigned line;

	assert_int_equal(MS_FRAME_MODULE(frame), MS_MODULE_PYTHON);
	assert_true(codes_frame(kernel.store, MS_FRAME_PYTHON_CODE(frame),
				MS_FRAME_PYTHON_UNIT(frame), &function, &file, &line));
	add("%s\t%s\t%u\n", function, file, line);
}

/* Walks; returns how many Python frames there were. */
static size_t walk(void)
{
	size_t i, count = 0, of_this;
	__u64 frame;
	bool in_qsort = false;
	int eval, next;

	seen.used = 0;
	python_begin(&walk_state, IMAGE);
	for (i = 0; i + 1 < natives.count; i++) {
		const struct native *n = &natives.frame[i];

		eval = python_eval(&walk_state, n->ip, n->sp, n[1].sp);
		/* What is in the evaluation loop gives way to Python. */
		if (python_in_eval(&kernel.python.walk, n->ip) && !eval)
			fail_msg("native frame %zu of the evaluation loop stays", i);
		/* The C library's qsort() may be one native frame or two. */
		if (!eval && n->name && strstr(n->name, "qsort") && !in_qsort)
			add("-- qsort\n");
		in_qsort = !eval && n->name && strstr(n->name, "qsort");
		of_this = 0;
		while (eval && (next = python_next(&walk_state, &frame))) {
			if (next != PYTHON_AGAIN) {
				add_python(frame);
				of_this++;
			}
		}
		if (eval && !of_this)
			fail_msg("native frame %zu gives way to nothing", i);
		count += of_this;
	}
	if (natives.complete)
		assert_false(python_rest(&walk_state));
	while (python_rest(&walk_state))
		while ((next = python_next(&walk_state, &frame)))
			if (next != PYTHON_AGAIN) {
				add_python(frame);
				count++;
			}
	return count;
}

static void check_stopped(const struct target *t, const char *python, const char *scenario)
{
	char *expected = strchr(t->expected, '\n') + 1, *mark = strstr(expected, "-- ");
	size_t count, reads;

	count = walk();
	/* What the native walk did not reach is not looked for either. */
	if (!natives.complete && mark && !strstr(seen.data, "-- "))
		memmove(mark, strchr(mark, '\n') + 1, strlen(strchr(mark, '\n')));
	if (strncmp(seen.data, expected, seen.used) != 0 ||
	    strcmp(expected + seen.used, "go\n") != 0)
		fail_msg("%s, %s:\n%.*s\nbut it is\n%s", python, scenario, (int)seen.used,
			 seen.data, expected);
	/* Once more, by what the thread remembers: two reads a frame, and few besides. */
	reads = kernel.reads;
	assert_int_equal(walk(), count);
	assert_int_equal(strncmp(seen.data, expected, seen.used), 0);
	assert_in_range(kernel.reads - reads, 2 * count, 5 * count + 8);
}

/* What is not the code object that the kernel side saw is not taken for it. */
static void check_gone(void)
{
	const struct ms_code_key *key = &kernel.keys[0];
	const char *function, *file;
	struct python_code code;
	uint8_t flip;
	unsigned line;

	assert_int_equal(python_code_read(kernel.pid, &kernel.python, key->code, key->check, &code),
			 0);
	python_code_free(&code);
	assert_int_equal(
	    python_code_read(kernel.pid, &kernel.python, key->code, key->check + 1, &code),
	    -ESTALE);
	assert_int_equal(
	    python_code_read(kernel.pid, &kernel.python, key->code + 8, key->check, &code),
	    -ESTALE);
	assert_int_equal(python_code_read(kernel.pid, &kernel.python, 4096, key->check, &code),
			 -ESTALE);
	/* Objects of other types, at places that are not where they should be. */
	for (flip = 8; flip; flip <<= 1) {
		struct ms_python other = kernel.python;

		other.code.filename ^= flip;
		if (!python_code_read(kernel.pid, &other, key->code, key->check, &code))
			python_code_free(&code);
		other = kernel.python;
		other.code.lines ^= flip;
		if (!python_code_read(kernel.pid, &other, key->code, key->check, &code))
			python_code_free(&code);
	}
	assert_int_equal(codes_add(kernel.store, 77777, kernel.pid,
				   &(struct ms_code_key){.code = key->code, .image = IMAGE}),
			 -ESTALE);
	assert_false(codes_frame(kernel.store, 77777, 1, &function, &file, &line));
	assert_string_equal(function, "<python: gone>");
	assert_int_equal(codes_gone(kernel.store), 1);
	assert_false(codes_frame(kernel.store, 0, 1, &function, &file, &line));
	assert_string_equal(function, "<python: unknown>");
}

/* Returns whether libdw has found all native frames. */
static bool check_scenario(const char *python, const char *scenario)
{
	struct user_regs_struct regs;
	struct target t;
	int status;
	Dwfl *dwfl;

	target_start(&t, python, scenario);
	target_wait(&t);
	assert_int_equal(ptrace(PTRACE_SEIZE, t.tid, 0, 0), 0);
	assert_int_equal(ptrace(PTRACE_INTERRUPT, t.tid, 0, 0), 0);
	assert_int_equal(waitpid(t.tid, &status, __WALL), t.tid);
	assert_int_equal(ptrace(PTRACE_GETREGS, t.tid, 0, &regs), 0);

	memset(&kernel, 0, sizeof(kernel));
	memset(&walk_state, 0, sizeof(walk_state));
	next_code = 0;
	kernel.pid = t.pid;
	kernel.task.thread.fsbase = regs.fs_base;
	kernel.store = codes_new();
	assert_non_null(kernel.store);
	detect(t.pid);
	natives_read(&t, &dwfl);
	check_stopped(&t, python, scenario);
	check_gone();

	dwfl_end(dwfl);
	codes_free(kernel.store);
	ptrace(PTRACE_DETACH, t.tid, 0, 0);
	target_end(&t);
	return natives.complete;
}

static size_t check_python(const char *python)
{
	char command[3 * PATH_MAX], list[4096] = "", *rest = list, *scenario;
	size_t count = 0, complete = 0;
	FILE *out;

	snprintf(command, sizeof(command), "'%s' '%s/python_frames.py'", python, python_scripts);
	out = popen(command, "r");
	assert_non_null(out);
	assert_non_null(fgets(list, sizeof(list), out));
	assert_int_equal(pclose(out), 0);
	while ((scenario = strsep(&rest, " \n")) && *scenario) {
		complete += check_scenario(python, scenario);
		count++;
	}
	assert_true(complete > 0);
	return count;
}

static void test_pythons(void **state)
{
	struct pythons all;
	size_t i;

	(void)state;
	pythons_find(&all);
	if (!all.count)
		skip();
	for (i = 0; i < all.count; i++)
		print_message("%s (3.%u): %zu stacks\n", all.path[i], python_minor(all.path[i]),
			      check_python(all.path[i]));
}

/* Files that have no interpreter, or are broken. */
static void test_no_interpreter(void **state)
{
	static char broken[1 << 16];
	struct python_symbols symbols;
	int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC), copy = memfd_create("broken", 0);
	ssize_t n;

	(void)state;
	assert_true(fd >= 0 && copy >= 0);
	assert_int_equal(python_symbols_read(fd, &symbols), -ENOENT);
	/* Its beginning only: the section headers are gone. */
	n = read(fd, broken, sizeof(broken));
	assert_true(n > 0);
	assert_int_equal(write(copy, broken, (size_t)n), n);
	assert_true(python_symbols_read(copy, &symbols) < 0);
	assert_int_equal(ftruncate(copy, 40), 0);
	assert_true(python_symbols_read(copy, &symbols) < 0);
	close(copy);
	close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_no_interpreter),
	    cmocka_unit_test(test_pythons),
	};

	python_scripts_find(__FILE__);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
