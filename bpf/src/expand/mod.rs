//! Expands macros one at a time, by the real preprocessor.
//!
//! clang reads the headers once and tells every macro (`-E -dD`). Then it preprocesses the expression again
//! and again: first with all macros held back, then with one more let through each time. So each line is
//! clang's own, with its rules about arguments, `#`, `##` and macros that contain themselves.
//!
//! Holding a macro back can change what another makes of it: `#` would turn its name into a string. So of the
//! macros that can be opened next, that one is, whose opening still leads to what clang makes of the whole.

mod error;
mod preamble;
mod question;
mod table;
mod token;
mod value;

use std::collections::BTreeSet;

use preamble::{ClangPreamble, MARK};
use table::MacroTable;
use token::{is_identifier, tokens, unbalanced};

pub use error::ExpandError;
pub use question::MacroQuestion;
pub use table::Definition;
pub use token::parts;
pub use value::ConstantValue;

/// A header that glibc's headers look for when they are not told that this is x86-64: a target of clang's that is no
/// machine for user space, such as BPF, does not tell them.
const STUBS: &str = "gnu/stubs-32.h";
/// More macros than this in one expression are not opened one by one.
const MOST: usize = 200;

/// An expression, opened step by step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Expansion {
    /// The steps; the last one leaves nothing to open.
    pub steps: Vec<ExpansionStep>,
    /// The text that clang makes of all of it at once.
    pub result: String,
    /// Its value, if it is constant.
    pub value: Option<ConstantValue>,
    /// Names in the result that are integer constants, such as those of an enum.
    pub constants: Vec<(String, i128)>,
    /// Headers that another one wants and that are not there. clang goes on without them, and finds no value.
    pub missing_headers: Vec<String>,
    /// Names that mean nothing to the headers, where the whole has no value; beside macros that were opened only those
    /// that are called.
    pub unknown: Vec<UnknownName>,
}

/// A name that is no macro of the headers, and no constant of theirs either.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnknownName {
    /// The name.
    pub name: String,
    /// Whether arguments follow it.
    pub is_called: bool,
    /// True for a macro that takes arguments and was given none.
    pub lacks_arguments: bool,
    /// Macros with a name much like it, the nearest first.
    pub near: Vec<String>,
    /// Another header that defines it, where somebody looked there.
    pub header: Option<String>,
}

/// One macro opened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExpansionStep {
    /// The macro; none for what could only be opened all at once.
    pub opened: Option<Definition>,
    /// The expression afterwards.
    pub text: String,
}

/// Expands an expression.
///
/// ```no_run
/// use tutor_bpf::expand::{MacroQuestion, expand};
///
/// let expansion = expand(&MacroQuestion {
///     expression: "BPF_OP(BPF_JMP | BPF_CALL)".to_owned(),
///     headers: vec!["linux/bpf.h".to_owned()],
///     options: Vec::new(),
///     about: None,
///     clang: "clang".to_owned(),
/// })?;
/// for step in &expansion.steps {
///     println!("{}", step.text);
/// }
/// # Ok::<(), tutor_bpf::expand::ExpandError>(())
/// ```
pub fn expand(question: &MacroQuestion) -> Result<Expansion, ExpandError> {
    let expression = question.expression.trim();
    if expression.is_empty() {
        return Err(ExpandError::Empty);
    }
    if expression.contains('\n') || expression.starts_with('#') {
        return Err(ExpandError::NoExpression);
    }
    if let Some(what) = unbalanced(expression) {
        return Err(ExpandError::Unbalanced(what));
    }
    let preprocessor = Preprocessor::read(question)?;
    let result = preprocessor.full.clone();
    let mut steps = Vec::new();
    let mut open = BTreeSet::new();
    let mut text = expression.to_owned();
    while steps.len() < MOST {
        let Some(step) = preprocessor.next(&text, &mut open)? else {
            break;
        };
        let has_changed = tokens(&step.text) != tokens(&text);
        text.clone_from(&step.text);
        if has_changed {
            steps.push(step);
        }
    }
    if tokens(&text) != tokens(&result) {
        steps.push(ExpansionStep {
            opened: None,
            text: result.clone(),
        });
    }
    // clang compiles nothing when a header is missing.
    let (value, constants) = match preprocessor.missing.is_empty() {
        true => (
            value::value(&preprocessor.preamble)?,
            value::constants(&preprocessor.preamble, &result)?,
        ),
        false => (None, Vec::new()),
    };
    let mut unknown = match value {
        None => preprocessor.unknown(expression),
        Some(_) => Vec::new(),
    };
    // Where macros were opened, names that are free are what a program around it declares.
    unknown.retain(|unknown| steps.is_empty() || (unknown.is_called && !unknown.lacks_arguments));
    unknown.retain(|unknown| constants.iter().all(|(name, _)| *name != unknown.name));
    if preprocessor.missing.is_empty() {
        let mut kept = Vec::new();
        for unknown in unknown {
            let is_macro = unknown.lacks_arguments;
            if is_macro || !value::is_declared(&preprocessor.preamble, &unknown.name)? {
                kept.push(unknown);
            }
        }
        unknown = kept;
    }
    Ok(Expansion {
        steps,
        result,
        value,
        constants,
        missing_headers: preprocessor.missing,
        unknown,
    })
}

/// Returns the macro of a name that a question's headers define.
pub fn definition(question: &MacroQuestion, name: &str) -> Result<Option<Definition>, ExpandError> {
    let preprocessor = Preprocessor::read(question)?;
    Ok(preprocessor.table.get(name).cloned())
}

fn definitions(text: &str) -> Result<&str, ExpandError> {
    let (definitions, _) = text.rsplit_once(MARK).ok_or(ExpandError::Answer)?;
    Ok(definitions)
}

struct Preprocessor<'q> {
    preamble: ClangPreamble<'q>,
    table: MacroTable,
    /// The text that clang makes of the whole at once.
    full: String,
    missing: Vec<String>,
}

impl<'q> Preprocessor<'q> {
    fn read(question: &'q MacroQuestion) -> Result<Self, ExpandError> {
        let mut preamble = ClangPreamble {
            question,
            revived: String::new(),
            more_options: Vec::new(),
        };
        let (mut text, mut missing) = preamble.read()?;
        if missing.iter().any(|header| header == STUBS) {
            preamble.more_options.push("-D__x86_64__".to_owned());
            (text, missing) = preamble.read()?;
        }
        let mut table = MacroTable::read(definitions(&text)?);
        let mut full = after_mark(&text)?;
        for token in tokens(&question.expression) {
            if let Some(definition) = table.revive(token) {
                preamble.revived += &format!("#define {}\n", definition.text);
            }
        }
        if !preamble.revived.is_empty() {
            let (text, _) = preamble.read()?;
            full = after_mark(&text)?;
        }
        Ok(Self {
            preamble,
            table,
            full,
            missing,
        })
    }

    /// Opens one macro more, and adds it to `open`; none if there is no more to open.
    fn next(
        &self,
        text: &str,
        open: &mut BTreeSet<String>,
    ) -> Result<Option<ExpansionStep>, ExpandError> {
        let mut first = None;
        let candidates = self.candidates(text, open);
        let is_only = candidates.len() == 1;
        for name in candidates {
            let mut tried = open.clone();
            tried.insert(name.clone());
            let after = self.with_open(&tried)?;
            let leads_home = is_only || tokens(&self.with_all(&after)?) == tokens(&self.full);
            if leads_home || first.is_none() {
                first = Some((name, after));
            }
            if leads_home {
                break;
            }
        }
        let Some((name, text)) = first else {
            return Ok(None);
        };
        let opened = self.table.get(&name).cloned();
        open.insert(name);
        Ok(Some(ExpansionStep { opened, text }))
    }

    /// Returns the macros in a text that are held back and could be opened, from the left.
    fn candidates(&self, text: &str, open: &BTreeSet<String>) -> Vec<String> {
        let tokens = tokens(text);
        let mut names: Vec<String> = Vec::new();
        for (at, token) in tokens.iter().enumerate() {
            let Some(definition) = self.table.get(token) else {
                continue;
            };
            let has_arguments = tokens.get(at + 1) == Some(&"(");
            let is_new = !open.contains(*token) && !names.iter().any(|name| name == token);
            if is_new && (has_arguments || !definition.is_function) {
                names.push((*token).to_owned());
            }
        }
        names
    }

    /// Returns the names in a text that nothing is known of. Where a header is missing nothing was worked
    /// out, so only what looks like a call can be told from a constant.
    fn unknown(&self, text: &str) -> Vec<UnknownName> {
        let tokens = tokens(text);
        let mut unknown: Vec<UnknownName> = Vec::new();
        for (at, token) in tokens.iter().enumerate() {
            let is_called = tokens.get(at + 1) == Some(&"(");
            let is_told = is_called || self.missing.is_empty();
            let is_first = !unknown.iter().any(|unknown| unknown.name == *token);
            if !is_identifier(token) || is_word_of_c(token) || !is_told || !is_first {
                continue;
            }
            let lacks_arguments = self.table.get(token).is_some();
            unknown.push(UnknownName {
                name: (*token).to_owned(),
                is_called,
                lacks_arguments,
                near: match lacks_arguments {
                    true => Vec::new(),
                    false => self.table.near(token),
                },
                header: None,
            });
        }
        unknown
    }

    /// Preprocesses the expression with only some macros let through.
    fn with_open(&self, open: &BTreeSet<String>) -> Result<String, ExpandError> {
        let open = open.iter().filter_map(|name| self.table.get(name));
        self.preprocessed(open, &self.preamble.question.expression)
    }

    /// Preprocesses a text with all macros let through.
    fn with_all(&self, text: &str) -> Result<String, ExpandError> {
        self.preprocessed(self.table.all(), text)
    }

    fn preprocessed<'d>(
        &self,
        defined: impl Iterator<Item = &'d Definition>,
        text: &str,
    ) -> Result<String, ExpandError> {
        let mut input = String::new();
        // What clang defines before it reads anything.
        let predefined = self.table.all().filter(|one| one.header.is_none());
        for definition in predefined {
            input += &format!("#undef {}\n", definition.name);
        }
        for definition in defined {
            input += &format!("#define {}\n", definition.text);
        }
        input += &format!("{MARK}\n{text}\n");
        let tool = self.preamble.tool().args(["-E", "-P", "-w", "-"]);
        let said = tool.run(input.as_bytes())?;
        after_mark(&String::from_utf8_lossy(&said.stdout))
    }
}

/// Whether a name is one of C's own, or of clang's.
fn is_word_of_c(name: &str) -> bool {
    name.starts_with("__")
        || matches!(
            name,
            "sizeof"
                | "typeof"
                | "struct"
                | "union"
                | "enum"
                | "const"
                | "void"
                | "char"
                | "short"
                | "int"
                | "long"
                | "signed"
                | "unsigned"
                | "static"
                | "inline"
                | "extern"
                | "volatile"
                | "return"
                | "if"
                | "else"
                | "for"
                | "while"
                | "do"
                | "switch"
                | "asm"
        )
}

/// Returns what follows the last mark, in one line.
fn after_mark(text: &str) -> Result<String, ExpandError> {
    let (_, after) = text.rsplit_once(MARK).ok_or(ExpandError::Answer)?;
    let lines = after.lines().filter(|line| !line.starts_with("# "));
    let words: Vec<&str> = lines.flat_map(str::split_whitespace).collect();
    Ok(words.join(" "))
}
