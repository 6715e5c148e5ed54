// SPDX-License-Identifier: GPL-2.0 OR MIT OR Apache-2.0
/*
 * What you should see: nothing, it is only compiled. Atomic operations: up
 * to ISA version 2 there is only the addition whose result nobody takes.
 */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

unsigned long wide;
unsigned int narrow;
unsigned long results[10];

SEC("socket")
int atomics(struct __sk_buff *skb)
{
	__sync_fetch_and_add(&wide, skb->len);
	__sync_fetch_and_add(&narrow, skb->len);
#if ISA >= 3
	__sync_fetch_and_and(&wide, 1);
	__sync_fetch_and_or(&wide, 2);
	__sync_fetch_and_xor(&narrow, 3);
	results[0] = __sync_fetch_and_add(&wide, 4);
	results[1] = __sync_fetch_and_and(&wide, 5);
	results[2] = __sync_fetch_and_or(&narrow, 6);
	results[3] = __sync_fetch_and_xor(&narrow, 7);
	results[4] = __sync_fetch_and_sub(&wide, 8);
	results[5] = __sync_lock_test_and_set(&wide, 9);
	results[6] = __sync_lock_test_and_set(&narrow, 10);
	results[7] = __sync_val_compare_and_swap(&wide, 11, skb->len);
	results[8] = __sync_val_compare_and_swap(&narrow, 12, skb->len);
#endif
	return 0;
}

char _license[] SEC("license") = "GPL";
