/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Reads the kernel's trace, and keeps only the lines that this process caused.
 *
 * trace_pipe belongs to the whole machine: every program's output ends there,
 * only one reader may hold it, and what is read is gone.
 */
#ifndef TRACE_H
#define TRACE_H

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
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

/* A line begins with the task's name and number: `hello-4711   [001] …`. */
static inline bool trace_is_ours(const char *line, const char *text)
{
	char mark[32];

	snprintf(mark, sizeof(mark), "-%d ", getpid());
	return strstr(line, mark) && strstr(line, text);
}

/*
 * Reads what is there now and does not wait for more. Copies our lines that
 * hold `text` to `out`, with the empty line the kernel may add after each;
 * without `out`, only counts them. Returns how many lines were ours.
 */
static inline int trace_read(struct trace *t, const char *text, FILE *out)
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
			if (trace_is_ours(t->line, text)) {
				if (out)
					fprintf(out, "%s\n", t->line);
				t->ours = true;
				found++;
			} else {
				if (out && t->ours && t->used == 0)
					fputc('\n', out);
				t->ours = false;
			}
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
