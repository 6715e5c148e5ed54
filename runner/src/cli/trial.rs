//! `tutor try`: a BPF program in C, compiled and run at once.

use super::arguments::{BpfArguments, TryArguments};
use super::bpf;
use super::context::Context;
use super::failure::{ends, ends_with_help};
use crate::exit::Exit;
use crate::say;
use crate::visible::visible_text;
use anyhow::Context as _;
use std::path::Path;
use tutor_bpf::clang::{ToolError, compiler};
use tutor_bpf::command::{BpfCommand, DEFAULT_LINES, RunArgs};

/// `tutor try`.
pub fn try_out(context: &Context, arguments: &TryArguments) -> anyhow::Result<Exit> {
    // The learner's folder is left as it is.
    let folder = tempfile::tempdir().context(say!("no-temporary-folder"))?;
    let name = arguments.source.file_stem().unwrap_or_default();
    let name = format!("{}.o", name.to_string_lossy());
    let object = folder.path().join(name);
    compile(context, arguments, &object)?;
    let run = RunArgs {
        file: object,
        program: arguments.program.clone(),
        repeat: arguments.repeat,
        attach: arguments.attach,
        meanwhile: arguments.meanwhile.clone(),
        data: None,
        grep: arguments.grep.clone(),
        lines: DEFAULT_LINES,
        json: arguments.json,
    };
    bpf::bpf(
        context,
        &BpfArguments {
            on: Some(arguments.on),
            kernel: arguments.kernel.clone(),
            command: BpfCommand::Run(run),
        },
    )
}

/// Compiles a program, and shows the command and what the compiler has to say.
fn compile(context: &Context, arguments: &TryArguments, object: &Path) -> anyhow::Result<()> {
    let source = &arguments.source;
    let is_c = source.extension().is_some_and(|extension| extension == "c");
    if !is_c {
        let file = source.display().to_string();
        return Err(ends(Exit::Usage, say!("try-no-c", file = file)));
    }
    let shown = Path::new(object.file_name().unwrap_or_default());
    let command = compiler(source, shown, &arguments.options);
    context.note(&format!("$ {command}"));
    let said = match compiler(source, object, &arguments.options).run(b"") {
        Ok(said) => said,
        Err(error) => {
            let help = error.help();
            return Err(ends_with_help(Exit::Lacking, &error, help.as_deref()));
        }
    };
    let stderr = said.stderr.trim_end();
    // As the compiler drew it: its carets stand below what they mean.
    for line in stderr.lines() {
        noteln!("{}", visible_text(line));
    }
    if said.is_ok {
        return Ok(());
    }
    let refused = ToolError::Refused {
        tool: "clang".to_owned(),
        stderr: said.stderr,
    };
    let help = refused.help();
    Err(ends_with_help(
        Exit::Different,
        say!("try-not-compiled"),
        help.as_deref(),
    ))
}
