/* SPDX-License-Identifier: GPL-2.0 */
/* A file's probes: its symbols, and for each the instruction to probe. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "probe/elf.h"
#include "probe/elfret.h"
#include "probe/elfsym.h"
#include "probe/elftail.h"
#include "probe/elfusdt.h"
#include "probe/insn.h"

struct scan {
	const struct elfimage *image;
	const struct probe_table *table;
	struct elfsyms syms;
	uint8_t *code; /* of one function, INSN_FUNCTION_MAX bytes */
	size_t room;   /* hits that fit */
	size_t budget; /* bytes of functions that may still be searched */
};

/* All functions of one file together.  jemalloc has a tenth of this. */
#define BUDGET (1u << 20)

/*
 * Reads what the choice of an instruction needs: the whole function, or its
 * beginning where its size is not known or is more than is searched.
 */
static size_t read_code(struct scan *scan, const struct elfsym *sym, uint64_t offset, uint64_t room)
{
	size_t length = INSN_WINDOW;

	if (sym->size && sym->size <= INSN_FUNCTION_MAX && sym->size <= scan->budget) {
		length = sym->size;
		scan->budget -= length;
	}
	return elfimage_read(scan->image, offset, scan->code, room < length ? room : length);
}

static struct insn_place choose(struct scan *scan, const struct elfsym *sym,
				const struct probe_row *row, size_t length)
{
	unsigned args = probe_row_args(row), zero = probe_row_nonzero(row);
	struct insn_place place = {0};

	if (zero && length == sym->size)
		place = insn_choose_nonzero(scan->code, length, args, zero);
	return place.offset ? place
			    : insn_choose(scan->code, length, sym->size, args,
					  probe_row_returns(row) || probe_row_reads_stack(row));
}

/* Fills in *hit; false if the symbol is to have none. */
static bool place_hit(struct scan *scan, size_t index, struct elf_hit *hit)
{
	const struct elfsym *sym = &scan->syms.list[index];
	const struct probe_row *row = &scan->table->rows[sym->row];
	struct insn_place place;
	uint64_t offset, room;
	size_t length;

	if (!elfimage_code(scan->image, sym->address, &offset, &room))
		return false;
	*hit = (struct elf_hit){.row = sym->row,
				.function = offset,
				.offset = offset,
				.reason = "entry: no choice on this machine"};
	if (scan->image->header.e_machine != EM_X86_64)
		return true;
	length = read_code(scan, sym, offset, room);
	if (elftail_jumps_on(scan->image, &scan->syms, index, scan->table, scan->code, length))
		return false;
	place = choose(scan, sym, row, length);
	hit->offset += place.offset;
	hit->reason = place.reason;
	hit->emulated = place.emulated;
	return true;
}

static int compare_offset(const void *va, const void *vb)
{
	const struct elf_hit *a = va, *b = vb;

	if (a->offset != b->offset)
		return a->offset < b->offset ? -1 : 1;
	if (a->is_return != b->is_return)
		return a->is_return ? 1 : -1;
	if (!a->usdt != !b->usdt)
		return a->usdt ? 1 : -1;
	return (a->row > b->row) - (a->row < b->row);
}

/* Segments may map the same bytes at two addresses: one probe serves both. */
static void sort_hits(struct elf_file *out)
{
	size_t kept = 0;

	if (!out->hit_count)
		return;
	qsort(out->hits, out->hit_count, sizeof(*out->hits), compare_offset);
	for (size_t i = 0; i < out->hit_count; i++)
		if (!kept || out->hits[kept - 1].offset != out->hits[i].offset)
			out->hits[kept++] = out->hits[i];
	out->hit_count = kept;
}

/* Room for `more` hits. */
static int reserve(struct scan *scan, struct elf_file *out, size_t more)
{
	size_t room = out->hit_count + more;
	void *hits;

	if (room <= scan->room)
		return 0;
	hits = realloc(out->hits, 2 * room * sizeof(*out->hits));
	if (!hits)
		return -ENOMEM;
	out->hits = hits;
	scan->room = 2 * room;
	return 0;
}

/*
 * Adds a function that may throw: its entry and its return instructions.  One
 * that calls an allocation function of the same file, as the operator new of a
 * static libstdc++ does, has no hit: that function is probed.
 */
static int place_throwing(struct scan *scan, const struct elfsym *sym, struct elf_hit *hit,
			  struct elf_file *out)
{
	struct elfret ret;
	int err = elfret_find(scan->image, &scan->syms, scan->table, sym, &ret);

	if (err)
		return err;
	if (ret.delegates)
		goto out;
	err = reserve(scan, out, ret.count + 1);
	if (err)
		goto out;
	if (ret.partial)
		hit->reason =
		    "some of its returns cannot be followed: calls through them count as abandoned";
	out->hits[out->hit_count++] = *hit;
	out->function_count++;
	for (size_t i = 0; i < ret.count; i++) {
		uint64_t offset;

		if (elfimage_code(scan->image, ret.sites[i], &offset, NULL))
			out->hits[out->hit_count++] = (struct elf_hit){
			    .row = sym->row,
			    .function = hit->function,
			    .offset = offset,
			    .reason = "return instruction: a return probe would stop an exception",
			    .is_return = true};
	}
out:
	free(ret.sites);
	return err;
}

static int place_hits(struct scan *scan, struct elf_file *out)
{
	int err = scan->syms.count ? reserve(scan, out, scan->syms.count) : 0;

	scan->code = malloc(INSN_FUNCTION_MAX);
	if (!err && !scan->code)
		err = -ENOMEM;
	for (size_t i = 0; i < scan->syms.count && !err; i++) {
		const struct elfsym *sym = &scan->syms.list[i];
		struct elf_hit hit;

		if (!place_hit(scan, i, &hit))
			continue;
		if (scan->table->rows[sym->row].spec.throws) {
			/* Elsewhere its returns are not found: what it calls is counted. */
			if (scan->image->header.e_machine == EM_X86_64)
				err = place_throwing(scan, sym, &hit, out);
			continue;
		}
		err = reserve(scan, out, 1);
		if (!err) {
			out->hits[out->hit_count++] = hit;
			out->function_count += probe_row_allocates(&scan->table->rows[sym->row]);
		}
	}
	return err;
}

static int place_usdts(struct scan *scan, const char *path, struct elf_file *out)
{
	struct elfusdt *sites;
	size_t i, count;
	int err = elfusdt_find(scan->image, path, scan->table, &sites, &count);

	if (err || !count)
		return err;
	out->usdts = calloc(count, sizeof(*out->usdts));
	err = out->usdts ? reserve(scan, out, count) : -ENOMEM;
	for (i = 0; i < count && !err; i++) {
		out->usdts[i] = sites[i].usdt;
		out->hits[out->hit_count++] = (struct elf_hit){
		    .row = sites[i].row,
		    .function = sites[i].offset,
		    .offset = sites[i].offset,
		    .reason = "tracepoint of the program: a nop",
		    .emulated = true,
		    .usdt = ++out->usdt_count,
		};
	}
	free(sites);
	return err;
}

static bool is_ours(const GElf_Ehdr *header)
{
	return header->e_ident[EI_CLASS] == ELFCLASS64 && header->e_ident[EI_DATA] == ELFDATA2LSB &&
	       (header->e_machine == EM_X86_64 || header->e_machine == EM_AARCH64);
}

int elf_scan(int fd, const char *path, const struct probe_table *table, struct elf_file *out,
	     char *errbuf, size_t errlen)
{
	struct elfimage image;
	struct scan scan = {.image = &image, .table = table, .budget = BUDGET};
	int err;

	*out = (struct elf_file){0};
	err = elfimage_open(&image, fd, errbuf, errlen);
	if (err)
		return err;
	out->machine = image.header.e_machine;
	out->bits = image.header.e_ident[EI_CLASS] == ELFCLASS64 ? 64 : 32;
	memcpy(out->interp, image.interp, sizeof(out->interp));
	if (!image.header.e_entry ||
	    !elfimage_code(&image, image.header.e_entry, &out->entry, NULL))
		out->entry = 0;
	if (!is_ours(&image.header))
		goto out;
	err = elfsym_find(&image, path, table, &scan.syms, errbuf, errlen);
	if (!err)
		err = place_hits(&scan, out);
	if (!err)
		err = place_usdts(&scan, path, out);
	sort_hits(out);
out:
	if (err)
		elf_free(out);
	free(scan.code);
	free(scan.syms.list);
	elfimage_close(&image);
	return err;
}

void elf_free(struct elf_file *file)
{
	free(file->hits);
	free(file->usdts);
	*file = (struct elf_file){0};
}
