/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Reads the kernel's trace, and keeps only the lines that this process caused.
 *
 * trace_pipe belongs to the whole machine: every program's output ends there,
 * only one reader may hold it, and what is read is gone.
 */
#ifndef TRACE_H
#define TRACE_H

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define TRACE_PIPE "/sys/kernel/tracing/trace_pipe"

struct trace {
	int fd;
	char line[512];		/* the line being put together */
	size_t used;
	bool ours;		/* was the last line ours? */
};

/* Waits up to five seconds for another reader to go. Returns 0 or -errno. */
static inline int trace_open(struct trace *t)
{
	const struct timespec pause = { .tv_nsec = 50 * 1000 * 1000 };
	int tries = 100;

	memset(t, 0, sizeof(*t));
	while ((t->fd = open(TRACE_PIPE, O_RDONLY | O_NONBLOCK)) < 0) {
		if (errno != EBUSY || --tries == 0)
			return -errno;
		nanosleep(&pause, NULL);
	}
	return 0;
}

/* What to do when trace_open() says no. */
static inline const char *trace_hint(int error)
{
	switch (error) {
	case EBUSY:
		return "somebody else is reading it, and only one may";
	case ENOENT:
		return "mount -t tracefs tracefs /sys/kernel/tracing";
	case EACCES:
	case EPERM:
		return "reading the trace needs root";
	default:
		return NULL;
	}
}

/*
 * The process that a line is about, or -1 where a message goes on that began in
 * a line above. A line begins with the task's name and number, and a processor:
 * `hello-4711   [001] …`.
 */
static inline int trace_pid(const char *line)
{
	const char *at = line;

	while ((at = strstr(at, " ["))) {
		const char *end = at++;

		if (!isdigit((unsigned char)at[1]))
			continue;
		while (end > line && end[-1] == ' ')
			end--;

		const char *pid = end;

		while (pid > line && isdigit((unsigned char)pid[-1]))
			pid--;
		if (pid > line && pid < end && pid[-1] == '-')
			return atoi(pid);
	}
	return -1;
}

/* Is a line ours? What says that lines were lost is nobody's. */
static inline bool trace_is_ours(const struct trace *t)
{
	int pid = trace_pid(t->line);

	if (pid < 0)
		return t->ours && strncmp(t->line, "CPU:", 4);
	return pid == getpid();
}

/*
 * Reads what is there now and does not wait for more. Copies our messages to
 * `out`, whatever their words; without `out`, only counts them. Returns how
 * many there were.
 */
static inline int trace_read(struct trace *t, FILE *out)
{
	char chunk[4096];
	int found = 0;
	ssize_t got;

	while ((got = read(t->fd, chunk, sizeof(chunk))) > 0) {
		for (ssize_t i = 0; i < got; i++) {
			if (chunk[i] != '\n') {
				if (t->used < sizeof(t->line) - 1)
					t->line[t->used++] = chunk[i];
				continue;
			}
			t->line[t->used] = '\0';
			t->ours = trace_is_ours(t);
			if (t->ours && trace_pid(t->line) > 0)
				found++;
			if (t->ours && out)
				fprintf(out, "%s\n", t->line);
			t->used = 0;
		}
	}
	return found;
}

static inline void trace_close(struct trace *t)
{
	close(t->fd);
}

#endif
