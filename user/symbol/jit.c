/* SPDX-License-Identifier: GPL-2.0 */
/* The JITs' files by process, and answers remembered. */
#include "symbol/jit.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "symbol/intern.h"
#include "symbol/jitcodes.h"
#include "symbol/jitdump.h"
#include "symbol/jitname.h"
#include "symbol/perfmap.h"

/* What may be read and built, in bytes: of all processes together, and of one. */
#define BUDGET ((uint64_t)2 << 30)
#define PROCESS_BUDGET ((uint64_t)512 << 20)

struct file {
	int fd; /* -1: none */
	struct stat seen;
	uint64_t offset;     /* of a map: how far it was read */
	struct jitdump dump; /* of a dump: the same */
	struct jit_codes codes;
};

struct jit_process {
	unsigned round; /* in which its files were looked at last */
	bool incomplete;
	uint64_t spent;
	struct file files[JIT_FORMAT_NR];
	struct pair_map answers; /* (address, 0) -> struct answer */
};

struct answer {
	unsigned round; /* in which it was found */
	bool known;
	struct frame frame;
};

struct jit {
	struct symbols *symbols;
	struct intern *memory;
	struct pair_map processes; /* (id, 0) -> struct jit_process */
	struct budget budget;
	unsigned round;
};

struct jit *jit_new(struct symbols *symbols)
{
	struct jit *jit = calloc(1, sizeof(*jit));

	if (!jit)
		return NULL;
	jit->memory = intern_new();
	if (!jit->memory) {
		free(jit);
		return NULL;
	}
	jit->symbols = symbols;
	jit->budget.left = BUDGET;
	jit->round = 1;
	return jit;
}

static void file_close(struct file *file)
{
	if (file->fd >= 0)
		close(file->fd);
	jitdump_free(&file->dump);
	jit_codes_free(&file->codes);
	*file = (struct file){.fd = -1};
}

static void process_free(struct jit_process *process)
{
	size_t i;

	for (i = 0; i < JIT_FORMAT_NR; i++)
		file_close(&process->files[i]);
	pair_map_free(&process->answers);
	free(process);
}

void jit_free(struct jit *jit)
{
	size_t i;

	if (!jit)
		return;
	for (i = 0; i < jit->processes.room; i++)
		if (jit->processes.slots[i].value)
			process_free(jit->processes.slots[i].value);
	pair_map_free(&jit->processes);
	intern_free(jit->memory);
	free(jit);
}

/* ---- files ------------------------------------------------------------- */

static struct jit_process *process_get(struct jit *jit, uint32_t id)
{
	struct jit_process *process = pair_map_find(&jit->processes, id, 0);
	size_t i;

	if (process)
		return process;
	process = calloc(1, sizeof(*process));
	if (!process)
		return NULL;
	for (i = 0; i < JIT_FORMAT_NR; i++)
		process->files[i].fd = -1;
	if (pair_map_add(&jit->processes, id, 0, process)) {
		free(process);
		return NULL;
	}
	return process;
}

void jit_begin(struct jit *jit)
{
	jit->round++;
}

bool jit_is_due(struct jit *jit, uint32_t id)
{
	struct jit_process *process = process_get(jit, id);

	if (!process || process->round == jit->round)
		return false;
	process->round = jit->round;
	return true;
}

static bool same_time(const struct timespec *a, const struct timespec *b)
{
	return a->tv_sec == b->tv_sec && a->tv_nsec == b->tv_nsec;
}

static bool is_unchanged(const struct stat *a, const struct stat *b)
{
	return a->st_dev == b->st_dev && a->st_ino == b->st_ino && a->st_size == b->st_size &&
	       same_time(&a->st_mtim, &b->st_mtim);
}

/* JITs append; what is the same file and not longer was written over. */
static bool has_grown(const struct stat *was, const struct stat *now)
{
	return was->st_dev == now->st_dev && was->st_ino == now->st_ino &&
	       now->st_size > was->st_size;
}

static int file_read(struct file *file, enum jit_format format, struct budget *budget)
{
	if (format == JIT_MAP)
		return perfmap_read(file->fd, &file->offset, &file->codes, budget);
	return jitdump_read(&file->dump, file->fd, &file->codes, budget);
}

/* Reads on within what is left to the process and to all. */
static void read_on(struct jit *jit, struct jit_process *process, enum jit_format format)
{
	uint64_t left = PROCESS_BUDGET - process->spent;
	struct budget budget = {.left = left < jit->budget.left ? left : jit->budget.left};
	uint64_t before = budget.left;
	int err = file_read(&process->files[format], format, &budget);

	process->spent += before - budget.left;
	jit->budget.left -= before - budget.left;
	if (err == -EFBIG || err == -E2BIG || err == -ENOMEM || budget.refused)
		process->incomplete = true;
}

void jit_read(struct jit *jit, uint32_t id, enum jit_format format, int fd)
{
	struct jit_process *process = process_get(jit, id);
	struct file *file = process ? &process->files[format] : NULL;
	struct stat now;

	if (fd < 0)
		return; /* what was read before stays right */
	if (!file || fstat(fd, &now) || (file->fd >= 0 && is_unchanged(&file->seen, &now))) {
		close(fd);
		return;
	}
	if (file->fd < 0 || !has_grown(&file->seen, &now)) {
		file_close(file);
		file->fd = fd;
	} else {
		close(fd);
	}
	file->seen = now;
	read_on(jit, process, format);
}

/* ---- names ------------------------------------------------------------- */

static void name_code(struct jit *jit, const struct file *file, enum jit_format format,
		      const struct jit_code *code, uint64_t address, struct frame *frame)
{
	char raw[NAME_SIZE];
	struct jit_name name;

	if (format == JIT_MAP)
		perfmap_name(file->fd, code, raw, sizeof(raw));
	else
		jitdump_name(file->fd, code, raw, sizeof(raw));
	jit_name_parse(raw, &name);
	if (format == JIT_DUMP && !name.exact)
		jitdump_line(file->fd, code, address, name.file, sizeof(name.file), &name.line);
	*frame = (struct frame){
	    .function = symbols_intern(jit->symbols, name.function),
	    .file = *name.file ? symbols_intern(jit->symbols, name.file) : NULL,
	    .module = "[jit]",
	    .line = name.line,
	    .kind = FRAME_JIT,
	};
}

static bool look_up(struct jit *jit, struct jit_process *process, uint64_t address,
		    struct frame *frame)
{
	int format;

	for (format = 0; format < JIT_FORMAT_NR; format++) {
		struct file *file = &process->files[format];
		const struct jit_code *code = jit_codes_find(&file->codes, address);

		if (!code)
			continue;
		name_code(jit, file, (enum jit_format)format, code, address, frame);
		return true;
	}
	return false;
}

static struct answer *answer_get(struct jit *jit, struct jit_process *process, uint64_t address)
{
	struct answer *answer = pair_map_find(&process->answers, address, 0);

	if (answer)
		return answer;
	answer = intern_alloc(jit->memory, sizeof(*answer));
	if (!answer)
		return NULL;
	*answer = (struct answer){0};
	return pair_map_add(&process->answers, address, 0, answer) ? NULL : answer;
}

const struct frame *jit_find(struct jit *jit, uint32_t id, uint64_t address)
{
	struct jit_process *process = pair_map_find(&jit->processes, id, 0);
	struct answer *answer = process ? answer_get(jit, process, address) : NULL;

	if (!answer)
		return NULL;
	if (answer->round != jit->round) {
		answer->round = jit->round;
		answer->known = look_up(jit, process, address, &answer->frame);
	}
	return answer->known ? &answer->frame : NULL;
}

size_t jit_incomplete(const struct jit *jit)
{
	size_t i, n = 0;

	for (i = 0; i < jit->processes.room; i++) {
		const struct jit_process *process = jit->processes.slots[i].value;

		n += process && process->incomplete;
	}
	return n;
}
