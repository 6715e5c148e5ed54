// SPDX-License-Identifier: GPL-2.0 OR MIT OR Apache-2.0
/*
 * What you should see: nothing; it is there to be taken apart. It calls a helper
 * by a number that no header gave it.
 */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

static long (*helper)(void) = (void *)123;

SEC("raw_tp/sys_enter")
int bpf_prog(void *ctx)
{
	helper();
	return 0;
}

char _license[] SEC("license") = "GPL";
