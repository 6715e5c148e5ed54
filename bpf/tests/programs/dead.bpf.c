// SPDX-License-Identifier: GPL-2.0 OR MIT OR Apache-2.0
/*
 * What you should see: nothing; half of this program can never run, and the
 * verifier takes it out.
 */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

const volatile __u32 debug;

SEC("raw_tp/sys_enter")
int mostly_dead(void *ctx)
{
	if (debug) {
		bpf_printk("this is never said");
		return 1;
	}
	return 0;
}

char _license[] SEC("license") = "GPL";
