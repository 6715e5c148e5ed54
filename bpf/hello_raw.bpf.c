// SPDX-License-Identifier: GPL-2.0 OR MIT OR Apache-2.0
/*
 * What you should see: the same line as from hello.bpf.c, once for each time
 * you ask the kernel to run this program.
 */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

SEC("raw_tp/sys_enter")
int bpf_prog(void *ctx)
{
	char msg[] = "hello world!\n";

	bpf_trace_printk(msg, sizeof(msg));
	return 0;
}

char _license[] SEC("license") = "GPL";
