// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * What you should see: this loads a BPF object, attaches it, calls write() a
 * few times, and shows the lines the BPF program printed for these calls.
 *
 *     hello [-w WRITES] [-k FUNCTION] [-e LIMIT] OBJECT
 *
 *     -w  call write() this often (3)
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

static const char *hint(int error)
{
	switch (error) {
	case EPERM:
		return "this needs root, or CAP_BPF and CAP_PERFMON";
	case EBUSY:
		return "somebody else is reading it";
	default:
		return NULL;
	}
}

static int fail(const char *what, const char *which, int error)
{
	fprintf(stderr, "hello: cannot %s `%s`: %s (errno %d)\n", what, which,
		strerror(error), error);
	if (hint(error))
		fprintf(stderr, "help: %s\n", hint(error));
	return 1;
}

/* Tells a program that wants to know it which process we are. */
static int set_pid(struct bpf_object *object)
{
	struct bpf_map *constants = bpf_object__find_map_by_name(object, ".rodata");
	__u32 pid = getpid();

	if (!constants || bpf_map__value_size(constants) != sizeof(pid))
		return 0;
	return bpf_map__set_initial_value(constants, &pid, sizeof(pid));
}

/*
 * Calls write() and reads the trace. Returns how many lines were ours.
 * Nothing may print here: printing is a write too.
 */
static int trigger(struct trace *trace, int writes, int limit, FILE *lines)
{
	int null = open("/dev/null", O_WRONLY);
	int found = 0;

	if (null < 0)
		return -errno;
	while (writes > 0) {
		int answers;

		for (; writes > 0; writes--)
			if (write(null, "x", 1) != 1)
				break;
		answers = trace_read(trace, "hello world!", lines);
		found += answers;
		if (found < limit)
			writes = answers;
	}
	close(null);
	return found;
}

static int run(struct bpf_object *object, const char *function, int writes, int limit)
{
	struct bpf_program *program = bpf_object__next_program(object, NULL);
	const char *section = bpf_program__section_name(program);
	const char *target = function ? function : section;
	struct bpf_link *link;
	struct trace trace;
	char *text = NULL;
	size_t size = 0;
	int found;

	printf("open    program %s, section %s\n", bpf_program__name(program), section);

	if (bpf_object__load(object))
		return fail("load", section, errno);
	printf("load    the kernel has it, and nothing calls it\n");

	found = trace_open(&trace);
	if (found < 0)
		return fail("read", TRACE_PIPE, -found);

	/* What we print from here to the detach waits in memory. */
	FILE *lines = open_memstream(&text, &size);
	fflush(stdout);

	link = function ? bpf_program__attach_kprobe(program, false, function) :
			  bpf_program__attach(program);
	if (!link)
		return fail("attach to", target, errno);

	found = trigger(&trace, writes, limit, lines);
	bpf_link__destroy(link);
	trace_close(&trace);
	fclose(lines);
	if (found < 0)
		return fail("write to", "/dev/null", -found);

	printf("attach  to %s\n", target);
	if (limit) {
		printf("echo    stopped at %d lines\n", found);
	} else {
		printf("write   %d times\n%s", writes, text);
		printf("read    %d lines are ours\n", found);
	}
	printf("detach  done\n");
	free(text);
	return 0;
}

int main(int argc, char **argv)
{
	const char *function = NULL;
	int writes = 3, limit = 0, option;

	while ((option = getopt(argc, argv, "w:k:e:")) != -1) {
		switch (option) {
		case 'w': writes = atoi(optarg); break;
		case 'k': function = optarg; break;
		case 'e': limit = atoi(optarg); break;
		default: return 2;
		}
	}
	if (optind != argc - 1) {
		fprintf(stderr, "usage: hello [-w WRITES] [-k FUNCTION] [-e LIMIT] OBJECT\n");
		return 2;
	}

	struct bpf_object *object = bpf_object__open_file(argv[optind], NULL);
	int error;

	if (!object)
		return fail("open", argv[optind], errno);
	if (!bpf_object__next_program(object, NULL)) {
		fprintf(stderr, "hello: there is no program in `%s`\n", argv[optind]);
		error = 1;
	} else if (set_pid(object)) {
		error = fail("set the process id in", argv[optind], errno);
	} else {
		error = run(object, function, writes, limit);
	}
	bpf_object__close(object);
	return error;
}
