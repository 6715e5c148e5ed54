// SPDX-License-Identifier: GPL-2.0 OR MIT OR Apache-2.0
/*
 * What you should see: the verifier refuses it. It does not know where the
 * loop ends, and follows it for as long as it follows anything.
 */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

SEC("socket")
int endless(struct __sk_buff *skb)
{
	int sum = 0;

	/* On one line, which the verifier names once, at the beginning of its log. */
	for (__u32 i = 0; i < skb->len; i++) sum += i ^ (sum << 1);
	return sum;
}

char LICENSE[] SEC("license") = "GPL";
