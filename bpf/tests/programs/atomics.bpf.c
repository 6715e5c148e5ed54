// SPDX-License-Identifier: GPL-2.0 OR MIT OR Apache-2.0
/*
 * What you should see: nothing; the atomic operations that give something
 * back. They need -mcpu=v3.
 */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

__u64 word;
__u32 half;

SEC("raw_tp/sys_enter")
int exchange(void *ctx)
{
	__u64 old = __sync_fetch_and_add(&word, 3);

	old ^= __sync_fetch_and_or(&word, old);
	old += __sync_fetch_and_and(&word, 0xffff);
	old += __sync_fetch_and_xor(&word, 0x55);
	old += __sync_val_compare_and_swap(&word, old, 1);
	old += __sync_lock_test_and_set(&word, 2);
	half = __sync_fetch_and_add(&half, 1) + (__u32)old;
	return 0;
}

char _license[] SEC("license") = "GPL";
