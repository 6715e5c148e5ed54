//! Whole listings: what `llvm-objdump -d [-r]` prints of an object, and what `tutor bpf disasm` does.

use std::fmt;

use tutor_bpf::asm::{AsmError, Dialect, instruction};
use tutor_bpf::insn::Instruction;

/// The instructions of one section.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Section {
    /// The section's name.
    pub name: String,
    /// Its lines, in order.
    pub lines: Vec<Line>,
}

/// One instruction of a listing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// The number of its first slot in the section.
    pub slot: usize,
    /// Its text as it stands there.
    pub text: String,
    /// What the text means; nothing where the tool itself wrote `<unknown>`.
    pub instruction: Option<Instruction>,
    /// The relocation below it, where the tool was asked for them.
    pub relocation: Option<Relocation>,
}

/// A relocation of a listing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Relocation {
    /// Its type, such as `R_BPF_64_64`.
    pub kind: String,
    /// What it refers to.
    pub symbol: String,
}

/// A line that is no instruction and should be one.
#[derive(Debug)]
pub struct ListingError {
    /// The line, from 1.
    pub line: usize,
    /// The text of the instruction.
    pub text: String,
    /// What is wrong with it.
    pub error: AsmError,
}

impl fmt::Display for ListingError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { line, text, error } = self;
        write!(f, "line {line}, `{text}`: {error}")
    }
}

/// Reads a listing. Lines that are no instruction, section or relocation are passed over, as headings and C are.
///
/// # Errors
///
/// [`ListingError`] for a line with a slot's number whose text is no instruction.
pub fn read(text: &str, dialect: Dialect) -> Result<Vec<Section>, ListingError> {
    let mut sections: Vec<Section> = Vec::new();
    for (at, line) in text.lines().enumerate() {
        if let Some(name) = line.strip_prefix("Disassembly of section ") {
            sections.push(Section {
                name: name.trim_end_matches(':').to_owned(),
                lines: Vec::new(),
            });
            continue;
        }
        let Some(section) = sections.last_mut() else {
            continue;
        };
        if let Some(relocation) = relocation(line) {
            if let Some(last) = section.lines.last_mut() {
                last.relocation = Some(relocation);
            }
            continue;
        }
        let Some((slot, text)) = numbered(line) else {
            continue;
        };
        // LLVM 19 lists what is to be relocated by BTF as well; the bytes below are as they are without it.
        if text.starts_with("CO-RE ") {
            continue;
        }
        let meaning = match text {
            "<unknown>" => Ok(None),
            text => instruction(text, dialect).map(Some),
        };
        let meaning = meaning.map_err(|error| ListingError {
            line: at + 1,
            text: text.to_owned(),
            error,
        })?;
        section.lines.push(Line {
            slot,
            text: text.to_owned(),
            instruction: meaning,
            relocation: None,
        });
    }
    Ok(sections)
}

/// Takes `       4:\t18 01 …\ttext` or `   4: 18 01 …  (18) text  ; note` apart.
fn numbered(line: &str) -> Option<(usize, &str)> {
    let (slot, text) = line.trim_start().split_once(':')?;
    let slot = slot.parse().ok()?;
    let text = text.split(" ; ").next()?;
    let mut rest = text.trim();
    // The bytes are not what the text is held to.
    while let Some((word, after)) = rest.split_once([' ', '\t']) {
        if !is_byte(word) {
            break;
        }
        rest = after.trim_start();
    }
    (!is_byte(rest) && !rest.is_empty()).then_some((slot, rest))
}

fn is_byte(word: &str) -> bool {
    word.len() == 2 && word.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// Takes `\t\t0000000000000010:  R_BPF_64_64\tcounts`.
fn relocation(line: &str) -> Option<Relocation> {
    let (_, rest) = line.trim_start().split_once(':')?;
    let (kind, symbol) = rest.trim_start().split_once(['\t', ' '])?;
    kind.starts_with("R_BPF_").then(|| Relocation {
        kind: kind.to_owned(),
        symbol: symbol.trim().to_owned(),
    })
}

#[test]
fn bytes_notes_and_relocations_stand_beside_the_text() {
    let text = "Disassembly of section tc:\n\
                \n0000000000000000 <prog>:\n\
                ; int x = 5;\n\
                \x20      4:\t18 01 00 00 00 00 00 00 00 00 00 00 00 00 00 00\tr1 = 0x0 ll\n\
                \t\t0000000000000020:  R_BPF_64_64\tcounts\n\
                \x20      6:\tc3 71 00 00 f1 00 00 00\t<unknown>\n\
                \x20  7: 95 00 00 00 00 00 00 00  (95) exit  ; back\n";
    let sections = read(text, Dialect::Llvm).unwrap();
    let lines = &sections[0].lines;
    let seen: Vec<(usize, &str)> = lines.iter().map(|line| (line.slot, &*line.text)).collect();
    assert_eq!(
        seen,
        [(4, "r1 = 0x0 ll"), (6, "<unknown>"), (7, "(95) exit")]
    );
    assert_eq!(lines[0].relocation.as_ref().unwrap().symbol, "counts");
    assert_eq!(lines[1].instruction, None);
    assert_eq!(lines[2].instruction, Some(Instruction::Exit));
}

#[test]
fn a_text_that_is_no_instruction_is_named_with_its_line() {
    let text = "Disassembly of section tc:\n   0:\tr1 <> 4\n";
    let error = read(text, Dialect::Llvm).unwrap_err();
    assert_eq!(
        error.to_string(),
        "line 2, `r1 <> 4`: column 4: expected an operation such as `=` or `+=`, found `<> 4`"
    );
}
