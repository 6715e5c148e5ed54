//! `tutor matrix`: the lessons on several kernels and compilers, side by side.

use super::arguments::{MatrixArguments, MatrixFormat, On, RunningArguments};
use super::context::{Backends, Context, jobs};
use super::failure::{ends, with_help, worst};
use super::output::{out_json, print};
use super::results::Results;
use crate::course::Course;
use crate::exit::Exit;
use crate::lesson::Lesson;
use crate::notebook::OnFailure;
use crate::record::{self, AsAccepted};
use crate::rehearsal::{Rehearsal, Rehearsed, side_by_side};
use crate::render::counts;
use crate::render::matrix::{self as drawn, OpenWork};
use crate::report::matrix::Matrix;
use crate::report::{Item, Report};
use crate::run::{Options, PATH, ProbeCache};
use crate::say;
use crate::toolchain::Toolchain;
use crate::visible::{visible_text, width};
use crate::workspace::WorkspaceError;
use std::path::Path;
use tutor_lab::cache::{Cache, DEFAULT_SERIES};
use tutor_lab::kernel::Kernel;

/// A column: what its kernel and its compilers are called, and where its steps run.
struct Column {
    name: String,
    is_default: bool,
    backends: Backends,
    options: Options,
    probes: ProbeCache,
}

/// A kernel of the matrix: what the lab is asked for, and the name of its column.
struct KernelChoice {
    wanted: String,
    name: String,
    is_default: bool,
}

pub fn matrix(context: &Context, arguments: &MatrixArguments) -> anyhow::Result<Exit> {
    let course = context.load_course()?;
    let results = Results::of(context, &course, &arguments.tested, None)?;
    let asked = results.asked();
    asked.end(match asked.lessons.is_empty() {
        true => tell(&results, arguments.format, &[], &[]).map(|()| Exit::Success),
        false => compare(context, arguments, &course, &results),
    })
}

/// Runs lessons in each column, and tells what came of it.
fn compare(
    context: &Context,
    arguments: &MatrixArguments,
    course: &Course,
    results: &Results<'_>,
) -> anyhow::Result<Exit> {
    let lessons = &*results.asked().lessons;
    let strictness = results.strictness();
    let cache = Cache::below(&context.folders.cache);
    let kernels = kernels(&cache, &arguments.kernels)?;
    let toolchains = toolchains(&arguments.clang)?;
    let running = RunningArguments {
        timeout: arguments.timeout,
        yes: arguments.yes,
        ..RunningArguments::default()
    };
    context.may_run(course, lessons, &running)?;
    let options = context.options(course, &running)?;
    let columns = columns(context, &options, &kernels, &toolchains)?;
    if columns.len() == 1 {
        context.note(&say!("matrix-one"));
    }
    let names: Vec<String> = columns.iter().map(|column| column.name.clone()).collect();
    let tested = run(context, course, lessons, &columns, arguments);
    let interrupted = options.interrupt.presses() > 0;
    // Columns that an interrupt left without a lesson would look as if they had nothing to say.
    let rows: Vec<&[Option<Report>]> = tested.reports.chunks(columns.len()).collect();
    let whole: Vec<(&Lesson, Vec<&Report>)> = lessons
        .iter()
        .zip(rows)
        .filter_map(|(lesson, row)| {
            let row: Option<Vec<&Report>> = row.iter().map(Option::as_ref).collect();
            Some((*lesson, row?))
        })
        .collect();
    let (across, recorded) = match interrupted {
        true => (record::MatrixOutputs::default(), Ok(())),
        false => record_all(
            course,
            &whole,
            &columns,
            AsAccepted::renewed_if(arguments.renew),
        ),
    };
    let torn: Vec<String> = across.torn.iter().map(ToString::to_string).collect();
    let matrices: Vec<Matrix<'_>> = whole
        .iter()
        .map(|(_, reports)| Matrix::of(reports.clone()))
        .collect();
    let all = whole
        .iter()
        .flat_map(|(_, reports)| reports.iter().copied());
    let mut exit = crate::report::exit(all, strictness);
    if tested.is_broken {
        exit = exit.worst(Exit::Lacking);
    }
    if interrupted {
        exit = Exit::Interrupted;
    }
    let mut printed = Ok(());
    if arguments.format == MatrixFormat::Pretty {
        let paint = &context.stdout;
        let end = OpenWork {
            written: across.written.len(),
            torn: &torn,
        };
        let tables = matrices
            .iter()
            .map(|matrix| drawn::lesson(&names, matrix, paint) + "\n");
        let text = tables.collect::<String>() + &drawn::all(&matrices, &end, strictness, paint);
        printed = print(&text);
    }
    let told = tell(results, arguments.format, &names, &matrices);
    // What was seen is told by now; what could not be written comes last.
    worst(exit, [printed.map_err(Into::into), told, recorded])
}

/// Tells programs the results: in the file beside the log, and on standard output.
fn tell(
    results: &Results<'_>,
    format: MatrixFormat,
    names: &[String],
    matrices: &[Matrix<'_>],
) -> anyhow::Result<()> {
    let suites = || {
        matrices.iter().flat_map(|matrix| {
            let pairs = matrix.reports.iter().zip(names);
            pairs.map(|(report, name)| (format!("{} on {name}", report.stem), *report))
        })
    };
    results.tell(suites(), || match format {
        MatrixFormat::Pretty => Ok(()),
        MatrixFormat::Json => {
            let diagnostics = results.diagnostics();
            Ok(out_json(&drawn::json::document(
                names,
                matrices,
                diagnostics,
            ))?)
        }
        MatrixFormat::Md => Ok(print(&drawn::markdown::document(names, matrices))?),
        MatrixFormat::Junit => Ok(print(&results.junit(suites())?)?),
    })
}

/// What became of every lesson in every column: the columns of the first lesson, then of the next.
struct TestedAll {
    reports: Vec<Option<Report>>,
    is_broken: bool,
}

fn run(
    context: &Context,
    course: &Course,
    lessons: &[&Lesson],
    columns: &[Column],
    arguments: &MatrixArguments,
) -> TestedAll {
    let tasks: Vec<(usize, &Lesson, &Column)> = lessons
        .iter()
        .flat_map(|lesson| columns.iter().map(move |column| (*lesson, column)))
        .enumerate()
        .map(|(index, (lesson, column))| (index, lesson, column))
        .collect();
    let Some((_, _, first)) = tasks.first() else {
        return TestedAll {
            reports: Vec::new(),
            is_broken: false,
        };
    };
    let work = |(_, lesson, column): &(usize, &Lesson, &Column)| {
        let rehearsal = Rehearsal {
            course,
            places: &column.backends.places(),
            options: &column.options,
            probes: &column.probes,
            on_failure: OnFailure::GoOn,
            keep: false,
        };
        rehearsal.run(lesson)
    };
    let mut tell = |(_, lesson, column): &(usize, &Lesson, &Column),
                    outcome: &Result<Rehearsed, WorkspaceError>| {
        note_of(context, lesson, &column.name, outcome);
    };
    let interrupt = &first.options.interrupt;
    let jobs = jobs(arguments.jobs);
    let mut reports: Vec<Option<Report>> = tasks.iter().map(|_| None).collect();
    let mut is_broken = false;
    for ((index, lesson, _), outcome) in side_by_side(&tasks, jobs, interrupt, work, &mut tell) {
        let (report, trouble) = match outcome {
            Ok(tested) => (Some(tested.report), tested.done.err()),
            Err(error) => (None, Some(error)),
        };
        let mut report = report.unwrap_or_else(|| Report::of_items(lesson, Vec::new()));
        if let Some(error) = trouble {
            is_broken = true;
            // A lesson that was broken off must not look whole.
            report
                .items
                .push(Item::broken("lesson", format!("{error:#}")));
        }
        reports[*index] = Some(report);
    }
    TestedAll { reports, is_broken }
}

/// A line a lesson and environment while it goes on.
fn note_of(
    context: &Context,
    lesson: &Lesson,
    environment: &str,
    outcome: &Result<Rehearsed, WorkspaceError>,
) {
    let paint = &context.stderr;
    let cell = say!(
        "matrix-cell",
        lesson = lesson.stem.as_str(),
        environment = environment
    );
    let lead = format!("{cell}:");
    let columns = width(&lead);
    let lines = match outcome {
        Ok(tested) => counts::fitted_counts((lead, columns), "", &tested.report, paint),
        Err(error) => paint.fitted("", &visible_text(&format!("{lead} {error:#}"))),
    };
    for line in lines {
        noteln!("{line}");
    }
}

/// Leaves what changed to be read and accepted, the default kernel's outputs first.
fn record_all(
    course: &Course,
    lessons: &[(&Lesson, Vec<&Report>)],
    columns: &[Column],
    as_accepted: AsAccepted,
) -> (record::MatrixOutputs, anyhow::Result<()>) {
    let mut all = record::MatrixOutputs::default();
    let Some(folder) = record::folder(course) else {
        return (all, Ok(()));
    };
    for (lesson, reports) in lessons {
        let mut ordered: Vec<(&Column, &Report)> =
            columns.iter().zip(reports.iter().copied()).collect();
        ordered.sort_by_key(|(column, _)| !column.is_default);
        let reports: Vec<&Report> = ordered.into_iter().map(|(_, report)| report).collect();
        match record::across(&folder, lesson, course, &reports, as_accepted) {
            Ok(across) => {
                all.written.extend(across.written);
                all.torn.extend(across.torn);
            }
            Err(error) => return (all, Err(with_help(error))),
        }
    }
    (all, Ok(()))
}

/// Every kernel with every compiler.
fn columns(
    context: &Context,
    options: &Options,
    kernels: &[KernelChoice],
    toolchains: &[Toolchain],
) -> anyhow::Result<Vec<Column>> {
    let compilers: Vec<Option<&Toolchain>> = match toolchains {
        [] => vec![None],
        some => some.iter().map(Some).collect(),
    };
    let mut columns: Vec<Column> = Vec::new();
    for kernel in kernels {
        for compiler in &compilers {
            let name = match compiler {
                None => kernel.name.clone(),
                Some(toolchain) => format!("{} clang {}", kernel.name, toolchain.version),
            };
            if columns.iter().any(|column| column.name == name) {
                return Err(ends(Exit::Usage, say!("matrix-twice", name = name)));
            }
            let programs = compiler.map(|toolchain| toolchain.folder().to_owned());
            let mut around = options.surroundings.clone();
            around.readable.extend(programs.clone());
            columns.push(Column {
                name,
                is_default: kernel.is_default,
                backends: context.backends_with(&kernel.wanted, On::Lab, around)?,
                options: Options {
                    programs,
                    ..options.clone()
                },
                probes: ProbeCache::default(),
            });
        }
    }
    Ok(columns)
}

/// The kernels that were asked for, else all series that are there. None that is asked for may be
/// missing: a table with a column less would look like an answer.
fn kernels(cache: &Cache, wanted: &[String]) -> anyhow::Result<Vec<KernelChoice>> {
    let mut chosen: Vec<KernelChoice> = Vec::new();
    if wanted.is_empty() {
        for series in cache.series() {
            chosen.push(KernelChoice {
                is_default: series == DEFAULT_SERIES,
                wanted: series.clone(),
                name: series,
            });
        }
        if chosen.is_empty() {
            // Steps that need none still run, and the others say why they do not.
            chosen.push(KernelChoice {
                wanted: "default".to_owned(),
                name: DEFAULT_SERIES.to_owned(),
                is_default: true,
            });
        }
        return Ok(chosen);
    }
    let mut missing: Vec<&str> = Vec::new();
    for text in wanted {
        let found = match text.contains('/') {
            true => cache.file(Path::new(text)).map(Some),
            false => cache.kernel(text),
        };
        match found.map_err(|error| ends(Exit::Lacking, error.to_string()))? {
            None => missing.push(text),
            Some(kernel) => chosen.push(KernelChoice {
                name: column_name(text, &kernel),
                is_default: kernel.series() == DEFAULT_SERIES,
                wanted: text.clone(),
            }),
        }
    }
    if missing.is_empty() {
        return Ok(chosen);
    }
    let options = missing.iter().map(|kernel| format!(" --kernel {kernel}"));
    let command = format!("tutor lab setup{}", options.collect::<String>());
    let count = missing.len();
    let message = say!(
        "matrix-no-kernels",
        count = count,
        kernels = missing.join(", ")
    );
    let help = say!("matrix-get-kernels", count = count, command = command);
    Err(ends(
        Exit::Lacking,
        format!("{message}\n{}", say!("help", text = help)),
    ))
}

/// A series by its number, whatever word it was asked for by; a release or a file by its release.
fn column_name(asked: &str, kernel: &Kernel) -> String {
    let by_series = ["default", "latest", kernel.series()].contains(&asked);
    match by_series {
        true => kernel.series().to_owned(),
        false => kernel.release.clone(),
    }
}

fn toolchains(versions: &[String]) -> anyhow::Result<Vec<Toolchain>> {
    let mut found = Vec::new();
    let mut missing: Vec<&str> = Vec::new();
    for version in versions {
        if version.is_empty() || !version.bytes().all(|byte| byte.is_ascii_digit()) {
            let message = say!("matrix-bad-clang", version = version.as_str());
            return Err(ends(Exit::Usage, message));
        }
        let toolchain = Toolchain::of(version).map_err(|error| {
            let message = say!("matrix-no-links", error = error.to_string());
            ends(Exit::Lacking, message)
        })?;
        match toolchain {
            Some(toolchain) => found.push(toolchain),
            None => missing.push(version),
        }
    }
    if missing.is_empty() {
        return Ok(found);
    }
    let packages = missing
        .iter()
        .map(|version| format!(" clang-{version} llvm-{version}"));
    let command = format!("apt-get install{}", packages.collect::<String>());
    let count = missing.len();
    let versions = missing.join(", ");
    let message = say!(
        "matrix-no-clang",
        count = count,
        versions = versions,
        path = PATH
    );
    let help = say!("matrix-get-clang", count = count, command = command);
    Err(ends(
        Exit::Lacking,
        format!("{message}\n{}", say!("help", text = help)),
    ))
}
