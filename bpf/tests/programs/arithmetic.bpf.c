// SPDX-License-Identifier: GPL-2.0 OR MIT OR Apache-2.0
/*
 * What you should see: nothing; every kind of arithmetic, atomics, byte swaps,
 * and packets read in several widths.
 */
#include <linux/bpf.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

__u64 counter64;
__u32 counter32;

SEC("tc")
int arithmetic(struct __sk_buff *skb)
{
	void *data = (void *)(long)skb->data, *end = (void *)(long)skb->data_end;
	__u64 *long_word = data;
	__u32 *word = data + 8;
	__u16 *half = data + 12;
	__u8 *byte = data + 14;
	__u64 x;
	__u32 y;

	if (data + 16 > end)
		return 0;
	x = *long_word;
	y = *word;
	x = x * 3 + (x >> 7) - (x << 2) + x / (y | 1) + x % (*byte + 1);
	x ^= (__s64)x >> 3;
	x |= 0x1122334455667788ULL;
	x &= ~(__u64)*half;
	x += bpf_ntohl(y) + bpf_ntohs(*half) + bpf_be64_to_cpu(*long_word);
	y = y * 5 - (y >> 3) + (y << 9) + y / 3 + y % 7;
	y ^= (__s32)y >> 2;
	y = -y;
	__sync_fetch_and_add(&counter64, x);
	__sync_fetch_and_add(&counter32, y);
	skb->mark = y;
	return (__s64)x > 17 ? 1 : (y < 9 ? 2 : -1);
}

char _license[] SEC("license") = "GPL";
