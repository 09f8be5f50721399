/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The symboliser's parts: shared strings and the map against what was put in,
 * nested ranges against a search through all of them, names against what
 * people write.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "symbol/demangle.h"
#include "symbol/intern.h"
#include "symbol/ranges.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static uint64_t random_next(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

/* ---- intern ------------------------------------------------------------ */

static void same_text_same_pointer(void **state)
{
	enum { TEXTS = 20000 };
	struct intern *in = intern_new();
	const char **first = calloc(TEXTS, sizeof(*first));
	char text[64];
	int i;

	(void)state;
	assert_non_null(in);
	assert_non_null(first);
	for (i = 0; i < TEXTS; i++) {
		snprintf(text, sizeof(text), "%.*s%d", i % 30, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefg",
			 i);
		first[i] = intern_text(in, text, SIZE_MAX);
		assert_string_equal(first[i], text);
		assert_ptr_not_equal(first[i], text);
	}
	for (i = 0; i < TEXTS; i++) {
		snprintf(text, sizeof(text), "%.*s%d", i % 30, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefg",
			 i);
		assert_ptr_equal(intern_text(in, text, SIZE_MAX), first[i]);
	}
	free(first);
	intern_free(in);
}

static void texts_of_all_sizes(void **state)
{
	struct intern *in = intern_new();
	char *big = malloc(1 << 20);
	const char *copy;

	(void)state;
	assert_non_null(big);
	memset(big, 'x', (1 << 20) - 1);
	big[(1 << 20) - 1] = '\0';
	copy = intern_text(in, big, SIZE_MAX);
	assert_string_equal(copy, big);
	assert_ptr_equal(intern_text(in, "", SIZE_MAX), intern_text(in, "other", 0));
	/* A part of a text is a text of its own. */
	assert_string_equal(intern_text(in, "prefix and more", 6), "prefix");
	assert_ptr_equal(intern_text(in, "prefix", SIZE_MAX), intern_text(in, "prefix!", 6));
	assert_ptr_not_equal(intern_text(in, "prefix", SIZE_MAX),
			     intern_text(in, "prefi", SIZE_MAX));
	free(big);
	intern_free(in);
}

static void pairs_are_found(void **state)
{
	enum { PAIRS = 50000 };
	struct pair_map map = {0};
	char *values = malloc(PAIRS);
	int i;

	(void)state;
	assert_non_null(values);
	assert_null(pair_map_find(&map, 1, 2));
	for (i = 0; i < PAIRS; i++)
		assert_int_equal(pair_map_add(&map, i % 7, (uint64_t)i << 12, values + i), 0);
	for (i = 0; i < PAIRS; i++)
		assert_ptr_equal(pair_map_find(&map, i % 7, (uint64_t)i << 12), values + i);
	assert_null(pair_map_find(&map, 7, 0));
	assert_null(pair_map_find(&map, 0, 1 << 12));
	pair_map_free(&map);
	free(values);
}

/* ---- ranges ------------------------------------------------------------ */

/* The latest start wins, then the earliest end, then the largest value. */
static const struct range *best_of_all(const struct ranges *r, uint64_t address)
{
	const struct range *best = NULL, *it;

	for (it = r->items; it < r->items + r->count; it++) {
		if (address < it->low || address >= it->high)
			continue;
		if (!best || it->low > best->low ||
		    (it->low == best->low && (it->high < best->high ||
					      (it->high == best->high && it->value > best->value))))
			best = it;
	}
	return best;
}

static size_t count_all(const struct ranges *r, uint64_t address)
{
	const struct range *it;
	size_t n = 0;

	for (it = r->items; it < r->items + r->count; it++)
		n += address >= it->low && address < it->high;
	return n;
}

static void ranges_agree_with_a_full_search(void **state)
{
	uint64_t seed = 88172645463325252ULL, address;
	unsigned round, i;

	(void)state;
	for (round = 0; round < 300; round++) {
		struct ranges r = {0};
		unsigned count = random_next(&seed) % 60, span = 1 + random_next(&seed) % 120;

		for (i = 0; i < count; i++) {
			uint64_t low = random_next(&seed) % 200;

			assert_int_equal(ranges_add(&r, low, low + random_next(&seed) % span, i),
					 0);
		}
		ranges_sort(&r);
		for (address = 0; address < 330; address++) {
			const struct range *found = ranges_find(&r, address);
			size_t n = 0;

			assert_ptr_equal(found, best_of_all(&r, address));
			for (; found; found = ranges_outer(&r, found, address))
				n++;
			assert_int_equal(n, count_all(&r, address));
		}
		ranges_free(&r);
	}
}

static void ranges_at_the_edges(void **state)
{
	struct ranges r = {0};

	(void)state;
	ranges_sort(&r);
	assert_null(ranges_find(&r, 0));
	assert_int_equal(ranges_add(&r, 5, 5, 0), 0);
	assert_int_equal(ranges_add(&r, 9, 3, 0), 0);
	assert_int_equal(r.count, 0);
	assert_int_equal(ranges_add(&r, 0, UINT64_MAX, 1), 0);
	ranges_sort(&r);
	assert_non_null(ranges_find(&r, 0));
	assert_non_null(ranges_find(&r, UINT64_MAX - 1));
	assert_null(ranges_find(&r, UINT64_MAX));
	ranges_free(&r);
}

/* ---- names ------------------------------------------------------------- */

static const struct {
	const char *symbol, *shown;
} names[] = {
    {"main", "main"},
    {"_start", "_start"},
    {"_Z3fooi", "foo"},
    {"_Z3fooIiEvT_", "foo<int>"},
    {"_ZN2ns5Class6methodEi", "ns::Class::method"},
    {"_ZNK2ns5Class6methodEi", "ns::Class::method"},
    {"_ZN12_GLOBAL__N_16helperEv", "(anonymous namespace)::helper"},
    {"_ZN3FooC4Ev", "Foo::Foo"},
    {"_ZN3FooD0Ev", "Foo::~Foo"},
    {"_ZNSt6vectorIiSaIiEE9push_backEOi", "std::vector<int, std::allocator<int> >::push_back"},
    {"_ZNSt8functionIFivEEC1ERKS1_", "std::function<int ()>::function"},
    {"_ZZ4mainENKUliE_clEi", "main::{lambda(int)#1}::operator()"},
    {"_ZnwmSt11align_val_t", "operator new"},
    {"_ZN3foo3barEv.constprop.0", "foo::bar"},
    {"_ZN3foo3barEv.isra.0.cold", "foo::bar"},
    /* Rust, the old scheme with its hash and the new one */
    {"_ZN4core3ptr13drop_in_place17h0123456789abcdefE", "core::ptr::drop_in_place"},
    {"_ZN66_$LT$alloc..vec..Vec$LT$T$GT$$u20$as$u20$core..ops..drop..Drop$GT$"
     "4drop17h0123456789abcdefE",
     "<alloc::vec::Vec<T> as core::ops::drop::Drop>::drop"},
    {"_ZN4main4main17h0123456789abcdefE.llvm.1234567890", "main::main"},
    {"_RNvCs1234_7mycrate3foo", "mycrate::foo"},
    {"_RINvNtC3std3mem8align_ofdE", "std::mem::align_of::<f64>"},
    /* what compilers and linkers append */
    {"malloc@@GLIBC_2.2.5", "malloc"},
    {"malloc@GLIBC_2.2.5", "malloc"},
    {"foo.cold", "foo"},
    {"foo.part.0", "foo"},
    {"foo.constprop.12.isra.3.cold", "foo"},
    {"foo.llvm.123456", "foo"},
    {"main.init.0", "main.init.0"},
    {"runtime.cold.func1", "runtime.cold.func1"},
    {"foo.part.", "foo.part."},
    {".cold", ".cold"},
    {"@odd", "@odd"},
    /* not mangled after all */
    {"_Z", "_Z"},
    {"_ZN", "_ZN"},
    {"_R", "_R"},
    {"", ""},
};

static void names_as_people_write_them(void **state)
{
	char out[NAME_SIZE];
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(names); i++) {
		demangle_symbol(names[i].symbol, out, sizeof(out));
		assert_string_equal(out, names[i].shown);
	}
}

static void long_template_names_are_demangled(void **state)
{
	char mangled[4096] = "_ZN", out[NAME_SIZE];
	int i;

	(void)state;
	for (i = 0; i < 200; i++)
		strcat(mangled, "10abcdefghij");
	strcat(mangled, "1fEv");
	assert_true(demangle_name(mangled, out, sizeof(out)));
	assert_memory_equal(out, "abcdefghij::abcdefghij::", 24);
	assert_int_equal(strlen(out), NAME_SIZE - 1);
	assert_string_equal(out + NAME_SIZE - 4, "\xe2\x80\xa6");
}

static void hostile_names_end(void **state)
{
	static const char *const parts[] = {"P",  "K",  "N",     "I",  "St4pairI", "S_", "T_", "X",
					    "Dp", "J",  "L_",    "1f", "E",        "F",  "M",  "A_",
					    "sr", "cl", "UlvE_", "_",  "0",        "cv", "B",  "R"};
	uint64_t seed = 1234567;
	char mangled[8192], out[NAME_SIZE];
	unsigned round;
	size_t used;

	(void)state;
	/* As deep as input goes. */
	for (round = 0; round < COUNT(parts); round++) {
		used = (size_t)sprintf(mangled, "_Z1f");
		while (used + 9 < 4000)
			used += (size_t)sprintf(mangled + used, "%s", parts[round]);
		demangle_symbol(mangled, out, sizeof(out));
		assert_true(strlen(out) < NAME_SIZE);
	}
	/* And anything. */
	for (round = 0; round < 20000; round++) {
		unsigned n = random_next(&seed) % 40;

		used = (size_t)sprintf(mangled, "_%s", random_next(&seed) % 4 ? "Z" : "R");
		while (n--)
			used += (size_t)sprintf(mangled + used, "%s",
						parts[random_next(&seed) % COUNT(parts)]);
		demangle_symbol(mangled, out, sizeof(out));
		assert_true(strlen(out) < NAME_SIZE);
	}
}

/* A reference to the `n`th part of a mangled name: "S_", "S0_", … "SZ_", "S10_". */
static void append_reference(char *mangled, unsigned n)
{
	static const char digits[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ";
	char text[8] = "S_";

	if (n > 36)
		snprintf(text, sizeof(text), "S%c%c_", digits[(n - 1) / 36], digits[(n - 1) % 36]);
	else if (n > 0)
		snprintf(text, sizeof(text), "S%c_", digits[n - 1]);
	strcat(mangled, text);
}

static void exponential_name_is_cut(void **state)
{
	/* pair<P, P> where P is the pair inside it: "int" 2^64 times, written out. */
	enum { LEVELS = 64 };
	char mangled[1024] = "_Z1fI4pairI", out[NAME_SIZE];
	unsigned i;

	(void)state;
	for (i = 1; i < LEVELS; i++)
		strcat(mangled, "S0_I");
	strcat(mangled, "iiE");
	for (i = 1; i < LEVELS; i++) {
		append_reference(mangled, i + 1);
		strcat(mangled, "E");
	}
	strcat(mangled, "EvT_");
	assert_true(demangle_name(mangled, out, sizeof(out)));
	assert_memory_equal(out, "f<pair<pair<", 12);
	assert_int_equal(strlen(out), NAME_SIZE - 1);
	assert_string_equal(out + NAME_SIZE - 4, "\xe2\x80\xa6");
}

static void names_are_cut_between_characters(void **state)
{
	char text[2 * NAME_SIZE], out[NAME_SIZE];
	size_t shift, i;

	(void)state;
	for (shift = 0; shift < 4; shift++) {
		memset(text, 'x', shift);
		for (i = shift; i + 4 < sizeof(text); i += 3)
			memcpy(text + i, "\xe4\xb8\xad", 4);
		name_copy(out, sizeof(out), text);
		assert_true(strlen(out) < sizeof(out));
		i = strlen(out) - 3;
		assert_string_equal(out + i, "\xe2\x80\xa6");
		assert_memory_equal(out, text, i);
		assert_int_equal((i - shift) % 3, 0);
	}
	name_copy(out, sizeof(out), "short");
	assert_string_equal(out, "short");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(same_text_same_pointer),
	    cmocka_unit_test(texts_of_all_sizes),
	    cmocka_unit_test(pairs_are_found),
	    cmocka_unit_test(ranges_agree_with_a_full_search),
	    cmocka_unit_test(ranges_at_the_edges),
	    cmocka_unit_test(names_as_people_write_them),
	    cmocka_unit_test(long_template_names_are_demangled),
	    cmocka_unit_test(hostile_names_end),
	    cmocka_unit_test(exponential_name_is_cut),
	    cmocka_unit_test(names_are_cut_between_characters),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
