// SPDX-License-Identifier: GPL-2.0 OR MIT OR Apache-2.0
/*
 * What you should see: nothing; the verifier has lookups in four kinds of map
 * to rewrite, and global data to find an address for.
 */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 16);
	__type(key, __u32);
	__type(value, __u64);
} hash SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 4);
	__type(key, __u32);
	__type(value, __u64);
} array SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 4);
	__type(key, __u32);
	__type(value, __u64);
} percpu SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 16);
	__type(key, __u32);
	__type(value, __u64);
} lru SEC(".maps");

__u64 total;
const volatile __u32 verbose;

SEC("raw_tp/sys_enter")
int count(void *ctx)
{
	__u32 key = 1;
	__u64 one = 1, *value;

	value = bpf_map_lookup_elem(&hash, &key);
	if (value)
		__sync_fetch_and_add(value, 1);
	else
		bpf_map_update_elem(&hash, &key, &one, BPF_ANY);

	value = bpf_map_lookup_elem(&array, &key);
	if (value)
		*value += bpf_ktime_get_ns();

	value = bpf_map_lookup_elem(&percpu, &key);
	if (value)
		*value += bpf_get_smp_processor_id();

	value = bpf_map_lookup_elem(&lru, &key);
	if (value)
		total += *value;

	if (verbose)
		bpf_printk("total is %llu", total);
	return 0;
}

char _license[] SEC("license") = "GPL";
