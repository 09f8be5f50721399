/* SPDX-License-Identifier: GPL-2.0 */
/* The entries of .eh_frame and .debug_frame. */
#include "unwind/cfi.h"

#include <dwarf.h>
#include <errno.h>
#include <stdlib.h>

/* libtorch_cpu.so of torch 2.6 has 340,000 functions; .debug_frame may have a CIE a source file. */
#define FDES_MAX ((size_t)4 << 20)
#define CIES_MAX ((size_t)256 << 10)
#define SECTION_MAX UINT32_MAX
/* Lengths from here on are no lengths; the last says that one of 64 bits follows. */
#define LENGTH_RESERVED 0xfffffff0

#define APPLICATION(encoding) ((encoding)&0x70)
#define FORMAT(encoding) ((encoding)&0x0f)

/* One entry: the header that CIEs and FDEs share. */
struct entry {
	uint64_t offset; /* in the section */
	uint64_t id;     /* of its CIE, an offset in the section */
	bool is_cie;
	struct cursor body; /* after the id */
};

/* A pointer that counts from nothing, and its size. */
static bool read_format(struct cursor *c, uint8_t format, uint64_t *value)
{
	switch (format) {
	case DW_EH_PE_absptr:
	case DW_EH_PE_signed:
	case DW_EH_PE_udata8:
	case DW_EH_PE_sdata8:
		*value = cursor_unsigned(c, 8);
		break;
	case DW_EH_PE_uleb128:
		*value = cursor_uleb(c);
		break;
	case DW_EH_PE_udata2:
		*value = cursor_unsigned(c, 2);
		break;
	case DW_EH_PE_udata4:
		*value = cursor_unsigned(c, 4);
		break;
	case DW_EH_PE_sleb128:
		*value = (uint64_t)cursor_sleb(c);
		break;
	case DW_EH_PE_sdata2:
		*value = (uint64_t)cursor_signed(c, 2);
		break;
	case DW_EH_PE_sdata4:
		*value = (uint64_t)cursor_signed(c, 4);
		break;
	default:
		return false;
	}
	return !c->bad;
}

bool cfi_read_address(struct cursor *c, const struct cfi_section *section, uint8_t encoding,
		      uint64_t *address)
{
	uint64_t here = section->address + (uint64_t)(c->at - section->bytes);

	/* Which base textrel, datarel and funcrel count from is known at run time at best;
	 * what an indirect pointer points to is not in the file. */
	if (encoding == DW_EH_PE_omit || (encoding & DW_EH_PE_indirect))
		return false;
	switch (APPLICATION(encoding)) {
	case DW_EH_PE_absptr:
		return read_format(c, FORMAT(encoding), address);
	case DW_EH_PE_pcrel:
		if (!read_format(c, FORMAT(encoding), address))
			return false;
		*address += here;
		return true;
	case DW_EH_PE_aligned:
		cursor_take(c, -here % 8);
		*address = cursor_unsigned(c, 8);
		return !c->bad;
	default:
		return false;
	}
}

/* The personality routine: which does not matter, how long it is does. */
static bool skip_pointer(struct cursor *c, const struct cfi_section *section)
{
	uint8_t encoding = cursor_unsigned(c, 1);
	uint64_t unused;

	if (encoding == DW_EH_PE_omit)
		return !c->bad;
	if (APPLICATION(encoding) == DW_EH_PE_aligned)
		return cfi_read_address(c, section, DW_EH_PE_aligned, &unused);
	return read_format(c, FORMAT(encoding), &unused);
}

/* False at the end, and at an entry that is broken: what follows cannot be found. */
static bool next_entry(const struct cfi_section *section, struct cursor *c, struct entry *entry)
{
	size_t id_size = 4;
	uint64_t length, id_offset;

	/* A length of zero ends what one object file had; the next one's follows. */
	do {
		if (!cursor_left(c))
			return false;
		entry->offset = c->at - section->bytes;
		length = cursor_unsigned(c, 4);
	} while (!length);
	if (length == UINT32_MAX) {
		length = cursor_unsigned(c, 8);
		id_size = 8;
	} else if (length >= LENGTH_RESERVED) {
		return false;
	}
	if (c->bad)
		return false;
	entry->body = cursor_part(c, length);
	id_offset = entry->body.at - section->bytes;
	entry->id = cursor_unsigned(&entry->body, id_size);
	if (entry->body.bad)
		return false;
	if (section->is_debug) {
		entry->is_cie = entry->id == (id_size == 4 ? UINT32_MAX : UINT64_MAX);
	} else {
		entry->is_cie = entry->id == 0;
		entry->id = id_offset - entry->id;
	}
	return true;
}

/* `data` is what `text` (after the 'z') describes.  False if it cannot be understood. */
static bool read_augmentation(const struct cfi_section *section, const char *text,
			      struct cursor *data, struct cfi_cie *cie)
{
	for (; *text; text++) {
		switch (*text) {
		case 'R':
			cie->encoding = cursor_unsigned(data, 1);
			break;
		case 'P':
			if (!skip_pointer(data, section))
				return false;
			break;
		case 'L':
			cursor_unsigned(data, 1);
			break;
		case 'S':
			cie->is_signal = true;
			break;
		case 'B': /* arm64's pointer authentication: nothing here */
			break;
		default: /* may well change what the rest means */
			return false;
		}
	}
	return !data->bad;
}

static bool read_augmented(const struct cfi_section *section, const char *text, struct cursor *c,
			   struct cfi_cie *cie)
{
	struct cursor data;

	if (*text != 'z')
		return read_augmentation(section, text, c, cie);
	cie->has_sizes = true;
	data = cursor_part(c, cursor_uleb(c));
	return !data.bad && read_augmentation(section, text + 1, &data, cie);
}

/* Only what an FDE may refer to is usable; its fields are read in the order of the format. */
static bool read_cie(const struct cfi *cfi, struct cursor body, struct cfi_cie *cie)
{
	uint8_t version = cursor_unsigned(&body, 1);
	const char *text = (const char *)body.at;
	const uint8_t *nul = memchr(body.at, '\0', cursor_left(&body));
	uint64_t return_column;
	uint8_t address_size = 8, segment_size = 0;

	if ((version != 1 && version != 3 && version != 4) || !nul)
		return false;
	body.at = nul + 1;
	if (!strcmp(text, "eh")) { /* gcc 2's: a pointer to its table */
		cursor_take(&body, 8);
		text = "";
	}
	if (version == 4) {
		address_size = cursor_unsigned(&body, 1);
		segment_size = cursor_unsigned(&body, 1);
	}
	if (address_size != 8 || segment_size != 0)
		return false;
	cie->code_factor = cursor_uleb(&body);
	cie->data_factor = cursor_sleb(&body);
	return_column = version == 1 ? cursor_unsigned(&body, 1) : cursor_uleb(&body);
	if (body.bad || return_column != MS_REG_RETURN)
		return false;
	cie->encoding = DW_EH_PE_absptr;
	return read_augmented(&cfi->section, text, &body, cie) && cfi_run_initial(cfi, cie, body);
}

static int compare_cie(const void *key, const void *item)
{
	uint64_t offset = *(const uint64_t *)key;
	const struct cfi_cie *cie = item;

	return offset < cie->offset ? -1 : offset > cie->offset;
}

/* They are in the order of their offsets. */
static const struct cfi_cie *find_cie(const struct cfi *cfi, uint64_t offset)
{
	if (cfi->fde_count) {
		const struct cfi_cie *last = &cfi->cies[cfi->fdes[cfi->fde_count - 1].cie];

		if (last->offset == offset)
			return last;
	}
	if (!cfi->cie_count)
		return NULL;
	return bsearch(&offset, cfi->cies, cfi->cie_count, sizeof(*cfi->cies), compare_cie);
}

static bool read_fde(const struct cfi *cfi, const struct cfi_cie *cie, struct cursor body,
		     struct cfi_fde *fde)
{
	uint64_t length;

	if (!cfi_read_address(&body, &cfi->section, cie->encoding, &fde->start) ||
	    !read_format(&body, FORMAT(cie->encoding), &length))
		return false;
	if (cie->has_sizes)
		cursor_take(&body, cursor_uleb(&body));
	fde->end = fde->start + length;
	fde->cie = cie - cfi->cies;
	fde->program = body.at - cfi->section.bytes;
	fde->past = body.end - cfi->section.bytes;
	return !body.bad;
}

/* Makes room for one more of an array. */
static int grow(void **items, size_t count, size_t *room, size_t size, size_t max)
{
	size_t wanted = *room ? *room * 2 : 64;
	void *larger;

	if (count < *room)
		return 0;
	if (count >= max)
		return -EFBIG;
	larger = realloc(*items, wanted * size);
	if (!larger)
		return -ENOMEM;
	*items = larger;
	*room = wanted;
	return 0;
}

static int add_cie(struct cfi *cfi, const struct entry *entry)
{
	struct cfi_cie *cie;
	int err =
	    grow((void **)&cfi->cies, cfi->cie_count, &cfi->cie_room, sizeof(*cfi->cies), CIES_MAX);

	if (err)
		return err;
	cie = &cfi->cies[cfi->cie_count++];
	*cie = (struct cfi_cie){.offset = entry->offset};
	cie->is_usable = read_cie(cfi, entry->body, cie);
	return 0;
}

static int add_fde(struct cfi *cfi, const struct entry *entry)
{
	const struct cfi_cie *cie = find_cie(cfi, entry->id);
	struct cfi_fde *fde;
	int err =
	    grow((void **)&cfi->fdes, cfi->fde_count, &cfi->fde_room, sizeof(*cfi->fdes), FDES_MAX);

	if (err)
		return err;
	fde = &cfi->fdes[cfi->fde_count];
	if (!cie || !cie->is_usable || !read_fde(cfi, cie, entry->body, fde)) {
		cfi->unreadable++;
		return 0;
	}
	if (fde->start && fde->end > fde->start)
		cfi->fde_count++;
	return 0;
}

static int read_entries(struct cfi *cfi, bool cies, bool fdes)
{
	struct cursor c = {cfi->section.bytes, cfi->section.bytes + cfi->section.size, false};
	struct entry entry;
	int err = 0;

	while (!err && next_entry(&cfi->section, &c, &entry)) {
		if (entry.is_cie ? cies : fdes)
			err = entry.is_cie ? add_cie(cfi, &entry) : add_fde(cfi, &entry);
	}
	return err;
}

int cfi_open(struct cfi *cfi, const struct cfi_section *section)
{
	int err;

	*cfi = (struct cfi){.section = *section};
	if (section->size > SECTION_MAX)
		return -EFBIG;
	/* In .eh_frame a CIE is before its functions, in .debug_frame anywhere. */
	err = read_entries(cfi, true, !section->is_debug);
	if (!err && section->is_debug)
		err = read_entries(cfi, false, true);
	if (err)
		cfi_close(cfi);
	return err;
}

void cfi_close(struct cfi *cfi)
{
	free(cfi->cies);
	free(cfi->fdes);
	*cfi = (struct cfi){0};
}
