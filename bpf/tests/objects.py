#!/usr/bin/env python3
"""Holds `tutor bpf` to LLVM on BPF objects that others made, and prints how far they agree.

    bpf/tests/objects.py [--tutor PATH] [--llvm FOLDER] [--listed N] FOLDER…

It looks through the folders for BPF objects, also inside of other files, where programs carry them as skeletons.
For each it compares functions and labels, maps, slots and relocations with what `llvm-objdump` and `llvm-readelf` say,
and gives every text that `tutor bpf disasm` prints back to `tutor bpf insn`, which must give the same bytes.
Objects come from packages, for example: golang-github-cilium-ebpf-dev (clang 7 to 9), libxdp1, xdp-tests,
libbpf-tools; unpack them with `dpkg -x`. It exits 1 when they disagree; objects that one of them refuses are listed.
"""
import argparse
import collections
import json
import pathlib
import re
import struct
import subprocess
import sys
import tempfile

MAGIC, BPF, RELOCATABLE = b"\x7fELF\x02", 247, 1
# So many texts are given to one `tutor bpf insn`, which reads 1 MiB at the most.
BATCH = 5000


def embedded(data):
    """The BPF objects in some bytes, each with its place."""
    at = data.find(MAGIC)
    while at >= 0:
        order = "<" if data[at + 5 : at + 6] == b"\x01" else ">"
        header = data[at : at + 64]
        if len(header) == 64 and struct.unpack(order + "HH", header[16:20]) == (RELOCATABLE, BPF):
            table, = struct.unpack(order + "Q", header[40:48])
            size, count = struct.unpack(order + "HH", header[58:62])
            end = table + size * count
            for section in range(count):
                entry = data[at + table + section * size :][:64]
                if len(entry) == 64:
                    kind, = struct.unpack(order + "I", entry[4:8])
                    offset, length = struct.unpack(order + "QQ", entry[24:40])
                    end = max(end, offset + (length if kind != 8 else 0))
            yield at, data[at : at + end]
        at = data.find(MAGIC, at + 1)


def objects(folders, scratch):
    """Paths of files that hold one object each."""
    for folder in folders:
        paths = [folder] if folder.is_file() else sorted(folder.rglob("*"))
        for path in paths:
            if not path.is_file() or path.is_symlink():
                continue
            data = path.read_bytes()
            for number, (at, part) in enumerate(embedded(data)):
                if at == 0:
                    yield path, path
                    break
                copy = scratch / f"{number}-{path.name}.o"
                copy.write_bytes(part)
                yield copy, f"{path} at {at:#x}"


def output(*command):
    answer = subprocess.run(list(map(str, command)), capture_output=True, text=True, errors="replace")
    return answer.stdout if answer.returncode == 0 else None


Symbol = collections.namedtuple("Symbol", "value size kind bind section name")


def symbols(llvm, path):
    text = output(f"{llvm}llvm-readelf", "-sW", path) or ""
    for line in text.splitlines():
        fields = line.split(None, 7)
        if len(fields) >= 7 and fields[0].endswith(":") and fields[0][:-1].isdigit():
            _, value, size, kind, bind, _, section = fields[:7]
            name = fields[7].strip() if len(fields) == 8 else ""
            yield Symbol(int(value, 16), int(size), kind, bind, section, name)


def listing(llvm, path):
    """What llvm-objdump says, by section: labels, and a relocation or nothing for each slot."""
    text = output(f"{llvm}llvm-objdump", "-dr", path)
    if text is None:
        return None
    sections, section = [], None
    for line in text.splitlines():
        if line.startswith("Disassembly of section "):
            section = (line[23:-1], {}, {})
            sections.append(section)
        elif section is None:
            continue
        elif label := re.fullmatch(r"([0-9a-f]{16}) <(.*)>:", line):
            section[1][int(label[1], 16)] = label[2]
        elif relocation := re.match(r"\s+([0-9a-f]{16}):\s+(R_BPF_\w+)\s+(.*)", line):
            section[2][int(relocation[1], 16) // 8] = relocation[3].strip()
        elif slot := re.match(r"\s+(\d+):\s+((?:[0-9a-f]{2} )+)", line):
            section[2].setdefault(int(slot[1]), None)
    return sections


class Agreement:
    def __init__(self, options):
        self.options = options
        self.agreed = collections.Counter()
        self.disagreed = collections.defaultdict(list)
        self.refused = []
        self.texts = {"little": {}, "big": {}}

    def hold(self, what, place, ours, theirs):
        if ours == theirs:
            self.agreed[what] += 1
        else:
            self.disagreed[what].append(f"{place}: tutor has {ours!r}, LLVM {theirs!r}")

    def tutor(self, command, path):
        text = output(self.options.tutor, "bpf", command, "--json", path)
        return text and json.loads(text)

    def object(self, path, place):
        sections = self.tutor("sections", path)
        if sections is None:
            why = subprocess.run([self.options.tutor, "bpf", "sections", path], capture_output=True, text=True)
            self.refused.append(f"{place}: {why.stderr.splitlines()[0].split(': ', 2)[-1]}")
            return
        self.agreed["objects"] += 1
        known = list(symbols(self.options.llvm, path))
        self.hold("symbols", place, len(self.tutor("symbols", path)["symbols"]) + 1, len(known))
        by_number = {str(one["index"]): one for one in sections["sections"]}
        self.functions(sections, known, by_number, place)
        self.maps(sections, known, by_number, place)
        code = self.tutor("disasm", path)
        self.code(code["sections"] if code else [], known, sections, path, place)

    def functions(self, sections, known, by_number, place):
        ours = sorted((one["name"], one["section"], one["offset"]) for key in ("programs", "functions") for one in sections[key])
        theirs, static = [], []
        for symbol in known:
            section = by_number.get(symbol.section)
            if section is None or not section["is_code"] or not symbol.name:
                continue
            one = (symbol.name, section["name"], symbol.value)
            if symbol.kind == "FUNC" or (symbol.kind == "NOTYPE" and symbol.bind != "LOCAL"):
                theirs.append(one)
            elif symbol.kind == "NOTYPE":
                static.append(one)
        # LLVM does not tell a static function without a type from the label of a jump.
        found = [one for one in ours if one in static]
        self.agreed["static functions without a type, found by their calls"] += len(found)
        self.hold("functions of an object", place, [one for one in ours if one not in found], sorted(theirs))
        for program in sections["programs"]:
            is_text = program["section"].startswith(".text")
            self.hold("programs", f"{place}: {program['name']}", is_text, False)

    def maps(self, sections, known, by_number, place):
        in_maps = lambda symbol: re.fullmatch(r"\.maps|maps(/.*)?", by_number.get(symbol.section, {"name": ""})["name"])
        theirs = [s.name for s in known if s.kind in ("OBJECT", "NOTYPE") and s.name and in_maps(s)]
        self.hold("maps of an object", place, sorted(one["name"] for one in sections["maps"]), sorted(theirs))

    def code(self, ours, known, sections, path, place):
        theirs = listing(self.options.llvm, path)
        if theirs is None:
            self.refused.append(f"{place}: by llvm-objdump")
            return
        theirs = [section for section in theirs if section[2]]
        self.hold("sections of code", place, [one["name"] for one in ours], [one[0] for one in theirs])
        names = {symbol.name for symbol in known}
        for section, (name, _, slots) in zip(ours, theirs):
            order = sections["byte_order"]
            instructions = section["instructions"]
            self.agreed["instructions"] += len(instructions)
            self.hold("slots of a section", f"{place}: {name}", [one["slot"] for one in instructions], sorted(slots))
            for one in instructions:
                self.texts[order][one["text"]] = one["bytes"]
                relocation = slots.get(one["slot"])
                if relocation is not None:
                    self.relocation(one, relocation, names, sections, f"{place}: {name}: {one['slot']}")

    def relocation(self, one, relocation, names, sections, place):
        """LLVM names the symbol, or the section and an offset for what is static."""
        target = one["refers_to"] or {}
        said = {target.get("name"), target.get("section")}
        section = next((s["name"] for s in sections["sections"] if s["name"] == relocation.split("+")[0]), None)
        if target.get("kind") in ("function", "map") and section:
            held = [f for key in ("programs", "functions") for f in sections[key] if f["section"] == section]
            said |= {section} if any(f["name"] == target["name"] for f in held) or target["kind"] == "map" else set()
        self.hold("relocations", place, bool(said & {relocation, section}), True)
        if target.get("kind") == "data" and section:
            kind = "static data with a name" if target["name"] else "static data without a symbol"
            self.agreed[kind] += 1

    def round_trip(self):
        for order, texts in self.texts.items():
            flag = ["--big-endian"] if order == "big" else []
            items = sorted(texts.items())
            for start in range(0, len(items), BATCH):
                batch = items[start : start + BATCH]
                # What is no instruction by itself is one with the line after it.
                batch = [(text, real) for text, real in batch if not text.startswith(".byte 0x18 ")]
                lines = "\n".join(text for text, _ in batch)
                command = [self.options.tutor, "bpf", "insn", *flag, "--json", "-"]
                answer = subprocess.run(command, input=lines, capture_output=True, text=True)
                if not answer.stdout:
                    self.disagreed["distinct texts, given back to insn"].append(answer.stderr.strip())
                    continue
                again = json.loads(answer.stdout)["instructions"]
                for (text, real), one in zip(batch, again, strict=True):
                    self.hold("distinct texts, given back to insn", text, one["bytes"], real)
                    if one["also"]:
                        self.agreed["of them told to stand for two instructions"] += 1


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folders", nargs="+", type=pathlib.Path, metavar="FOLDER")
    parser.add_argument("--tutor", default="target/release/tutor")
    parser.add_argument("--llvm", default="", metavar="FOLDER", help="where another LLVM's programs are")
    parser.add_argument("--listed", default=20, type=int, metavar="N", help="list so many disagreements of a kind")
    options = parser.parse_args()
    if not pathlib.Path(options.tutor).exists():
        sys.exit(f"objects.py: there is no `{options.tutor}`; build it with `cargo build --release`")
    if missing := [folder for folder in options.folders if not folder.exists()]:
        sys.exit(f"objects.py: there is no `{missing[0]}`")
    options.llvm = options.llvm and options.llvm.rstrip("/") + "/"
    try:
        version = output(f"{options.llvm}llvm-objdump", "--version") or ""
    except FileNotFoundError as error:
        sys.exit(f"objects.py: there is no `{error.filename}`; `--llvm` says where it is")
    agreement = Agreement(options)
    with tempfile.TemporaryDirectory() as scratch:
        for path, place in objects(options.folders, pathlib.Path(scratch)):
            agreement.object(path, place)
    agreement.round_trip()
    print("beside LLVM", re.search(r"version (\S+)", version)[1])
    for what in {**agreement.agreed, **agreement.disagreed}:
        print(f"{what}: {agreement.agreed[what]} agree, {len(agreement.disagreed[what])} disagree")
    for line in agreement.refused:
        print(f"  refused: {line[:400]}")
    for what, lines in agreement.disagreed.items():
        for line in lines[: options.listed]:
            print(f"  {what}: {line[:400]}")
    sys.exit(any(agreement.disagreed.values()))


main()
