/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A process that lives before it is traced.  It makes 60 blocks and 4 threads,
 * says `ready`, and obeys one word a line on its standard input:
 *
 *   go      the scripted phase, in every thread; then writes the ledger
 *   fork    makes a child, which says `child`, reads one byte, and allocates
 *   end     ends (so does the end of the input)
 *
 * Blocks from before are freed in the phase: unknown ones to a tracer.
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ledger.h"

#define THREADS 4
#define BEFORE 60

static struct block before[BEFORE];
static pthread_barrier_t start, done;

static void phase(int number)
{
	struct block b[50];

	for (int i = 0; i < 50; i++)
		ledger_malloc(&b[i], 64 * number + i);
	for (int i = 0; i < 25 + number; i++)
		ledger_free(&b[i]);
	/* 10 in each of the 5 threads; 10 stay */
	for (int i = number * 10; i < number * 10 + 10; i++)
		ledger_free_foreign(&before[i]);
}

static void *thread(void *number)
{
	pthread_barrier_wait(&start);
	phase((int)(long)number);
	pthread_barrier_wait(&done);
	/* an ending thread's cached blocks are freed once more by glibc: unknown ones */
	for (;;)
		pause();
	return NULL;
}

static void go(void)
{
	ledger_reset();
	pthread_barrier_wait(&start);
	phase(0);
	pthread_barrier_wait(&done);
	ledger_write("attach");
}

static void make_child(int word)
{
	char c;
	pid_t pid = fork();

	if (pid < 0)
		exit(1);
	if (pid > 0) {
		waitpid(pid, NULL, 0);
		return;
	}
	struct block b[40];
	ledger_reset();
	ledger_signal("child");
	if (read(word, &c, 1) != 1)
		_exit(1);
	for (int i = 0; i < 40; i++)
		ledger_malloc(&b[i], 3000 + i);
	for (int i = 0; i < 15; i++)
		ledger_free(&b[i]);
	ledger_write("forked");
	_exit(0);
}

/* One byte at a time: the child reads on where we stopped. */
static bool read_word(char *word, size_t size)
{
	size_t length = 0;
	char c;

	while (read(0, &c, 1) == 1) {
		if (c == '\n') {
			word[length] = '\0';
			return true;
		}
		if (length + 1 < size)
			word[length++] = c;
	}
	return false;
}

int main(void)
{
	pthread_t id;
	char word[32];

	pthread_barrier_init(&start, NULL, THREADS + 1);
	pthread_barrier_init(&done, NULL, THREADS + 1);
	for (int i = 0; i < BEFORE; i++)
		ledger_malloc(&before[i], 4000 + i);
	for (long i = 1; i <= THREADS; i++)
		if (pthread_create(&id, NULL, thread, (void *)i))
			return 1;
	ledger_signal("ready");
	while (read_word(word, sizeof(word)) && strcmp(word, "end")) {
		if (!strcmp(word, "go"))
			go();
		else if (!strcmp(word, "fork"))
			make_child(0);
	}
	return 0;
}
