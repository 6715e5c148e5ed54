//! `tutor doctor`.

use super::arguments::{DoctorArguments, On, RunningArguments};
use super::context::{Context, ends, program};
use super::lab_findings;
use crate::backend::host::Host;
use crate::backend::{Backend, BackendError};
use crate::doctor::{self, Area, Finding, Mend, State, Unasked};
use crate::exit::Exit;
use crate::lesson::Place;
use crate::packages::Distribution;
use crate::render::paint::Paint;
use crate::run::asides::Asides;
use crate::run::findings::Answer;
use crate::say;
use crate::visible::{visible_text, width};
use std::io::{self, BufRead, IsTerminal, Write};
use std::process::Command;
use tutor_lab::cache::Cache;

pub fn doctor(context: &Context, arguments: &DoctorArguments) -> anyhow::Result<Exit> {
    let course = context.sound_course()?;
    let running = RunningArguments {
        yes: arguments.yes,
        ..RunningArguments::default()
    };
    context.may_run(
        &course,
        &course.lessons.iter().collect::<Vec<_>>(),
        &running,
    )?;
    let distribution = Distribution::here();
    let host = Host::new(&program()?);
    let lab = context.lab("default")?;
    let lessons = doctor::lessons_with_kernel_steps(&course);
    // What the lab lacks is of interest where something would run there.
    let is_lab = arguments.on == On::Lab;
    let (found, no_lab) = match is_lab && !lessons.is_empty() {
        true => {
            let cache = Cache::below(&context.folders.cache);
            lab_findings::examine(&lab, &cache, &lessons, distribution)
        }
        false => (Vec::new(), None),
    };
    let options = context.options(&running)?;
    let folder = tempfile::tempdir()?;
    let mut asides = Asides::new(folder.path(), &options);
    let mut ask = |place: Place, probe: &str| -> Result<Answer, Unasked> {
        let backend: &dyn Backend = match (place, arguments.on) {
            (Place::Host, On::Host | On::Lab) | (Place::Kernel, On::Host) => &host,
            (Place::Kernel, On::Lab) => {
                if let Some(why) = &no_lab {
                    return Err(why.clone());
                }
                &lab
            }
        };
        let answer = asides.ask(place, backend, probe);
        answer.map_err(|error| match error {
            BackendError::Unusable { reason, remedy } => (reason, remedy),
            error => (error.to_string(), None),
        })
    };
    let findings = doctor::examine(&course, distribution, &mut ask, found);
    if arguments.json {
        outln!("{:#}", doctor::to_json(&findings));
    } else {
        show(
            context,
            &findings,
            arguments.on,
            no_lab.is_none(),
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
    let install = doctor::install_all(&findings, distribution);
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

fn show(
    context: &Context,
    findings: &[Finding],
    on: On,
    is_asked: bool,
    all: &[&str],
) -> io::Result<()> {
    let paint = &context.stdout;
    if findings.is_empty() {
        outln!("{}", say!("doctor-no-needs"));
    }
    for area in [Area::Host, Area::Lab, Area::Kernel] {
        if !findings.iter().any(|found| found.area == area) {
            continue;
        }
        let title = match (area, on) {
            (Area::Host, On::Lab | On::Host) => say!("doctor-host"),
            (Area::Lab, On::Lab | On::Host) => say!("doctor-lab"),
            (Area::Kernel, On::Lab) => say!("doctor-kernel-lab"),
            (Area::Kernel, On::Host) => say!("doctor-kernel-host"),
        };
        outln!("{}", paint.bold(&title));
        if area == Area::Kernel && !is_asked {
            let names = findings.iter().filter(|found| found.area == area);
            let names: Vec<&str> = names.map(|found| found.name.as_str()).collect();
            let text = say!("doctor-not-asked", names = names.join(", "));
            for line in paint.fitted("  ", &text) {
                outln!("{line}");
            }
            outln!("");
            continue;
        }
        for found in findings.iter().filter(|found| found.area == area) {
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
                    for line in found
                        .note
                        .iter()
                        .flat_map(|note| paint.fitted_in(Paint::dim, "      ", &visible_text(note)))
                    {
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
