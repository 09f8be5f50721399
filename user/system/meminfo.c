/* SPDX-License-Identifier: GPL-2.0 */
#include "system/meminfo.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#define FIELD(name) offsetof(struct meminfo, name)

const struct meminfo_row meminfo_rows[MEMINFO_ROWS] = {
    {"MemTotal", "total_bytes", FIELD(total)},
    {"MemFree", "free_bytes", FIELD(free)},
    {"MemAvailable", "available_bytes", FIELD(available)},
    {"Buffers", "buffers_bytes", FIELD(buffers)},
    {"Cached", "cached_bytes", FIELD(cached)},
    {"SwapTotal", "swap_total_bytes", FIELD(swap_total)},
    {"SwapFree", "swap_free_bytes", FIELD(swap_free)},
    {"AnonPages", "anon_bytes", FIELD(anon)},
    {"Shmem", "shmem_bytes", FIELD(shmem)},
    {"Slab", "slab_bytes", FIELD(slab)},
    {"PageTables", "page_table_bytes", FIELD(page_tables)},
};

uint64_t meminfo_value(const struct meminfo *m, const struct meminfo_row *row)
{
	uint64_t value;

	memcpy(&value, (const char *)m + row->offset, sizeof(value));
	return value;
}

int meminfo_parse(FILE *in, struct meminfo *out)
{
	char line[256], name[64];
	uint64_t kb, bytes;

	memset(out, 0, sizeof(*out));
	while (fgets(line, sizeof(line), in)) {
		if (sscanf(line, "%63[^:]: %" SCNu64 " kB", name, &kb) != 2)
			continue;
		for (size_t i = 0; i < MEMINFO_ROWS; i++) {
			if (strcmp(name, meminfo_rows[i].name))
				continue;
			bytes = kb * 1024;
			memcpy((char *)out + meminfo_rows[i].offset, &bytes, sizeof(bytes));
		}
	}
	return out->total ? 0 : -EBADMSG;
}

void pressure_parse(FILE *in, struct pressure *out)
{
	char line[256], name[8];
	double avg[3];

	memset(out, 0, sizeof(*out));
	while (fgets(line, sizeof(line), in)) {
		if (sscanf(line, "%7s avg10=%lf avg60=%lf avg300=%lf", name, &avg[0], &avg[1],
			   &avg[2]) != 4)
			continue;
		out->known = true;
		if (!strcmp(name, "some"))
			memcpy(out->some, avg, sizeof(avg));
		else if (!strcmp(name, "full"))
			memcpy(out->full, avg, sizeof(avg));
	}
}

int meminfo_read(struct meminfo *out)
{
	FILE *in = fopen("/proc/meminfo", "re");
	int err;

	if (!in)
		return -errno;
	err = meminfo_parse(in, out);
	fclose(in);
	return err;
}

void pressure_read(struct pressure *out)
{
	FILE *in = fopen("/proc/pressure/memory", "re");

	memset(out, 0, sizeof(*out));
	if (!in)
		return;
	pressure_parse(in, out);
	fclose(in);
}
