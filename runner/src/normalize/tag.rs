//! A program's tag: the first eight bytes of a hash, which the kernel computes by its own rules.

use super::mask::Mask;
use super::padding::{compiled, replaced};
use regex::Regex;
use std::borrow::Cow;
use std::sync::LazyLock;

/// Hides the sixteen digits of `tag 810f503614361878` and `bpf_prog_810f503614361878_name`.
pub(super) const MASK: Mask = Mask { name: "tag", apply };

static TAG: LazyLock<Regex> = LazyLock::new(|| {
    compiled(
        r#"(?-u)\btag +([0-9a-f]{16})\b|"tag": ?"([0-9a-f]{16})"|\bbpf_prog_([0-9a-f]{16})(?:_|\b)"#,
    )
});

fn apply(text: &str) -> Cow<'_, str> {
    replaced(&TAG, text, "[TAG]")
}

#[cfg(test)]
mod tests {
    use super::super::tests::masked;
    use super::*;
    use insta::assert_snapshot;

    #[test]
    fn a_tag_is_hidden_in_listings_json_and_symbols() {
        assert_snapshot!(masked(&MASK, "\
117: kprobe  name bpf_prog  tag 810f503614361878  gpl
\"tag\": \"a0631a0aff93fc03\",\"tag\":\"a0631a0aff93fc03\"
t bpf_prog_810f503614361878_bpf_prog [bpf], bpf_prog_6deef7357e7b4530"), @r#"
        117: kprobe  name bpf_prog  tag [TAG] gpl
        "tag": "[TAG]","tag":"[TAG]"
        t bpf_prog_[TAG]_bpf_prog [bpf], bpf_prog_[TAG]
        "#);
    }

    #[test]
    fn other_hex_stays() {
        let kept = "tag 810f, sha 810f503614361878, bpf_prog_test";
        assert_eq!(masked(&MASK, kept), kept);
    }
}
