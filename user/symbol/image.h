/* SPDX-License-Identifier: GPL-2.0 */
/*
 * An ELF file opened with care: it is the target's, so what libelf would
 * believe is checked first, and what is read is charged to a budget.  The file
 * is read, never mapped: truncated under us, it gives an error, not a signal.
 */
#ifndef MS_IMAGE_H
#define MS_IMAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <gelf.h>
#include <libelf.h>

#define IMAGE_ID_MAX 64
/* Code that runs here has this machine's byte order; so have the files it is in. */
#define IMAGE_DATA (__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ ? ELFDATA2LSB : ELFDATA2MSB)

struct segment {
	uint64_t offset, size, address;
	bool code;
};

struct image {
	Elf *elf; /* NULL: not open */
	int fd;   /* owned; -1: the file is in memory */
	void *memory;
	bool has_sections;
	struct segment *segments;
	size_t segment_count;
	unsigned char id[IMAGE_ID_MAX]; /* build id */
	size_t id_size;                 /* 0: none */
};

/* How many bytes may still be read and built from files that the target chose. */
struct budget {
	uint64_t left;
	uint64_t refused; /* how often there was not enough */
};

/* Takes `bytes` from the budget, or returns false and takes nothing. */
bool budget_take(struct budget *budget, uint64_t bytes);

/*
 * Opens an executable, library or debug file (what dwz makes is an object file); `fd` and `memory`
 * (from malloc) are taken over, also on failure.  0, -ENOEXEC if it is none of these, or another
 * negative errno.
 */
int image_open(struct image *image, int fd);
int image_open_memory(struct image *image, void *memory, size_t size);
/* Closes the file; what has been read of it stays usable. */
void image_detach(struct image *image);
void image_close(struct image *image);

/* The first section called `name` that has contents, or NULL. */
Elf_Scn *image_section(const struct image *image, const char *name, GElf_Shdr *shdr);
/* The name of a section, "" if it has none. */
const char *image_section_name(const struct image *image, const GElf_Shdr *shdr);
/* A section's contents, charged to the budget; NULL if absent, compressed or over `limit`. */
Elf_Data *image_data(Elf_Scn *scn, const GElf_Shdr *shdr, uint64_t limit, struct budget *budget);

/* The address that file offset `offset` is loaded at (before relocation). */
bool image_address(const struct image *image, uint64_t offset, uint64_t *address);
/* The file offset of what is loaded at `address`. */
bool image_offset(const struct image *image, uint64_t address, uint64_t *offset);
/* The end of the code segment that holds `address`, 0 if none does. */
uint64_t image_code_end(const struct image *image, uint64_t address);

#endif
