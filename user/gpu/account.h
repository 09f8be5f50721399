/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The GPU memory of one image: blocks by address or handle, with references, and the books.
 *
 * A block is live until its references are gone and nothing is made of it any more: a
 * mapping, another handle, a part.  Those are kept here too, and are no memory of their own.
 *
 * A free is announced when it begins and counts when it has ended well, but then only for
 * what was there when it began: meanwhile another thread may have been given the address.
 * One that fails leaves no trace.
 *
 * Functions that return int give 0 or -ENOMEM, and then nothing has changed.
 */
#ifndef MS_GPU_ACCOUNT_H
#define MS_GPU_ACCOUNT_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "gpu/books.h"

/* By what a block is known: an enum gpu_space, and a number of that. */
struct gpu_key {
	uint32_t space;
	uint64_t address;
};

struct gpu_made {
	struct gpu_key key;
	struct gpu_key of; /* what it is made of, if `silent` */
	bool silent;       /* no memory of its own */
	uint64_t length;   /* of a mapping, in bytes of address space */
	uint64_t context;  /* it ends with this one; 0: with none, or none that is known */
	bool in_context;   /* with one */
	struct gpu_entry entry;
};

/* What a call that has begun may free. */
struct gpu_range {
	uint32_t space;
	uint64_t from, to; /* keys, the last one not included */
};

/* What ends with a context. */
struct gpu_context_end {
	uint64_t context;
	/* Also blocks on this device whose context is not known: of the one that all share. */
	bool unknown_too;
	uint32_t device;
};

struct gpu_account;

struct gpu_account *gpu_account_new(void); /* NULL: no memory */
void gpu_account_free(struct gpu_account *account);

/* Something is there.  What had its key was freed unseen. */
int gpu_account_add(struct gpu_account *account, const struct gpu_made *made);
/* One reference more; nothing if there is no such block. */
void gpu_account_retain(struct gpu_account *account, struct gpu_key key);
/* `handle` is one reference more to what is mapped where `address` is; it may be new. */
int gpu_account_handle(struct gpu_account *account, struct gpu_key address, struct gpu_key handle,
		       uint64_t now_ns);
/* Thread `tid` begins a call that may free these; `context` is NULL, or frees those. */
int gpu_account_begin(struct gpu_account *account, pid_t tid, struct gpu_range range,
		      const struct gpu_context_end *context);
/* It has failed. */
void gpu_account_cancel(struct gpu_account *account, pid_t tid);
/* The call ends: one reference less to each of these blocks. */
void gpu_account_drop(struct gpu_account *account, pid_t tid, const struct gpu_key *keys,
		      size_t count, uint64_t now_ns);
/* It ends: all that is known by keys in the range goes. */
void gpu_account_drop_range(struct gpu_account *account, pid_t tid, struct gpu_range range,
			    uint64_t now_ns);
void gpu_account_drop_context(struct gpu_account *account, pid_t tid,
			      const struct gpu_context_end *context, uint64_t now_ns);
/* A call on this device had no memory. */
int gpu_account_failed(struct gpu_account *account, uint32_t device);

/*
 * `fn` for each block that lives and has memory of its own, and for each mapping, that `wanted`
 * says yes to; a mapping's entry is that of what is mapped.
 */
typedef bool gpu_wanted_fn(const struct gpu_key *key, const struct gpu_entry *entry);
typedef void gpu_block_fn(uint64_t address, uint64_t size, bool mapped, void *context);
void gpu_account_each(struct gpu_account *account, gpu_wanted_fn *wanted, gpu_block_fn *fn,
		      void *context);
const struct gpu_books *gpu_account_books(const struct gpu_account *account);
/* Blocks whose address was handed out again, the free unseen; each was counted as freed. */
uint64_t gpu_account_missed(const struct gpu_account *account);

#endif
