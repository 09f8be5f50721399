/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A JIT that nobody knows of: once it runs, it makes a function, and later calls malloc() through
 * that, so that made code lies between two functions of its own.
 *
 *   maker BYTES          its code is written, then made executable
 *   maker BYTES both     may be written and executed at once
 *   maker BYTES file     is in a file of memory, mapped once to be written and once to be executed,
 *                        as .NET and libffi do where nothing may be both
 *
 * It keeps no books: each of its COUNT blocks is of BYTES, called for through main() < call_made()
 * < what it made < take().
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define COUNT 10
#define WAIT_S 5 /* for somebody to notice */

/* void made(void (*call)(void)) { call(); } with a frame pointer */
#ifdef __x86_64__
static const unsigned char code[] = {0x55, 0x48, 0x89, 0xe5, 0xff, 0xd7, 0x5d, 0xc3};
#else
static const unsigned code[] = {0xa9bf7bfd, 0x910003fd, 0xd63f0000, 0xa8c17bfd, 0xd65f03c0};
#endif

static size_t bytes;
static void *kept[COUNT];
static int count;

static void take(void)
{
	kept[count++] = malloc(bytes);
}

static void *make_in_file(void)
{
	int fd = memfd_create("maker", 0);
	char *at;

	if (fd < 0 || ftruncate(fd, 4096))
		return NULL;
	at = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (at == MAP_FAILED)
		return NULL;
	memcpy(at, code, sizeof(code));
	at = mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_SHARED, fd, 0);
	if (at == MAP_FAILED)
		return NULL;
	__builtin___clear_cache(at, at + sizeof(code));
	return at;
}

static void *make(int both)
{
	int last = PROT_READ | PROT_EXEC | (both ? PROT_WRITE : 0);
	int first = both ? last : PROT_READ | PROT_WRITE;
	char *at = mmap(NULL, sizeof(code), first, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (at == MAP_FAILED)
		return NULL;
	memcpy(at, code, sizeof(code));
	__builtin___clear_cache(at, at + sizeof(code));
	return mprotect(at, sizeof(code), last) ? NULL : at;
}

static void call_made(void (*made)(void (*call)(void)))
{
	made(take);
}

int main(int argc, char **argv)
{
	void *made;

	bytes = argc > 1 ? strtoul(argv[1], NULL, 10) : 0;
	/* whatever is looked at first, it is not there yet */
	sleep(1);
	if (argc > 2 && !strcmp(argv[2], "file"))
		made = make_in_file();
	else
		made = make(argc > 2);
	if (!made) {
		perror("executable memory");
		return 1;
	}
	sleep(WAIT_S);
	while (count < COUNT)
		call_made((void (*)(void (*)(void)))made);
	return 0;
}
