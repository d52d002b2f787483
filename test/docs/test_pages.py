"""The pages of documentation: their links lead somewhere, and the Chinese ones say the same as the English ones."""

import re

import pytest

from pages import ROOT, differences, is_outside, original_of, read_blocks, resolve

# The pages for those who run a server, move a fleet to one, call the API or build devices. The other pages are for
# those who work on the program: its comments are in English, too.
FOR_USERS = ["operating", "metrics", "moving-in", "definitions", "backup", "cluster", "audit", "acknowledgements",
             "api", "debugger", "compatibility", "errors", "devices"]

TRANSLATED = {"README.md": "README.zh-CN.md", **{f"docs/{name}.md": f"docs/zh/{name}.md" for name in FOR_USERS}}
PAGES = sorted(path for folder in (".", "docs", "docs/zh") for path in (ROOT / folder).glob("*.md"))


def name_of(path):
    return str(path.relative_to(ROOT))


@pytest.mark.parametrize("path", PAGES, ids=name_of)
def test_every_link_leads_to_a_file_and_a_heading_that_are_there(path):
    links = [(block.line, link) for block in read_blocks(path.read_text()) for link in block.links if not is_outside(link)]
    assert [(line, link) for line, link in links if resolve(path, link) is None] == []


@pytest.mark.parametrize("name", TRANSLATED)
def test_a_translation_has_the_headings_code_links_and_numbers_of_its_original(name):
    original, path = ROOT / name, ROOT / TRANSLATED[name]
    assert differences(original, original.read_text(), path, path.read_text()) == []


@pytest.mark.parametrize("name", TRANSLATED)
def test_both_languages_of_a_page_begin_with_a_link_to_the_other(name):
    original, path = ROOT / name, ROOT / TRANSLATED[name]
    for page, label, other in ((original, "中文", path), (path, "English", original)):
        second = read_blocks(page.read_text())[1]
        assert re.fullmatch(rf"\[{label}\]\(\S+\)", second.text) and resolve(page, second.links[0]) == (other, None)


@pytest.mark.parametrize("name", TRANSLATED.values())
def test_a_chinese_page_leads_to_chinese_pages_where_there_are_some(name):
    path = ROOT / name
    links = [link for block in read_blocks(path.read_text())[2:] for link in block.links if not is_outside(link)]
    leads_to = {name_of(resolve(path, link)[0]) for link in links}
    assert leads_to & set(TRANSLATED) == set()


@pytest.mark.parametrize("name", TRANSLATED.values())
def test_bold_in_a_chinese_page_ends_where_markdown_sees_it(name):
    """`**。**文` is not bold: after a mark of punctuation, `**` ends nothing unless a space or another mark follows."""
    for block in read_blocks((ROOT / name).read_text()):
        for bold in re.finditer(r"(.?)\*\*(.+?)\*\*(.?)", "" if block.is_code else block.text, re.S):
            before, inside, after = (re.sub(r"\w", "w", part) for part in bold.groups())
            assert before != "w" or inside[0] == "w", (block.line, bold[0])
            assert after != "w" or inside[-1] == "w", (block.line, bold[0])


def test_every_chinese_page_has_an_original_and_every_page_stands_in_both_readmes():
    assert {name_of(path) for path in (ROOT / "docs/zh").iterdir()} == {name for name in TRANSLATED.values() if "/" in name}
    for readme in ("README.md", "README.zh-CN.md"):
        page = ROOT / readme
        linked = {original_of(resolve(page, link)[0]) for block in read_blocks(page.read_text()) for link in block.links}
        assert {path for path in (ROOT / "docs").glob("*.md")} <= linked, readme


# --- the comparison itself ---------------------------------------------------------------------------

ORIGINAL = """# Page

Run `muster serve` for 10 s: [what it does](operating.md#settings), [more](https://example.com/).

* one
* two

## Part

| `data` | here |
|---|---|

```sh
muster serve    # a comment
```
"""


@pytest.mark.parametrize("old, new, told", [
    ("## Part", "### Part", "line 8: h3"),
    ("\n* two", "", "line 7: h2"),
    ("here |", "here | there |", "line 10: row of 3"),
    ("```sh\nmuster serve    # a comment\n```\n", "", "7 blocks, the original has 8"),
    ("```sh", "```ini", "line 13: code ini"),
    ("`muster serve`", "muster serve", "code: lacks ['muster serve']"),
    ("`data`", "`date`", "has ['date'] instead"),
    ("10 s", "20 s", "numbers: lacks ['10']"),
    ("#settings", "#exit-statuses", "line 3 (line 3 of the original): links"),
    ("example.com", "example.org", "line 3 (line 3 of the original): links"),
    ("muster serve  ", "muster check  ", "line 13 (line 13 of the original): another code"),
])
def test_a_translation_that_says_something_else_is_told(old, new, told):
    path = ROOT / "docs/backup.md"
    assert old in ORIGINAL
    found = differences(path, ORIGINAL, path, ORIGINAL.replace(old, new))
    assert told in " ".join(found)


def test_prose_that_was_not_translated_is_told():
    path = ROOT / "docs/backup.md"
    assert differences(path, ORIGINAL, path, ORIGINAL) == ["line 3 (line 3 of the original): not translated"]


def test_prose_and_comments_are_the_translators():
    path = ROOT / "docs/backup.md"
    translation = ORIGINAL.replace("Run", "运行").replace("# a comment", "# 注释").replace("* one", "* 一").replace("here", "此处")
    assert differences(path, ORIGINAL, path, translation) == []
