/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Reads /proc/PID/maps and smaps.  A name may hold anything but a newline, which
 * the kernel escapes; a file system is known by what statfs says, not by names.
 */
#include "target/areas.h"

#include <errno.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statfs.h>
#include <sys/sysmacros.h>

#define KIB 1024

/* Devices are few, areas many: each is asked for once. */
#define DEVICES_MAX 64
struct devices {
	uint64_t device[DEVICES_MAX];
	uint32_t flags[DEVICES_MAX];
	size_t count;
};

struct reader {
	pid_t pid;
	struct areas areas;
	bool skipped; /* the last area was not taken: neither are its fields */
	struct devices devices;
};

/* ---- one line ------------------------------------------------------------- */

/* The hexadecimal number at *at, which is moved past it and one `after`. */
static bool take_hex(const char **at, char after, uint64_t *out)
{
	char *end;

	*out = strtoull(*at, &end, 16);
	if (end == *at || *end != after)
		return false;
	*at = end + 1;
	return true;
}

static bool take_rights(const char **at, uint32_t *flags)
{
	const char *rights = *at;

	if (strnlen(rights, 5) < 5 || rights[4] != ' ')
		return false;
	*flags = (rights[0] == 'r' ? AREA_READ : 0) | (rights[1] == 'w' ? AREA_WRITE : 0) |
		 (rights[2] == 'x' ? AREA_EXECUTE : 0) | (rights[3] == 's' ? AREA_SHARED : 0);
	*at += 5;
	return true;
}

/* start-end rights offset major:minor inode   name */
static bool parse_area(const char *line, struct area *area, const char **name)
{
	uint64_t major_, minor_;
	const char *at = line;
	char *end;

	*area = (struct area){0};
	if (!take_hex(&at, '-', &area->start) || !take_hex(&at, ' ', &area->end) ||
	    !take_rights(&at, &area->flags) || !take_hex(&at, ' ', &area->offset) ||
	    !take_hex(&at, ':', &major_) || !take_hex(&at, ' ', &minor_))
		return false;
	area->inode = strtoull(at, &end, 10);
	if (end == at)
		return false;
	area->device = makedev(major_, minor_);
	*name = end + strspn(end, " ");
	return true;
}

/* ---- what an area is -------------------------------------------------------- */

static uint32_t flags_of_device(const struct reader *r, const struct area *area)
{
	struct statfs fs;
	char link[96];

	snprintf(link, sizeof(link), "/proc/%d/map_files/%llx-%llx", r->pid,
		 (unsigned long long)area->start, (unsigned long long)area->end);
	if (statfs(link, &fs))
		return 0;
	switch ((unsigned long)fs.f_type) {
	case TMPFS_MAGIC:
		return AREA_SHMEM;
	case HUGETLBFS_MAGIC:
		return AREA_HUGETLB;
	default:
		return 0;
	}
}

static uint32_t flags_of_file(struct reader *r, const struct area *area)
{
	struct devices *known = &r->devices;
	uint32_t flags;
	size_t i;

	for (i = 0; i < known->count; i++)
		if (known->device[i] == area->device)
			return AREA_FILE | known->flags[i];
	flags = flags_of_device(r, area);
	if (known->count < DEVICES_MAX) {
		known->device[known->count] = area->device;
		known->flags[known->count++] = flags;
	}
	return AREA_FILE | flags;
}

/*
 * Names without an inode are the kernel's, but for "[anon:…]" and
 * "[anon_shmem:…]", whose rest a process chooses (prctl(2), 5.17 and 6.2).
 */
static uint32_t flags_of_name(const char *name)
{
	if (!strcmp(name, "[heap]"))
		return AREA_BREAK;
	if (!strcmp(name, "[stack]"))
		return AREA_STACK;
	return name[0] == '[' && strncmp(name, "[anon", 5) != 0 ? AREA_KERNEL : 0;
}

/* ---- the list ----------------------------------------------------------------- */

/* Areas of one file follow each other: its name is kept once. */
static int keep_name(struct areas *all, const char *name, uint32_t *out)
{
	size_t length = strnlen(name, AREA_NAME_MAX), wanted = all->names_size + length + 1;
	const struct area *last = all->count ? &all->items[all->count - 1] : NULL;

	if (last && strlen(all->names + last->name) == length &&
	    !memcmp(all->names + last->name, name, length)) {
		*out = last->name;
		return 0;
	}
	if (wanted > all->names_room) {
		size_t room = 2 * wanted + 1024;
		char *names = realloc(all->names, room);

		if (!names)
			return -ENOMEM;
		all->names = names;
		all->names_room = room;
	}
	*out = (uint32_t)all->names_size;
	memcpy(all->names + all->names_size, name, length);
	all->names[all->names_size + length] = '\0';
	all->names_size = wanted;
	return 0;
}

static int append(struct areas *all, const struct area *area)
{
	if (all->count == all->room) {
		size_t room = all->room ? 2 * all->room : 128;
		struct area *items;

		if (room > AREAS_MAX)
			return -E2BIG;
		items = realloc(all->items, room * sizeof(*items));
		if (!items)
			return -ENOMEM;
		all->items = items;
		all->room = room;
	}
	all->items[all->count++] = *area;
	return 0;
}

static int add_area(struct reader *r, const char *line)
{
	struct areas *all = &r->areas;
	const char *name;
	struct area area;
	int err;

	r->skipped = true;
	if (!parse_area(line, &area, &name) || !strcmp(name, "[vsyscall]"))
		return 0;
	/* The process may map and unmap between two reads: what is there already counts. */
	if (all->count && area.start < all->items[all->count - 1].end)
		area.start = all->items[all->count - 1].end;
	if (area.start >= area.end)
		return 0;
	/* The first segment of System V shared memory has inode 0 (its id). */
	area.flags |= area.device || area.inode ? flags_of_file(r, &area) : flags_of_name(name);
	r->skipped = false;
	err = keep_name(all, name, &area.name);
	return err ? err : append(all, &area);
}

/* "Rss:      12 kB", of the area before it. */
static void add_field(const struct reader *r, const char *line)
{
	struct area *area = &r->areas.items[r->areas.count - 1];

	if (!strncmp(line, "Rss:", 4))
		area->rss_bytes = strtoull(line + 4, NULL, 10) * KIB;
	else if (!strncmp(line, "Swap:", 5))
		area->swap_bytes = strtoull(line + 5, NULL, 10) * KIB;
}

static int read_lines(struct reader *r, FILE *file)
{
	size_t length = 0;
	char *line = NULL;
	int err = 0;

	while (!err && getline(&line, &length, file) > 0) {
		line[strcspn(line, "\n")] = '\0';
		/* Fields of smaps begin with a capital, addresses with a small digit. */
		if (line[0] < 'A' || line[0] > 'Z')
			err = add_area(r, line);
		else if (!r->skipped)
			add_field(r, line);
	}
	if (!err && ferror(file))
		err = -ESRCH;
	free(line);
	return err;
}

int areas_read(pid_t pid, enum areas_source source, struct areas *out)
{
	struct reader r = {.pid = pid, .areas.source = source, .skipped = true};
	char name[64];
	FILE *file;
	int err;

	snprintf(name, sizeof(name), "/proc/%d/%s", pid, source == AREAS_SMAPS ? "smaps" : "maps");
	file = fopen(name, "re");
	if (!file)
		return errno == ENOENT ? -ESRCH : -errno;
	err = read_lines(&r, file);
	fclose(file);
	if (!err && !r.areas.count)
		err = -ESRCH;
	if (err) {
		areas_free(&r.areas);
		return err;
	}
	*out = r.areas;
	return 0;
}

void areas_free(struct areas *areas)
{
	free(areas->items);
	free(areas->names);
	*areas = (struct areas){0};
}

const char *areas_name(const struct areas *areas, const struct area *area)
{
	return areas->names + area->name;
}

const struct area *areas_from(const struct areas *areas, uint64_t address)
{
	size_t low = 0, high = areas->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (areas->items[middle].end <= address)
			low = middle + 1;
		else
			high = middle;
	}
	return low < areas->count ? &areas->items[low] : NULL;
}
