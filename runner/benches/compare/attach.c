// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * What you should see: "attached", and then nothing; the program in the BPF
 * object stays attached to the kernel function until this is ended.
 *
 *     attach OBJECT FUNCTION
 */
#include <stdio.h>
#include <unistd.h>

#include <bpf/libbpf.h>

int main(int argc, char **argv)
{
	struct bpf_program *program;
	struct bpf_object *object;

	if (argc != 3)
		return 2;
	object = bpf_object__open_file(argv[1], NULL);
	if (!object || bpf_object__load(object))
		return 1;
	program = bpf_object__next_program(object, NULL);
	if (!program || !bpf_program__attach_kprobe(program, false, argv[2]))
		return 1;
	puts("attached");
	fflush(stdout);
	pause();
	return 0;
}
