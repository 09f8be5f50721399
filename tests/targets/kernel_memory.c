/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Memory that the kernel allocates because it is asked to.  Says `ready`, obeys one line
 * at a time on its standard input, and answers each on its standard output with what it
 * has done so far in all, as a ledger:
 *
 *   send COUNT SIZE     messages of SIZE bytes into queues of its own, 4 to a queue
 *   receive COUNT       the oldest ones
 *   userfaults COUNT    userfaultfd()s: an object each of a cache that little else uses
 *   rings COUNT BLOCKS  sockets with a ring of so many blocks of 4 pages
 *   close               all of both
 *   interrupt SECONDS   signals by a timer while it opens and closes sockets
 *   end                 ends (so does the end of the input)
 *
 * A message of SIZE bytes is one kmalloc() of a header and what fits in the rest of a
 * page, then one for each page more (ipc/msgutil.c).
 */
#include <fcntl.h>
#include <linux/if_packet.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ipc.h>
#include <sys/msg.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include "ledger.h"

#define PAGE 4096
#define MESSAGE_HEADER 48 /* sizeof(struct msg_msg) */
#define SEGMENT_HEADER 8  /* sizeof(struct msg_msgseg) */
#define QUEUES 8192
#define TO_A_QUEUE 4
#define FILES 8192
#define BLOCK (4 * PAGE)
#define INTERVAL_US 50

static struct {
	unsigned long allocs, alloc_bytes, frees, freed_bytes; /* of messages */
	unsigned long userfaults, blocks, signals;
} ledger;

static int queues[QUEUES];
static unsigned long sent, received;
static int files[FILES];
static unsigned file_count;
static volatile sig_atomic_t signals;

static void die(const char *what)
{
	perror(what);
	exit(1);
}

/* ---- messages ---------------------------------------------------------------- */

/* Counts the kmalloc()s of a message. */
static void count_message(size_t size, unsigned long *blocks, unsigned long *bytes)
{
	size_t part = size < PAGE - MESSAGE_HEADER ? size : PAGE - MESSAGE_HEADER;

	*blocks += 1;
	*bytes += MESSAGE_HEADER + part;
	for (size -= part; size; size -= part) {
		part = size < PAGE - SEGMENT_HEADER ? size : PAGE - SEGMENT_HEADER;
		*blocks += 1;
		*bytes += SEGMENT_HEADER + part;
	}
}

static struct {
	long type;
	char text[2 * PAGE];
} message = {.type = 1};

static void send_messages(unsigned long count, size_t size)
{
	for (unsigned long i = 0; i < count; i++, sent++) {
		if (sent >= (unsigned long)QUEUES * TO_A_QUEUE || size > sizeof(message.text))
			exit(1);
		if (sent % TO_A_QUEUE == 0)
			queues[sent / TO_A_QUEUE] = msgget(IPC_PRIVATE, 0600);
		if (msgsnd(queues[sent / TO_A_QUEUE], &message, size, 0))
			die("msgsnd");
		count_message(size, &ledger.allocs, &ledger.alloc_bytes);
	}
}

static void receive_messages(unsigned long count)
{
	for (unsigned long i = 0; i < count && received < sent; i++, received++) {
		ssize_t size = msgrcv(queues[received / TO_A_QUEUE], &message, sizeof(message.text),
				      0, IPC_NOWAIT);

		if (size < 0)
			die("msgrcv");
		count_message((size_t)size, &ledger.frees, &ledger.freed_bytes);
	}
}

/* ---- files ------------------------------------------------------------------- */

static int keep(int fd)
{
	if (fd < 0 || file_count == FILES)
		die("file");
	files[file_count++] = fd;
	return fd;
}

static void open_userfaults(unsigned long count)
{
	for (unsigned long i = 0; i < count; i++, ledger.userfaults++)
		keep((int)syscall(SYS_userfaultfd, O_CLOEXEC));
}

static void make_rings(unsigned long count, unsigned long blocks)
{
	struct tpacket_req ring = {
	    .tp_block_size = BLOCK,
	    .tp_block_nr = blocks,
	    .tp_frame_size = BLOCK,
	    .tp_frame_nr = blocks,
	};

	for (unsigned long i = 0; i < count; i++, ledger.blocks += blocks)
		if (setsockopt(keep(socket(AF_PACKET, SOCK_RAW, 0)), SOL_PACKET, PACKET_RX_RING,
			       &ring, sizeof(ring)))
			die("PACKET_RX_RING");
}

static void close_files(void)
{
	while (file_count)
		close(files[--file_count]);
}

/* ---- interrupts ---------------------------------------------------------------- */

static void on_signal(int number)
{
	(void)number;
	signals++;
}

/*
 * The kernel allocates each signal in the timer's interrupt, which comes to the CPU that
 * is busy here: often it will be in the middle of an allocation.
 */
static void be_interrupted(unsigned long seconds)
{
	const struct itimerval often = {{0, INTERVAL_US}, {0, INTERVAL_US}}, never = {0};
	time_t end = time(NULL) + (time_t)seconds;
	cpu_set_t one;

	CPU_ZERO(&one);
	CPU_SET(sched_getcpu(), &one);
	sched_setaffinity(0, sizeof(one), &one);
	signal(SIGALRM, on_signal);
	setitimer(ITIMER_REAL, &often, NULL);
	while (time(NULL) < end)
		close(socket(AF_UNIX, SOCK_STREAM, 0));
	setitimer(ITIMER_REAL, &never, NULL);
	ledger.signals = (unsigned long)signals;
}

/* ---- words ------------------------------------------------------------------- */

static void answer(void)
{
	printf("allocs=%lu alloc_bytes=%lu frees=%lu freed_bytes=%lu userfaults=%lu blocks=%lu "
	       "signals=%lu\n",
	       ledger.allocs, ledger.alloc_bytes, ledger.frees, ledger.freed_bytes,
	       ledger.userfaults, ledger.blocks, ledger.signals);
}

int main(void)
{
	const struct rlimit limit = {FILES + 64, FILES + 64};
	char line[128], word[32];
	unsigned long a, b;

	/* Queues outlive a process, but not the namespace that only it is in. */
	if (unshare(CLONE_NEWIPC))
		die("unshare");
	setrlimit(RLIMIT_NOFILE, &limit);
	setvbuf(stdout, NULL, _IOLBF, 0);
	ledger_signal("ready");
	while (fgets(line, sizeof(line), stdin)) {
		a = b = 0;
		if (sscanf(line, "%31s %lu %lu", word, &a, &b) < 1 || !strcmp(word, "end"))
			break;
		if (!strcmp(word, "send"))
			send_messages(a, b);
		else if (!strcmp(word, "receive"))
			receive_messages(a);
		else if (!strcmp(word, "userfaults"))
			open_userfaults(a);
		else if (!strcmp(word, "rings"))
			make_rings(a, b);
		else if (!strcmp(word, "close"))
			close_files();
		else if (!strcmp(word, "interrupt"))
			be_interrupted(a);
		else
			return 2;
		answer();
	}
	return 0;
}
