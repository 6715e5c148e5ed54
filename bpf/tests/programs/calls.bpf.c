// SPDX-License-Identifier: GPL-2.0 OR MIT OR Apache-2.0
/*
 * What you should see: nothing; subprograms, static and global, a loop with a
 * callback, and a tail call.
 */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, 2);
	__type(key, __u32);
	__type(value, __u32);
} programs SEC(".maps");

static __noinline int square(int x)
{
	return x * x;
}

__noinline int cube(int x)
{
	return square(x) * x;
}

static long add(__u32 index, void *data)
{
	__u64 *sum = data;

	*sum += cube(index);
	return 0;
}

SEC("xdp")
int loops(struct xdp_md *ctx)
{
	__u64 sum = 0;

	bpf_loop(10, add, &sum, 0);
	return sum == 2025 ? XDP_PASS : XDP_DROP;
}

SEC("xdp")
int jumps(struct xdp_md *ctx)
{
	if (square(ctx->rx_queue_index) == 4)
		bpf_tail_call(ctx, &programs, 0);
	bpf_tail_call(ctx, &programs, ctx->rx_queue_index);
	return XDP_ABORTED;
}

char _license[] SEC("license") = "GPL";
