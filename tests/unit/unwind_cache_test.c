/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Tables on disk: what is kept and found again, what must not be believed, and
 * that no file gets another's table.
 */
#include "unwind_workshop.h"

#include <dirent.h>

#include "unwind/cache.h"

#define ID "-Wl,--build-id=0x0123456789abcdef"

/* A function whose frame has `size` bytes when it is `length` long. */
static void assemble_function(const char *name, unsigned length, unsigned size, const char *options)
{
	char source[512];

	snprintf(source, sizeof(source),
		 ".globl _start\n .text\n .balign 4096\n _start: .cfi_startproc\n"
		 ".cfi_def_cfa_offset %u\n .skip %u, 0x90\n .cfi_endproc\n .skip %u\n",
		 size, length, 512 - length);
	assemble(name, source, options);
}

static struct unwind_cache cache;

static int cache_set_up(void **state)
{
	(void)state;
	if (setenv(UNWIND_CACHE_ENV, path_of("cache"), 1))
		return -1;
	return unwind_cache_open(&cache);
}

static int cache_tear_down(void **state)
{
	(void)state;
	unwind_cache_close(&cache);
	run("rm -rf cache");
	return 0;
}

static int open_file(const char *name)
{
	int fd = open(path_of(name), O_RDONLY | O_CLOEXEC);

	assert_true(fd >= 0);
	return fd;
}

static void expect_get(const char *name, const char *expected)
{
	struct unwind_table table;
	int fd = open_file(name);

	assert_int_equal(unwind_table_get(fd, &cache, &table), 0);
	assert_int_equal(unwind_table_check(&table), 0);
	assert_string_equal(table_text(&table), expected);
	unwind_table_free(&table);
	close(fd);
}

static const char *name_of(const char *file)
{
	static char names[2][UNWIND_CACHE_NAME];
	static unsigned next;
	char *name = names[next++ % 2];
	struct unwind_sections sections;
	struct unwind_source source;
	int fd = open_file(file);

	assert_int_equal(unwind_source_file(&source, fd), 0);
	assert_int_equal(unwind_sections_find(&sections, &source), 0);
	assert_int_equal(unwind_cache_name(&cache, &sections, name), 0);
	close(fd);
	return name;
}

/* Files in the cache, the key not counted. */
static size_t count_kept(void)
{
	DIR *dir = opendir(path_of("cache"));
	size_t count = 0;

	assert_non_null(dir);
	for (struct dirent *entry; (entry = readdir(dir));)
		count += entry->d_name[0] != '.' && strcmp(entry->d_name, "key") != 0;
	closedir(dir);
	return count;
}

static const char *kept_path(const char *file)
{
	static char path[512];

	snprintf(path, sizeof(path), "%s/%s", path_of("cache"), name_of(file));
	return path;
}

/* ---- the digest -------------------------------------------------------- */

/* The example of the paper that describes SipHash. */
static void siphash(void **state)
{
	uint8_t key[DIGEST_KEY_SIZE], message[15];
	struct unwind_source source = {.fd = -1, .image = message, .size = sizeof(message)};
	uint64_t whole, part;

	(void)state;
	for (unsigned i = 0; i < sizeof(key); i++)
		key[i] = (uint8_t)i;
	memcpy(message, key, sizeof(message));
	assert_true(digest(key, message, sizeof(message)) == 0xa129ca6149be45e5);
	assert_true(digest(key, message, 14) != digest(key, message, 15));
	assert_true(digest_source(key, &source, 0, 15, &whole));
	assert_true(digest_source(key, &source, 1, 14, &part));
	assert_true(whole != part);
	assert_false(digest_source(key, &source, 1, 15, &part));
	assert_true(digest_source(key, &source, 15, 0, &part));
}

/* Every byte of what is read in pieces matters. */
static void digest_of_pieces(void **state)
{
	static const uint8_t key[DIGEST_KEY_SIZE] = {1};
	size_t size = 200000;
	uint8_t *bytes = calloc(1, size);
	struct unwind_source source = {.fd = -1, .image = bytes, .size = size};
	uint64_t before, after;

	(void)state;
	assert_non_null(bytes);
	assert_true(digest_source(key, &source, 0, size, &before));
	for (size_t i = 0; i < size; i += 9973) {
		bytes[i] = 1;
		assert_true(digest_source(key, &source, 0, size, &after));
		assert_true(before != after);
		bytes[i] = 0;
	}
	free(bytes);
}

/* ---- what is kept ------------------------------------------------------ */

static void a_table_is_kept_and_found(void **state)
{
	struct unwind_table built, kept;
	struct stat st;

	(void)state;
	assemble_function("one", 16, 24, "-shared " ID);
	assert_int_equal(build_file("one", UNWIND_TABLE_MAX, &built), 0);
	assert_int_equal(unwind_cache_load(&cache, name_of("one"), &kept), -ENOENT);
	expect_get("one", "10 rsp+24");
	assert_int_equal(count_kept(), 1);
	/* The table's bytes exactly, for nobody else. */
	assert_int_equal(stat(kept_path("one"), &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	assert_int_equal(st.st_size, built.block_count * MS_UNWIND_BLOCK);
	assert_int_equal(stat(path_of("cache"), &st), 0);
	assert_int_equal(st.st_mode & 07777, 0700);
	assert_int_equal(unwind_cache_load(&cache, name_of("one"), &kept), 0);
	assert_int_equal(kept.block_count, built.block_count);
	assert_memory_equal(kept.blocks, built.blocks, built.block_count * MS_UNWIND_BLOCK);
	unwind_table_free(&built);
	unwind_table_free(&kept);
	expect_get("one", "10 rsp+24");
	assert_int_equal(count_kept(), 1);
}

/* What it says shows that it is the kept one that comes, for all who have the key. */
static void the_kept_one_is_used(void **state)
{
	struct unwind_table other;

	(void)state;
	assemble_function("one", 16, 24, "-shared " ID);
	assemble_function("other", 32, 48, "-shared " ID);
	assert_int_equal(build_file("other", UNWIND_TABLE_MAX, &other), 0);
	assert_int_equal(unwind_cache_store(&cache, name_of("one"), &other), 0);
	unwind_table_free(&other);
	expect_get("one", "20 rsp+48");
	unwind_cache_close(&cache);
	assert_int_equal(unwind_cache_open(&cache), 0);
	expect_get("one", "20 rsp+48");
	run("rm -rf cache/key");
	unwind_cache_close(&cache);
	assert_int_equal(unwind_cache_open(&cache), 0);
	expect_get("one", "10 rsp+24");
}

/* A build id can be claimed by anybody. */
static void nobody_gets_another_s_table(void **state)
{
	(void)state;
	assemble_function("one", 16, 24, "-shared " ID);
	assemble_function("two", 16, 32, "-shared " ID);
	assemble_function("long", 32, 24, "-shared " ID);
	run("cp one grown && echo >>grown && cp one same");
	assert_string_equal(name_of("one"), name_of("same"));
	assert_string_not_equal(name_of("one"), name_of("two"));
	assert_string_not_equal(name_of("one"), name_of("long"));
	assert_string_not_equal(name_of("one"), name_of("grown"));
	expect_get("one", "10 rsp+24");
	expect_get("two", "10 rsp+32");
	expect_get("long", "20 rsp+24");
	expect_get("two", "10 rsp+32");
	assert_int_equal(count_kept(), 3);
}

/* The same for what is only in .debug_frame. */
static void debug_frame_counts(void **state)
{
	static const char *const sources[] = {".cfi_def_cfa_offset 24\n",
					      ".cfi_def_cfa_offset 32\n"};
	char source[512], names[2][UNWIND_CACHE_NAME];

	(void)state;
	for (unsigned i = 0; i < 2; i++) {
		snprintf(source, sizeof(source),
			 ".cfi_sections .debug_frame\n .globl _start\n _start: .cfi_startproc\n %s"
			 ".skip 16, 0x90\n .cfi_endproc\n",
			 sources[i]);
		assemble("debug", source, "-static " ID);
		snprintf(names[i], sizeof(names[i]), "%s", name_of("debug"));
	}
	assert_string_not_equal(names[0], names[1]);
}

static void what_is_not_kept(void **state)
{
	struct unwind_cache none = {.dir = -1};
	struct unwind_table table;
	int fd;

	(void)state;
	assemble_function("anonymous", 16, 24, "-shared -Wl,--build-id=none");
	expect_get("anonymous", "10 rsp+24");
	/* The digest does not cover instructions. */
	assemble("musl",
		 ".globl _start\n .text\n .balign 4096\n"
		 "_start: .skip 300, 0x90\n movq $15, %rax\n syscall\n",
		 "-static " ID);
	expect_get("musl", "a signal rsp+0");
	assert_int_equal(count_kept(), 0);
	assemble_function("one", 16, 24, "-shared " ID);
	fd = open_file("one");
	assert_int_equal(unwind_table_get(fd, &none, &table), 0);
	unwind_table_free(&table);
	assert_int_equal(count_kept(), 0);
	close(fd);
	assemble("none", ".globl _start\n _start: ret\n", "-static " ID);
	fd = open_file("none");
	assert_int_equal(unwind_table_get(fd, &cache, &table), -ENODATA);
	close(fd);
	fd = open_file("source.s");
	assert_int_equal(unwind_table_get(fd, &cache, &table), -ENOEXEC);
	close(fd);
	assert_int_equal(count_kept(), 0);
}

/* ---- what is not believed ---------------------------------------------- */

static void expect_rebuilt(const char *how)
{
	struct unwind_table table;
	struct stat st;

	expect_get("one", "10 rsp+24");
	/* And it was put right. */
	if (lstat(kept_path("one"), &st) || !S_ISREG(st.st_mode) || (st.st_mode & 077) ||
	    st.st_uid != geteuid() || unwind_cache_load(&cache, name_of("one"), &table))
		fail_msg("%s: not replaced", how);
	unwind_table_free(&table);
}

static void damage_is_noticed(void **state)
{
	static const char *const damages[] = {
	    "truncate -s 0 '%s'",
	    "truncate -s -1 '%s'",
	    "truncate -s -4096 '%s'",
	    "truncate -s +4096 '%s'",
	    "truncate -s 1G '%s'",
	    "printf x | dd of='%s' bs=1 seek=8300 conv=notrunc 2>/dev/null",
	    "chmod 0622 '%s'",
	    "rm '%1$s' && mkfifo -m 600 '%1$s'",
	    "mv '%1$s' cache/elsewhere && ln -s elsewhere '%1$s'",
	};

	(void)state;
	assemble_function("one", 16, 24, "-shared " ID);
	for (size_t i = 0; i < COUNT(damages); i++) {
		char command[1024];

		expect_get("one", "10 rsp+24");
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
		snprintf(command, sizeof(command), damages[i], kept_path("one"));
#pragma GCC diagnostic pop
		run("%s", command);
		expect_rebuilt(damages[i]);
	}
	/* Somebody else's. */
	if (geteuid() == 0) {
		assert_int_equal(chown(kept_path("one"), 65534, 65534), 0);
		expect_rebuilt("chown");
	}
}

static void the_key_is_secret(void **state)
{
	static const char *const damages[] = {"chmod 644 cache/key", "truncate -s 15 cache/key",
					      "rm cache/key && mkfifo cache/key",
					      "mv cache/key cache/k && ln -s k cache/key"};
	struct stat st;

	(void)state;
	for (size_t i = 0; i < COUNT(damages); i++) {
		uint8_t before[DIGEST_KEY_SIZE];

		memcpy(before, cache.key, sizeof(before));
		unwind_cache_close(&cache);
		run("%s", damages[i]);
		assert_int_equal(unwind_cache_open(&cache), 0);
		assert_memory_not_equal(before, cache.key, sizeof(before));
		assert_int_equal(lstat(path_of("cache/key"), &st), 0);
		assert_true(S_ISREG(st.st_mode));
		assert_int_equal(st.st_mode & 07777, 0600);
		assert_int_equal(st.st_size, DIGEST_KEY_SIZE);
	}
}

static void expect_no_cache(int err)
{
	struct unwind_cache other;
	struct unwind_table table;
	int fd = open_file("one");
	const char *path;

	assert_int_equal(unwind_cache_check(&path), err);
	assert_int_equal(unwind_cache_open(&other), err);
	assert_int_equal(other.dir, -1);
	assert_int_equal(unwind_table_get(fd, &other, &table), 0);
	unwind_table_free(&table);
	unwind_cache_close(&other);
	close(fd);
}

static void directories(void **state)
{
	const char *path;

	(void)state;
	assert_int_equal(unwind_cache_check(&path), 0);
	assert_string_equal(path, path_of("cache"));
	/* to ask makes nothing */
	setenv(UNWIND_CACHE_ENV, path_of("new"), 1);
	assert_int_equal(unwind_cache_check(&path), -ENOENT);
	assert_int_equal(access(path_of("new"), F_OK), -1);
	setenv(UNWIND_CACHE_ENV, path_of("cache"), 1);
	assemble_function("one", 16, 24, "-shared " ID);
	run("chmod 0770 cache");
	expect_no_cache(-EPERM);
	run("chmod 0700 cache && mv cache real && ln -s real cache");
	expect_no_cache(-ENOTDIR);
	run("rm cache && touch cache");
	expect_no_cache(-ENOTDIR);
	run("rm cache && mv real cache");
	setenv(UNWIND_CACHE_ENV, path_of("no/such"), 1);
	expect_no_cache(-ENOENT);
	setenv(UNWIND_CACHE_ENV, "", 1);
	expect_no_cache(0);
	assert_int_equal(unwind_cache_check(&path), 0);
	assert_null(path);
}

/* ---- its size ---------------------------------------------------------- */

static void age(const char *file, time_t seconds)
{
	struct timespec times[2] = {{.tv_sec = seconds}, {.tv_sec = seconds}};

	assert_int_equal(utimensat(AT_FDCWD, kept_path(file), times, 0), 0);
}

static bool is_kept(const char *file)
{
	return access(kept_path(file), F_OK) == 0;
}

static void the_oldest_go(void **state)
{
	static const char *const files[] = {"a", "b", "c", "d"};
	size_t size = 4 * MS_UNWIND_BLOCK;

	(void)state;
	for (unsigned i = 0; i < COUNT(files); i++)
		assemble_function(files[i], 16 + i, 24, "-shared " ID);
	cache.max = 3 * size;
	for (unsigned i = 0; i < 3; i++) {
		expect_get(files[i], i == 0 ? "10 rsp+24" : i == 1 ? "11 rsp+24" : "12 rsp+24");
		age(files[i], 1000 + i);
	}
	assert_int_equal(count_kept(), 3);
	/* Used again: it is the newest. */
	expect_get("a", "10 rsp+24");
	expect_get("d", "13 rsp+24");
	assert_int_equal(count_kept(), 3);
	assert_true(is_kept("a"));
	assert_false(is_kept("b"));
	assert_true(is_kept("c"));
	assert_true(is_kept("d"));
	assert_int_equal(access(path_of("cache/key"), F_OK), 0);
	/* Nothing is too large to be made, only to be kept. */
	cache.max = size - 1;
	expect_get("b", "11 rsp+24");
	assert_false(is_kept("b"));
	assert_int_equal(count_kept(), 3);
}

#define WITH_CACHE(test) cmocka_unit_test_setup_teardown(test, cache_set_up, cache_tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(siphash),
	    cmocka_unit_test(digest_of_pieces),
	    WITH_CACHE(a_table_is_kept_and_found),
	    WITH_CACHE(the_kept_one_is_used),
	    WITH_CACHE(nobody_gets_another_s_table),
	    WITH_CACHE(debug_frame_counts),
	    WITH_CACHE(what_is_not_kept),
	    WITH_CACHE(damage_is_noticed),
	    WITH_CACHE(the_key_is_secret),
	    WITH_CACHE(directories),
	    WITH_CACHE(the_oldest_go),
	};

	return cmocka_run_group_tests(tests, set_up, clean_up);
}
