/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Prints the unwind table of an ELF file, a line for each stretch of code with
 * one rule, to be read beside `readelf --debug-dump=frames-interp`.
 *
 *   unwind_dump FILE [OFFSET...]    all of it, or what holds at file offsets
 */
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "unwind_text.h"
#include "unwind/table.h"

static void print_rule(const struct ms_unwind_rule *rule)
{
	char text[UNWIND_TEXT_SIZE];

	fputs(unwind_text(rule, text), stdout);
	if (rule->kind == MS_RULE_UNSUPPORTED)
		printf(": %s", cfi_refusal_text(rule->param));
	putchar('\n');
}

static void print_header(const struct unwind_table *table)
{
	const struct ms_unwind_header *header = unwind_table_header(table);

	printf("blocks %u granules %u rows %u rules %u refused %u build id ", header->blocks,
	       header->granules, header->rows, header->rules, header->refused);
	for (unsigned i = 0; i < header->build_id_size; i++)
		printf("%02x", header->build_id[i]);
	putchar('\n');
}

static void print_all(const struct unwind_table *table)
{
	struct unwind_span span = {0};

	while (unwind_table_next(table, &span)) {
		printf("%08" PRIx64 "..%08" PRIx64 " ", span.start, span.end);
		print_rule(span.rule);
	}
}

int main(int argc, char **argv)
{
	int fd = argc > 1 ? open(argv[1], O_RDONLY | O_CLOEXEC) : -1, err;
	struct unwind_table table;

	if (fd < 0) {
		fprintf(stderr, "usage: unwind_dump FILE [OFFSET...]\n");
		return 2;
	}
	err = unwind_table_build(fd, UNWIND_TABLE_MAX, &table);
	close(fd);
	if (!err)
		err = unwind_table_check(&table);
	if (err) {
		fprintf(stderr, "unwind_dump: %s: %s\n", argv[1], strerror(-err));
		return 1;
	}
	print_header(&table);
	if (argc == 2)
		print_all(&table);
	for (int i = 2; i < argc; i++) {
		const struct ms_unwind_rule *rule =
		    unwind_table_find(&table, strtoull(argv[i], NULL, 16));

		printf("%s ", argv[i]);
		if (rule)
			print_rule(rule);
		else
			puts("outside");
	}
	unwind_table_free(&table);
	return 0;
}
