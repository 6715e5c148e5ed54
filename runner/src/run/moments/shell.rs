//! What a shell knows: its folder, variables, functions, aliases and options.
//!
//! Traps, open files and jobs are not told, since no other shell could have them.

/// Prints, run in a subshell, a script by which another shell learns all that. It changes that
/// subshell as it goes. Variables that bash sets by itself are left out.
pub const TELL: &str = r#"
\builtin printf 'builtin cd -- %q || builtin exit\n' "$PWD"
\builtin printf 'builtin unset OLDPWD; builtin export OLDPWD\n'
\builtin umask -p
\builtin test "$#" = 0 || { \builtin printf 'builtin set --'; \builtin printf ' %q' "$@"; \builtin printf '\n'; }
_tutor_options=$(\builtin shopt -p; \builtin set +o)
\builtin set +eufx
\builtin declare -p IFS 2>/dev/null || \builtin printf 'builtin unset IFS\n'
IFS=$'\n'
for _tutor_name in $(\builtin compgen -v); do
  case $_tutor_name in
    _ | _tutor* | BASH* | COMP_* | DIRSTACK | EPOCH* | EUID | FUNCNAME | GROUPS | HISTCMD | IFS | \
      LINENO | PIPESTATUS | PPID | RANDOM | SECONDS | SHELLOPTS | SHLVL | SRANDOM | UID) ;;
    *) \builtin declare -p -- "$_tutor_name" 2>/dev/null ;;
  esac
done
\builtin declare -f
\builtin declare -F
\builtin alias -p
\builtin printf '%s\n# all\n' "$_tutor_options"
"#;

/// How it ends, if the shell told all: one with a read-only `IFS` cannot.
pub const ALL: &str = "\n# all\n";
