// SPDX-License-Identifier: GPL-2.0 OR MIT OR Apache-2.0
/*
 * What you should see: nothing, it is only compiled. ISA is the version of
 * the instruction set, which no compiler here says by itself. Arithmetic on 8 to 64
 * bits, signed and not, so that every ISA version shows what it has for it.
 */
#include <linux/bpf.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

long results[16];
volatile int int_in;
volatile long long_in;
volatile short short_in;
volatile signed char char_in;

SEC("socket")
int unsigned_ones(struct __sk_buff *skb)
{
	__u32 a = skb->len, b = skb->mark | 1;
	__u64 c = skb->hash, d = (__u64)long_in | 1;

	results[0] = a + b - (a * b) / b % 7;
	results[1] = (a | 0x10) ^ (b & ~a);
	results[2] = (a << 3) >> 1 | a << (b & 31);
	results[3] = c / d + c % d * 3 - d;
	results[4] = (c << (d & 63)) ^ (c >> (d & 63));
	results[5] = -c + -a;
	results[6] = 0x123456789abcdef0 ^ c;
	return a > b ? a : b;
}

SEC("socket")
int signed_ones(struct __sk_buff *skb)
{
	int a = int_in, b = skb->mark;
	long c = long_in;

	results[7] = a >> 3;
	results[8] = c >> (b & 63);
	results[9] = short_in;
	results[10] = char_in;
	results[11] = (short)a + (signed char)b + (int)c;
#if ISA >= 4
	results[12] = a / (b | 1) + a % (b | 1);
	results[13] = c / (a | 1) + c % (a | 1);
#endif
	if (a < b && c >= a)
		return -a;
	return a <= 5 || c > -3;
}

SEC("socket")
int byte_orders(struct __sk_buff *skb)
{
	results[14] = bpf_htons(skb->len) + bpf_htonl(skb->mark);
	results[15] = bpf_cpu_to_be64(long_in) + __builtin_bswap64(long_in);
	return __builtin_bswap32(skb->hash);
}

char _license[] SEC("license") = "GPL";
