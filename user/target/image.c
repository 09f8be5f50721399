/* SPDX-License-Identifier: GPL-2.0 */
/* One program in one process. */
#include "target/image.h"

#include <stdlib.h>

#include "target/process.h"

struct image *image_new(uint32_t id, pid_t pid, pid_t ppid, uint64_t start_ns)
{
	struct image *image = calloc(1, sizeof(*image));

	if (!image)
		return NULL;
	*image = (struct image){
	    .id = id,
	    .pid = pid,
	    .ppid = ppid,
	    .start_ns = start_ns,
	    .comm = process_comm(pid),
	    .cmdline = process_cmdline(pid),
	    .container = process_container(pid),
	};
	jit_files_begin(&image->jit, pid);
	return image;
}

void image_free(struct image *image)
{
	if (!image)
		return;
	free(image->comm);
	free(image->cmdline);
	free(image->container);
	jit_files_free(&image->jit);
	free(image->table);
	free(image->python);
	free(image);
}
