//! `tutor doctor`.

use super::arguments::{DoctorArguments, On, RunningArguments};
use super::context::{Context, ends};
use crate::doctor::{self, Finding, Mend, State};
use crate::exit::Exit;
use crate::lesson::Place;
use crate::packages::Distribution;
use crate::render::paint::Paint;
use crate::run::asides::Asides;
use crate::run::{KernelPlace, findings::Answer};
use crate::say;
use crate::visible::{visible_text, width};
use std::io::{self, BufRead, IsTerminal, Write};
use std::process::Command;

pub fn doctor(context: &Context, arguments: &DoctorArguments) -> anyhow::Result<Exit> {
    let course = context.sound_course()?;
    let running = RunningArguments {
        // That the lab lacks something is what is to be told here.
        on: Some(arguments.on).filter(|on| *on == On::Host),
        kernel: "default".to_owned(),
        yes: arguments.yes,
        ..RunningArguments::default()
    };
    context.may_run(
        &course,
        &course.lessons.iter().collect::<Vec<_>>(),
        &running,
    )?;
    let backends = context.backends(&running)?;
    let places = backends.places();
    let options = context.options(&running)?;
    let folder = tempfile::tempdir()?;
    let mut asides = Asides::new(folder.path(), &options);
    let mut ask = |place: Place, probe: &str| -> Result<Answer, String> {
        let backend = match (place, &places.kernel) {
            (Place::Host, _) => places.host,
            (Place::Kernel, KernelPlace::Backend(backend)) => *backend,
            (Place::Kernel, KernelPlace::None { reason, .. }) => return Err(reason.clone()),
        };
        asides
            .ask(place, backend, probe)
            .map_err(|error| error.to_string())
    };
    let distribution = Distribution::here();
    let findings = doctor::examine(&course, distribution, &mut ask);
    if arguments.json {
        outln!("{:#}", doctor::to_json(&findings));
    } else {
        show(
            context,
            &findings,
            &course
                .lessons
                .iter()
                .map(|lesson| lesson.stem.as_str())
                .collect::<Vec<_>>(),
        )?;
    }
    let lacking = findings
        .iter()
        .any(|found| matches!(found.state, State::Lacks(_)) && !found.lessons.is_empty());
    let install = doctor::install_all(&course, &findings, distribution);
    match (arguments.fix, install) {
        (true, Some(words)) => fix(&words, arguments.yes),
        (true, None) => {
            context.tell(&say!("doctor-nothing-to-install"))?;
            Ok(if lacking {
                Exit::Lacking
            } else {
                Exit::Success
            })
        }
        (false, install) => {
            if let Some(words) = install.filter(|_| !arguments.json) {
                let command = with_sudo(&words).join(" ");
                context.tell(&say!("doctor-install", command = command))?;
            }
            Ok(if lacking {
                Exit::Lacking
            } else {
                Exit::Success
            })
        }
    }
}

fn show(context: &Context, findings: &[Finding], all: &[&str]) -> io::Result<()> {
    let paint = &context.stdout;
    for place in [Place::Host, Place::Kernel] {
        let title = match place {
            Place::Host => say!("doctor-host"),
            Place::Kernel => say!("doctor-kernel"),
        };
        outln!("{}", paint.bold(&title));
        for found in findings.iter().filter(|found| found.place == place) {
            let lessons = match found.lessons.as_slice() {
                [] => say!("doctor-no-lesson"),
                lessons if lessons.len() == all.len() => say!("doctor-all-lessons"),
                lessons => lessons.join(", "),
            };
            match &found.state {
                State::Has(version) => {
                    let version = version
                        .as_deref()
                        .map(|version| format!(" {version}"))
                        .unwrap_or_default();
                    let head = format!("{} {}{version}", paint.mark("✓", "+"), found.name);
                    for line in headed(paint, Paint::good, &head, Paint::dim, &found.what) {
                        outln!("{line}");
                    }
                }
                State::Lacks(reason) => {
                    let head = format!("{} {}", paint.mark("✗", "x"), found.name);
                    let plain: Style = |_, text| text.to_owned();
                    let mut lines = headed(paint, Paint::bad, &head, plain, &found.what);
                    let why = found.why.as_str();
                    let mend = match &found.mend {
                        Some(Mend::Install(words)) => Some(with_sudo(words).join(" ")),
                        Some(Mend::Remedy(text)) => Some(text.clone()),
                        None => None,
                    };
                    let texts = [
                        Some(say!("doctor-reason", reason = reason.as_str())),
                        Some(say!("doctor-why", why = why, lessons = lessons)),
                        mend.map(|mend| say!("doctor-mend", mend = mend)),
                    ];
                    for text in texts.into_iter().flatten() {
                        lines.extend(paint.fitted("      ", &text));
                    }
                    for line in lines {
                        outln!("{line}");
                    }
                }
            }
        }
        outln!("");
    }
    Ok(())
}

type Style = fn(&Paint, &str) -> String;

/// A finding's name and what it is, beside each other where they fit, else one below the other.
fn headed(paint: &Paint, head_style: Style, head: &str, style: Style, what: &str) -> Vec<String> {
    let what = visible_text(what);
    if !paint.live || width(head) + width(&what) + 4 <= paint.columns {
        return vec![format!(
            "  {}  {}",
            head_style(paint, head),
            style(paint, &what)
        )];
    }
    let mut lines = paint.fitted_in(head_style, "  ", head);
    lines.extend(paint.fitted_in(style, "      ", &what));
    lines
}

fn with_sudo(words: &[String]) -> Vec<String> {
    let is_root = nix::unistd::geteuid().is_root();
    let sudo = (!is_root).then(|| "sudo".to_owned());
    sudo.into_iter().chain(words.iter().cloned()).collect()
}

/// Installs what is missing. `tutor` never calls sudo by itself: without root it says what to type.
fn fix(words: &[String], yes: bool) -> anyhow::Result<Exit> {
    let command = with_sudo(words).join(" ");
    if !nix::unistd::geteuid().is_root() {
        return Err(ends(
            Exit::Lacking,
            say!("doctor-needs-root", command = command),
        ));
    }
    if !yes {
        if !(io::stdin().is_terminal() && io::stdout().is_terminal()) {
            return Err(ends(
                Exit::Usage,
                say!("doctor-no-terminal", command = command),
            ));
        }
        out!("{} ", say!("doctor-ask", command = command));
        io::stdout().flush()?;
        let mut answer = String::new();
        io::stdin().lock().read_line(&mut answer)?;
        if !matches!(answer.trim(), "y" | "yes") {
            return Ok(Exit::Lacking);
        }
    }
    let Some((program, arguments)) = words.split_first() else {
        return Ok(Exit::Success);
    };
    let status = Command::new(program).args(arguments).status()?;
    Ok(if status.success() {
        Exit::Success
    } else {
        Exit::Lacking
    })
}
