/* SPDX-License-Identifier: GPL-2.0 */
/* Human numbers, and a target's text made harmless. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/log.h"
#include "base/text.h"
#include "base/utf8.h"

#define KIB 1024ULL
#define MIB (1024 * KIB)
#define GIB (1024 * MIB)

static void bytes_have_three_digits(void **state)
{
	static const struct {
		uint64_t bytes;
		const char *text;
	} cases[] = {
	    {0, "0 B"},
	    {1, "1 B"},
	    {999, "999 B"},
	    {1023, "1023 B"},
	    {1024, "1.00 KiB"},
	    {1536, "1.50 KiB"},
	    {10 * KIB - 1, "10.0 KiB"}, /* 9.999 */
	    {10 * KIB, "10.0 KiB"},
	    {100 * KIB - 1, "100 KiB"}, /* 99.999 */
	    {1000 * KIB, "1000 KiB"},
	    {MIB - 513, "1023 KiB"},
	    {MIB - 512, "1.00 MiB"}, /* 1023.5 would read 1024 KiB */
	    {MIB, "1.00 MiB"},
	    {851443712, "812 MiB"},
	    {GIB + GIB / 4, "1.25 GiB"},
	    {1024 * GIB, "1.00 TiB"},
	    {UINT64_MAX, "16.0 EiB"},
	};
	char buffer[HUMAN_LEN];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_string_equal(text_bytes(buffer, cases[i].bytes), cases[i].text);
}

static void deltas_have_a_sign(void **state)
{
	char buffer[HUMAN_LEN];

	(void)state;
	assert_string_equal(text_delta(buffer, 0), "0");
	assert_string_equal(text_delta(buffer, 5), "+5 B");
	assert_string_equal(text_delta(buffer, 100), "+100 B");
	assert_string_equal(text_delta(buffer, -5), "-5 B");
	assert_string_equal(text_delta(buffer, -3 * (int64_t)KIB), "-3 KiB");
	assert_string_equal(text_delta(buffer, (int64_t)(1.2 * (double)MIB)), "+1.2 MiB");
	assert_string_equal(text_delta(buffer, -(int64_t)(100 * MIB)), "-100 MiB");
	assert_string_equal(text_delta(buffer, INT64_MAX), "+8 EiB");
	assert_string_equal(text_delta(buffer, INT64_MIN), "-8 EiB");
}

static void seconds_choose_their_unit(void **state)
{
	static const struct {
		double seconds;
		const char *text;
	} cases[] = {
	    {0, "0 s"},
	    {1e-7, "0 s"},
	    {12e-6, "12 µs"},
	    {999.6e-6, "1 ms"},
	    {0.0015, "1.5 ms"},
	    {0.34, "340 ms"},
	    {0.9996, "1.00 s"},
	    {1.234, "1.23 s"},
	    {12.34, "12.3 s"},
	    {59.94, "59.9 s"},
	    {59.96, "1 min 00 s"},
	    {125, "2 min 05 s"},
	    {3599.6, "1 h 00 min"},
	    {3661, "1 h 01 min"},
	    {-1.5, "-1.50 s"},
	    {(double)NAN, "?"},
	    {(double)INFINITY, "?"},
	    {DBL_MAX, "?"},
	};
	char buffer[HUMAN_LEN];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_string_equal(text_seconds(buffer, cases[i].seconds), cases[i].text);
}

static void counts_are_grouped(void **state)
{
	char buffer[HUMAN_LEN];

	(void)state;
	assert_string_equal(text_count(buffer, 0), "0");
	assert_string_equal(text_count(buffer, 999), "999");
	assert_string_equal(text_count(buffer, 1000), "1,000");
	assert_string_equal(text_count(buffer, 1234567), "1,234,567");
	assert_string_equal(text_count(buffer, UINT64_MAX), "18,446,744,073,709,551,615");
}

/* ---- text of the target ------------------------------------------------------ */

static void expect_safe(const char *text, size_t max, const char *expected)
{
	char *out = NULL;
	size_t length = 0;
	FILE *stream = open_memstream(&out, &length);

	assert_non_null(stream);
	text_print_safe(stream, text, max);
	fclose(stream);
	assert_string_equal(out, expected);
	free(out);
}

static void terminals_get_nothing_they_obey(void **state)
{
	(void)state;
	expect_safe(NULL, 0, "");
	expect_safe("", 0, "");
	expect_safe("plain", 0, "plain");
	expect_safe("grün 漢字", 0, "grün 漢字");
	expect_safe("a\033[31mb", 0, "a\\x1b[31mb");
	expect_safe("a\nb\tc\rd\x7f", 0, "a\\x0ab\\x09c\\x0dd\\x7f");
	/* C1's CSI, as one byte and as a character */
	expect_safe("\x9b"
		    "31m",
		    0, "\\x9b31m");
	expect_safe("\xc2\x9b"
		    "31m",
		    0, "\\xc2\\x9b31m");
	/* a direction override hides what follows it */
	expect_safe("a\xe2\x80\xae"
		    "b",
		    0, "a\\xe2\\x80\\xaeb");
	/* cut short, overlong, surrogate, beyond Unicode */
	expect_safe("\xe6\xbc", 0, "\\xe6\\xbc");
	expect_safe("\xc0\xaf", 0, "\\xc0\\xaf");
	expect_safe("\xe0\x80\xaf", 0, "\\xe0\\x80\\xaf");
	expect_safe("\xed\xa0\x80", 0, "\\xed\\xa0\\x80");
	expect_safe("\xf4\x90\x80\x80", 0, "\\xf4\\x90\\x80\\x80");
	expect_safe("\xff", 0, "\\xff");
}

static void lines_are_cut_by_cells(void **state)
{
	(void)state;
	expect_safe("abcdef", 6, "abcdef");
	expect_safe("abcdef", 5, "abcd…");
	expect_safe("abcdef", 1, "…");
	/* a wide character takes two, and is never halved */
	expect_safe("漢字漢", 6, "漢字漢");
	expect_safe("漢字漢", 5, "漢字…");
	expect_safe("漢字漢", 4, "漢…");
	/* a combining mark takes none */
	expect_safe("e\xcc\x81"
		    "a",
		    2,
		    "e\xcc\x81"
		    "a");
	/* an escape counts as it is written, and is never halved */
	expect_safe("\033ab", 6, "\\x1bab");
	expect_safe("\033abc", 6, "\\x1ba…");
	expect_safe("\033abc", 4, "…");
}

static void buffers_hold_whole_characters(void **state)
{
	char buffer[8];

	(void)state;
	assert_string_equal(text_safe(buffer, sizeof(buffer), "abc"), "abc");
	assert_string_equal(text_safe(buffer, sizeof(buffer), "abcdefghij"), "abcdefg");
	assert_string_equal(text_safe(buffer, sizeof(buffer), "abcdef漢"), "abcdef");
	assert_string_equal(text_safe(buffer, sizeof(buffer), "abcde\n"), "abcde");
	assert_string_equal(text_safe(buffer, sizeof(buffer), "\033x"), "\\x1bx");
	assert_string_equal(text_safe(buffer, sizeof(buffer), NULL), "");
	buffer[0] = 'k';
	text_safe(buffer, 0, "abc");
	assert_int_equal(buffer[0], 'k');
	assert_string_equal(text_safe(buffer, 1, "abc"), "");
}

static void xml_gets_entities(void **state)
{
	static const struct {
		const char *text, *xml;
	} cases[] = {
	    {"", ""},
	    {"plain", "plain"},
	    {"std::vector<int>&", "std::vector&lt;int&gt;&amp;"},
	    {"\"a\" 'b'", "&quot;a&quot; &#39;b&#39;"},
	    {"]]>", "]]&gt;"},
	    {"a\nb\tc\rd", "a b c d"},
	    {"a\033[0m", "a\xef\xbf\xbd[0m"},
	    {"grün 漢字", "grün 漢字"},
	    {"\xff<\xfe", "\xef\xbf\xbd&lt;\xef\xbf\xbd"},
	    {"\xef\xbf\xbf", "\xef\xbf\xbd"}, /* U+FFFF is no XML */
	    {"x\xe2\x80\xaey", "x\xef\xbf\xbdy"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char *out = NULL;
		size_t length = 0;
		FILE *stream = open_memstream(&out, &length);

		assert_non_null(stream);
		text_print_xml(stream, cases[i].text);
		fclose(stream);
		assert_string_equal(out, cases[i].xml);
		free(out);
	}
	text_print_xml(stderr, NULL);
}

static void every_code_point_is_read_back(void **state)
{
	(void)state;
	for (int32_t code = 1; code <= 0x10ffff; code++) {
		char text[5] = {0};
		const char *p = text;

		if (code < 0x80) {
			text[0] = (char)code;
		} else if (code < 0x800) {
			text[0] = (char)(0xc0 | code >> 6);
			text[1] = (char)(0x80 | (code & 0x3f));
		} else if (code < 0x10000) {
			text[0] = (char)(0xe0 | code >> 12);
			text[1] = (char)(0x80 | (code >> 6 & 0x3f));
			text[2] = (char)(0x80 | (code & 0x3f));
		} else {
			text[0] = (char)(0xf0 | code >> 18);
			text[1] = (char)(0x80 | (code >> 12 & 0x3f));
			text[2] = (char)(0x80 | (code >> 6 & 0x3f));
			text[3] = (char)(0x80 | (code & 0x3f));
		}
		if (code >= 0xd800 && code <= 0xdfff) {
			assert_int_equal(utf8_next(&p), UTF8_INVALID);
			continue;
		}
		assert_int_equal(utf8_next(&p), code);
		assert_int_equal(*p, 0);
		assert_int_equal(utf8_next(&p), 0);
	}
}

/* ---- diagnostics --------------------------------------------------------------- */

/* What `speak` writes to stderr. */
static char *heard(void (*speak)(void))
{
	static char text[512];
	int file = memfd_create("stderr", MFD_CLOEXEC), old = dup(STDERR_FILENO);
	ssize_t length;

	assert_true(file >= 0 && old >= 0);
	fflush(stderr);
	dup2(file, STDERR_FILENO);
	speak();
	dup2(old, STDERR_FILENO);
	length = pread(file, text, sizeof(text) - 1, 0);
	close(file);
	close(old);
	assert_true(length >= 0);
	text[length] = 0;
	return text;
}

static void speak_error(void)
{
	assert_int_equal(log_error(-ENOENT, "no file %s", "a\033]0;x\nb"), -ENOENT);
}

static void speak_warning(void)
{
	log_warn("%d of %d", 1, 2);
}

static void speak_verbosely(void)
{
	log_verbose("only with -v");
}

static void diagnostics_are_one_safe_line(void **state)
{
	(void)state;
	assert_string_equal(heard(speak_error), "memsnoop: no file a\\x1b]0;x\\x0ab\n");
	assert_string_equal(heard(speak_warning), "memsnoop: warning: 1 of 2\n");
	assert_false(log_is_verbose());
	assert_string_equal(heard(speak_verbosely), "");
	log_set_verbose(true);
	assert_true(log_is_verbose());
	assert_string_equal(heard(speak_verbosely), "memsnoop: only with -v\n");
	log_set_verbose(false);
	assert_string_equal(heard(speak_verbosely), "");
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
	    cmocka_unit_test(bytes_have_three_digits),
	    cmocka_unit_test(deltas_have_a_sign),
	    cmocka_unit_test(seconds_choose_their_unit),
	    cmocka_unit_test(counts_are_grouped),
	    cmocka_unit_test(terminals_get_nothing_they_obey),
	    cmocka_unit_test(lines_are_cut_by_cells),
	    cmocka_unit_test(buffers_hold_whole_characters),
	    cmocka_unit_test(xml_gets_entities),
	    cmocka_unit_test(every_code_point_is_read_back),
	    cmocka_unit_test(diagnostics_are_one_safe_line),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
