// SPDX-License-Identifier: GPL-2.0 OR MIT OR Apache-2.0
/*
 * What you should see: one line with these words, each time you ask the kernel
 * to run this program.
 */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

SEC("raw_tp/sys_enter")
int words(void *ctx)
{
	bpf_printk("hello world!");
	return 0;
}

char _license[] SEC("license") = "GPL";
