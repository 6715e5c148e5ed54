//! One C file on its way through clang and LLVM, stage by stage, each row with the line of C it came from.
//!
//! Each stage is what the real tool wrote, made shorter only where the text says nothing about the program:
//! addresses in clang's own memory, references to metadata, and directives about debug information.

mod asm;
mod ast;
mod ir;
mod row;
mod tokens;

use serde::{Deserialize, Serialize};
use std::path::PathBuf;

use crate::clang::{Tool, ToolError, include_options};
use crate::disasm::{NoNames, Text};
use crate::hex::hex;
use crate::object::{BpfObject, ObjectError};

pub use row::StageRow;

/// A stage, in order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Deserialize, Serialize)]
pub enum CompilerStage {
    /// The words of the C file, after the preprocessor.
    Tokens,
    /// The tree that clang makes of them.
    Ast,
    /// LLVM's intermediate form, before anything is optimized.
    Ir,
    /// The same after LLVM's passes.
    IrOpt,
    /// BPF assembly, as LLVM's back end writes it.
    Asm,
    /// The instructions in the object file, with their bytes.
    Object,
}

impl CompilerStage {
    /// All of them, in order.
    pub const ALL: [Self; 6] = [
        Self::Tokens,
        Self::Ast,
        Self::Ir,
        Self::IrOpt,
        Self::Asm,
        Self::Object,
    ];

    /// Returns its name on the command line.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Tokens => "tokens",
            Self::Ast => "ast",
            Self::Ir => "ir",
            Self::IrOpt => "ir-opt",
            Self::Asm => "asm",
            Self::Object => "object",
        }
    }

    /// Returns what it is, in a few words.
    pub const fn summary(self) -> &'static str {
        match self {
            Self::Tokens => "the words of the C file, after the preprocessor",
            Self::Ast => "the tree that clang makes of them",
            Self::Ir => "LLVM's intermediate form, before optimization",
            Self::IrOpt => "LLVM's intermediate form, optimized",
            Self::Asm => "BPF assembly",
            Self::Object => "the instructions in the object file",
        }
    }
}

/// A file to compile, and how.
#[derive(Debug, Clone)]
pub struct Input {
    /// The C file.
    pub file: PathBuf,
    /// The clang to use.
    pub clang: String,
    /// The level of optimization: `2`, as in `-O2`.
    pub optimize: String,
    /// More options for clang, such as `-I`, `-D` and `-mcpu`.
    pub options: Vec<String>,
}

/// The result of a stage.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StageOutput {
    /// The stage.
    pub stage: CompilerStage,
    /// The command that made it, as it can be typed.
    pub command: String,
    /// Its rows.
    pub rows: Vec<StageRow>,
}

/// Why a stage cannot be shown.
#[derive(Debug, thiserror::Error)]
pub enum PipelineError {
    /// clang is missing, or refuses the file.
    #[error(transparent)]
    Tool(#[from] ToolError),
    /// The object cannot be read.
    #[error("cannot read the object that clang wrote: {0}")]
    Object(#[from] ObjectError),
    /// The file holds what no text does.
    #[error("`{}` is no C file: it holds bytes that no text has", file.display())]
    NoText {
        /// The file.
        file: PathBuf,
    },
    /// There is no such line.
    #[error("there is no line {wanted} in `{}`: it has {lines} lines", file.display())]
    NoLine {
        /// The file.
        file: PathBuf,
        /// The line asked for, counted from 1.
        wanted: u32,
        /// The lines that are there.
        lines: usize,
    },
    /// There is no such function.
    #[error("there is no function `{wanted}` in the file; it has {}", names.join(", "))]
    NoFunction {
        /// The function asked for.
        wanted: String,
        /// The functions that are there.
        names: Vec<String>,
    },
}

impl Input {
    /// Returns the lines of the C file, which holds these bytes.
    pub fn source(&self, bytes: &[u8]) -> Result<Vec<String>, PipelineError> {
        if bytes.contains(&0) {
            let file = self.file.clone();
            return Err(PipelineError::NoText { file });
        }
        let text = String::from_utf8_lossy(bytes);
        Ok(text.lines().map(str::to_owned).collect())
    }

    /// Returns an error where the C file, of these lines, has no such line.
    pub fn has_line(&self, source: &[String], wanted: u32) -> Result<(), PipelineError> {
        match wanted as usize {
            line if (1..=source.len()).contains(&line) => Ok(()),
            _ => Err(PipelineError::NoLine {
                file: self.file.clone(),
                wanted,
                lines: source.len(),
            }),
        }
    }

    /// Returns the names of the functions in the C file, in its order, as the object will have them.
    pub fn functions(&self) -> Result<Vec<String>, PipelineError> {
        let text = self.text(&self.tool(CompilerStage::Ir))?;
        let mut names: Vec<String> = Vec::new();
        for row in ir::rows(&text) {
            if let Some(name) = row.function
                && names.last() != Some(&name)
            {
                names.push(name);
            }
        }
        Ok(names)
    }

    /// Runs a stage, for all functions or for one.
    pub fn run(
        &self,
        stage: CompilerStage,
        function: Option<&str>,
    ) -> Result<StageOutput, PipelineError> {
        let tool = self.tool(stage);
        let names = match (function, stage) {
            (Some(wanted), _) => {
                let names = self.functions()?;
                if !names.iter().any(|name| name == wanted) {
                    let wanted = wanted.to_owned();
                    return Err(PipelineError::NoFunction { wanted, names });
                }
                vec![wanted.to_owned()]
            }
            (None, CompilerStage::Ast) => self.functions()?,
            (
                None,
                CompilerStage::Tokens
                | CompilerStage::Ir
                | CompilerStage::IrOpt
                | CompilerStage::Asm
                | CompilerStage::Object,
            ) => Vec::new(),
        };
        let file = self.file.to_string_lossy();
        let mut rows = match stage {
            CompilerStage::Tokens => {
                let rows = tokens::rows(&self.said(&tool)?, &file);
                match names.as_slice() {
                    [name] => self.tokens_of(name, rows)?,
                    _ => rows,
                }
            }
            CompilerStage::Ast => {
                let mut rows = Vec::new();
                for name in &names {
                    rows.extend(ast::rows(&self.text(&self.tree(name))?, name, &file));
                }
                rows
            }
            CompilerStage::Ir | CompilerStage::IrOpt => ir::rows(&self.text(&tool)?),
            CompilerStage::Asm => asm::rows(&self.text(&tool)?),
            CompilerStage::Object => object_rows(&tool.output(b"")?)?,
        };
        if let (Some(wanted), true) = (function, stage != CompilerStage::Tokens) {
            rows.retain(|row| row.function.as_deref() == Some(wanted));
        }
        let command = match (stage, names.as_slice()) {
            (CompilerStage::Ast, [name]) => self.tree(name),
            (_, _) => tool,
        };
        Ok(StageOutput {
            stage,
            command: command.to_string(),
            rows,
        })
    }

    /// Keeps the tokens of a function: from the end of what stands before it to its own end.
    fn tokens_of(&self, name: &str, rows: Vec<StageRow>) -> Result<Vec<StageRow>, PipelineError> {
        let tree = self.text(&self.tree(name))?;
        let Some((first, last)) = ast::range(&tree, name, &self.file.to_string_lossy()) else {
            return Ok(Vec::new());
        };
        let is_before = |row: &StageRow| row.line.is_some_and(|line| line < first);
        let ends =
            |row: &StageRow| row.text.starts_with("semi ") || row.text.starts_with("r_brace ");
        let start = rows
            .iter()
            .take_while(|row| is_before(row))
            .enumerate()
            .filter(|(_, row)| ends(row))
            .map(|(at, _)| at + 1)
            .last();
        let rows = rows.into_iter().skip(start.unwrap_or(0));
        let is_inside = |row: &StageRow| row.line.is_some_and(|line| line <= last);
        Ok(rows.take_while(is_inside).collect())
    }

    fn tool(&self, stage: CompilerStage) -> Tool {
        let optimize = format!("-O{}", self.optimize);
        let tool = Tool::clang(self.clang.clone())
            .args([optimize.as_str(), "-g", "-target", "bpf"])
            .args(include_options())
            .args(self.options.clone());
        let tool = match stage {
            CompilerStage::Tokens => tool.args(["-fsyntax-only", "-Xclang", "-dump-tokens"]),
            CompilerStage::Ast => tool.args(["-fsyntax-only", "-Xclang", "-ast-dump"]),
            CompilerStage::Ir => tool.args(["-Xclang", "-disable-llvm-passes", "-S", "-emit-llvm"]),
            CompilerStage::IrOpt => tool.args(["-S", "-emit-llvm"]),
            CompilerStage::Asm => tool.args(["-S"]),
            CompilerStage::Object => tool.args(["-c"]),
        };
        let tool = tool.arg(self.file.clone());
        match stage {
            CompilerStage::Tokens | CompilerStage::Ast => tool,
            CompilerStage::Ir
            | CompilerStage::IrOpt
            | CompilerStage::Asm
            | CompilerStage::Object => tool.args(["-o", "-"]),
        }
    }

    /// Returns clang, about to write the tree of a function.
    fn tree(&self, function: &str) -> Tool {
        self.tool(CompilerStage::Ast)
            .args(["-Xclang", &format!("-ast-dump-filter={function}")])
    }

    fn text(&self, tool: &Tool) -> Result<String, ToolError> {
        Ok(String::from_utf8_lossy(&tool.output(b"")?).into_owned())
    }

    /// Returns what a tool wrote to standard error, where clang puts its tokens.
    fn said(&self, tool: &Tool) -> Result<String, ToolError> {
        let said = tool.run(b"")?;
        match said.is_ok {
            true => Ok(said.stderr),
            false => Err(ToolError::Refused {
                tool: self.clang.clone(),
                stderr: tokens::complaints(&said.stderr),
            }),
        }
    }
}

fn object_rows(elf: &[u8]) -> Result<Vec<StageRow>, ObjectError> {
    let object = BpfObject::parse(elf)?;
    let mut rows = Vec::new();
    for program in object.functions() {
        let Some(section) = object.section(program.section) else {
            continue;
        };
        for decoded in object.function_code(program).flatten() {
            let offset = program.offset + 8 * decoded.slot as u64;
            let line = object.line(&section.name, offset);
            let text = Text::new(&decoded.instruction, decoded.slot, &NoNames);
            let mut text = format!("{:4}: {}  {text}", decoded.slot, hex(decoded.bytes));
            if let Some(referent) = object.referent(section, offset, &decoded.instruction) {
                text += &format!(" <{referent}>");
            }
            rows.push(StageRow {
                function: Some(program.name.clone().into_owned()),
                line: line.map(|line| line.line),
                text,
            });
        }
    }
    Ok(rows)
}
