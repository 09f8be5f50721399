/* SPDX-License-Identifier: GPL-2.0 */
/*
 * An ELF file as elf.c and its helpers see it: opened, checked, and addresses
 * turned into file offsets.  Private to probe/.
 */
#ifndef MS_ELFIMAGE_H
#define MS_ELFIMAGE_H

#include <gelf.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ELFIMAGE_SEGMENTS_MAX 64 /* loadable and executable ones of one file */

struct elfimage {
	int fd; /* the caller's */
	Elf *elf;
	GElf_Ehdr header;
	uint64_t size;
	struct {
		uint64_t address, offset, length;
	} code[ELFIMAGE_SEGMENTS_MAX];
	size_t code_count;
	char interp[256]; /* PT_INTERP, empty if there is none */
};

/* 0 or -ENOEXEC with one line in errbuf; on success the caller closes. */
int elfimage_open(struct elfimage *image, int fd, char *errbuf, size_t errlen);
void elfimage_close(struct elfimage *image);

/*
 * Where in the file the code at `address` is, and in *room (may be NULL) how
 * many bytes follow it in the same segment; false if no executable one has it.
 */
bool elfimage_code(const struct elfimage *image, uint64_t address, uint64_t *offset,
		   uint64_t *room);
/* The address of the code at a file offset; false if no executable segment has it. */
bool elfimage_address(const struct elfimage *image, uint64_t offset, uint64_t *address);
/* Bytes at a file offset, at most `length`: how many there were, 0 on an error. */
size_t elfimage_read(const struct elfimage *image, uint64_t offset, void *buffer, size_t length);
/* Gets a section's header; true if its contents are in the file, and at most `max` bytes. */
bool elfimage_table(const struct elfimage *image, Elf_Scn *section, uint64_t max,
		    GElf_Shdr *header);

/*
 * `fn` for each symbol of a symbol table that is defined, with its name; of none if the names
 * have not `wanted` among them (NULL: whatever they are), which is cheap to find out.  0; -ENOEXEC
 * if the table is not whole or larger than `max` bytes; -ENOMEM.
 */
typedef void elfimage_symbol_fn(const Elf64_Sym *symbol, const char *name, void *context);
int elfimage_symbols(const struct elfimage *image, Elf_Scn *section, uint64_t max,
		     const char *wanted, elfimage_symbol_fn *fn, void *context);

/* Writes `text` to errbuf and returns -ENOEXEC. */
int elfimage_fail(char *errbuf, size_t errlen, const char *text);

#endif
