//! `tutor doctor`.

use super::arguments::{DoctorArguments, On, RunningArguments};
use super::context::{Context, program};
use super::failure::ends;
use super::lab;
use super::output::{ResultFile, confirmed, out_json, print_lines};
use crate::backend::lab::Lab;
use crate::course::Course;
use crate::doctor::report::{self, Secrets};
use crate::doctor::{Area, Examination, Finding, State, install_all, to_json};
use crate::exit::Exit;
use crate::packages::{self, Distribution};
use crate::render::paint::Paint;
use crate::render::verdict::Style;
use crate::run::Options;
use crate::say;
use crate::visible::{visible_json, visible_text, width};
use serde_json::json;
use std::io::{self, IsTerminal};
use std::path::Path;
use std::process::Command;

pub fn doctor(context: &Context, arguments: &DoctorArguments) -> anyhow::Result<Exit> {
    let file = arguments
        .report
        .as_deref()
        .map(ResultFile::new)
        .transpose()?;
    let course = context.usable_course()?;
    let running = RunningArguments {
        yes: arguments.yes,
        unconfined: arguments.unconfined,
        ..RunningArguments::default()
    };
    context.may_probe(&course, &running)?;
    let options = context.options(&course, &running)?;
    let doctor = Doctor {
        context,
        course,
        on: arguments.on,
        options,
        distribution: Distribution::here(),
    };
    if let Some(file) = file {
        file.write(&doctor.report()?)?;
        let path = arguments
            .report
            .iter()
            .map(|path| path.display().to_string());
        context.tell(&say!("doctor-report", path = path.collect::<String>()))?;
        return Ok(Exit::Success);
    }
    let mut findings = doctor.examine()?;
    if arguments.json {
        out_json(&to_json(&findings))?;
        return Ok(ends_with(&findings));
    }
    doctor.show(&findings)?;
    let install = install_all(&findings, doctor.distribution);
    match (arguments.fix, install) {
        (true, Some(words)) => {
            if !fix(&words, arguments.yes)? {
                return Ok(Exit::Lacking);
            }
            findings = doctor.examine()?;
            findings.retain(Finding::is_lacking);
            match findings.is_empty() {
                true => context.tell(&say!("doctor-fixed"))?,
                false => {
                    context.tell(&say!("doctor-still"))?;
                    outln!("");
                    doctor.show(&findings)?;
                }
            }
        }
        (true, None) => context.tell(&say!("doctor-nothing-to-install"))?,
        (false, Some(words)) => {
            let command = packages::as_root(&words);
            context.tell(&say!("doctor-install", command = command))?;
        }
        (false, None) => {}
    }
    Ok(ends_with(&findings))
}

/// The exit status: something missing matters if a lesson wants it.
fn ends_with(findings: &[Finding]) -> Exit {
    let mut wanted = findings.iter().filter(|found| !found.lessons.is_empty());
    match wanted.any(Finding::is_lacking) {
        true => Exit::Lacking,
        false => Exit::Success,
    }
}

/// The course, and how its needs are looked for.
struct Doctor<'c> {
    context: &'c Context,
    course: Course,
    on: On,
    options: Options,
    distribution: Distribution,
}

impl Doctor<'_> {
    /// Looks for everything, each time anew.
    fn examine(&self) -> anyhow::Result<Vec<Finding>> {
        let lab = self.context.lab("default")?;
        let tutor = program()?;
        let examination = self.examination((self.on == On::Lab).then_some(&lab), &tutor);
        Ok(examination.examine(tempfile::tempdir()?.path()))
    }

    /// What a maintainer wants to know, as JSON. What cannot be found out is a part of it.
    fn report(&self) -> anyhow::Result<String> {
        let lab = match lab::status::whole(self.context) {
            Ok(status) => status,
            Err(error) => json!({ "error": format!("{error:#}") }),
        };
        let findings = match self.examine() {
            Ok(findings) => to_json(&findings)["findings"].take(),
            Err(error) => json!({ "error": format!("{error:#}") }),
        };
        let folder = tempfile::tempdir()?;
        let program = program()?;
        let versions = self.examination(None, &program).versions(folder.path());
        let own = match self.course.is_embedded_content() {
            true => "tutor's",
            false => "another",
        };
        let known = json!({
            "course": own,
            "lessons": self.course.lessons.len(),
            "on": match self.on {
                On::Lab => "lab",
                On::Host => "host",
            },
            "program": program,
            "versions": versions,
            "lab": lab,
            "findings": findings,
        });
        let known = known.as_object().cloned().unwrap_or_default();
        let secrets = Secrets::of_user(&|name| std::env::var_os(name));
        let report = report::report(known, &secrets);
        Ok(visible_json(serde_json::to_string_pretty(&report)?) + "\n")
    }

    fn examination<'e>(&'e self, lab: Option<&'e Lab>, tutor: &'e Path) -> Examination<'e> {
        Examination {
            course: &self.course,
            options: &self.options,
            lab,
            tutor,
            distribution: self.distribution,
        }
    }

    fn show(&self, findings: &[Finding]) -> io::Result<()> {
        let paint = &self.context.stdout;
        // Nothing can be asked in a lab that lacks something.
        let mut of_lab = findings.iter().filter(|found| found.area == Area::Lab);
        let is_asked = !of_lab.any(Finding::is_lacking);
        if findings.iter().all(|found| found.area == Area::Guards) {
            outln!("{}", say!("doctor-no-needs"));
        }
        for of_area in findings.chunk_by(|one, next| one.area == next.area) {
            let area = of_area[0].area;
            let mut lines = vec![paint.bold(&self.title(area))];
            if area == Area::Kernel && !is_asked {
                let names: Vec<&str> = of_area.iter().map(|found| found.name.as_str()).collect();
                let text = say!("doctor-not-asked", names = names.join(", "));
                lines.extend(paint.fitted("  ", &text));
            } else {
                lines.extend(of_area.iter().flat_map(|found| self.lines(found)));
            }
            lines.push(String::new());
            print_lines(lines)?;
        }
        Ok(())
    }

    fn title(&self, area: Area) -> String {
        match (area, self.on) {
            (Area::Host, _) => say!("doctor-host"),
            (Area::Guards, _) => say!("doctor-guards"),
            (Area::Lab, _) => say!("doctor-lab"),
            (Area::Kernel, On::Lab) => say!("doctor-kernel-lab"),
            (Area::Kernel, On::Host) | (Area::OwnKernel, _) => say!("doctor-kernel-host"),
        }
    }

    fn lines(&self, found: &Finding) -> Vec<String> {
        let paint = &self.context.stdout;
        let reason = match &found.state {
            State::Has(version) => {
                let version = version.iter().map(|version| format!(" {version}"));
                let version: String = version.collect();
                let head = format!("{} {}{version}", paint.mark("✓", "+"), found.name);
                let mut lines = headed(paint, Paint::good, &head, Paint::dim, &found.what);
                let note = found.note.as_deref().map(visible_text);
                let note = note.map(|note| paint.fitted_in(Paint::dim, "      ", &note));
                lines.extend(note.into_iter().flatten());
                return lines;
            }
            State::Lacks(reason) => reason.as_str(),
        };
        let head = format!("{} {}", paint.mark("✗", "x"), found.name);
        let plain: Style = |_, text| text.to_owned();
        let mut lines = headed(paint, Paint::bad, &head, plain, &found.what);
        let lessons = match found.lessons.as_slice() {
            [] => say!("doctor-no-lesson"),
            lessons if lessons.len() == self.course.lessons.len() => say!("doctor-all-lessons"),
            lessons => lessons.join(", "),
        };
        let mut texts = vec![
            say!("doctor-reason", reason = reason),
            say!("doctor-why", why = found.why.as_str(), lessons = lessons),
        ];
        let mend = found.mend.as_ref();
        texts.extend(mend.map(|mend| say!("doctor-mend", mend = mend.in_words())));
        lines.extend(texts.iter().flat_map(|text| paint.fitted("      ", text)));
        lines
    }
}

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

/// Installs what is missing; false if that was not agreed to. `tutor` never calls sudo by itself:
/// without root it says what to type.
fn fix(words: &[String], yes: bool) -> anyhow::Result<bool> {
    let command = packages::as_root(words);
    if !nix::unistd::geteuid().is_root() {
        let message = say!("doctor-needs-root", command = command);
        return Err(ends(Exit::Lacking, message));
    }
    if !yes {
        if !(io::stdin().is_terminal() && io::stdout().is_terminal()) {
            let message = say!("doctor-no-terminal", command = command);
            return Err(ends(Exit::Usage, message));
        }
        if !confirmed(io::stdout(), &say!("doctor-ask", command = command))? {
            return Ok(false);
        }
    }
    if let Some((program, arguments)) = words.split_first() {
        // Its exit status does not matter: everything is looked for again.
        Command::new(program).args(arguments).status()?;
    }
    Ok(true)
}
