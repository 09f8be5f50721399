/* SPDX-License-Identifier: GPL-2.0 */
/* Debug information in files of its own: which are found, which are refused. */
#include "symbol_workshop.h"

#include <errno.h>
#include <netinet/in.h>
#include <pthread.h>
#include <sys/socket.h>

#include <gelf.h>
#include <zlib.h>

/* Makes `built`, its `stripped` form and its debug information `whole.debug`. */
static void build_parts(const char *flags)
{
	run("rm -rf stripped built whole.debug .debug linked usr dir && "
	    "gcc -O2 -g %s -o built %s/symbol_plain.c && "
	    "objcopy --only-keep-debug built whole.debug && strip -s -o stripped built",
	    flags, targets);
}

static const char with_id[] = "-Wl,--build-id";
static const char without_id[] = "-Wl,--build-id=none";

/* ---- debuglink --------------------------------------------------------- */

/* A .gnu_debuglink that names `link`, with the checksum of `whole.debug` plus `error`. */
static void add_link(const char *link, uint32_t error)
{
	unsigned char section[256] = {0};
	size_t size, at = (strlen(link) + 1 + 3) & ~(size_t)3;
	void *data = read_file("whole.debug", &size);
	uint32_t crc = (uint32_t)crc32(crc32(0, NULL, 0), data, (uInt)size) + error;

	free(data);
	memcpy(section, link, strlen(link));
	memcpy(section + at, &crc, sizeof(crc));
	write_file("link", section, at + sizeof(crc));
	run("objcopy --add-section .gnu_debuglink=link stripped linked");
}

static const struct {
	const char *what, *flags;
	const char *place; /* where the debug file is put */
	const char *link;
	uint32_t error;
	enum knowledge knowledge;
} links[] = {
    {"beside it", without_id, "whole.debug", "whole.debug", 0, LINES},
    {"in .debug", without_id, ".debug/whole.debug", "whole.debug", 0, LINES},
    {"beside it, by build id", with_id, "whole.debug", "whole.debug", 0, LINES},
    {"the build id counts, not the checksum", with_id, "whole.debug", "whole.debug", 1, LINES},
    {"the same name in .debug", with_id, ".debug/linked", "linked", 0, LINES},
    {"wrong checksum", without_id, "whole.debug", "whole.debug", 1, NOTHING},
    {"a path", without_id, "dir/whole.debug", "dir/whole.debug", 0, NOTHING},
    {"a path upward", without_id, "whole.debug", "../%s/whole.debug", 0, NOTHING},
    {"no name", without_id, "whole.debug", "", 0, NOTHING},
    {"a directory", without_id, "whole.debug", "..", 0, NOTHING},
    {"not there", without_id, "whole.debug", "other.debug", 0, NOTHING},
};

static void debuglinks(void **state)
{
	char link[128];
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(links); i++) {
		print_message("             %s\n", links[i].what);
		build_parts(links[i].flags);
		snprintf(link, sizeof(link), links[i].link, strrchr(work, '/') + 1);
		add_link(link, links[i].error);
		run("mkdir -p .debug dir && { [ whole.debug = %s ] || mv whole.debug %s; }",
		    links[i].place, links[i].place);
		check_program("linked", "built", links[i].knowledge);
	}
}

/* objcopy's own link, as distributions make it. */
static void debuglink_of_objcopy(void **state)
{
	(void)state;
	build_parts(without_id);
	run("objcopy --add-gnu-debuglink=whole.debug stripped linked");
	check_program("linked", "built", LINES);
}

/* Of another build: same name, same place, other contents. */
static void stale_debug_file(void **state)
{
	(void)state;
	build_parts(with_id);
	add_link("whole.debug", 0);
	run("gcc -O0 -g -Wl,--build-id -o other %s/symbol_plain.c && "
	    "objcopy --only-keep-debug other whole.debug",
	    targets);
	check_program("linked", "built", NOTHING);
}

static void what_is_no_file_is_not_opened(void **state)
{
	(void)state;
	build_parts(without_id);
	add_link("whole.debug", 0);
	/* Opened, it would wait for a writer for ever. */
	run("rm whole.debug && mkfifo whole.debug && ln -s /dev/zero .debug 2>/dev/null");
	check_program("linked", "built", NOTHING);
	run("rm whole.debug && ln -s whole.debug whole.debug");
	check_program("linked", "built", NOTHING);
	run("rm whole.debug && ln -s /proc/self/fd/0 whole.debug");
	check_program("linked", "built", NOTHING);
}

/* ---- build ids and roots ----------------------------------------------- */

/* Puts whole.debug where distributions do, under the root `work`. */
static void install_by_id(const char *of)
{
	run("id=$(readelf -n %s | sed -n 's/.*Build ID: //p') && "
	    "dir=usr/lib/debug/.build-id/$(echo $id | cut -c1-2) && mkdir -p $dir && "
	    "mv whole.debug $dir/$(echo $id | cut -c3-).debug",
	    of);
}

static void check_under_root(const char *program, const char *original, enum knowledge knowledge)
{
	struct symbols *s = open_program(program);
	int fd = open(work, O_RDONLY | O_DIRECTORY | O_CLOEXEC), i;

	assert_true(fd >= 0);
	for (i = 0; i < 100; i++) /* the same one again takes no place */
		assert_int_equal(symbols_add_root(s, fd), 0);
	close(fd);
	check(s, program, original, knowledge);
	symbols_free(s);
}

static void by_build_id_in_a_root(void **state)
{
	(void)state;
	build_parts(with_id);
	install_by_id("stripped");
	check_program("stripped", "built", NOTHING);
	check_under_root("stripped", "built", LINES);
	/* The id in the file decides, not the file's name. */
	build_parts(with_id);
	run("gcc -O0 -g -Wl,--build-id -o other %s/symbol_plain.c && "
	    "objcopy --only-keep-debug other whole.debug",
	    targets);
	install_by_id("stripped");
	check_under_root("stripped", "built", NOTHING);
}

static void links_stay_in_their_root(void **state)
{
	(void)state;
	build_parts(with_id);
	install_by_id("stripped");
	/* An absolute link means the root's own directory. */
	run("mv usr/lib/debug elsewhere && ln -s /elsewhere usr/lib/debug");
	check_under_root("stripped", "built", LINES);
	run("rm usr/lib/debug && ln -s %s/elsewhere usr/lib/debug", work);
	check_under_root("stripped", "built", NOTHING);
	run("rm usr/lib/debug && rm -r elsewhere");
}

static void only_directories_are_roots(void **state)
{
	struct symbols *s = symbols_new();
	int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);

	(void)state;
	assert_int_equal(symbols_add_root(s, fd), -ENOTDIR);
	assert_int_equal(symbols_add_root(s, -1), -EBADF);
	close(fd);
	symbols_free(s);
}

/* ---- files that share parts (dwz) -------------------------------------- */

static void shared_parts(void **state)
{
	(void)state;
	if (!have("dwz"))
		return;
	build_parts(with_id);
	run("gcc -O1 -g -gdwarf-4 -o built %s/symbol_plain.c && "
	    "gcc -O2 -g -gdwarf-4 -o second %s/symbol_plain.c && "
	    "mkdir -p usr/lib/debug/.dwz && dwz -m usr/lib/debug/.dwz/shared "
	    "-M /usr/lib/debug/.dwz/shared built second",
	    targets, targets);
	check_under_root("built", "built", LINES);
	check_under_root("second", "second", LINES);
	/* Without it, what is left; and no waiting for what is in its place. */
	run("rm usr/lib/debug/.dwz/shared && mkfifo usr/lib/debug/.dwz/shared");
	check_under_root("built", "built", OUTERMOST);
}

/* The link's name is the target's: libdw would open it wherever it leads. */
static void shared_parts_elsewhere(void **state)
{
	char section[256];
	size_t size;

	(void)state;
	build_parts(with_id);
	run("mkfifo waits");
	size = (size_t)snprintf(section, sizeof(section), "%s/waits", work) + 1;
	memset(section + size, 0x5a, 20);
	write_file("link", section, size + 20);
	run("objcopy --add-section .gnu_debugaltlink=link built linked");
	check_program("linked", "built", LINES);
	run("rm waits");
}

/* ---- debuginfod -------------------------------------------------------- */

struct server {
	int listener;
	unsigned requests;
	void *file;
	size_t size;
};

/* Answers every request with the file, until the listener is shut down. */
static void *serve(void *opaque)
{
	struct server *server = opaque;
	char request[4096], header[128];
	int client, n;

	while ((client = accept4(server->listener, NULL, NULL, SOCK_CLOEXEC)) >= 0) {
		if (read(client, request, sizeof(request)) > 0) {
			server->requests++;
			n = snprintf(header, sizeof(header),
				     "HTTP/1.1 200 OK\r\nContent-Length: %zu\r\n"
				     "Connection: close\r\n\r\n",
				     server->size);
			if (send(client, header, (size_t)n, MSG_NOSIGNAL) == n)
				send(client, server->file, server->size, MSG_NOSIGNAL);
		}
		close(client);
	}
	return NULL;
}

static void only_when_asked_for(void **state)
{
	struct sockaddr_in address = {.sin_family = AF_INET,
				      .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t length = sizeof(address);
	struct server server = {0};
	pthread_t thread;
	char url[64];

	(void)state;
	if (try_run("ldconfig -p | grep -q libdebuginfod.so.1")) {
		print_message("[  SKIP    ] libdebuginfod is not installed\n");
		return;
	}
	build_parts(with_id);
	server.file = read_file("whole.debug", &server.size);
	server.listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(server.listener, (struct sockaddr *)&address, length), 0);
	assert_int_equal(listen(server.listener, 8), 0);
	assert_int_equal(getsockname(server.listener, (struct sockaddr *)&address, &length), 0);
	assert_int_equal(pthread_create(&thread, NULL, serve, &server), 0);
	setenv("DEBUGINFOD_CACHE_PATH", path_of("cache"), 1);

	setenv("DEBUGINFOD_URLS", "", 1);
	check_program("stripped", "built", NOTHING);
	snprintf(url, sizeof(url), "http://127.0.0.1:%u/", ntohs(address.sin_port));
	setenv("DEBUGINFOD_URLS", url, 1);
	check_program("stripped", "built", LINES);
	unsetenv("DEBUGINFOD_URLS");
	check_program("stripped", "built", NOTHING);
	unsetenv("DEBUGINFOD_CACHE_PATH");

	shutdown(server.listener, SHUT_RDWR);
	pthread_join(thread, NULL);
	close(server.listener);
	assert_int_equal(server.requests, 1);
	free(server.file);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(debuglinks),
	    cmocka_unit_test(debuglink_of_objcopy),
	    cmocka_unit_test(stale_debug_file),
	    cmocka_unit_test(what_is_no_file_is_not_opened),
	    cmocka_unit_test(by_build_id_in_a_root),
	    cmocka_unit_test(links_stay_in_their_root),
	    cmocka_unit_test(only_directories_are_roots),
	    cmocka_unit_test(shared_parts),
	    cmocka_unit_test(shared_parts_elsewhere),
	    cmocka_unit_test(only_when_asked_for),
	};

	return cmocka_run_group_tests(tests, set_up, clean_up);
}
