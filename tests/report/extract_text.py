"""Prints the text that a PDF's pages show, without any white space: for tests that look for it.

Enough of an extractor for documents whose fonts all have two-byte codes and a ToUnicode map.
"""

import re
import sys

import pikepdf


def code_map(font):
    """Code to text, out of a font's ToUnicode CMap."""
    cmap = font.ToUnicode.read_bytes().decode("latin-1")
    text = lambda digits: bytes.fromhex(digits).decode("utf-16-be")
    codes = {}
    for section in re.findall(r"beginbfchar(.*?)endbfchar", cmap, re.S):
        for code, target in re.findall(r"<(\w+)>\s*<(\w+)>", section):
            codes[int(code, 16)] = text(target)
    for section in re.findall(r"beginbfrange(.*?)endbfrange", cmap, re.S):
        for first, last, target in re.findall(r"<(\w+)>\s*<(\w+)>\s*<(\w+)>", section):
            for offset in range(int(last, 16) - int(first, 16) + 1):
                start = text(target)
                codes[int(first, 16) + offset] = start[:-1] + chr(ord(start[-1]) + offset)
    return codes


def shown(page):
    fonts = {name: code_map(font) for name, font in page.Resources.Font.items()}
    font = {}
    for operands, operator in pikepdf.parse_content_stream(page):
        if str(operator) == "Tf":
            font = fonts[str(operands[0])]
        elif str(operator) in ("Tj", "TJ"):
            parts = operands[0] if str(operator) == "TJ" else operands
            for part in parts:
                if isinstance(part, pikepdf.String):
                    data = bytes(part)
                    for at in range(0, len(data), 2):
                        yield font.get(int.from_bytes(data[at : at + 2], "big"), "\ufffd")


pdf = pikepdf.open(sys.argv[1])
text = "".join(character for page in pdf.pages for character in shown(page))
sys.stdout.buffer.write("".join(text.split()).encode())
