/* SPDX-License-Identifier: GPL-2.0 */
/* The lines "drm-…: …" of fdinfo; Documentation/gpu/drm-usage-stats.rst of Linux has them all. */
#include "gpu/drm.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define FILE_MAX 4096   /* of fdinfo */
#define FILES_MAX 65536 /* descriptors looked at */
#define REGIONS_MAX 16
#define REGION_LEN 32

/* A kind of memory of a client, in the words in which drivers tell it, best first. */
enum { RESIDENT, MEMORY, TOTAL, WORDS };

static const char *const words[WORDS] = {"drm-resident-", "drm-memory-", "drm-total-"};

struct region {
	char name[REGION_LEN];
	uint64_t bytes[WORDS];
	bool told[WORDS];
};

struct regions {
	struct region items[REGIONS_MAX];
	size_t count;
};

/* Part of a line. */
struct part {
	const char *text;
	size_t size;
};

static bool begins(struct part p, const char *with)
{
	size_t length = strlen(with);

	return p.size >= length && !memcmp(p.text, with, length);
}

static void copy(char *to, size_t room, struct part p)
{
	size_t length = p.size < room - 1 ? p.size : room - 1;

	memcpy(to, p.text, length);
	to[length] = 0;
}

static struct part without_blanks(struct part p)
{
	while (p.size && (*p.text == ' ' || *p.text == '\t')) {
		p.text++;
		p.size--;
	}
	while (p.size && (p.text[p.size - 1] == ' ' || p.text[p.size - 1] == '\t'))
		p.size--;
	return p;
}

/* "123", "123 KiB", "123 MiB"; false if it is something else, or too large. */
static bool number_of(struct part p, uint64_t *out)
{
	static const struct {
		const char *unit;
		unsigned shift;
	} units[] = {{"", 0}, {"KiB", 10}, {"MiB", 20}, {"GiB", 30}};
	uint64_t n = 0;
	size_t i = 0;

	for (; i < p.size && p.text[i] >= '0' && p.text[i] <= '9'; i++)
		if (__builtin_mul_overflow(n, 10, &n) ||
		    __builtin_add_overflow(n, (uint64_t)(p.text[i] - '0'), &n))
			return false;
	if (!i)
		return false;
	p = without_blanks((struct part){p.text + i, p.size - i});
	for (i = 0; i < sizeof(units) / sizeof(units[0]); i++)
		if (p.size == strlen(units[i].unit) && !memcmp(p.text, units[i].unit, p.size)) {
			*out = n << units[i].shift;
			return *out >> units[i].shift == n;
		}
	return false;
}

static struct region *region_open(struct regions *r, struct part name)
{
	char text[REGION_LEN];
	size_t i;

	copy(text, sizeof(text), name);
	for (i = 0; i < r->count; i++)
		if (!strcmp(r->items[i].name, text))
			return &r->items[i];
	if (r->count == REGIONS_MAX)
		return NULL;
	strcpy(r->items[r->count].name, text);
	return &r->items[r->count++];
}

static void read_region(struct regions *r, struct part key, struct part value)
{
	for (int i = 0; i < WORDS; i++) {
		size_t length = strlen(words[i]);
		struct region *region;
		uint64_t bytes;

		if (!begins(key, words[i]) || !number_of(value, &bytes))
			continue;
		region = region_open(r, (struct part){key.text + length, key.size - length});
		if (!region)
			return;
		region->bytes[i] = bytes;
		region->told[i] = true;
	}
}

/* "vram", "vram0" of amdgpu and xe, "local0" of i915: memory of the device's own. */
static bool is_devices(const char *region)
{
	return !strncmp(region, "vram", 4) || !strncmp(region, "local", 5);
}

static void sum_regions(const struct regions *r, struct drm_client *client)
{
	for (size_t i = 0; i < r->count; i++) {
		const struct region *region = &r->items[i];
		bool devices = is_devices(region->name);
		uint64_t *sum = devices ? &client->device_bytes : &client->host_bytes;
		int word = 0;

		while (word < WORDS - 1 && !region->told[word])
			word++;
		client->has_device |= devices;
		if (__builtin_add_overflow(*sum, region->bytes[word], sum))
			*sum = UINT64_MAX;
	}
}

static bool is_known(const struct drm_clients *c, const struct drm_client *client)
{
	size_t i;

	for (i = 0; i < c->count; i++)
		if (c->items[i].id == client->id && !strcmp(c->items[i].bus, client->bus))
			return true;
	return false;
}

bool drm_clients_add(struct drm_clients *clients, const char *text, size_t size)
{
	struct drm_client client = {0};
	struct regions regions = {0};
	bool has_id = false;

	while (size) {
		const char *end = memchr(text, '\n', size);
		size_t length = end ? (size_t)(end - text) : size;
		const char *colon = memchr(text, ':', length);

		if (colon) {
			struct part key = {text, (size_t)(colon - text)};
			struct part value =
			    without_blanks((struct part){colon + 1, length - key.size - 1});

			if (key.size == 13 && begins(key, "drm-client-id"))
				has_id = number_of(value, &client.id);
			else if (key.size == 8 && begins(key, "drm-pdev"))
				copy(client.bus, sizeof(client.bus), value);
			else
				read_region(&regions, key, value);
		}
		text += length + (end != NULL);
		size -= length + (end != NULL);
	}
	if (!has_id || is_known(clients, &client) || clients->count == DRM_CLIENTS_MAX)
		return false;
	sum_regions(&regions, &client);
	clients->items[clients->count++] = client;
	return true;
}

/* Whether a device has memory of its own shows in any client's file. */
static bool has_device(const struct drm_clients *c, const char *bus)
{
	size_t i;

	for (i = 0; i < c->count; i++)
		if (c->items[i].has_device && !strcmp(c->items[i].bus, bus))
			return true;
	return false;
}

void drm_figures(const struct drm_clients *clients, struct gpu_figures *figures)
{
	for (size_t i = 0; i < clients->count; i++) {
		const struct drm_client *c = &clients->items[i];
		uint64_t bytes = has_device(clients, c->bus) ? c->device_bytes : c->host_bytes;
		struct gpu_figure *f =
		    bytes ? gpu_figures_open(figures, GPU_TELLER_DRM, c->bus) : NULL;

		if (f && __builtin_add_overflow(f->bytes, bytes, &f->bytes))
			f->bytes = UINT64_MAX;
	}
}

/* ---- /proc ----------------------------------------------------------------------------- */

/* Most descriptors are of other things, and their fdinfo need not be read. */
static bool is_device(int fds, const char *name)
{
	char link[64];
	ssize_t n = readlinkat(fds, name, link, sizeof(link) - 1);

	if (n <= 0)
		return false;
	link[n] = 0;
	return !strncmp(link, "/dev/dri/", 9) || !strncmp(link, "/dev/kfd", 8);
}

static void read_file(int infos, const char *name, struct drm_clients *clients)
{
	char text[FILE_MAX];
	int fd = openat(infos, name, O_RDONLY | O_CLOEXEC);
	ssize_t n = 0, got;

	if (fd < 0)
		return;
	while (n < FILE_MAX && (got = read(fd, text + n, (size_t)(FILE_MAX - n))) > 0)
		n += got;
	close(fd);
	drm_clients_add(clients, text, (size_t)n);
}

int drm_read(const char *directory, struct gpu_figures *figures)
{
	struct drm_clients clients = {0};
	struct dirent *entry;
	char path[PATH_MAX];
	size_t looked = 0;
	DIR *fds;
	int infos, err;

	snprintf(path, sizeof(path), "%s/fd", directory);
	fds = opendir(path);
	if (!fds)
		return -errno;
	snprintf(path, sizeof(path), "%s/fdinfo", directory);
	infos = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	err = infos < 0 ? -errno : 0;
	while (!err && looked++ < FILES_MAX && (entry = readdir(fds)))
		if (is_device(dirfd(fds), entry->d_name))
			read_file(infos, entry->d_name, &clients);
	if (!err)
		drm_figures(&clients, figures);
	if (infos >= 0)
		close(infos);
	closedir(fds);
	return err;
}
