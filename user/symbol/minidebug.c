/* SPDX-License-Identifier: GPL-2.0 */
/* .gnu_debugdata: a symbol table as an xz-compressed ELF file inside the file. */
#include "symbol/elfsym.h"

#include <errno.h>
#include <stdlib.h>

#include <lzma.h>

/* The largest in use are a few MiB; a small one may be made to unpack without end. */
#define PACKED_MAX ((uint64_t)32 << 20)
#define UNPACKED_MAX ((size_t)128 << 20)
#define DECODER_MAX ((uint64_t)128 << 20)

int minidebug_open(const struct image *image, struct image *mini, struct budget *budget)
{
	uint64_t decoder_max = DECODER_MAX;
	size_t in = 0, size = 0;
	GElf_Shdr shdr;
	Elf_Scn *scn = image_section(image, ".gnu_debugdata", &shdr);
	Elf_Data *packed;
	void *out, *fitted;

	if (!scn)
		return -ENOENT;
	packed = image_data(scn, &shdr, PACKED_MAX, budget);
	if (!packed || UNPACKED_MAX > budget->left)
		return -EFBIG;
	/* Address space only: what is not written is never there. */
	out = malloc(UNPACKED_MAX);
	if (!out)
		return -ENOMEM;
	if (lzma_stream_buffer_decode(&decoder_max, 0, NULL, packed->d_buf, &in, packed->d_size,
				      out, &size, UNPACKED_MAX) != LZMA_OK ||
	    !size) {
		free(out);
		return -EINVAL;
	}
	fitted = realloc(out, size);
	if (fitted)
		out = fitted;
	budget_take(budget, size);
	return image_open_memory(mini, out, size);
}
