// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * Talks to tutor in the agent's place, as whoever is root in the lab's guest can: stops process 1,
 * takes its port, tells that the run ended, and lies when it is asked for files.
 *
 *   evil PATH LENGTH SENT    lists one file at PATH that has LENGTH bytes, and sends SENT of them
 *
 * For the test `runner/tests/lab/run.rs`; it does nothing outside of a guest whose process 1 is the
 * agent.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static int port = -1;

static void die(const char *what)
{
	perror(what);
	exit(1);
}

static void all(int writes, void *bytes, size_t count)
{
	char *at = bytes;

	while (count > 0) {
		ssize_t done = writes ? write(port, at, count) : read(port, at, count);

		if (done <= 0)
			exit(0);
		at += done;
		count -= done;
	}
}

static void frame(uint8_t kind, const void *payload, uint32_t length)
{
	all(1, &length, 4);
	all(1, &kind, 1);
	all(1, (void *)payload, length);
}

static void say(const char *json)
{
	frame(0, json, strlen(json));
}

/* The number of the agent's file that is a virtio port. */
static int number(void)
{
	char name[300], target[300];
	struct dirent *entry;
	DIR *files = opendir("/proc/1/fd");

	while (files && (entry = readdir(files))) {
		ssize_t length;

		snprintf(name, sizeof(name), "/proc/1/fd/%s", entry->d_name);
		length = readlink(name, target, sizeof(target) - 1);
		if (length < 0)
			continue;
		target[length] = 0;
		if (!strncmp(target, "/dev/vport", 10))
			return atoi(entry->d_name);
	}
	die("no port");
	return -1;
}

static void take_port(void)
{
	int wanted = number(), agent;

	if (ptrace(PTRACE_SEIZE, 1, 0, 0) || ptrace(PTRACE_INTERRUPT, 1, 0, 0))
		die("ptrace");
	if (waitpid(1, NULL, __WALL) != 1)
		die("waitpid");
	agent = syscall(SYS_pidfd_open, 1, 0);
	port = syscall(SYS_pidfd_getfd, agent, wanted, 0);
	if (port < 0)
		die("pidfd_getfd");
}

/* The number behind the first "id": of a request. */
static unsigned int id_of(const char *request)
{
	const char *id = strstr(request, "\"id\":");

	return id ? strtoul(id + 5, NULL, 10) : 0;
}

static char text[1 << 16];
static char chunk[4 + (1 << 16)];

int main(int count, char **words)
{
	long long length, sent;

	if (count != 4)
		return 1;
	length = atoll(words[2]);
	sent = atoll(words[3]);
	take_port();
	say("{\"Ended\":{\"id\":1,\"status\":{\"Exited\":0},\"shell\":\"Kept\",\"on_request\":false}}");
	for (;;) {
		char request[1 << 16];
		uint32_t size;
		uint8_t kind;

		all(0, &size, 4);
		all(0, &kind, 1);
		if (size >= sizeof(request))
			return 1;
		all(0, request, size);
		request[size] = 0;
		if (strstr(request, "\"List\"")) {
			snprintf(text, sizeof(text),
				 "{\"Guest\":{\"Listed\":{\"id\":%u,\"more\":false,\"entries\":[{"
				 "\"path\":\"%s\",\"kind\":{\"File\":{\"mode\":420,\"bytes\":%lld}},"
				 "\"stamp\":{\"device\":1,\"inode\":2,\"bytes\":3,\"changed_ns\":4},"
				 "\"fresh\":false}]}}}",
				 id_of(request), words[1], length);
			say(text);
		} else if (strstr(request, "\"Get\"")) {
			unsigned int id = id_of(request);
			long long left = sent;

			memcpy(chunk, &id, 4);
			memset(chunk + 4, 'x', sizeof(chunk) - 4);
			while (left > 0) {
				long long some = left < 1 << 16 ? left : 1 << 16;

				frame(3, chunk, 4 + some);
				left -= some;
			}
			snprintf(text, sizeof(text), "{\"Guest\":{\"Done\":{\"id\":%u,\"error\":null}}}", id);
			say(text);
		}
	}
}
