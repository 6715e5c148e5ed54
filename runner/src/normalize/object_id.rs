//! The numbers that the kernel gives to programs, maps, BTF and links as they come.

use super::mask::Mask;
use super::padding::{compiled, replaced_by};
use regex::Regex;
use std::borrow::Cow;
use std::sync::LazyLock;

/// `117: kprobe  name x  tag …`, `prog_ids 117`, `prog 117`, `prog/xdp id 117`.
pub(super) const PROG_ID: Mask = Mask {
    name: "prog-id",
    apply: |text| without_ids(&PROG, text),
};
/// `36: array  name x  flags 0x0`, `map_ids 36,37`, `map[id:36]`, `the address of map 36`.
pub(super) const MAP_ID: Mask = Mask {
    name: "map-id",
    apply: |text| without_ids(&MAP, text),
};
/// `22: name <anon>  size 402B`, `btf_id 22`.
pub(super) const BTF_ID: Mask = Mask {
    name: "btf-id",
    apply: |text| without_ids(&BTF, text),
};
/// `1: tracing  prog 14`, `link_id 1`.
pub(super) const LINK_ID: Mask = Mask {
    name: "link-id",
    apply: |text| without_ids(&LINK, text),
};

static PROG: LazyLock<Regex> = LazyLock::new(|| {
    let others = [
        r"(?m:^)[ \t]*(?:[0-9]+|\[ID\]): [a-z0-9_]+ +prog ([0-9]+)\b",
        r"\b(?:prog/xdp|generic|driver|offload) id ([0-9]+)\b",
    ];
    ids("prog", r"[a-z0-9_]+ +(?:name [!-~]+ +)?tag ", &others)
});
static MAP: LazyLock<Regex> = LazyLock::new(|| {
    let others = [
        r"(?m:^)[ \t]*(?:[0-9]+|\[ID\]): [a-z0-9_]+ +map ([0-9]+)\b",
        r"\bmap\[id:([0-9]+)\]",
        r"\baddress of map ([0-9]+)\b",
    ];
    ids("map", r"[a-z0-9_]+ +(?:name [!-~]+ +)?flags 0x", &others)
});
static BTF: LazyLock<Regex> = LazyLock::new(|| ids("btf", r"(?:name [!-~]+ +)?size [0-9]+B", &[]));
static LINK: LazyLock<Regex> =
    LazyLock::new(|| ids("link", r"[a-z0-9_]+ +(?:prog|map) [0-9\[]", &[]));

/// The forms that all kinds share: a listing's first column, `prog_id 5`, `prog_ids 5,6`, the
/// same in JSON, and JSON's bare `"id": 5`, which does not say of what.
fn ids(kind: &str, listed: &str, others: &[&str]) -> Regex {
    let mut forms = vec![
        // A type of BTF has a number too, which is its own: without a group it stays.
        r#""id": ?[0-9]+,\s*"kind""#.to_owned(),
        format!(r"(?m:^)[ \t]*([0-9]+): {listed}"),
        format!(r"\b{kind}_ids? +([0-9]+(?:,[0-9]+)*)\b"),
        format!(r#""{kind}_ids?": ?([0-9]+|\[[0-9,\s]+\])"#),
        r#""id": ?([0-9]+)"#.to_owned(),
    ];
    forms.extend(others.iter().map(|form| (*form).to_owned()));
    compiled(&format!("(?-u){}", forms.join("|")))
}

static NUMBER: LazyLock<Regex> = LazyLock::new(|| compiled("[0-9]+"));

/// A list keeps its length: two maps are `[ID],[ID]`.
fn without_ids<'t>(pattern: &Regex, text: &'t str) -> Cow<'t, str> {
    replaced_by(pattern, text, |ids| {
        Some(NUMBER.replace_all(ids, "[ID]").into_owned())
    })
}

#[cfg(test)]
mod tests {
    use super::super::tests::masked;
    use super::*;
    use insta::assert_snapshot;

    const PROGRAMS: &str = "\
147: raw_tracepoint  name bpf_prog  tag 810f503614361878  gpl
\tloaded_at 2026-11-23T03:51:31+0000  uid 0
\txlated 104B  jited 75B  memlock 4096B  map_ids 57,58
\tbtf_id 22
8: cgroup_skb  tag 6deef7357e7b4530  gpl";

    #[test]
    fn a_program_listing_loses_program_ids_only() {
        assert_snapshot!(masked(&PROG_ID, PROGRAMS), @"
        [ID]: raw_tracepoint  name bpf_prog  tag 810f503614361878  gpl
        	loaded_at 2026-11-23T03:51:31+0000  uid 0
        	xlated 104B  jited 75B  memlock 4096B  map_ids 57,58
        	btf_id 22
        [ID]: cgroup_skb  tag 6deef7357e7b4530  gpl
        ");
    }

    #[test]
    fn a_list_of_maps_keeps_its_length() {
        assert_snapshot!(masked(&MAP_ID, PROGRAMS), @"
        147: raw_tracepoint  name bpf_prog  tag 810f503614361878  gpl
        	loaded_at 2026-11-23T03:51:31+0000  uid 0
        	xlated 104B  jited 75B  memlock 4096B  map_ids [ID],[ID]
        	btf_id 22
        8: cgroup_skb  tag 6deef7357e7b4530  gpl
        ");
        assert_snapshot!(masked(&MAP_ID, r#""map_ids": [57
    ],"map_ids":[57,58]"#), @r#"
        "map_ids": [[ID]
            ],"map_ids":[[ID],[ID]]
        "#);
    }

    #[test]
    fn a_map_listing_and_a_map_in_bytecode_lose_their_ids() {
        assert_snapshot!(masked(&MAP_ID, "\
57: array  name .rodata.str1.1  flags 0x480
\tkey 4B  value 14B  max_entries 1  memlock 8192B
   0: (18) r1 = map[id:57]
   2: (18) r1 = map[id:5][0]+8"), @"
        [ID]: array  name .rodata.str1.1  flags 0x480
        	key 4B  value 14B  max_entries 1  memlock 8192B
           0: (18) r1 = map[id:[ID]]
           2: (18) r1 = map[id:[ID]][0]+8
        ");
    }

    #[test]
    fn btf_and_links_have_listings_too() {
        assert_snapshot!(masked(&BTF_ID, "22: name <anon>  size 402B  prog_ids 147\n1: name [vmlinux]  size 5516713B"), @"
        [ID]: name <anon>  size 402B  prog_ids 147
        [ID]: name [vmlinux]  size 5516713B
        ");
        let links = "3: tracing  prog 14  \n\tprog_type tracing  attach_type trace_fentry\n4: perf_event  prog 147\n\tkprobe ffffffff814bd860 x";
        assert_snapshot!(masked(&LINK_ID, links), @"
        [ID]: tracing  prog 14  
        	prog_type tracing  attach_type trace_fentry
        [ID]: perf_event  prog 147
        	kprobe ffffffff814bd860 x
        ");
        assert_snapshot!(masked(&PROG_ID, links), @"
        3: tracing  prog [ID]
        	prog_type tracing  attach_type trace_fentry
        4: perf_event  prog [ID]
        	kprobe ffffffff814bd860 x
        ");
    }

    #[test]
    fn what_ip_and_bpftool_perf_print_is_known() {
        assert_snapshot!(masked(&PROG_ID, "    prog/xdp id 27 tag 3b185187f1855c4d jited\nlo(1) generic id 5\npid 217  fd 5: prog_id 147  kprobe  func __x64_sys_write  offset 0"), @"
            prog/xdp id [ID] tag 3b185187f1855c4d jited
        lo(1) generic id [ID]
        pid 217  fd 5: prog_id [ID] kprobe  func __x64_sys_write  offset 0
        ");
    }

    #[test]
    fn json_keeps_its_shape() {
        assert_snapshot!(masked(&PROG_ID, r#"{"id":147,"type":"raw_tracepoint","btf_id":22,"prog_ids": [1,2]}"#), @r#"{"id":[ID],"type":"raw_tracepoint","btf_id":22,"prog_ids": [[ID],[ID]]}"#);
    }

    #[test]
    fn sizes_instructions_and_source_lines_stay() {
        let kept = "   7: (bf) r2 = r10\n; int x = 5\n  10: (85) call bpf_map_lookup_elem#6\n12: exit\nsize 402B\nmax_entries 16";
        for mask in [PROG_ID, MAP_ID, BTF_ID, LINK_ID] {
            assert_eq!(masked(&mask, kept), kept);
        }
    }

    #[test]
    fn the_types_of_btf_are_no_objects_of_the_kernel() {
        let kept = r#"[{"id":1,"kind":"INT"},{"id": 2, "kind": "PTR","type_id":1}]"#;
        let pretty = "{\n    \"id\": 1,\n    \"kind\": \"INT\"";
        for mask in [PROG_ID, MAP_ID, BTF_ID, LINK_ID] {
            assert_eq!(masked(&mask, kept), kept);
            assert_eq!(masked(&mask, pretty), pretty);
        }
    }
}
