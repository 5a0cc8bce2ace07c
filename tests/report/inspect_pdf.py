"""Prints what a PDF says of itself, as JSON: for tests that assert on it."""

import json
import sys

import pikepdf

pdf = pikepdf.open(sys.argv[1])
root = pdf.Root


def bookmarks(items):
    for item in items:
        yield str(item.title)
        yield from bookmarks(item.children)


def elements(node):
    """Structure elements below a node of the structure tree."""
    children = node.get("/K", [])
    for child in children if isinstance(children, pikepdf.Array) else [children]:
        if isinstance(child, pikepdf.Dictionary) and "/S" in child:
            yield child
            yield from elements(child)


figures = [element for element in elements(root.StructTreeRoot) if element.S == "/Figure"]
with pdf.open_outline() as outline, pdf.open_metadata() as xmp:
    facts = {
        "attachments": {
            name: file.get_file().read_bytes().decode() for name, file in pdf.attachments.items()
        },
        "marked": bool(root.MarkInfo.Marked),
        "language": str(root.Lang),
        "pdfa_part": xmp.get("pdfaid:part"),
        "pdfa_conformance": xmp.get("pdfaid:conformance"),
        "pdfua_part": xmp.get("pdfuaid:part"),
        "title": xmp.get("dc:title"),
        "author": str(pdf.docinfo.get("/Author")),
        "created": str(pdf.docinfo.get("/CreationDate")),
        "pages": len(pdf.pages),
        "bookmarks": list(bookmarks(outline.root)),
        "figures": len(figures),
        "figures_without_alt": sum(1 for figure in figures if "/Alt" not in figure),
        "problems": list(pdf.check_pdf_syntax()),
    }
json.dump(facts, sys.stdout)
