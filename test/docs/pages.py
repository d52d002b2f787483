"""Reads pages of Markdown as far as the project uses it, and compares a page with its translation.

A page is a list of blocks: headings, paragraphs, list items, table rows and blocks of code. A translation has
the same blocks in the same order. A block has the same code words, links and numbers as its original, and its prose
is in Chinese. A block of code is the same, except for its comments.
"""

import re
from collections import Counter
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[2]
COMMENTS = {"sh": r"(^|\s+)# .*", "ini": r"(^|\s+)[;#] .*", "json": None, "": None}


class Block(NamedTuple):
    kind: str    # "h2", "text", "item", "row of 3", "code sh"
    line: int    # its first line, from 1
    text: str

    @property
    def is_code(self):
        return self.kind.startswith("code")

    @property
    def words(self):
        """What stands in `code`, with how often."""
        return Counter() if self.is_code else Counter(" ".join(word.split()) for word in re.findall(r"`([^`]+)`", self.text))

    @property
    def links(self):
        return [] if self.is_code else re.findall(r"\]\(([^)\s]+)\)", without_words(self.text))

    @property
    def prose(self):
        """Without code and the targets of links."""
        return re.sub(r"\]\([^)]*\)", "]", without_words(self.text))

    @property
    def numbers(self):
        return Counter(re.findall(r"\d[\d,]*(?:\.\d+)?", re.sub(r"(?<=\d),(?!\d{3})", " ", self.prose)))


def without_words(text):
    return re.sub(r"`[^`]+`", "", text)


def kind_of_line(line):
    if heading := re.match(r"(#+) ", line):
        return f"h{len(heading[1])}"
    if line.startswith("|"):
        cells = re.split(r"(?<!\\)[|]", line.strip())[1:-1]
        return f"row of {len(cells)}"
    return "item" if re.match(r"\s*([*-]|\d+\.) ", line) else "text"


def read_blocks(text):
    blocks, fence, open_block = [], None, False
    for number, line in enumerate(text.splitlines(), 1):
        if fence is not None:
            if line.strip() == "```":
                fence = None
            else:
                blocks[-1] = blocks[-1]._replace(text=blocks[-1].text + line + "\n")
        elif line.strip().startswith("```"):
            fence = line.strip()[3:]
            blocks.append(Block(f"code {fence}".strip(), number, ""))
            open_block = False
        elif not line.strip():
            open_block = False
        else:
            kind = kind_of_line(line)
            if kind == "text" and open_block:
                blocks[-1] = blocks[-1]._replace(text=blocks[-1].text + "\n" + line)
            else:
                blocks.append(Block(kind, number, line))
                open_block = kind in ("text", "item")
    return blocks


def slugs(blocks):
    """The anchors that GitHub gives to the headings of a page, in order."""
    seen, found = Counter(), []
    for block in blocks:
        if re.fullmatch(r"h\d", block.kind):
            words = re.sub(r"\]\([^)]*\)", "]", block.text.lstrip("# ")).lower()
            slug = re.sub(r"[^\w\- ]", "", words).replace(" ", "-")
            found.append(slug + (f"-{seen[slug]}" if seen[slug] else ""))
            seen[slug] += 1
    return found


def original_of(path):
    """docs/backup.md for docs/zh/backup.md, README.md for README.zh-CN.md; else the path itself."""
    return Path(str(path).replace("/docs/zh/", "/docs/").replace(".zh-CN.", "."))


def resolve(path, link):
    """Where a link of a page leads: a file, and the number of the heading that its anchor names. None if nowhere."""
    name, _, anchor = link.partition("#")
    target = (path.parent / name).resolve() if name else path
    if not target.exists():
        return None
    if not anchor:
        return target, None
    anchors = slugs(read_blocks(target.read_text()))
    return (target, anchors.index(anchor)) if anchor in anchors else None


def is_outside(link):
    return link.startswith(("http://", "https://", "mailto:"))


def targets(path, block):
    """Where the links of a block lead, whatever the language of the page there."""
    found = []
    for link in block.links:
        target = None if is_outside(link) else resolve(path, link)
        found.append((original_of(target[0]), target[1]) if target else link)
    return Counter(found)


def code_without_comments(block):
    pattern = COMMENTS.get(block.kind.removeprefix("code").strip())
    lines = block.text.splitlines()
    return [re.sub(pattern, "", line).rstrip() for line in lines] if pattern else lines


def changes(what, one, other):
    """What a counter has more and less than another, in words."""
    more, less = list((other - one).elements()), list((one - other).elements())
    return [f"{what}: lacks {less}, has {more} instead"] if more or less else []


def is_prose(block):
    return block.kind in ("text", "item") and len(re.findall(r"\b[a-z]+\b", block.prose)) > 3


def differences(original_path, original, path, translation):
    """What keeps a translation from saying the same as its original: a list of sentences."""
    ours, theirs = read_blocks(original), read_blocks(translation)
    for one, other in zip(ours, theirs):
        if one.kind != other.kind:
            return [f"line {other.line}: {other.kind} where line {one.line} of the original has {one.kind}"]
    if len(ours) != len(theirs):
        return [f"{len(theirs)} blocks, the original has {len(ours)}"]
    found = []
    for one, other in zip(ours, theirs):
        wrong = changes("code", one.words, other.words)
        wrong += changes("links", targets(original_path, one), targets(path, other))
        missing = list((one.numbers - other.numbers).elements())
        wrong += [f"numbers: lacks {missing}"] if missing else []
        wrong += ["not translated"] if is_prose(one) and not re.search("[\u4e00-\u9fff]", other.text) else []
        if one.is_code and code_without_comments(one) != code_without_comments(other):
            wrong.append("another code")
        found += [f"line {other.line} (line {one.line} of the original): {what}" for what in wrong]
    return found
