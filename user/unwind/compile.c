/* SPDX-License-Identifier: GPL-2.0 */
/* From call frame information to rows, and from these to the table. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "unwind/layout.h"
#include "unwind/table.h"

/*
 * What libc, or the vDSO, gives to the kernel as the place where signal handlers return
 * to.  The stack pointer is at the kernel's frame once the handler has returned.  A walk
 * looks one byte before a return address, so the row begins there.
 */
static const uint8_t sigreturn_code[] = MS_SIGRETURN_CODE;
static const struct ms_unwind_rule sigreturn_rule = {
    .kind = MS_RULE_SIGNAL, .reg = MS_REG_SP, .cfa_offset = MS_SIGRETURN_CONTEXT};
#define SIGRETURN_SEARCHED ((uint64_t)16 << 20)
#define SIGRETURN_CHUNK ((size_t)64 << 10)

/* The first code of glibc's dynamic linker, up to where the program takes over, has 75. */
#define ENTRY_BYTES 96

/* A function at its place in the file. */
struct placed {
	uint64_t start, end; /* file offsets */
	uint32_t fde;
};

struct compiler {
	const struct unwind_input *input;
	struct unwind_rules rules;
	struct unwind_rows *rows; /* where rows go */
	uint64_t shift;           /* file offset - address of the function that is run */
	size_t refused;
	size_t max_rows;
};

static int compare_placed(const void *a, const void *b)
{
	const struct placed *x = a, *y = b;

	if (x->start != y->start)
		return x->start < y->start ? -1 : 1;
	return x->fde < y->fde ? -1 : x->fde > y->fde;
}

/* Most linkers' output is in order already. */
static void sort_placed(struct placed *placed, size_t count)
{
	size_t i;

	for (i = 1; i < count && placed[i - 1].start < placed[i].start; i++)
		;
	if (i < count)
		qsort(placed, count, sizeof(*placed), compare_placed);
}

/* How many functions are in code; *out is to be freed. */
static int place(const struct compiler *compiler, const struct cfi *cfi, struct placed **out,
		 size_t *count)
{
	struct placed *placed = malloc((cfi->fde_count + 1) * sizeof(*placed));
	const struct unwind_code *code = NULL;
	size_t nr = 0;

	if (!placed)
		return -ENOMEM;
	for (size_t i = 0; i < cfi->fde_count; i++) {
		const struct cfi_fde *fde = &cfi->fdes[i];
		uint64_t length = fde->end - fde->start;

		if (!code || fde->start - code->address >= code->length)
			code = unwind_code_at(compiler->input->sections, fde->start);
		if (!code)
			continue;
		if (length > code->length - (fde->start - code->address))
			length = code->length - (fde->start - code->address);
		placed[nr].start = code->offset + (fde->start - code->address);
		placed[nr].end = placed[nr].start + length;
		placed[nr++].fde = i;
	}
	sort_placed(placed, nr);
	*out = placed;
	*count = nr;
	return 0;
}

static void add_row(void *context, uint64_t start, uint64_t end, const struct ms_unwind_rule *rule)
{
	struct compiler *compiler = context;
	int64_t number = rules_number(&compiler->rules, rule);

	(void)end; /* where the next one begins */
	if (number >= 0)
		rows_add(compiler->rows, start + compiler->shift, (uint32_t)number);
	else if (!compiler->rows->err)
		compiler->rows->err = (int)number;
}

static void run_placed(struct compiler *compiler, const struct cfi *cfi,
		       const struct placed *placed, size_t count)
{
	for (size_t i = 0; i < count && !compiler->rows->err; i++) {
		const struct cfi_fde *fde = &cfi->fdes[placed[i].fde];
		uint64_t end = placed[i].end;

		if (i + 1 < count && placed[i + 1].start < end)
			end = placed[i + 1].start;
		if (end == placed[i].start) /* the same place again: the last one counts */
			continue;
		compiler->shift = placed[i].start - fde->start;
		if (cfi_run(cfi, fde, end - compiler->shift, add_row, compiler))
			compiler->refused++;
		rows_add(compiler->rows, end, ROWS_NONE);
	}
}

static int compile_section(struct compiler *compiler, const struct cfi_section *section,
			   struct unwind_rows *rows)
{
	struct placed *placed = NULL;
	struct cfi cfi;
	size_t count;
	int err;

	if (!section->size)
		return 0;
	err = cfi_open(&cfi, section);
	if (err)
		return err;
	compiler->rows = rows;
	compiler->refused += cfi.unreadable;
	err = place(compiler, &cfi, &placed, &count);
	if (!err)
		run_placed(compiler, &cfi, placed, count);
	free(placed);
	cfi_close(&cfi);
	return err ? err : rows->err;
}

/* Puts `under` below *rows, which are replaced. */
static int add_under(struct unwind_rows *rows, const struct unwind_rows *under)
{
	struct unwind_rows both = {.max = rows->max};

	if (!under->count)
		return 0;
	rows_overlay(rows, under, &both);
	rows_free(rows);
	*rows = both;
	return both.err;
}

/* ---- signal handlers' way back ----------------------------------------- */

struct search {
	const struct unwind_sections *sections;
	struct unwind_rows found;
	uint32_t rule;
	uint64_t left; /* bytes that may still be read */
	uint8_t *buffer;
};

static void search_buffer(struct search *search, size_t size, uint64_t offset)
{
	const uint8_t *from = search->buffer, *past = from + size, *at;
	struct unwind_rows *found = &search->found;

	while ((at = memmem(from, past - from, sigreturn_code, sizeof(sigreturn_code)))) {
		uint64_t start = offset + (uint64_t)(at - search->buffer);

		from = at + sizeof(sigreturn_code);
		/* The byte before may be the last one of another. */
		if (start && (!found->count || found->items[found->count - 1].start < start))
			rows_add(found, start - 1, search->rule);
		else
			rows_add(found, start, search->rule);
		rows_add(found, start + sizeof(sigreturn_code), ROWS_NONE);
	}
}

/* [start, end) of the file, in chunks that overlap by one byte less than what is looked for. */
static void search_range(struct search *search, uint64_t start, uint64_t end)
{
	while (search->left) {
		uint64_t size = end - start < SIGRETURN_CHUNK ? end - start : SIGRETURN_CHUNK;

		search->left -= size < search->left ? size : search->left;
		if (!unwind_source_read(&search->sections->source, start, search->buffer, size))
			return;
		search_buffer(search, size, start);
		if (size == end - start)
			return;
		start += size - (sizeof(sigreturn_code) - 1);
	}
}

/* Where a piece of code has no rows. */
static void search_code(struct search *search, const struct unwind_rows *rows,
			const struct unwind_code *code)
{
	uint64_t at = code->offset, past = code->offset + code->length;
	int64_t row = rows_find(rows, at);

	while (at < past) {
		bool is_gap = row < 0 || rows->items[row].rule == ROWS_NONE;
		uint64_t end = (size_t)(row + 1) < rows->count ? rows->items[row + 1].start : past;

		if (end > past)
			end = past;
		if (is_gap && end - at >= MS_SIGRETURN_GAP)
			search_range(search, at, end);
		at = end;
		row++;
	}
}

static int search_sigreturn(struct compiler *compiler, struct unwind_rows *rows, bool *found)
{
	struct search search = {.sections = compiler->input->sections, .left = SIGRETURN_SEARCHED};
	int64_t rule = rules_number(&compiler->rules, &sigreturn_rule);
	uint64_t past = 0;
	int err;

	if (rule < 0)
		return (int)rule;
	search.rule = (uint32_t)rule;
	search.found.max = compiler->max_rows;
	search.buffer = malloc(SIGRETURN_CHUNK);
	if (!search.buffer)
		return -ENOMEM;
	/* They are in order; what lies in two of them is searched once. */
	for (size_t i = 0; i < compiler->input->sections->code_count; i++) {
		struct unwind_code code = compiler->input->sections->code[i];
		uint64_t cut = past > code.offset ? past - code.offset : 0;

		if (cut >= code.length)
			continue;
		code.offset += cut;
		code.length -= cut;
		past = code.offset + code.length;
		search_code(&search, rows, &code);
	}
	*found = search.found.count > 0;
	err = search.found.err ? search.found.err : add_under(rows, &search.found);
	rows_free(&search.found);
	free(search.buffer);
	return err;
}

/* ---- where a process begins --------------------------------------------- */

/*
 * The dynamic linker's and musl's first code is assembly that says nothing of its caller;
 * it has none.  It is short.
 */
static int add_entry(struct compiler *compiler, struct unwind_rows *rows)
{
	static const struct ms_unwind_rule end_rule = {.kind = MS_RULE_END};
	struct unwind_rows under = {.max = compiler->max_rows};
	uint64_t entry = compiler->input->sections->entry;
	int64_t rule, row;
	int err;

	if (!entry)
		return 0;
	row = rows_find(rows, entry);
	if (row >= 0 && rows->items[row].rule != ROWS_NONE)
		return 0;
	rule = rules_number(&compiler->rules, &end_rule);
	if (rule < 0)
		return (int)rule;
	rows_add(&under, entry, (uint32_t)rule);
	rows_add(&under, entry + ENTRY_BYTES, ROWS_NONE);
	err = under.err ? under.err : add_under(rows, &under);
	rows_free(&under);
	return err;
}

/* ------------------------------------------------------------------------ */

static int compile(struct compiler *compiler, struct unwind_rows *rows, bool *by_code)
{
	const struct unwind_input *input = compiler->input;
	struct unwind_rows debug = {.max = compiler->max_rows};
	int err;

	err = rules_init(&compiler->rules);
	if (!err)
		err = compile_section(compiler, &input->eh_frame, rows);
	if (!err)
		err = compile_section(compiler, &input->debug_frame, &debug);
	if (!err)
		err = add_under(rows, &debug);
	if (!err)
		err = search_sigreturn(compiler, rows, by_code);
	rows_free(&debug);
	compiler->rows = NULL;
	/* The last row is ROWS_NONE: alone it says nothing. */
	if (!err && rows->count < 2)
		err = -ENODATA;
	return err ? err : add_entry(compiler, rows);
}

int unwind_input_read(struct unwind_input *input, const struct unwind_sections *sections,
		      const uint8_t *key)
{
	int err;

	*input = (struct unwind_input){.sections = sections};
	err = unwind_frames_read(&sections->source, &sections->eh_frame, key, &input->digests[0],
				 &input->eh_frame);
	if (!err)
		err = unwind_frames_read(&sections->source, &sections->debug_frame, key,
					 &input->digests[1], &input->debug_frame);
	if (err)
		unwind_input_free(input);
	return err;
}

void unwind_input_free(struct unwind_input *input)
{
	unwind_frames_free(&input->eh_frame);
	unwind_frames_free(&input->debug_frame);
}

int unwind_table_compile(const struct unwind_input *input, size_t max, struct unwind_table *out,
			 bool *by_code)
{
	const struct unwind_sections *sections = input->sections;
	struct compiler compiler = {.input = input, .max_rows = max / sizeof(uint32_t)};
	struct unwind_rows rows = {.max = compiler.max_rows};
	struct ms_unwind_header header = {0};
	int err;

	*out = (struct unwind_table){0};
	err = compile(&compiler, &rows, by_code);
	if (!err) {
		header.refused = compiler.refused;
		header.build_id_size = sections->build_id_size;
		memcpy(header.build_id, sections->build_id, sections->build_id_size);
		err = unwind_layout(&rows, &compiler.rules, &header, max, out);
	}
	rules_free(&compiler.rules);
	rows_free(&rows);
	return err;
}

static int build(const struct unwind_source *source, size_t max, struct unwind_table *out)
{
	struct unwind_sections sections;
	struct unwind_input input;
	bool by_code;
	int err;

	err = unwind_sections_find(&sections, source);
	if (!err)
		err = unwind_input_read(&input, &sections, NULL);
	if (err)
		return err;
	err = unwind_table_compile(&input, max, out, &by_code);
	unwind_input_free(&input);
	return err;
}

int unwind_table_build(int fd, size_t max, struct unwind_table *out)
{
	struct unwind_source source;
	int err = unwind_source_file(&source, fd);

	return err ? err : build(&source, max, out);
}

int unwind_table_from_memory(const void *image, size_t size, size_t max, struct unwind_table *out)
{
	struct unwind_source source;
	int err = unwind_source_image(&source, image, size);

	return err ? err : build(&source, max, out);
}
