/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Every operator new and delete; and an operator new that throws, in a loop:
 * what a tracer keeps per call must not stick when a call never returns.
 *
 *   cxx [throw]
 */
#include <cstdint>
#include <cstring>
#include <new>

#include "ledger.h"

static volatile size_t huge = SIZE_MAX / 2;
static constexpr std::align_val_t wide{64};

extern "C" {

static void ledger_new(struct block *b, size_t size)
{
	ledger_note_alloc(b, LEDGER_new, ::operator new(size), size);
}

static void ledger_new_array(struct block *b, size_t size)
{
	ledger_note_alloc(b, LEDGER_new, ::operator new[](size), size);
}

static void ledger_new_nothrow(struct block *b, size_t size)
{
	ledger_note_alloc(b, LEDGER_new, ::operator new(size, std::nothrow), size);
}

static void ledger_new_array_nothrow(struct block *b, size_t size)
{
	ledger_note_alloc(b, LEDGER_new, ::operator new[](size, std::nothrow), size);
}

static void ledger_new_aligned(struct block *b, size_t size)
{
	ledger_note_alloc(b, LEDGER_new, ::operator new(size, wide), size);
}

static void ledger_new_aligned_nothrow(struct block *b, size_t size)
{
	ledger_note_alloc(b, LEDGER_new, ::operator new(size, wide, std::nothrow), size);
}

static void ledger_new_array_aligned(struct block *b, size_t size)
{
	ledger_note_alloc(b, LEDGER_new, ::operator new[](size, wide), size);
}

/* Writes the free down first, as a free must be. */
static void *take(struct block *b)
{
	void *address = b->address;

	ledger_note_free(b);
	return address;
}

/* One round; sizes in whole steps of the alignment, so that no library rounds them. */
static void ledger_round(int i)
{
	struct block b;
	size_t size = 64 * (i + 1);

	ledger_new(&b, size);
	::operator delete(take(&b));
	ledger_new(&b, size);
	::operator delete(take(&b), size);
	ledger_new_array(&b, size);
	::operator delete[](take(&b));
	ledger_new_array(&b, size);
	::operator delete[](take(&b), size);
	ledger_new_nothrow(&b, size);
	::operator delete(take(&b), std::nothrow);
	ledger_new_array_nothrow(&b, size);
	::operator delete[](take(&b), std::nothrow);
	ledger_new_aligned(&b, size);
	::operator delete(take(&b), wide);
	ledger_new_aligned(&b, size);
	::operator delete(take(&b), size, wide);
	ledger_new_array_aligned(&b, size);
	::operator delete[](take(&b), wide);
	ledger_new_aligned_nothrow(&b, size);
	::operator delete(take(&b), wide, std::nothrow);
	/* these stay */
	ledger_new(&b, size);
	ledger_new_array_nothrow(&b, size);
	ledger_new_aligned(&b, size);
}

static void ledger_fail(void)
{
	struct block b;

	ledger_new_nothrow(&b, huge);
	ledger_new_array_nothrow(&b, huge);
	ledger_new_aligned_nothrow(&b, huge);
	::operator delete(nullptr);
	::operator delete[](nullptr, std::nothrow);
}

static void ledger_after_throw(struct block *b, size_t size)
{
	ledger_new(b, size);
}

} /* extern "C" */

static int caught;

static void throw_one(int i)
{
	struct block b;

	try {
		::operator delete(::operator new(huge));
	} catch (const std::bad_alloc &) {
		caught++;
	}
	/* counted as any other, whatever the tracer kept of the call before */
	ledger_after_throw(&b, 100 + i);
	ledger_malloc(&b, 200 + i);
	ledger_free(&b);
}

int main(int argc, char **argv)
{
	if (argc > 1 && !strcmp(argv[1], "throw")) {
		for (int i = 0; i < 50; i++)
			throw_one(i);
		if (caught != 50)
			return 1;
	} else {
		for (int i = 0; i < 20; i++)
			ledger_round(i);
		ledger_fail();
	}
	ledger_write("cxx");
	return 0;
}
