// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * What you should see: this loads a BPF object, asks the kernel to run its
 * program a few times, and shows the lines the program printed. It attaches
 * the program to nothing.
 *
 *     run OBJECT TIMES
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "trace.h"

#define ENOTSUPP 524	/* the kernel's own number, unknown to strerror() */

static int fail(const char *what, const char *which, int error)
{
	fprintf(stderr, "run: cannot %s `%s`: %s (errno %d)\n", what, which,
		error == ENOTSUPP ? "this program type has no test run" :
				    strerror(error), error);
	return 1;
}

static int run(struct bpf_program *program, int times)
{
	const char *section = bpf_program__section_name(program);
	struct trace trace;
	int error = trace_open(&trace);

	if (error) {
		fail("read", TRACE_PIPE, -error);
		if (trace_hint(-error))
			fprintf(stderr, "help: %s\n", trace_hint(-error));
		return 1;
	}
	for (int i = 0; i < times; i++) {
		LIBBPF_OPTS(bpf_test_run_opts, opts);

		if (bpf_prog_test_run_opts(bpf_program__fd(program), &opts)) {
			error = errno;
			break;
		}
	}
	int found = trace_read(&trace, stdout);

	trace_close(&trace);
	if (error)
		return fail("run", section, error);
	printf("runs: %d, lines: %d\n", times, found);
	return 0;
}

int main(int argc, char **argv)
{
	if (argc != 3) {
		fprintf(stderr, "usage: run OBJECT TIMES\n");
		return 2;
	}

	struct bpf_object *object = bpf_object__open_file(argv[1], NULL);
	struct bpf_program *program;
	int error;

	if (!object)
		return fail("open", argv[1], errno);
	program = bpf_object__next_program(object, NULL);
	if (!program)
		error = fail("find a program in", argv[1], ENOENT);
	else if (bpf_object__load(object))
		error = fail("load", argv[1], errno);
	else
		error = run(program, atoi(argv[2]));
	bpf_object__close(object);
	return error;
}
