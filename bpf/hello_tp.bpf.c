// SPDX-License-Identifier: GPL-2.0 OR MIT OR Apache-2.0
/*
 * What you should see: one "hello world!" for each write of one process, the
 * one whose number the loader puts into `pid`, and none for anybody else's.
 */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

/* The loader sets this before loading. From then on it cannot change. */
const volatile __u32 pid;

SEC("tp/syscalls/sys_enter_write")
int bpf_prog(void *ctx)
{
	char msg[] = "hello world!\n";

	/* The upper half is what user space calls the process id. */
	if (bpf_get_current_pid_tgid() >> 32 != pid)
		return 0;

	bpf_trace_printk(msg, sizeof(msg));
	return 0;
}

char _license[] SEC("license") = "GPL";
