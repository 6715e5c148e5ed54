# What tutor says, in English. One file a language; keys are the same in all.
# Lower case, no final period, names in backticks.

error = error
help = help: { $text }
unknown = unknown

# Where things are
folders-none = cannot tell where to keep anything: neither `HOME` nor `TUTOR_HOME` is set
no-current-folder = cannot tell which folder this is
no-own-path = cannot find the program's own file
no-signals = cannot listen for Ctrl-C
no-thread = cannot start a thread that listens for Ctrl-C; end some processes, or raise the limit (`ulimit -u`, or that of the container)
workspace = workspace: { $folder }
workspace-busy = cannot use the workspace `{ $folder }`: another `tutor` runs the lesson there; where that is a `tutor study` that waits for you, press `a` there to run again what you edited, or `q` to leave it; else wait for it to end, or run it in a folder of its own with `tutor run LESSON --fresh`
workspace-link = cannot write `{ $file }`: `{ $way }` is a link, and nothing is written behind one; move it away, or let `tutor reset LESSON { $file }` put it aside
workspace-no-folder = cannot write `{ $file }`: `{ $way }` is no folder; move it away, or let `tutor reset LESSON { $file }` put it aside
workspace-full = { $error }; free some space on that disk and try again: `tutor storage` says what takes how much
workspace-too-much = { $error }; remove what is not needed there, or begin afresh with `tutor reset LESSON`
workspace-replaced = cannot use `{ $folder }`: a link, a mount or another folder is in the place of the one that was there, and nothing in it is touched; look at what it is, then `tutor reset LESSON` puts it aside and begins afresh
abandoned-stays = a folder of an earlier test stays, since { $error }
home-link = `{ $home }` was a link to `{ $target }`: the link is removed, and nothing behind it
home-file = `{ $home }` was no folder any more, and is removed
result-write = cannot write the result to `{ $path }`: { $error }
result-no-file = cannot write the result to `{ $path }`: it is no regular file
result-no-file-help = name a file that is there already or not at all, and no link
stdout-write = cannot write to standard output: { $error }
too-new = a newer `tutor` wrote `{ $path }`: it is in format { $format }, and this one knows { $known }; use that `tutor`, or name another folder for this one by `TUTOR_HOME`
store-write = cannot remember anything in `{ $path }`: { $error }
kept = kept: { $folder }

# Choosing what runs
plan-no-step = no step `{ $step }` in { $lesson }: { $count ->
    [0] it has no steps
    [one] its only step is { $steps }
   *[other] its steps are { $steps }
}
plan-no-step-but = no step `{ $step }` in { $lesson }; did you mean `{ $meant }`?
bad-time = `{ $text }` is no length of time: write `500ms`, `30s` or `2m`
bad-jobs = `{ $text }` is no number of lessons: write `1` or more
bad-partition = `{ $text }` is no part: write `1/4` for the first of four
course-invalid = { $count ->
    [one] the course has an error, so nothing was run
   *[other] the course has { $count } errors, so nothing was run
}
lessons-invalid = { $count ->
    [one] a lesson has errors and was not run: { $names }
   *[other] { $count } lessons have errors and were not run: { $names }
}
lesson-absent = lesson `{ $lesson }` cannot be read
course-unknown = the course is written in a format that this `tutor` does not know

# Consent
consent-course = The course in `{ $folder }` is not tutor's own.
consent-earlier = An earlier `tutor` was told to run whatever it holds. What you agree to is kept by its text now, so it asks once more.
consent-lesson = The lesson { $lesson } runs:
consent-lessons = Running { $count } lessons, { $first } to { $last }, runs:
consent-probes = To find out what this machine has, it runs:
consent-on-host = on this machine, with all that you may do yourself
consent-on-host-confined = on this machine, kept from what is yours by { $parts }
asks-path = finding programs in { $place }
asks-read = reading { $place }
asks-read-and-sockets = reading { $place }, and speaking to whoever listens at sockets there
asks-place = `{ $place }`
asks-nowhere = `{ $place }`, which is not there
asks-leads-to = `{ $place }`, which is `{ $path }`
asks-env = your variable `{ $name }`
asks-network = the network, your own machine included
asks-ports = the network, your own machine included, to connect to TCP { $ports }
asks-limits = up to { $processes } processes, { $memory } MB of memory, and files of { $file } MB
consent-in-lab = in the lab
consent-on-kernel = on this machine's own kernel, with all that you may do yourself
consent-in-workspace = into the workspace
consent-steps = { $count ->
    [one] { $count } step
   *[other] { $count } steps
}
consent-checks = { $count ->
    [one] { $count } check
   *[other] { $count } checks
}
consent-asked = { $count ->
    [one] { $count } probe
   *[other] { $count } probes
}
consent-files = { $count ->
    [one] { $count } file
   *[other] { $count } files
}
consent-asks = the course also asks for: { $what }
consent-changed = It is not what you agreed to:
consent-is-other = `{ $path }`: { $part } has changed
consent-is-new = `{ $path }`: { $part } is new
consent-is-gone = `{ $path }`: { $part } is gone
consent-order = `{ $path }`: its parts stand in another order
consent-lesson-new = `{ $path }`: you have not agreed to this lesson
consent-asks-other = `lessons/course.toml`: what it asks for has changed
consent-more = and { $count } more
consent-long = All of it are { $count } lines; `s` shows them.
consent-own = If you wrote “{ $title }” yourself, say so with `tutor trust`, and nobody asks again.
consent-choices = run it? [y] yes, as it is now  [s] see all of it  [N] no
consent-refused = not run
consent-no-terminal = the course in `{ $folder }` is not tutor's own, and there is no terminal to ask at: read all that it runs with `{ $command }`, then pass `--yes`
consent-newer = a newer `tutor` wrote what may run; use that one, or remove the file to be asked anew
script-on-host = on this machine
script-on-kernel = where kernel steps run
script-written = written into the workspace
trust-now = the course in `{ $folder }` is your own: nobody asks again before it runs, whatever it becomes; `tutor trust --revoke FOLDER` takes that back
trust-own = your own: { $folder }
trust-agreed = agreed to: { $folder }: { $lessons }
trust-none = no course is your own, and you agreed to none
trust-revoked = forgotten: what you agreed to of { $folder }
trust-unknown = nothing was agreed to of `{ $folder }`; `tutor trust --list` names what was
trust-embedded = the course in the program is tutor's own, and is never asked about

on-host-note = kernel steps load their programs into this machine's own kernel (`--on host`)

running-before-command = `--on`, `--kernel`, `--timeout` and `--yes` belong behind the command: `tutor run lesson-2 --on host`
not-a-regular-file = it is no regular file
longer-than = it is longer than { $size } MiB

# Places
backend-start = cannot start the agent `{ $program }`: { $error }
backend-gone = the process that keeps the lesson's shell is gone; the next step starts a new one
backend-ended = { $why }; the next step that runs there starts a new one
backend-not-again = one machine of the lab started, and a further one did not: { $why }; start `tutor` again, and as `tutor test -j 1` where several lessons ran at once
backend-unconfined = steps of this course cannot be confined here ({ $why }); to run them with all that you may do yourself, pass `--unconfined`
backend-failed = the place it runs in says: { $what }
lab-remedy-memory = allow it (SELinux: `setsebool -P deny_execmem 0`; a systemd unit: `MemoryDenyWriteExecute=no`), or pass `--on host`
lab-remedy-machine = try `tutor lab run -- true`, which shows what the machine says; `--on host` uses this machine's own kernel
lab-remedy-setup = get one with `tutor lab setup`; `--on host` uses this machine's own kernel, which takes root's rights
lab-remedy-damaged = get it again with `{ $setup }`
lab-remedy-kernel-name = name a series such as `6.12`, a whole release or a path; `tutor lab status` lists what is there
lab-remedy-kernel = get it with `tutor lab setup --kernel { $kernel }`, or see what is there with `tutor lab status`
lab-remedy-qemu = install QEMU (Debian, Ubuntu: `apt-get install qemu-system-x86`), or pass `--on host`
lab-remedy-disk = free some space or make the folder writable, or move the cache with `XDG_CACHE_HOME`; `--on host` uses this machine's own kernel
lab-remedy-qemu-old = install QEMU 7.0 or newer (Debian 12 and Ubuntu 24.04 have one), or pass `--on host`
lab-remedy-architecture = pass `--on host`, which uses this machine's own kernel
lab-remedy-kvm = leave KVM alone with `TUTOR_LAB_ACCEL=tcg`, which works everywhere and is slower
lab-remedy-kvm-device = become a member of the group that owns it (often `usermod -aG kvm USER`, and log in again), or leave KVM alone with `TUTOR_LAB_ACCEL=tcg`
lab-bad-accelerator = `TUTOR_LAB_ACCEL` is `{ $value }`, and it may be `tcg`, `kvm`, or not set
lab-remedy-image = see what is missing with `tutor doctor`, or pass `--on host`
lab-unusable = the lab was asked for and cannot be used: { $reason }
lab-no-kernel = the lab has no kernel yet
lab-no-such-kernel = the lab has no kernel `{ $kernel }`
lab-shell-no-terminal = `tutor lab shell` needs a terminal; `tutor lab run -- COMMAND` does not
lab-shell-hint = root in a virtual machine of its own, without your files: `--folder FOLDER` brings some; `exit` ends it, and nothing of it is kept
lab-shell-hint-folder = root in a virtual machine of its own, with a copy of `{ $folder }` and no compiler: what you write there on your own machine does not get here; what changes here comes back when you leave, by `exit`
lab-shell-again = what changed here could not be brought back: { $error }; the machine goes on, so mend that and leave again
lab-brought = came back to `{ $folder }`: { $names }
lab-brought-removed = removed from `{ $folder }`, as in the lab: { $names }
lab-brought-nothing = nothing had changed in `{ $folder }`
lab-brought-more = { $names } and { $count } more
lab-folder-lost = what changed in `{ $folder }` since then did not come back
lab-folder-failed = cannot bring `{ $folder }` to the lab: { $error }
lab-measure-failed = cannot write what was measured to `{ $file }`
lab-no-checkpoint = no checkpoint could be taken
lab-command-text = the command holds bytes that are no text
lab-states = { $count ->
    [one] one file that makes it start fast: { $size }
   *[other] { $count } files that make it start fast: { $size }
}
lab-checkpoints = { $count ->
    [one] one file that takes lessons back to a step: { $size }
   *[other] { $count } files that take lessons back to a step: { $size }
}
lab-tries-kvm = trying whether KVM works here, once: ten seconds at most
bpf-no-kernel = this command asks no kernel: leave `--on` and `--kernel` out
kernel-of-lab = `--kernel` names a kernel of the lab, and `--on host` asks this machine's own: leave one of them out
bpf-on-lab = or ask a kernel of the lab, without root: add `--on lab`
bpf-nothing-loaded = the lab's machine is a new one, with nothing loaded yet: name an object file, or load it yourself in `tutor lab shell`
lab-boots = starting the lab's machine; later runs resume it in a fraction of a second
lab-state-refused = the lab's saved state `{ $file }` is not used, and made again: { $error }
lab-not-kept = cannot keep the lab's state in `{ $folder }`, so the next start takes as long: { $error }
backend-slow = no answer within { $seconds } s
guarded-failed = cannot start the virtual machine: { $error }
agent-failed = the agent ended: { $error }
port-taken = something listens on port { $port } already, so it could not be told when this step is ready; end it, or choose another port
never-ready = it ended before it was ready, so `until` never came true
keep-failed = cannot keep the output of `{ $step }` for its checks: { $error }
exclusive-failed = cannot wait for `{ $name }`: { $error }

# Needs
need-no-reason = { $what } is not here
need-too-old = { $what } is { $found } here, and { $wanted } or later is needed
need-no-version = { $what } is here, but it does not tell its version, and { $wanted } or later is needed
need-other-program = steps run `{ $theirs }`, and your PATH has `{ $yours }` first
need-out-of-reach = `{ $program }` is in your PATH (`{ $folder }`), which steps do not have: add `{ $place }` to `path` of `[steps]` in `lessons/course.toml`
need-out-of-reach-own = `{ $program }` is in your PATH (`{ $folder }`), which steps do not have; { $otherwise }
need-install = install it: `{ $command }`
need-own-as-root = as root: `sudo "$(command -v tutor)" run { $lesson } --on host`; in the lab, without root: `tutor run { $lesson }`
need-own-said = { $said }; in the lab: `tutor run { $lesson }`
need-own-lab = in the lab: `tutor run { $lesson }`
package-newest = `{ $package }` { $version } is installed, and this system's archive has no newer one: { $otherwise }
package-installed = `{ $package }` { $version } is installed: upgrade the system, or where its archive has no newer one: { $otherwise }
package-lost = `{ $package }` is installed, and its file `{ $file }` is gone or is no such file: install it again, `{ $command }`
package-otherwise = take it from a newer release of the system, or build it from its source
probe-timeout = its probe did not answer in time
probe-interrupted = its probe was interrupted
probe-killed = its probe was ended by signal { $signal }
facet-probe-said = unknown, since `{ $probe }` tells no version: { $said }
facet-probe-silent = unknown, since `{ $probe }` tells no version

# A lesson as it runs
goals = after this lesson you can
goals-time = time: { $time }
file-long = { $count } lines, not shown here: they are in the file
step-on-kernel = on the kernel
step-waits = waits for its turn: only one step at a time may do this
step-ready = { $step } is ready and goes on in the background
spinner = { $step } has run for { $seconds } s
output-hidden = { $bytes } more bytes were printed; they are not shown here
file-written = wrote { $file }
file-unchanged = { $file } is as the lesson has it
file-updated = wrote { $file } anew: the lesson has changed
file-kept = kept your edits of { $file }; the lesson's own text is above
file-kept-unshown = kept your edits of { $file }; they are shown by: `tutor diff { $lesson }`
file-changed = { $file } is as a step left it; the lesson's own text is above
shell-new = the lesson's shell had been ended before this step by something else: it began in a new one, without the variables and functions of earlier steps
shell-lost = this ended the lesson's shell: variables and functions are lost, files are not
leftover-ended = { $step } left this running, and it was ended: { $what }
leftover-ended-unknown = something left this running, and it was ended: { $what }
unending = a process of `{ $step }` that does not end, though it was killed: it waits for the kernel
leftover-stays = the lesson left this behind, and tutor cannot take it away: { $what }
outdated = `{ $file }` has changed since `{ $step }` ran, and what that made is of the text before; to make it anew: `tutor run { $lesson } --from { $step }`
kept-yours = `{ $file }` is as you changed it; what the lab had there is kept beside it, in `{ $beside }`
kept-yours-removed = `{ $file }` stays, since you changed something there; the lab had removed it
out-of-memory = the lab's machine ran out of memory, and its kernel ended `{ $process }`
unguarded = steps here share their mounts with this machine: { $refused }
kept-yours-lost = what the lab has at `{ $file }` could not be brought back; what is there on your machine is as it was
written-over = { $count ->
    [one] `{ $file }` as you had it is kept in { $folder }, since the step wrote over it or removed it
   *[other] { $count } files as you had them are kept in { $folder }, since the step wrote over them or removed them
}
kept-aside = { $count ->
    [one] `{ $file }` of an earlier run is kept in { $folder }, since the same steps did not make it again
   *[other] { $count } files of an earlier run are kept in { $folder }, since the same steps did not make them again
}

# Verdicts
verdict-passed = { $name }: as recorded
verdict-passed-failing = { $name }: as recorded, and it fails as it should: { $exit }
verdict-shown-failing = { $name }: done, with { $exit }
exit-status = exit status { $status }
awaited-line = until then it printed no line that matches `{ $pattern }`
awaited-file = until then there was no file `{ $path }`
awaited-port = until then nothing listened on port { $port }
never-ready-help = give it longer with `--timeout 2m`, or let its `until` name what it prints or makes when it is ready
verdict-holds = { $name } holds
verdict-holds-value = { $name } holds: { $value }
verdict-holds-after = { $holds } (after `{ $step }` failed, this says little)
verdict-shown = { $name }: done
verdict-new = { $name }: no output is recorded yet
verdict-recorded = { $name }: recorded, not run
verdict-changed = { $name }: the output differs from the recorded one
verdict-stale = { $name }: the output is as recorded, but the step is not
verdict-differs-here = { $name }: differs here, and so does the environment
verdict-edited = { $name }: differs, and you edited { $files }
edited-too = you edited { $files }
verdict-check-failed = { $name } does not hold: “{ $sentence }”
verdict-wrong-exit = { $name }: exit status { $got }, expected { $expected }
verdict-wrong-end = { $name }: ended by { $got }, expected exit status { $expected }
verdict-timed-out = { $name }: timed out after { $limit }
verdict-never-ready = { $name }: timed out after { $limit }: { $reason }
verdict-interrupted = { $name }: interrupted
verdict-skipped = { $name }: skipped: { $reason }
verdict-solved = { $name }: solved
verdict-unsolved = { $name }: not solved yet
verdict-unproved = { $name }: the solution does not pass
verdict-open = { $name }: an exercise for you
verdict-broken = { $name }: could not be run: { $message }
verdict-unjudged = { $name }: ran, and could not be judged: { $message }
check-name = check { $name }
question-name = question { $name }
answer-is = { $name }: the answer is { $answer }
answer-none = { $name }: nothing answers it after your edits
answer-differs-here = { $name }: the answer differs here, and so does the environment
answer-new = { $name }: the answer is { $answer }, and none is recorded yet
answer-differs = { $name }: “{ $question }” has a different answer here than the recorded one
check-expected = expected: { $expected }
check-actual = got:      { $actual }
check-ended = ended with: { $ending }
lines-left-out = … { $count } more lines …
stale-why = when it was recorded, { $reasons }
stale-after-failure = `{ $name }` had failed before in the same run
stale-command = the command was another
stale-exit = it ended with { $exit }
stale-on = it ran on the { $place }
stale-masks = its masks were `{ $masks }`
stale-no-masks = it had no masks
stale-own-mask = mask `{ $name }` of the course was another
stale-above = `{ $name }` above it was another
stale-check = check `{ $name }` was another
stale-check-missing = check `{ $name }` was not there or did not hold
stale-check-gone = it had a check `{ $name }`
diff-left-out = … { $count } more changed lines …
facet = { $name }: recorded on { $theirs }, here { $ours }
facet-meaning = { $name } ({ $what })
facet-not-there = { $name }: not known where it was recorded, here { $ours }
facet-not-here = { $name }: recorded on { $theirs }, not known here
facets-same = the same there and here: { $names }

# Why something did not run
doctor-report = the report is in `{ $path }`; it holds no names, keys or paths of your home, but read it before you pass it on
doctor-unknown = not known: { $why }
skip-need-unknown = whether { $need } is there is not known: { $reason }
skip-need = needs { $need }: { $reason }
skip-step = `{ $step }` did not run
skip-failed = `{ $step }` did not end as it should
skipped-prose = what follows was written about a recorded run; `{ $step }` was not run here
failed-prose = what follows was written about a recorded run; `{ $step }` did not go like that here
skip-rest = `{ $step }` skipped the rest of the lesson
skip-rest-said = `{ $step }` skipped the rest of the lesson: { $said }
skip-self = it ended with status 80, which skips the rest of the lesson
skip-self-said = { $said }
skip-stopped = stopped at `{ $step }`
stopped-early = { $count ->
    [one] stopped at `{ $step }`: one step or check after it was not run
   *[other] stopped at `{ $step }`: { $count } steps and checks after it were not run
}
skip-timeout = the lesson used up its { $limit }
skip-learner = by choice
skip-exercise = an exercise that was not begun
open-help = change { $files }, then type `tutor run { $lesson } --only { $name }`; a hint is `tutor hint { $lesson } { $name }`
exercise-changed = the fence that judges it changed `{ $file }`, so the solution cannot be put there
exercise-open = the fence that judges it passes what the learner begins with
exercise-open-help = let it end with status 1 until the task is done: it asks what the program does

# Counts
count-passed = { $count } passed
count-shown = { $count } shown
count-new = { $count } new
count-changed = { $count } changed
count-differs-here = { $count ->
    [one] { $count } differs here
   *[other] { $count } differ here
}
count-edited = { $count ->
    [one] { $count } differs after your edits
   *[other] { $count } differ after your edits
}
count-check-failed = { $count ->
    [one] { $count } check failed
   *[other] { $count } checks failed
}
count-wrong-exit = { $count } with a wrong exit status
count-timed-out = { $count } timed out
count-interrupted = { $count } interrupted
count-solved = { $count } solved
count-unsolved = { $count } not solved yet
count-open = { $count ->
    [one] one exercise open
   *[other] { $count } exercises open
}
count-skipped = { $count } skipped
count-broken = { $count } could not be run or judged
count-none = nothing ran

# What next
next-again = look at one step again: `tutor run { $lesson } --only { $step }`
next-diff = what you changed: `tutor diff { $lesson }`; to put a file as the lesson has it: `tutor reset { $lesson } FILE`
next-doctor = what was skipped, and how to get it: `tutor doctor`
next-doctor-host = what was skipped, and how to get it: `tutor doctor --on host`; the lab may have it: leave out `--on host`
next-record = what has no recorded output yet gets it by: `tutor test { $lesson }`, then `tutor review`
tip-lesson = to run a lesson: `tutor run { $lesson }`
next-none = that was the last lesson
next-interrupted = interrupted before the end of `{ $step }`; go on there with: `tutor run { $lesson } --from { $step }`
next-lesson = next: `tutor run { $lesson }`  ({ $title })

# list and show
standing-new = { $count ->
    [one] { $count } step
   *[other] { $count } steps
}
standing-done = done, all { $count }
standing-here = { $done } of { $count } done
standing-changed = { $done } of { $count } done, { $changed } changed since
show-check = check: { $sentence } (expects { $expect })
show-recorded = recorded, not run now: { $provenance }
show-unrecorded = no output is recorded yet

# test and review
test-good = all as expected
test-good-elsewhere = nothing failed; what differs was recorded in another environment
test-empty-part = this part has no lessons
test-bad = not as expected
test-lacking = not everything could run
test-interrupted = interrupted
test-review = { $count ->
    [one] { $count } output waits to be read: `tutor review`
   *[other] { $count } outputs wait to be read: `tutor review`
}
review-nothing = no output waits to be read
review-new = new, { $ended }: { $provenance }
review-old = recorded, { $ended }: { $provenance }
review-base = the output for all others, { $ended }: { $provenance }
review-now = now, { $ended }: { $provenance }
review-exit = exit { $status }
review-silent = it printed nothing
review-same = the same output
review-check = check { $name } held: { $value }, { $claim }
review-check-gone = check { $name } is gone, or did not hold
review-failed-before = `{ $failed }` failed in the same run before this step ended, so this may show what went wrong
review-choices = [a]ccept  [r]eject  [s]kip  [A]ccept all  [R]eject all  [q]uit
review-accepted = accepted { $name }
review-rejected = rejected { $name }
review-how = { $count ->
    [one] { $count } output waits: `tutor accept LESSON [STEP]` or `tutor reject LESSON [STEP]`
   *[other] { $count } outputs wait: `tutor accept LESSON [STEP]` or `tutor reject LESSON [STEP]`, `--all` for every one
}
review-after-failure = left alone: `{ $failed }` failed before { $name } ended in the same run, so it may show what went wrong; mend that and run `tutor test { $lesson }`, or accept this too with `--after-failure`
review-no-step = left alone: `{ $file }` { $why }; `tutor accept --prune` removes it
prune-nothing = every output is of a step
prune-removed = removed { $file }, which { $why }
review-stale = left alone: when { $name } printed this, { $reasons }; run: `tutor test { $lesson }`
review-embedded = outputs can be accepted only in a course's own folder: run it there, or name it with `--course`

# matrix
matrix-group = { $name } on { $places }: { $mark }
matrix-beside-recorded = { $name } on { $places }: { $mark }, beside what is recorded ({ $provenance })
matrix-beside-group = { $name } on { $places }: { $mark }, beside { $others }
matrix-torn = environments disagree on `{ $name }` and the step does not vary by what tells them apart, so nothing was left to accept: add it to the step's `vary=`
matrix-cell = { $lesson } on { $environment }
matrix-one = only one environment: name more kernels with `--kernels 6.1,6.12` (`tutor lab status` lists yours, `tutor lab setup --kernel 6.1` gets another), or compilers with `--clang 14,16`
matrix-no-kernels = { $count ->
    [one] the lab has no kernel { $kernels }, so nothing was run
   *[other] the lab has no kernels { $kernels }, so nothing was run
}
matrix-get-kernels = get { $count ->
    [one] it
   *[other] them
} with `{ $command }`; without `--kernels` every kernel that is there is taken
matrix-no-clang = { $count ->
    [one] there is no `clang-{ $versions }` in { $path }, so nothing was run
   *[other] there is no clang { $versions } in { $path }, so nothing was run
}
matrix-get-clang = install { $count ->
    [one] it
   *[other] them
} (Debian, Ubuntu: `{ $command }`)
matrix-bad-clang = `{ $version }` is no major version of clang: write `--clang 14,16`
matrix-no-links = cannot make a folder of programs for the steps: { $error }
matrix-twice = the environment { $name } is asked for twice

# check and new
check-stale = { $count ->
    [one] the recorded output { $names } is not of this step as it is now: when it was recorded, { $reasons }
   *[other] the recorded outputs { $names } are not of this step as it is now: when they were recorded, { $reasons }
}
check-stale-help = run `tutor test { $lesson }`, then `tutor review { $lesson }`
check-stale-variant-help = run `tutor test { $lesson }` where the variants were recorded (`tutor matrix { $lesson }` does so for kernels and compilers), then `tutor review { $lesson }`; delete those that nobody can record again
check-summary = { $lessons ->
    [one] { $lessons } lesson
   *[other] { $lessons } lessons
}: { $errors ->
    [0] no errors
    [one] { $errors } error
   *[other] { $errors } errors
}, { $warnings ->
    [0] no warnings
    [one] { $warnings } warning
   *[other] { $warnings } warnings
}
new-embedded = a lesson can be added only in a course's own folder, and a course begun only in an empty one: run it there, or name it with `--course`
new-written = wrote { $path }; try it: `tutor run { $lesson }`

# storage
storage-row = { $what }: { $size }, in { $place }
storage-workspaces = { $count ->
    [one] 1 workspace
   *[other] { $count } workspaces
}
storage-aside = { $count ->
    [one] 1 folder put aside
   *[other] { $count } folders put aside
}
storage-homes = the steps' home folders, and what is known of workspaces
storage-remembered = your progress, what you agreed to, and what the last runs saw
storage-kernels = kernels of the lab
storage-starts = what the lab's machines start from
storage-moments = { $count ->
    [one] states that 1 lesson can be taken back to
   *[other] states that { $count } lessons can be taken back to
}
storage-temporary = { $count ->
    [one] 1 folder that you asked to keep
   *[other] { $count } folders that you asked to keep
}
storage-edits = { $workspace } holds { $count ->
    [one] a file of your own
   *[other] { $count } files of your own
}: { $files }{ $more ->
    [0] { "" }
    [one] {" "}and 1 more
   *[other] {" "}and { $more } more
}
storage-waiting = { $count ->
    [one] 1 output waits in this course to be read (`tutor review`); it is the course's and stays
   *[other] { $count } outputs wait in this course to be read (`tutor review`); they are the course's and stay
}
storage-nothing = nothing is kept
storage-sum = altogether { $size }; to remove all of it, your own files in workspaces too: `tutor storage --remove-all`
storage-no-terminal = all of it is removed after asking only, and there is no terminal to ask at; to remove it without: `tutor storage --remove-all --yes`
storage-ask = remove all of it, your own files in workspaces too? [y/N]
storage-removed = removed: { $size }
storage-stays = something stays: { $error }

# study and reset
study-question = Before it runs: { $question }
study-choice = { $letter }  { $choice }
study-predict = your prediction (Enter: none, :help) »
study-predict-number = your prediction, a number (Enter: none, :help) »
study-predict-choice = your prediction, a to { $last } or the words (Enter: none, :help) »
study-predict-help = what you type is your prediction, whatever it is, and Enter alone says none; `:back` goes to the step before, `:skip` goes on without this one, `:again` runs the last one again, `:quit` leaves
study-no-number = `{ $said }` is no number, and the answer is one: type a number, such as `3` or `0x10`
study-said = “{ $question }” You said { $said }.
study-said-answered = “{ $question }” You said { $said }; what came out was { $answer }.
study-said-nothing = “{ $question }” You said nothing.
study-no-choice = `{ $said }` is none of them: type a letter from a to { $last }, or the words
study-right = you said { $said }, and so it is
study-other = you said { $said }
study-prompt = { $step }: [Enter] run  [s]kip  [b]ack  [a]gain  [q]uit ›
study-prompt-predicted = { $step }: [Enter] run  [p]redict anew  [s]kip  [b]ack  [a]gain  [q]uit ›
study-prompt-section = [Enter] go on  [b]ack  [a]gain  [q]uit ›
study-prompt-failed = { $step }: [Enter] again  [d]iff  [g]o on  [b]ack  [q]uit ›
study-prompt-exercise = { $step }: [Enter] judge  [h]int  [s]kip  [b]ack  [q]uit ›
study-prompt-unsolved = { $step }: [Enter] judge again  [h]int  [d]iff  [g]o on  [b]ack  [q]uit ›
study-exercise = change { $files } in an editor, then let it be judged
study-unbegun = the file is as the lesson has it: change and save it first, or go on without it by `s`
study-keys-exercise = keys: Enter judges what you changed, h shows the next hint, s or g goes on without it, d shows your edits, b goes back, q or Esc quits
study-mend = this did not go as the lesson has it; mend what you like (its files are in `{ $folder }`), and run it again
study-keys = keys: Enter or r runs, s skips, b goes back, a runs again from what you edited or the last step, d shows your edits, q or Esc quits
study-keys-predicted = keys: Enter or r runs, p asks the question again, s skips, b goes back, a runs again from what you edited or the last step, d shows your edits, q or Esc quits
study-keys-section = keys: Enter goes on, b goes back to the last step, a runs again from what you edited or the last step, d shows your edits, q or Esc quits
study-keys-failed = keys: Enter or a runs again from what you edited or this step, d shows your edits and how the output differs, g goes on all the same, b goes back to this step, q or Esc quits
study-output-differs = from the recorded output to this one:
study-at-beginning = there is no step before this
study-place = you are before `{ $step }`, step { $number } of { $count }; the beginning: `tutor study { $lesson } --from { $first }`
study-rewound = all is as it was before `{ $step }`; your edits stay
study-outdated = `{ $file }` has changed since `{ $step }` ran: [a]gain runs from there
study-open = { $count ->
    [one] one step of { $lesson } is not done: `tutor study { $lesson } --from { $step }`
   *[other] { $count } steps of { $lesson } are not done, the first with: `tutor study { $lesson } --from { $step }`
}
study-unknown = `{ $typed }` means nothing here; { $keys }
study-input = cannot read the keyboard: { $error }
study-left = go on where you are with: `{ $command }`
rewound = all is as it was before `{ $step }`: { $what }; your edits stay
rewound-lab-and-shell = the lab with its shell and what is loaded and attached there, the variables and functions of the shell on this machine, and the files that steps made
rewound-lab = the lab with its shell and what is loaded and attached there, and the files that steps made
rewound-shell = the variables and functions of the shell on this machine, and the files that steps made
rewound-files = the files that steps made
rewound-single = { $rewound }, and what other steps made is there again afterwards
not-rewound = no state from before `{ $step }` fits (it was never kept, the lesson or the lab has changed since, or something ran in the background); the steps before it run again first
not-rewound-single = no state from before `{ $step }` fits (it was never kept, the lesson or the lab has changed since, or something ran in the background), so it finds the files that are there, and no variables and nothing loaded by the steps before it; to run those too: `tutor run { $lesson } --until { $step }`
study-resumed = the shell is a new one: variables of earlier steps are gone, and so is what they pinned; if a step misses something, go [b]ack
study-resumed-shell = the variables and functions of the shell are as you left them
study-resumed-in-lab = the lab goes on as you left it, and so do the variables and functions of the shell on this machine
study-resumed-anew = the lab begins anew, since no state from before `{ $step }` fits (it was never kept, the lesson or the lab has changed since, or something ran in the background); what earlier steps loaded and made there is gone: go [b]ack to `{ $back }`, or begin there with: `tutor study { $lesson } --from { $back }`
study-again = not all of it went well; look at one step again with: `tutor study { $lesson } --from { $step }`
study-next = next: `tutor study { $lesson }`  ({ $title })
study-all-done = you have been through all lessons; begin one again with: `tutor study LESSON`
no-file = { $lesson } has no file `{ $file }`: { $count ->
    [0] it has no files
    [one] its only file is { $files }
   *[other] its files are { $files }
}
no-file-but = { $lesson } has no file `{ $file }`; did you mean `{ $meant }`?
diff-nothing = { $count ->
    [0] { $lesson } has no files
   *[other] no file of { $lesson } is other than in the lesson
}
diff-by-step = `{ $file }` is as a step left it
diff-missing = `{ $file }` is not there; the next run writes it
diff-unreadable = what is in the place of `{ $file }` is no file that can be compared
reset-file-aside = `{ $file }` is as the lesson has it; yours is kept in { $kept }
reset-file-same = `{ $file }` is as the lesson has it
reset-aside = { $lesson } begins afresh; your files are kept in
    { $folder }
reset-done = { $lesson } begins afresh
reset-states = cannot remove the lab's states of it below `{ $folder }`: { $error }; until they are gone, `--from` goes on from them

# doctor
doctor-host = Tools
doctor-guards = What confines the steps on this machine
doctor-processes = all that a step starts ends with its lesson
doctor-processes-why = a step may be killed, hang, or leave processes behind
doctor-namespaces = namespaces
doctor-namespaces-and-group = namespaces and a control group
doctor-one-by-one = found and ended one by one
doctor-own-root = a root folder of their own
doctor-confinement = a course that is not your own reaches nothing of yours but what it asks for
doctor-confinement-why = lessons are code that somebody else may have written
doctor-confinement-mend = run such a course with `--unconfined` after you have read it, or somewhere else
doctor-weaker = weaker than elsewhere: { $why }
doctor-limits-each = no control group can be made here, so limits hold for processes, files and their lengths, and not for memory
doctor-limits-root = no control group can be made here, and as root no other limit holds for the number of processes and memory
doctor-lab = The lab
doctor-kernel-lab = The lab's kernel
doctor-kernel-host = This machine's own kernel
doctor-no-lab = the lab cannot be used: see what it lacks above
doctor-no-needs = the course declares no needs, so nothing can be missing
doctor-not-asked = not asked, since the lab cannot be used (see what it lacks above): { $names }
doctor-lab-why = steps that need a kernel run in the lab, unless `--on host` is given
doctor-lab-qemu = the virtual machine itself
doctor-lab-memory = the system lets QEMU run code that it makes
doctor-lab-confined = what keeps QEMU in, should its guest break out of it
doctor-lab-kernel = the kernel that lessons run on, of the series { $series }
doctor-lab-tools = what the lab takes along from this machine: bash, bpftool and others
doctor-lab-tool = the lab takes it along from this machine
doctor-lab-no-tool = there is no `{ $tool }` here
doctor-lab-disk = room for kernels and states in { $folder }
doctor-lab-free = { $size } free
doctor-lab-full = { $size } are free, and { $needed } are needed
doctor-lab-remedy-disk = remove what can be made again with `tutor lab gc`, or name another folder by `TUTOR_HOME`
doctor-lab-accelerator = what runs the machine's code
doctor-lab-state = the state that the machine starts from
doctor-lab-saved = saved
doctor-lab-not-saved = not saved
doctor-lab-resumed = a machine was resumed from it just now
doctor-lab-booted = a machine was booted just now, since there was none; later ones resume
doctor-lab-machine = a machine that starts
doctor-lockdown = what the kernel refuses even to root
doctor-lockdown-why = `confidentiality` keeps everybody from kprobes and from reading the trace
doctor-lockdown-lacks = the kernel is locked down (confidentiality)
doctor-lockdown-unknown = the kernel does not say: it has no lockdown, or its file system is not mounted
doctor-lockdown-mend = boot without `lockdown=confidentiality`; the lab's kernel is not locked down
doctor-privileges = the right to load programs into this machine's own kernel
doctor-privileges-why = `--on host` and `tutor bpf` use it; the lab does without
doctor-reason = here: { $reason }
doctor-why = why: { $why } ({ $lessons })
doctor-mend = mend: { $mend }
doctor-no-lesson = no lesson needs it
doctor-all-lessons = all lessons
doctor-install = install all that is missing: { $command }
doctor-nothing-to-install = nothing is missing that a package brings
doctor-fixed = all that was missing is there now
doctor-still = still missing:
doctor-needs-root = root's rights are needed: run `{ $command }`
doctor-no-terminal = there is no terminal to ask at: pass `--yes`, or run `{ $command }`
doctor-ask = run `{ $command }`? [y/N]

# lab
lab-kernels = Kernels
lab-no-kernels = none yet
lab-row = { $release }  { $size }  { $source }
lab-no-config = without its configuration, which `__kconfig` variables come from: `tutor lab setup --kernel { $series }` brings it
lab-tcg-asked = TCG runs the machine: `TUTOR_LAB_ACCEL` asks for it
lab-tcg-device = TCG runs the machine, without KVM: `{ $device }` cannot be opened: { $error }
lab-tcg-refused = TCG runs the machine: under KVM a machine did not start when that was tried: { $said }
lab-kvm-worked = KVM runs the machine: it was tried, and worked
lab-kvm-asked-untried = KVM runs the machine, as `TUTOR_LAB_ACCEL` asks for it: it is tried when the lab starts next, and where it does not work, the lab does not start
lab-kvm-untried = KVM is tried when the lab starts next; where it does not work, TCG runs the machine
lab-landlock = QEMU is shut in: of your files it reaches those of the lab only
lab-no-landlock = QEMU is shut in less than elsewhere: Landlock is off, in this kernel or by `TUTOR_LAB_LANDLOCK`, so it could reach what you can read
lab-saved = the machine resumes from a saved state
lab-not-saved = the machine boots the next time, and its state is saved then
lab-folder = in { $folder }; all of it can be made again
lab-way-apt = by apt, from this system's own mirror, without root
lab-way-mirror = from { $url }
lab-would-fetch = the lab needs a kernel of the series { $series }: about { $size }, { $way }
lab-would-fetch-unknown = the lab needs a kernel of the series { $series }: its size is known when the package index is there; { $way }
lab-no-terminal = nothing was fetched, as there is no terminal to ask at: pass `--yes` to agree
lab-ask-fetch = fetch it? [y/N]
lab-refused = nothing was fetched
lab-looking = looking for a kernel ({ $series }) in { $suite }
lab-newer = the build { $version } is taken; the one known by its hash is { $pinned }
lab-fetching = fetching { $package } { $version } ({ $size })
lab-percent = { $percent } %
lab-unpacking = unpacking
lab-ready = ready: { $release }, from { $source }
lab-unknown = { $count ->
    [one] it tells no configuration of its own: whether it has an option that the lab needs shows when it boots
   *[other] it tells no configuration of its own: whether it has { $count } options that the lab needs shows when it boots
}
lab-setup-failed = cannot get a kernel for the lab: { $error }
lab-help-mirror = name a mirror of Debian's archive with `--mirror URL` or `TUTOR_LAB_MIRROR`, or a kernel of your own with `--kernel PATH`
lab-help-other-mirror = name another mirror with `--mirror URL`, or leave it out where apt works
lab-help-curl = install curl (package `curl`), or take a kernel of your own with `--kernel PATH`
lab-help-series = name a series from that list, or leave `--mirror` out where apt works
lab-help-kernel = take a distribution's kernel package for cloud machines: it has what the lab needs
lab-missing-kernel = a kernel { $series } for the lab
lab-install-by-hand = install it by hand
lab-gc-nothing = nothing to remove: each kernel is the newest of its series, so lessons may ask for it, and what was used within the last hour stays
lab-gc-kernels = Kernels that no lesson asks for
lab-gc-again = Made again when needed
lab-gc-left = what downloads and unpacking left that did not end: { $size }
lab-gc-how = to remove all of it: `tutor lab gc --yes`
lab-gc-ask = remove all of it? [y/N]
lab-gc-removed = removed: { $size }
lab-gc-failed = cannot tidy the lab's cache: { $error }
lab-gc-help = make the folder writable, or remove it by hand: all of it can be made again

# machine
completions-none = no completions for { $shell }
man-failed = cannot write the man pages to `{ $folder }`
man-written = man pages are in { $folder }

# book
book-emitted = wrote the mdBook source tree to { $folder }
book-rendered = wrote the book: open { $page }
book-unrecorded = step `{ $step }` has no recorded output
book-stale = `{ $name }` was recorded of something else: { $reasons }
book-gap-help = record it: `tutor test { $lesson }`, then `tutor review`; with `--allow-missing` the page says what it lacks
book-gaps = { $count ->
    [one] cannot make the book: it lacks something that its pages show
   *[other] cannot make the book: it lacks { $count } things that its pages show
}
book-gaps-told = { $count ->
    [one] the book lacks something that its pages should show
   *[other] the book lacks { $count } things that its pages should show
}
book-no-file = the book cannot show `{ $url }`: { $reason }
book-no-file-help = link to a text or an image below the folder that holds `lessons/`; with `--allow-missing` the words stand there without it
book-missing = there is no such file
book-outside = it lies outside of the course
book-no-page = it is no page of this course
book-no-text = it is not UTF-8 text
book-no-image = it is no image that books have, a file that ends with `{ $endings }`
book-feature = this `tutor` was built without the feature `book`: write the source tree with `--emit FOLDER` and run `mdbook build` on it

# Exercises

step-exercise = exercise
show-clue = { $summary }: `{ $command }`
hint-none = exercise `{ $name }` of { $lesson } has no hint; `tutor hint { $lesson } { $name } --solution` shows a solution
hint-more = { $left ->
    [0] that was the last hint; `tutor hint { $lesson } { $name } --solution` shows a solution
    [one] there is one more hint
   *[other] there are { $left } more hints
}
hint-no-exercise = { $lesson } has no exercise
hint-solved = solved
hint-open = open
hint-row = { $name }: { $solved }, { $hints ->
    [0] no hint
    [one] one hint ({ $seen } seen)
   *[other] { $hints } hints ({ $seen } seen)
}
no-exercise = { $lesson } has no exercise `{ $name }`: its exercises are { $names }
no-exercise-but = { $lesson } has no exercise `{ $name }`; did you mean `{ $meant }`?

# Trying

try-no-c = `{ $file }` is no C file: its name has to end with `.c`; an object that is compiled runs by `tutor bpf run --on lab`
try-not-compiled = clang does not compile it, so nothing ran
no-temporary-folder = cannot make a temporary folder

# Languages

no-language = the course cannot be read in `{ $language }`: it has { $languages }
i18n-none = no lesson of this course is translated; a page `lessons/lesson-1.zh.md` would translate `lesson-1`
i18n-row = { $lesson }.{ $language }: { $current } of { $all ->
    [one] one section
   *[other] { $all } sections
} current
i18n-stale = stale: { $sections }
i18n-missing = missing: { $sections }
i18n-open = { $language }: not translated at all: { $lessons }
i18n-not-translated = { $lesson } has no such translation
i18n-which = { $lesson } has several translations: say which by `--lang`
no-section = { $lesson } has no section `{ $section }`: its sections are { $sections }
no-section-but = { $lesson } has no section `{ $section }`; did you mean `{ $meant }`?
i18n-section-missing = section `{ $section }` is not translated
i18n-nothing-stale = nothing is stale
i18n-current = section `{ $section }` is current
i18n-no-earlier = git has no original of section `{ $section }` with that hash, so this is the original as it is now
i18n-embedded = the course in the program cannot be changed: clone it, and name the folder by `--course`
i18n-accepted = { $file } agrees with its original in { $sections }
i18n-unwritable = cannot write `{ $file }`
