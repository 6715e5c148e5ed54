//! The state of a shell: its folder, variables, functions, aliases and options.
//!
//! Traps, open files and jobs are not told, since no other shell could have them.

/// Prints all that, run in a subshell, which it changes as it goes: the options, a NUL, the rest, a
/// NUL. It starts no process and no further subshell, since it runs after each step. Variables that
/// bash sets by itself are left out. The agent switches `set -x` and `set -v` off between runs, and has
/// a name for that, and one for the status of the last step.
pub const TELL: &str = r#"
\builtin shopt -p
\builtin set +o
\builtin printf '%s\n(builtin exit %d) && builtin :\n' "${_tutor_x-}" "${_tutor_status-0}"
\builtin printf '\0'
\builtin set +eufx
\builtin printf 'builtin cd -- %q || builtin exit\n' "$PWD"
\builtin printf 'builtin unset OLDPWD; builtin export OLDPWD\n'
\builtin umask -p
\builtin test "$#" = 0 || { \builtin printf 'builtin set --'; \builtin printf ' %q' "$@"; \builtin printf '\n'; }
\builtin declare -p IFS || \builtin printf 'builtin unset IFS\n'
for _tutor_name in "${!_@}" \
  "${!a@}" "${!b@}" "${!c@}" "${!d@}" "${!e@}" "${!f@}" "${!g@}" "${!h@}" "${!i@}" \
  "${!j@}" "${!k@}" "${!l@}" "${!m@}" "${!n@}" "${!o@}" "${!p@}" "${!q@}" "${!r@}" \
  "${!s@}" "${!t@}" "${!u@}" "${!v@}" "${!w@}" "${!x@}" "${!y@}" "${!z@}" \
  "${!A@}" "${!B@}" "${!C@}" "${!D@}" "${!E@}" "${!F@}" "${!G@}" "${!H@}" "${!I@}" \
  "${!J@}" "${!K@}" "${!L@}" "${!M@}" "${!N@}" "${!O@}" "${!P@}" "${!Q@}" "${!R@}" \
  "${!S@}" "${!T@}" "${!U@}" "${!V@}" "${!W@}" "${!X@}" "${!Y@}" "${!Z@}"; do
  case $_tutor_name in
    _ | _tutor* | BASH* | COMP_* | DIRSTACK | EPOCH* | EUID | FUNCNAME | GROUPS | HISTCMD | IFS | \
      LINENO | PIPESTATUS | PPID | RANDOM | SECONDS | SHELLOPTS | SHLVL | SRANDOM | UID) ;;
    *) \builtin declare -p -- "$_tutor_name" ;;
  esac
done || \builtin exit 1
\builtin declare -f
\builtin declare -F
\builtin alias -p
\builtin printf '\0'
"#;

/// Returns the script by which another shell learns what one has told; nothing if it did not tell
/// all.
pub fn script(told: &[u8]) -> Option<String> {
    let told = std::str::from_utf8(told).ok()?;
    // No text of bash holds a NUL.
    let (options, rest) = told.strip_suffix('\0')?.split_once('\0')?;
    // Last, as with some of them the rest would read otherwise.
    Some(format!("{rest}{options}"))
}

/// Returns the status that such a script ends with, which is that of the last step of the shell.
pub fn status(script: &str) -> i32 {
    let last = script.trim_end().lines().last().unwrap_or_default();
    let status = last.strip_prefix("(builtin exit ");
    let status = status.and_then(|rest| rest.split_once(')')?.0.parse().ok());
    status.unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::Command;

    fn printed_by_bash(script: &str) -> Vec<u8> {
        let bash = Command::new("bash").args(["--norc", "-c", script]).output();
        bash.unwrap().stdout
    }

    #[test]
    fn another_shell_traces_what_it_does_if_this_one_did() {
        // Between two runs the agent's own name says so, and `set -x` is off.
        for (traces, flag) in [("set -x;", "x\n"), ("", "\n")] {
            let told = printed_by_bash(&format!("_tutor_x='{traces}'\n{TELL}"));
            let learns = script(&told).unwrap();
            let options = printed_by_bash(&format!("{learns}\necho ${{-//[^x]}}"));
            assert_eq!(String::from_utf8_lossy(&options), flag);
        }
    }

    #[test]
    fn another_shell_begins_with_the_status_of_the_last_step() {
        for exit in [0, 7] {
            let told = printed_by_bash(&format!("set -e; _tutor_status={exit}\n{TELL}"));
            let learns = script(&told).unwrap();
            assert_eq!(status(&learns), exit);
            let said = printed_by_bash(&format!("{learns}\necho $?"));
            assert_eq!(String::from_utf8_lossy(&said), format!("{exit}\n"));
        }
        // One that an earlier `tutor` kept.
        assert_eq!(status("builtin cd -- /\nset +o errexit\n"), 0);
    }
}
