// SPDX-License-Identifier: GPL-2.0 OR MIT OR Apache-2.0
/*
 * What you should see: nothing, it is only compiled. Calls of helpers,
 * subprograms of the same and of another section, callbacks and kernel
 * functions, and loops that stay loops.
 */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

extern void bpf_task_release(void *task) __ksym;
extern void *bpf_task_acquire(void *task) __ksym;
extern const int CONFIG_HZ __kconfig __weak;

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 4);
	__type(key, __u32);
	__type(value, long);
} totals SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 4096);
} events SEC(".maps");

static const char format[] = "%d %s\n";
int seen, unseen = 3;

static __attribute__((noinline)) int halve(int number)
{
	return seen ? number >> 1 : number;
}

__attribute__((noinline)) int twice(int number)
{
	return halve(number) * 4 + unseen;
}

static long add(__u32 index, void *total)
{
	*(long *)total += index * twice(index);
	return 0;
}

SEC("raw_tp/sys_enter")
int calls(void *ctx)
{
	__u32 key = 1;
	long total = 0;
	long *found = bpf_map_lookup_elem(&totals, &key);
	void *place = bpf_ringbuf_reserve(&events, 16, 0);

	bpf_loop(10, add, &total, 0);
	if (place) {
		bpf_probe_read_kernel(place, 16, ctx);
		bpf_ringbuf_submit(place, 0);
	}
	if (found)
		*found = total + CONFIG_HZ;
	bpf_trace_printk(format, sizeof(format), total, "x");
	return twice(total);
}

SEC("tp_btf/task_newtask")
int kernel_functions(unsigned long long *ctx)
{
	void *task = bpf_task_acquire((void *)ctx[0]);

	if (task)
		bpf_task_release(task);
	return 0;
}

SEC("socket")
int loops(struct __sk_buff *skb)
{
	int sum = 0;

#pragma clang loop unroll(disable)
	for (int i = 0; i < 100; i++) {
		sum += halve(i);
		if (sum > skb->len)
			break;
#pragma clang loop unroll(disable)
		for (long j = i; j; j >>= 1)
			sum ^= j;
	}
	return sum;
}

SEC("socket")
int packets(struct __sk_buff *skb)
{
	unsigned long long load_byte(void *, unsigned long long) asm("llvm.bpf.load.byte");
	unsigned long long load_half(void *, unsigned long long) asm("llvm.bpf.load.half");
	unsigned long long load_word(void *, unsigned long long) asm("llvm.bpf.load.word");

	return load_byte(skb, 12) + load_half(skb, skb->len) + load_word(skb, 26);
}

char _license[] SEC("license") = "GPL";
