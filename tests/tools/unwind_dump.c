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

#include "unwind/cfirule.h"
#include "unwind/table.h"

static const char *register_name(uint8_t reg)
{
	return reg == MS_REG_RSP ? "rsp" : reg == MS_REG_RBP ? "rbp" : "rbx";
}

static void print_saved(const char *name, uint8_t how, int16_t offset)
{
	if (how == MS_SAVED_AT_CFA)
		printf(" %s=c%+d", name, offset);
	else if (how == MS_SAVED_AT_RBP)
		printf(" %s=(rbp%+d)", name, offset);
	else if (how == MS_SAVED_CFA_VALUE)
		printf(" %s=v%+d", name, offset);
}

static void print_rule(const struct ms_unwind_rule *rule)
{
	const char *reg = register_name(rule->reg);

	switch (rule->kind) {
	case MS_RULE_NONE:
		printf("none");
		break;
	case MS_RULE_CFA:
		printf("%s%+d", reg, rule->cfa_offset);
		break;
	case MS_RULE_DEREF:
		printf("*(%s%+d)%+d", reg, rule->cfa_offset, rule->param);
		break;
	case MS_RULE_PLT:
		printf("%s%+d, 8 more if rip%%16>=%d", reg, rule->cfa_offset, rule->param);
		break;
	case MS_RULE_SIGNAL:
		printf("signal frame, ucontext at %s%+d", reg, rule->cfa_offset);
		break;
	case MS_RULE_END:
		printf("end");
		break;
	default:
		printf("refused: %s", cfi_refusal_text(rule->param));
		break;
	}
	print_saved("rbp", rule->rbp, rule->rbp_offset);
	print_saved("rbx", rule->rbx, rule->rbx_offset);
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
