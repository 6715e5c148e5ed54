// SPDX-License-Identifier: GPL-2.0 OR MIT OR Apache-2.0
/*
 * What you should see: the kernel refuses this program, because it reads
 * memory that it has no right to.
 */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

SEC("raw_tp/sys_enter")
int stray(void *ctx)
{
	int *anywhere = (int *)0x1234;

	return *anywhere;
}

char _license[] SEC("license") = "GPL";
