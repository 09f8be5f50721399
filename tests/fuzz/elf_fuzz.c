/* SPDX-License-Identifier: GPL-2.0 */
/*
 * ELF files of any bytes, for all who read them: the unwind table, the
 * functions to probe, the symbols.  A table that is made is whole.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "probe/elf.h"
#include "symbol/elfsym.h"
#include "unwind/layout.h"
#include "unwind/table.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Some of its symbols are wanted whatever the file is called. */
#define PRETENDED_PATH "/usr/lib/libc.so.6"
#define SPANS_MAX 10000

static void try_table(const uint8_t *data, size_t size)
{
	struct unwind_table table;
	struct unwind_span span = {0};

	if (unwind_table_from_memory(data, size, (size_t)8 << 20, &table))
		return;
	if (unwind_table_check(&table))
		abort();
	for (unsigned i = 0; i < SPANS_MAX && unwind_table_next(&table, &span); i++) {
		if (unwind_table_find(&table, span.end - 1) != span.rule)
			abort();
	}
	unwind_table_free(&table);
}

/* A table of any bytes: what passes the check can be searched. */
static void try_as_table(const uint8_t *data, size_t size)
{
	struct unwind_table table;
	struct ms_unwind_header *header;
	struct unwind_span span = {0};
	size_t blocks = size / MS_UNWIND_BLOCK;
	void *copy;

	if (!blocks)
		return;
	copy = mmap(NULL, blocks * MS_UNWIND_BLOCK, PROT_READ | PROT_WRITE,
		    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (copy == MAP_FAILED)
		return;
	memcpy(copy, data, blocks * MS_UNWIND_BLOCK);
	table.blocks = copy;
	table.block_count = blocks;
	/* What a checksum does not keep out. */
	header = copy;
	header->magic = MS_UNWIND_MAGIC;
	header->blocks = blocks;
	header->checksum = unwind_checksum(&table);
	if (!unwind_table_check(&table)) {
		for (unsigned i = 0; i < SPANS_MAX && unwind_table_next(&table, &span); i++)
			;
	}
	unwind_table_free(&table);
}

static void try_probes(int fd)
{
	static struct probe_table rows;
	struct elf_file file;
	char errbuf[200];

	if (!rows.count && probe_table_init(&rows))
		abort();
	if (!elf_scan(fd, PRETENDED_PATH, &rows, &file, errbuf, sizeof(errbuf)))
		elf_free(&file);
}

static void try_symbols(const uint8_t *data, size_t size)
{
	struct budget budget = {.left = (uint64_t)16 << 20};
	struct elfsyms syms = {0};
	struct image image;
	void *copy = malloc(size + 1);

	if (!copy)
		abort();
	memcpy(copy, data, size);
	if (image_open_memory(&image, copy, size))
		return;
	if (!elfsyms_collect(&syms, &image, &budget) && !elfsyms_finish(&syms, &image))
		elfsyms_find(&syms, 0x1000);
	elfsyms_free(&syms);
	image_close(&image);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	int fd;

	try_table(data, size);
	if (size >= 4 && !memcmp(data, "muw1", 4))
		try_as_table(data, size);
	if (size < 64)
		return 0;
	try_symbols(data, size);
	fd = memfd_create("fuzz", MFD_CLOEXEC);
	if (fd < 0 || write(fd, data, size) != (ssize_t)size)
		abort();
	try_probes(fd);
	close(fd);
	return 0;
}
