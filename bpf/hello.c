// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * What you should see: this loads a BPF object, attaches it, calls write() a
 * few times, and shows the lines the BPF program printed for these calls.
 *
 *     hello [-w WRITES] [-o OPENS] [-k FUNCTION] [-e LIMIT] OBJECT
 *
 *     -w  call write() this often (3)
 *     -o  open a file this often, too (0)
 *     -k  attach to this kernel function, whatever the section's name says
 *     -e  echo: answer each line with one more write, LIMIT lines at most
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <bpf/libbpf.h>

#include "trace.h"

/* Says what failed, and how to mend it where that is known. */
static int fail(const char *what, const char *which, int error,
		const char *hint)
{
	fprintf(stderr, "hello: cannot %s `%s`: %s (errno %d)\n", what, which,
		strerror(error), error);
	if (hint)
		fprintf(stderr, "help: %s\n", hint);
	return 1;
}

/* Tells a program that wants to know it which process we are. */
static int set_pid(struct bpf_object *object)
{
	struct bpf_map *map = bpf_object__find_map_by_name(object, ".rodata");
	__u32 pid = getpid();

	if (!map || bpf_map__value_size(map) != sizeof(pid))
		return 0;
	return bpf_map__set_initial_value(map, &pid, sizeof(pid));
}

/* Calls write() on a file that swallows everything. */
static int call_write(int writes)
{
	if (writes <= 0)
		return 0;

	int null = open("/dev/null", O_WRONLY);

	if (null < 0)
		return -errno;
	while (writes-- > 0)
		if (write(null, "x", 1) != 1)
			break;
	close(null);
	return 0;
}

/* Opens a file that is always there. */
static int call_open(int opens)
{
	while (opens-- > 0) {
		int null = open("/dev/null", O_RDONLY);

		if (null < 0)
			return -errno;
		close(null);
	}
	return 0;
}

/* Answers each line with a write, until there have been `limit` lines. */
static int echo(struct trace *trace, int limit)
{
	int found = 0, lines;

	while ((lines = trace_read(trace, NULL)) > 0) {
		found += lines;
		if (found >= limit || call_write(lines))
			break;
	}
	return found;
}

static int run(struct bpf_object *object, const char *function, int writes,
	       int opens, int limit)
{
	struct bpf_program *program = bpf_object__next_program(object, NULL);
	const char *section = bpf_program__section_name(program);
	const char *target = function ? function : section;
	struct bpf_link *link;
	struct trace trace;
	int error, found = 0;

	printf("open    program %s, section %s\n",
	       bpf_program__name(program), section);

	/* ANCHOR: heart */
	if (bpf_object__load(object)) {
		error = errno;
		return fail("load", section, error,
			    error != EPERM ? NULL :
			    "this needs root, or CAP_BPF and CAP_PERFMON");
	}
	printf("load    the kernel has it, and nothing calls it\n");

	error = -trace_open(&trace);
	if (error)
		return fail("read", TRACE_PIPE, error, trace_hint(error));

	/* From attach to detach we print nothing: printing is a write, too. */
	fflush(stdout);
	link = function ? bpf_program__attach_kprobe(program, false, function) :
			  bpf_program__attach(program);
	if (!link)
		return fail("attach to", target, errno, NULL);
	error = -call_write(writes);
	if (!error)
		error = -call_open(opens);
	if (!error && limit)
		found = echo(&trace, limit);
	bpf_link__destroy(link);
	/* ANCHOR_END: heart */

	if (error)
		return fail("write to or open", "/dev/null", error, NULL);
	printf("attach  to %s\n", target);
	printf("write   calls: %d\n", writes);
	if (opens)
		printf("opens   calls: %d\n", opens);
	printf("detach  nothing calls it again\n");
	found += trace_read(&trace, limit ? NULL : stdout);
	printf("read    lines: %d\n", found);
	trace_close(&trace);
	return 0;
}

int main(int argc, char **argv)
{
	const char *function = NULL;
	int writes = 3, opens = 0, limit = 0, option;

	while ((option = getopt(argc, argv, "w:o:k:e:")) != -1) {
		switch (option) {
		case 'w': writes = atoi(optarg); break;
		case 'o': opens = atoi(optarg); break;
		case 'k': function = optarg; break;
		case 'e': limit = atoi(optarg); break;
		default: return 2;
		}
	}
	if (optind != argc - 1) {
		fprintf(stderr, "usage: hello [-w WRITES] [-o OPENS] "
			"[-k FUNCTION] [-e LIMIT] OBJECT\n");
		return 2;
	}

	struct bpf_object *object = bpf_object__open_file(argv[optind], NULL);
	int error;

	if (!object)
		return fail("open", argv[optind], errno, NULL);
	if (!bpf_object__next_program(object, NULL)) {
		fprintf(stderr, "hello: there is no program in `%s`\n",
			argv[optind]);
		error = 1;
	} else if (set_pid(object)) {
		error = fail("set the pid in", argv[optind], errno, NULL);
	} else {
		error = run(object, function, writes, opens, limit);
	}
	bpf_object__close(object);
	return error;
}
