//! Dates, clock times and durations.

use super::mask::Mask;
use super::padding::{compiled, replaced};
use regex::Regex;
use std::borrow::Cow;
use std::sync::LazyLock;

/// Hides dates, clock times, durations with a unit, behind them or in their name (`run_time_ns 7`), and
/// the kernel log's timestamps.
pub(super) const MASK: Mask = Mask {
    name: "time",
    apply,
};

static TIME: LazyLock<Regex> = LazyLock::new(|| {
    compiled(
        r#"(?mx-u)
        # 2026-11-23, 2026/11/23, 2026-11-23T03:51:31+0000, 2026-11-23 03:51:31.123 +0000
        \b( [0-9]{4} (?: -[0-9]{2}-[0-9]{2} | /[0-9]{2}/[0-9]{2} )
            (?: [T\ ] [0-9]{2}:[0-9]{2} (?: :[0-9]{2} (?:[.,][0-9]+)? )? (?: Z | [\ ]?[-+][0-9]{2}:?[0-9]{2} )? )?
        )\b
        # Mon Nov 23 03:51:31 UTC 2026, Nov 23 03:51, Nov 23  2026
        | \b( (?: (?:Mon|Tue|Wed|Thu|Fri|Sat|Sun),?\ + )?
            (?: (?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)\ +[0-9]{1,2} )
            (?: ,?\ +[0-9]{2}:[0-9]{2}(?: :[0-9]{2}(?:\.[0-9]+)? )?(?:\ +[AP]M)? (?: \ +[A-Z]{3,4} )? (?: \ +[0-9]{4} )?
              | ,?\ +[0-9]{4} )
        )\b
        # Mon, 23 Nov 2026 03:51:31 +0000
        | \b( (?: (?:Mon|Tue|Wed|Thu|Fri|Sat|Sun),?\ + )?
            [0-9]{1,2}\ +(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)\ +[0-9]{4}
            (?: \ +[0-9]{2}:[0-9]{2}(?: :[0-9]{2} )?(?:\ +(?:[A-Z]{3,4}|[-+][0-9]{4}))? )?
        )\b
        # 03:51:31, 03:51:31.123
        | \b( [0-9]{1,2}:[0-9]{2}:[0-9]{2}(?:[.,][0-9]+)? )\b
        # 1m2.345s, 1h2m3s
        | \b( (?:[0-9]+h)?[0-9]+m[0-9]+(?:\.[0-9]+)?s )\b
        # 1.5 ms, 20us, 1046 usec, 3 seconds, 2 days
        | \b( [0-9]+(?:[.,][0-9]+)*(?:e[-+][0-9]+)?\ ?(?: (?:n|u|µ|μ|m)?s | (?:n|u|µ|μ|m)?secs? | (?:nano|micro|milli)?seconds?
            | mins? | minutes? | hours? | days? | weeks? ) )\b
        # real 0.01, 0.00user 0:00.05elapsed
        | ^(?:real|user|sys)[\ \t]+( [0-9]+\.[0-9]+ )$
        | \b( [0-9]+\.[0-9]+ )(?:user|system)\b | \b( (?:[0-9]+:)?[0-9]+:[0-9]{2}(?:\.[0-9]{2})? )elapsed\b
        # run_time_ns 123456, and in JSON: the name holds the unit
        | \b (?:[a-z]+_)*(?:time|elapsed|duration|latency)_[num]?s(?:ecs?)? (?: "?:\ * | [\ =]\ * ) ([0-9]+(?:\.[0-9]+)?)\b
        # [   12.345678] of the kernel log
        | ^\[\ *( [0-9]+\.[0-9]{6} )\]
        "#,
    )
});

fn apply(text: &str) -> Cow<'_, str> {
    replaced(&TIME, text, "[TIME]")
}

#[cfg(test)]
mod tests {
    use super::super::tests::masked;
    use super::*;
    use insta::assert_snapshot;

    #[test]
    fn every_usual_way_to_write_a_date_or_a_time_is_known() {
        assert_snapshot!(masked(&MASK, "\
\tloaded_at 2026-11-23T03:51:31+0000  uid 0
2026-11-23 | 2026-11-23 03:51 | 2026-11-23 03:51:31.123456789 +0000 | 2026-11-23T03:51:31Z
Mon Nov 23 03:51:31 UTC 2026 | Mon Nov 23 03:51:31 AM UTC 2026
-rw-r--r-- 1 root root 904 Nov 23 03:51 hello.o
-rw-r--r-- 1 root root 904 Nov  3  2025 hello.o
took 03:51:31.5"), @"
        	loaded_at [TIME] uid 0
        [TIME] | [TIME] | [TIME] | [TIME]
        [TIME] | [TIME]
        -rw-r--r-- 1 root root 904 [TIME] hello.o
        -rw-r--r-- 1 root root 904 [TIME] hello.o
        took [TIME]
        ");
    }

    #[test]
    fn durations_have_a_unit() {
        assert_snapshot!(masked(&MASK, "\
real\t0m0.003s
user\t12m40.100s
1.5 ms, 20us, 3 seconds, 12s, 5µs, 17 ns
[   12.345678] bpf: x"), @"
        real [TIME]
        user [TIME]
        [TIME], [TIME], [TIME], [TIME], [TIME], [TIME]
        [[TIME]] bpf: x
        ");
    }

    #[test]
    fn other_numbers_stay() {
        let kept = "r1 = 10s_x, 14B, 1.5 GB, 6.12.101, 10:5, map 3 states, 12 msgs, [1.5] x, May 5 programs";
        assert_eq!(masked(&MASK, kept), kept);
    }

    #[test]
    fn the_units_of_the_kernel_and_of_words_are_known() {
        assert_snapshot!(masked(&MASK, "\
verification time 1046 usec, stack depth 0+16
took 12 msec, 5 nsec, 3 usecs, 1 microsecond, 2 milliseconds, 7 nanoseconds
3 minutes ago, 1 hour, 2 days, 5 min, 1 day, 2 weeks
run_time_ns 123456 run_cnt 3, \"run_time_ns\":123456,\"run_cnt\":3
\"time_ms\": 12, elapsed_us=7 total_duration_ns: 8
real 0.01
sys   12.00
0.00user 0.01system 0:00.05elapsed, 2.5e-06 s per loop, 1,234.5 ms
2026/11/23 03:51:31, Mon, 23 Nov 2026 03:51:31 +0000, 23 Nov 2026"), @r#"
        verification time [TIME], stack depth 0+16
        took [TIME], [TIME], [TIME], [TIME], [TIME], [TIME]
        [TIME] ago, [TIME], [TIME], [TIME], [TIME], [TIME]
        run_time_ns [TIME] run_cnt 3, "run_time_ns":[TIME],"run_cnt":3
        "time_ms": [TIME], elapsed_us=[TIME] total_duration_ns: [TIME]
        real [TIME]
        sys [TIME]
        [TIME]user [TIME]system [TIME]elapsed, [TIME] per loop, [TIME]
        [TIME], [TIME], [TIME]
        "#);
    }

    #[test]
    fn what_a_program_is_told_is_no_time() {
        let kept = "timeout_ms 500, poll_ms=100, 14 bytes, 3 days_left, 5 secrets, 2026/11, 12 mins_x, May 23, 1/2/3, a real 0.5, user 3";
        assert_eq!(masked(&MASK, kept), kept);
    }
}
