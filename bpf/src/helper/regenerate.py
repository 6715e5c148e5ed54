#!/usr/bin/env python3
"""Writes helpers.tsv beside this file: the number, name and prototype of every BPF helper.

    regenerate.py [HEADER]

HEADER is the kernel's include/uapi/linux/bpf.h; /usr/include/linux/bpf.h by default. The numbers are those of
`enum bpf_func_id`; the prototypes stand in the comment above it. New helpers are not made any more (the header
says so itself, kfuncs took their place), so that the table of any Linux since 6.2 is the whole one.
"""
import pathlib
import re
import sys


def numbers(header):
    """The names in the order of the enum, with numbers said (since 6.2) or counted (before)."""
    body = re.search(r"#define _+BPF_FUNC_MAPPER\(FN[^)]*\)(.*?)\n\n", header, re.S)
    if not body:
        sys.exit("regenerate.py: there is no __BPF_FUNC_MAPPER in the header")
    for place, (name, number) in enumerate(re.findall(r"FN\((\w+)(?:, (\d+))?", body[1])):
        yield (int(number) if number else place), name


def prototypes(header):
    """The prototypes in the comment, by name."""
    comment = header[header.index("Start of BPF helper function descriptions"):]
    found = re.findall(r"^ \* ((?:[\w*]+ )+\**bpf_(\w+)\(.*?\))$", comment, re.M)
    return {name: prototype for prototype, name in found}


def main():
    path = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else "/usr/include/linux/bpf.h")
    header = path.read_text()
    known = prototypes(header)
    rows = []
    for number, name in numbers(header):
        if name == "unspec":
            continue
        if name not in known:
            print(f"no prototype: {name}", file=sys.stderr)
        rows.append(f"{number}\t{name}\t{known.get(name, '')}\n")
    table = pathlib.Path(__file__).with_name("helpers.tsv")
    table.write_text("".join(rows))
    print(f"{table.name}: {len(rows)} helpers")


main()
