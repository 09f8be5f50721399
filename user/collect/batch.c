/* SPDX-License-Identifier: GPL-2.0 */
/* Reading BPF hash maps in batches. */
#include "collect/batch.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>

#include <bpf/bpf.h>

#define BATCH_BYTES (1u << 20) /* of values read by one call */

int batch_read(int fd, size_t key_size, size_t value_size, batch_fn *fn, void *context)
{
	uint32_t batch = 0, n;
	size_t size = BATCH_BYTES / value_size + 1;
	char *keys = malloc(size * key_size), *values = malloc(size * value_size);
	bool first = true;
	int err = keys && values ? 0 : -ENOMEM;

	while (!err) {
		n = size;
		err =
		    bpf_map_lookup_batch(fd, first ? NULL : &batch, &batch, keys, values, &n, NULL);
		if (err == -ENOSPC) {
			/* One bucket holds more than a batch. */
			char *k = realloc(keys, 2 * size * key_size);
			char *v = k ? realloc(values, 2 * size * value_size) : NULL;

			keys = k ? k : keys;
			values = v ? v : values;
			err = k && v ? 0 : -ENOMEM;
			size *= 2;
			continue;
		}
		if (err && err != -ENOENT)
			break;
		first = false;
		if (n) {
			int stop = fn(keys, values, n, context);

			if (stop)
				err = stop;
		}
	}
	free(keys);
	free(values);
	return err == -ENOENT ? 0 : err;
}
