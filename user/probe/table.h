/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The probe table: one row is one allocation function of one library family.
 * A user's --probe adds a row.  The row's number travels as the BPF cookie.
 */
#ifndef MS_PROBE_TABLE_H
#define MS_PROBE_TABLE_H

#include <stdbool.h>
#include <stddef.h>

#include "gpu/calls.h"
#include "memsnoop.h"

/* What a range stands for. */
enum probe_mark {
	MARK_NONE,
	MARK_BACKWARD, /* a backward pass */
	MARK_RANGE,    /* a range that the program, or its framework, has named */
	MARK_LOADING,  /* a model is loaded */
	MARK_CONTEXT,  /* a model is made ready to be used: what it keeps between calls */
	MARK_RUN,      /* a model runs */
};

/*
 * Rows of which a file has two that belong together: both of the first kind, or, where it has
 * not both of these, both of the other, which see the same blocks.  PART_WITH_FIRST only counts
 * beside the first kind.
 */
enum probe_part {
	PART_NONE,
	PART_FIRST,
	PART_FIRST_FREE,
	PART_STAND_IN,
	PART_STAND_IN_FREE,
	PART_WITH_FIRST,
};

/* Rows by when their probes are in: always, or only while what they tell is wanted. */
enum probe_group {
	GROUP_STEADY,
	GROUP_SHAPES, /* of tensors: from the start */
	GROUP_STATES, /* what an optimizer's step changes: later */
	GROUP_RANGES, /* ranges of objects: from the start, until it is known where from they are
			 called */
	GROUP_NR
};

struct probe_row {
	const char *library; /* file name pattern (see probe_row_matches), NULL: any file */
	const char *symbol;  /* of a tracepoint (USDT) "provider:name" */
	struct ms_row spec;
	enum probe_mark mark;
	enum probe_part part;
	struct gpu_call gpu; /* of the gpu layer: what it does */
	bool is_malloc;      /* a file that defines this function is an allocator */
	bool needs_malloc;   /* only in such a file: elsewhere (libstdc++) the function
				ends in malloc anyway */
	bool from_user;      /* added by --probe */
};

struct probe_table {
	struct probe_row *rows;
	size_t count; /* at most MS_ROWS_MAX */
	char **owned; /* strings of --probe rows */
	size_t owned_count;
};

/* The built-in rows of the gpu layer. */
extern const struct probe_row probe_gpu_rows[];
extern const size_t probe_gpu_count;
/* Those of PyTorch's functions that change tensors where they are. */
extern const struct probe_row probe_update_rows[];
extern const size_t probe_update_count;

/* The built-in rows; 0 or -ENOMEM. */
int probe_table_init(struct probe_table *table);
void probe_table_free(struct probe_table *table);

/*
 * Adds the row that `text` describes: "LIB:SYMBOL kind=alloc size=arg1 ptr=ret",
 * blanks or commas between the parts.  LIB is a file name pattern or "*";
 * SYMBOL a name as nm prints it.
 *   kind   alloc, free or realloc
 *   size   argN or argN*argM (alloc and realloc)
 *   ptr    ret, argN or *argN, an out-pointer (default ret); for free argN
 *          (default arg1)
 *   old    argN, the block that realloc is given (default arg1)
 *   ok     zero or nonnull: what success is (default zero for an out-pointer,
 *          else nonnull)
 *   layer  heap, tensor or gpu (default heap)
 * Where such a row and a built-in one meet at one function, the user's counts.
 * 0, -ENOMEM, or -EINVAL; then errbuf holds one line that names the part that
 * is wrong and says what is allowed.
 */
int probe_table_add(struct probe_table *table, const char *text, char *errbuf, size_t errlen);

/*
 * Adds the tracepoint (USDT) "provider:name" as a moment that is told of, if it is not there.  0,
 * -ENOMEM or, with one line in errbuf, -EINVAL.
 */
int probe_table_add_moment(struct probe_table *table, const char *name, char *errbuf,
			   size_t errlen);

/* Leaves out the built-in rows of layers that are not traced. */
void probe_table_keep(struct probe_table *table, const bool layers[MS_LAYER_NR]);

/*
 * Whether the row's library pattern admits the file `path`: fnmatch(3) on its
 * last component, or on all of it where the pattern has a '/'.  What the
 * kernel adds to a removed file's name (" (deleted)") does not count.
 */
bool probe_row_matches(const struct probe_row *row, const char *path);
/* A bit mask of the arguments a row reads (bit 0: the first). */
unsigned probe_row_args(const struct probe_row *row);
/* The bit of an argument with which 0 a call is of no interest; 0: none is. */
unsigned probe_row_nonzero(const struct probe_row *row);
/* Whether the row reads what is on the stack, so that its pointer must be as it was. */
bool probe_row_reads_stack(const struct probe_row *row);
/* Whether the row needs to see the return: by a return probe, unless spec.throws. */
bool probe_row_returns(const struct probe_row *row);
enum probe_group probe_row_group(const struct probe_row *row);
/* Whether it is no function but a tracepoint that programs bring along. */
bool probe_row_is_usdt(const struct probe_row *row);
/* Whether it is an allocation function, not an event of another kind. */
bool probe_row_allocates(const struct probe_row *row);

#endif
