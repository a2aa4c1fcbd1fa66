"""The words of lwtui in another language: which one, from which catalogue, and what broken catalogues do."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from copy import deepcopy
from pathlib import Path

import polib
import pytest

from lwtui import translation
from lwtui.terminal_cells import width_of
from lwtui.translation import (
    _,
    _n,
    _p,
    broken_messages,
    english,
    english_kept,
    english_of,
    language,
    language_problem,
    languages,
    listed,
    sentences,
)

ONE_FORM = "nplurals=1; plural=0;"
# Three forms, as in Polish.
THREE_FORMS = "nplurals=3; plural=(n==1 ? 0 : n%10>=2 && n%10<=4 && (n%100<10 || n%100>=20) ? 1 : 2);"
Entries = Mapping[str | tuple[str, str], str | list[str]]


def write_catalogue(folder: Path, name: str, entries: Entries, plurals: str = ONE_FORM) -> Path:
    """Write ``NAME.po`` into a folder."""
    catalogue = polib.POFile()
    catalogue.metadata = {"Content-Type": "text/plain; charset=UTF-8", "Plural-Forms": plurals}
    for original, translated in entries.items():
        if isinstance(original, tuple):
            forms = dict(enumerate(translated))
            catalogue.append(polib.POEntry(msgid=original[0], msgid_plural=original[1], msgstr_plural=forms))
        else:
            catalogue.append(polib.POEntry(msgid=original, msgstr=translated))
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / f"{name}.po"
    catalogue.save(str(file))
    return file


def forget() -> None:
    """Have this process choose the language again."""
    translation._language.cache_clear()
    translation._catalogue.cache_clear()
    translation._problems.clear()


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An empty config folder for this process, which has no language."""
    for name in ("LWTUI_LANGUAGE", "LC_ALL", "LC_MESSAGES", "LANG", "LANGUAGE"):
        monkeypatch.delenv(name, raising=False)
    for name in ("config", "cache", "state"):
        (tmp_path / name).mkdir()
        monkeypatch.setenv(f"LWTUI_{name.upper()}_DIR", str(tmp_path / name))
    monkeypatch.setattr("lwtui.translation._SHIPPED", tmp_path / "shipped")
    forget()
    yield tmp_path / "config"
    monkeypatch.undo()
    forget()


@pytest.fixture
def speak(config: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Path]:
    """Return a function that writes a catalogue of one's own, and uses it in this process."""

    def use(entries: Entries, plurals: str = ONE_FORM) -> Path:
        file = write_catalogue(config / "locale", "xq", entries, plurals)
        monkeypatch.setenv("LWTUI_LANGUAGE", "xq")
        forget()
        return file

    return use


def run(folder: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run ``lwtui`` in a process of its own, whose folders are in ``folder``."""
    unset = ("LWTUI_LANGUAGE", "LC_ALL", "LC_MESSAGES", "LANG", "LANGUAGE")
    inherited = {name: value for name, value in os.environ.items() if name not in unset}
    folders = {f"LWTUI_{name.upper()}_DIR": str(folder / name) for name in ("config", "cache", "state")}
    return subprocess.run(
        [sys.executable, "-m", "lwtui", *arguments],
        env=inherited | folders | environment,
        capture_output=True,
        encoding="utf-8",
        stdin=subprocess.DEVNULL,
    )


# -- which language


@pytest.mark.parametrize(
    ("environment", "setting", "expected"),
    [
        ({}, "", "en"),
        # the variable
        ({"LWTUI_LANGUAGE": "zh"}, "", "zh"),
        ({"LWTUI_LANGUAGE": "zh_CN.UTF-8"}, "", "zh"),
        ({"LWTUI_LANGUAGE": "zh-CN"}, "", "zh"),
        ({"LWTUI_LANGUAGE": "zh_TW"}, "", "zh"),
        ({"LWTUI_LANGUAGE": "zh-Hant-TW"}, "", "zh"),
        ({"LWTUI_LANGUAGE": "ZH"}, "", "zh"),
        ({"LWTUI_LANGUAGE": "pt_BR"}, "", "pt_BR"),
        ({"LWTUI_LANGUAGE": "pt"}, "", "en"),
        ({"LWTUI_LANGUAGE": "xx"}, "", "en"),
        ({"LWTUI_LANGUAGE": "../config/zh"}, "", "en"),
        ({"LWTUI_LANGUAGE": "en", "LANG": "zh_CN.UTF-8"}, "zh", "en"),
        # the setting
        ({}, "de", "de"),
        ({"LANG": "zh_CN.UTF-8"}, "de", "de"),
        ({"LWTUI_LANGUAGE": "zh"}, "de", "zh"),
        ({"LWTUI_LANGUAGE": ""}, "de", "de"),
        ({"LANG": "zh_CN.UTF-8"}, "en", "en"),
        ({}, "xx", "en"),
        # the locale
        ({"LANG": "zh_CN.UTF-8"}, "", "zh"),
        ({"LANG": "zh_TW.Big5"}, "", "zh"),
        ({"LANG": "de_AT@euro"}, "", "de"),
        ({"LANG": "fr_FR.UTF-8"}, "", "en"),
        ({"LC_ALL": "zh_CN.UTF-8", "LC_MESSAGES": "de_DE", "LANG": "en_US"}, "", "zh"),
        ({"LC_MESSAGES": "de_DE", "LANG": "zh_CN"}, "", "de"),
        ({"LC_ALL": "C", "LANG": "zh_CN.UTF-8"}, "", "en"),
        ({"LANG": "C.UTF-8"}, "", "en"),
        ({"LANG": "POSIX"}, "", "en"),
        # the list, which counts only where a locale is set
        ({"LANG": "en_US.UTF-8", "LANGUAGE": "zh"}, "", "en"),
        ({"LANG": "C.UTF-8", "LANGUAGE": "zh"}, "", "en"),
        ({"LANG": "de_DE.UTF-8", "LANGUAGE": "fr:zh_CN:de"}, "", "zh"),
        ({"LANG": "de_DE.UTF-8", "LANGUAGE": "en_GB:zh"}, "", "en"),
        ({"LANG": "de_DE.UTF-8", "LANGUAGE": "fr::it"}, "", "de"),
        ({"LANG": "fr_FR.UTF-8", "LANGUAGE": "it:de"}, "", "de"),
    ],
)
def test_the_language_is_chosen_by_the_variable_the_setting_and_the_locale(
    config: Path, monkeypatch: pytest.MonkeyPatch, environment: dict[str, str], setting: str, expected: str
) -> None:
    for name in ("zh", "de", "pt_BR"):
        write_catalogue(config / "locale", name, {"Stopped.": "."})
    (config / "settings.toml").write_text(f'language = "{setting}"\n', encoding="utf-8")
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert language() == expected


@pytest.mark.parametrize("settings", [b"language = 5\n", b'language = "zh', b'language = "zh" # \xff\n', b"language"])
def test_settings_that_cannot_be_read_choose_no_language(config: Path, settings: bytes) -> None:
    write_catalogue(config / "locale", "zh", {})
    (config / "settings.toml").write_bytes(settings)
    assert language() == "en"


def test_languages_are_those_of_both_folders(config: Path, tmp_path: Path) -> None:
    write_catalogue(config / "locale", "xq", {})
    write_catalogue(tmp_path / "shipped", "zh", {})
    assert languages() == ["en", "xq", "zh"]
    assert not language_problem("") and not language_problem("zh_CN") and not language_problem("en-GB")
    for unknown in ("yy", "../zh", "zh/..", "*", " "):
        assert "xq" in language_problem(unknown)


# -- which catalogue


def test_a_catalogue_of_ones_own_goes_before_the_one_that_comes_with_lwtui(
    speak: Callable[..., Path], tmp_path: Path
) -> None:
    write_catalogue(tmp_path / "shipped", "xq", {"Stopped.": "shipped", "Nothing found.": "shipped"})
    speak({"Stopped.": "own"})
    assert (_("Stopped."), _("Nothing found."), _("Key: ")) == ("own", "shipped", "Key: ")


def test_a_broken_catalogue_of_ones_own_leaves_the_one_that_comes_with_lwtui(
    speak: Callable[..., Path], tmp_path: Path
) -> None:
    write_catalogue(tmp_path / "shipped", "xq", {"Stopped.": "shipped"})
    speak({}).write_bytes(b"\xff\xfe")
    assert _("Stopped.") == "shipped"


def test_values_are_put_in_and_other_braces_stay(speak: Callable[..., Path]) -> None:
    speak({"{file} does not exist.": "No {file}!", 'print {"ok"}': 'prin {"ok"}', "none": "naught"})
    assert _("{file} does not exist.", file="a{b}") == "No a{b}!"
    assert _('print {"ok"}') == 'prin {"ok"}'
    assert _("") == ""  # the entry of a catalogue's header


def test_plurals_follow_the_catalogue(speak: Callable[..., Path]) -> None:
    speak({("{count} note", "{count} notes"): ["{count} notatka", "{count} notatki", "{count} notatek"]}, THREE_FORMS)
    assert [_n("{count} note", "{count} notes", count) for count in (1, 3, 5, 22)] == [
        "1 notatka",
        "3 notatki",
        "5 notatek",
        "22 notatki",
    ]
    assert _n("{count} word", "{count} words", 1) == "1 word"


@pytest.mark.parametrize("plurals", ["nplurals=2; plural=n/0;", "nplurals=2; plural=5;", "nplurals=1; plural=n%0;"])
def test_a_rule_for_plurals_that_fails_leaves_english(speak: Callable[..., Path], plurals: str) -> None:
    speak({("{count} note", "{count} notes"): ["{count} a", "{count} b"]}, plurals)
    assert _n("{count} note", "{count} notes", 2) == "2 notes"


def test_a_context_tells_two_meanings_apart(speak: Callable[..., Path]) -> None:
    file = speak({"Key": "button", "Note": "slip"})
    catalogue = polib.pofile(str(file))
    catalogue.append(polib.POEntry(msgctxt="citation", msgid="Key", msgstr="handle"))
    catalogue.save(str(file))
    forget()
    assert (_("Key"), _p("citation", "Key"), _p("citation", "Note"), _p("citation", "{x}", x=1)) == (
        "button",
        "handle",
        "slip",
        "1",
    )


def test_what_a_model_reads_stays_english(speak: Callable[..., Path]) -> None:
    speak({"Stopped.": "Halted.", ("{count} note", "{count} notes"): ["{count} slips"]})
    with english():
        assert (_("Stopped."), _n("{count} note", "{count} notes", 1)) == ("Stopped.", "1 note")
    assert (_("Stopped."), _n("{count} note", "{count} notes", 1)) == ("Halted.", "1 slips")


def test_a_text_may_know_itself_in_english(speak: Callable[..., Path]) -> None:
    speak({"{count} rows": "{count} Zeilen", "in {place}": "in der {place}", "page": "Seite"})
    assert english_of(_("page")) == "Seite"
    with english_kept():
        found = _("in {place}", place=_("page"))
        counted = _n("{count} row", "{count} rows", 2)
    assert (found, english_of(found)) == ("in der Seite", "in page")
    assert (counted, english_of(counted)) == ("2 rows", "2 rows")
    assert english_of(5) == 5
    assert english_of(deepcopy(found)) == "in page"


def test_sentences_are_joined_as_the_language_does() -> None:
    assert sentences("One.", "", "Two.") == "One. Two."
    assert sentences("一。", "二！", "three.", "四") == "一。二！three. 四"


def test_lists_are_joined_as_the_language_does(speak: Callable[..., Path]) -> None:
    assert listed(["tea", "coffee"]) == "tea, coffee"
    speak({", ": "、"})
    assert listed(["茶", "咖啡"]) == "茶、咖啡"


@pytest.mark.parametrize("package", ["lwtui", "bench/lwtui_bench", "training/lwtui_training"])
def test_texts_stand_where_extraction_finds_them(package: str) -> None:
    root = Path(__file__).parents[1]
    hidden = [
        f"{file.relative_to(root)}:{call.lineno}: move the text out of the f-string"
        for file in (root / package).rglob("*.py")
        for whole in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        if isinstance(whole, ast.JoinedStr)
        for call in ast.walk(whole)
        if isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id in ("_", "_n", "_p")
    ]
    assert not hidden


# -- texts that cannot be shown


@pytest.mark.parametrize(
    "translated",
    [
        "Hi {x}.",
        "Hi {name} {x.__class__}.",
        "Hi {name.__class__}.",
        "Hi {name[0]}.",
        "Hi {}.",
        "Hi {0}.",
        "Hi {name.",
        "Hi name}.",
        "Hi {name!x}.",
        "Hi {name!r}.",
        "Hi {name:d}.",
        "Hi {name:>999999999}.",
        "Hi {name:{name}}.",
        "Hi.",
        "Hi {name}\x1b[2J.",
    ],
)
def test_a_translation_with_other_placeholders_is_shown_in_english(speak: Callable[..., Path], translated: str) -> None:
    file = speak({"Hello {name}.": translated, "Stopped.": "Halted."})
    assert _("Hello {name}.", name="Ann") == "Hello Ann."
    assert _("Stopped.") == "Halted."
    assert broken_messages(file) == ["Hello {name}."]


@pytest.mark.parametrize(
    ("original", "translated"),
    [
        ("expected %s", "%d"),
        ("expected %s", "100 % %s"),
        ("expected %s", "%s %s %(x)s"),
        ("expected %s", "nothing"),
        ("invalid %(type)s", "%(other)s"),
        ("{n:,} words", "{n:x}"),
        ("Stopped.", "{x}"),
    ],
)
def test_formats_that_the_english_text_does_not_have_are_not_used(
    speak: Callable[..., Path], original: str, translated: str
) -> None:
    assert broken_messages(speak({original: translated})) == [original]


def test_a_translation_may_order_its_placeholders_and_leave_formats_out(speak: Callable[..., Path]) -> None:
    entries: Entries = {
        "{done:,} of {all:,}": "{all} - {done:,}",
        "{share:.0%} used": "{share:.0%} (100 %)",
        "argument %(name)s: %(message)s": "%(message)s (%(name)s), 100%%",
        ("{count} note", "{count} notes"): ["one or more notes"],
    }
    assert broken_messages(speak(entries)) == []
    assert _("{done:,} of {all:,}", done=1000, all=2000) == "2000 - 1,000"


# -- compiled catalogues


def test_a_compiled_catalogue_is_renewed_when_its_file_changes(speak: Callable[..., Path], tmp_path: Path) -> None:
    kept = tmp_path / "cache" / "locale"
    for text in ("one", "a second", "the third one"):
        speak({"Stopped.": text})
        assert _("Stopped.") == text
        assert len(list(kept.iterdir())) == 1
    (compiled,) = kept.iterdir()
    before = compiled.stat().st_mtime_ns
    forget()
    assert _("Stopped.") == "the third one"
    assert compiled.stat().st_mtime_ns == before


@pytest.mark.parametrize("damaged", [b"", b"\xde\x12\x04\x95", b"\xde\x12\x04\x95" + bytes(range(256)), b"x" * 99])
def test_a_damaged_compiled_catalogue_is_replaced(speak: Callable[..., Path], tmp_path: Path, damaged: bytes) -> None:
    speak({"Stopped.": "Halted."})
    assert _("Stopped.") == "Halted."
    (compiled,) = (tmp_path / "cache" / "locale").iterdir()
    compiled.write_bytes(damaged)
    forget()
    assert _("Stopped.") == "Halted."
    assert compiled.read_bytes() != damaged


def test_a_cache_that_cannot_be_written_does_no_harm(
    speak: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a-file").write_text("")
    monkeypatch.setenv("LWTUI_CACHE_DIR", str(tmp_path / "a-file"))
    speak({"Stopped.": "Halted."})
    assert _("Stopped.") == "Halted."
    assert len(translation._problems) == 1


# -- commands


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"This is no catalogue.\n",
        b'msgid "Stopped."\nmsgstr "\xff\xfe"\n',
        'msgid "Stopped."\nmsgstr "停止"\n'.encode("gb18030"),
        b'msgid ""\nmsgstr ""\n"Plural-Forms: nplurals=2; plural=__import__(\'os\').getpid();\\n"\n',
        b'msgid ""\nmsgstr ""\n"Content-Type: text/plain; charset=x\\n"\n\nmsgid "usage: "\nmsgstr "{x.__class__}"\n',
        bytes(range(256)),
    ],
)
def test_a_command_with_a_broken_catalogue_speaks_english(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "config" / "locale").mkdir(parents=True)
    (tmp_path / "config" / "locale" / "xq.po").write_bytes(content)
    done = run(tmp_path, "config", "path", LWTUI_LANGUAGE="xq")
    assert (done.returncode, done.stderr) == (0, "")
    log = tmp_path / "state" / "lwtui.log"
    logged = log.read_text(encoding="utf-8") if log.exists() else ""
    try:
        broken_messages(tmp_path / "config" / "locale" / "xq.po")
    except (OSError, ValueError):
        assert "xq.po is not a catalogue" in logged
        assert "Traceback" not in logged
    else:
        assert not logged or "plural" in logged
    assert run(tmp_path, "config", "--nope", LWTUI_LANGUAGE="xq").stderr.startswith("lwtui: Unrecognized arguments")


def test_the_help_speaks_a_language_that_has_nothing_but_a_file(tmp_path: Path) -> None:
    entries: Entries = {
        "usage: ": "用法示例：",
        "options": "选项",
        "%(heading)s:": "%(heading)s：",
        "show this help message and exit": "帮助",
        "show the version and exit": "版本" * 60,
        "unrecognized arguments: %s": "多余的 %s",
        "argument %(argument_name)s: %(message)s": "%(argument_name)s：%(message)s",
        "expected one argument": "要一个",
        "invalid choice: %(value)r (choose from %(choices)s)": "%(value)r 不行，100%% %(choices)s",
        "how much to log (default: warning); lwtui doctor prints where the log is; at debug, it may contain text of "
        "documents": "日志 100 %",
        "{problem}. See {command} --help.": "{problem}。看 {command} --help。",
    }
    write_catalogue(tmp_path / "config" / "locale", "xq", entries)
    (tmp_path / "config" / "settings.toml").write_text('language = "xq"\n', encoding="utf-8")
    lines = run(tmp_path, "--help").stdout.splitlines()
    assert lines[0].startswith("用法示例：lwtui [FILE]")
    assert lines[1].startswith("          lwtui COMMAND")
    assert "选项：" in lines
    assert "  -h, --help            帮助" in lines
    assert "日志 100 %" in "\n".join(lines)
    version = [line for line in lines if "版本" in line]
    assert len(version) > 2 and all(width_of(line) <= 78 and line.startswith(" " * 2) for line in version)
    problems = {
        ("--nope",): "lwtui: 多余的 --nope。看 lwtui --help。\n",
        ("--model",): "lwtui: --model：要一个。看 lwtui --help。\n",
    }
    for arguments, message in problems.items():
        done = run(tmp_path, *arguments)
        assert (done.returncode, done.stderr) == (2, message)
    assert "'x' 不行，100% " in run(tmp_path, "--log-level", "x").stderr


def test_doctor_checks_the_catalogue(tmp_path: Path) -> None:
    file = write_catalogue(tmp_path / "config" / "locale", "xq", {"{servers}.": "{x}", "cache folder": "缓存文件夹"})
    done = run(tmp_path, "doctor", LWTUI_LANGUAGE="xq")
    assert "warn  language" in done.stdout and "'{servers}.'" in done.stdout
    shown = {name: str(tmp_path / name) for name in ("config", "cache", "state")}
    starts = {
        width_of(line[: line.index(path)])
        for path in shown.values()
        for line in done.stdout.splitlines()
        if line.endswith(path)
    }
    assert "缓存文件夹  " in done.stdout and len(starts) == 1
    file.write_bytes(b"\xff")
    done = run(tmp_path, "doctor", LWTUI_LANGUAGE="yy")
    assert "warn  language" in done.stdout and "LWTUI_LANGUAGE" in done.stdout
    assert "FAIL  language" in run(tmp_path, "doctor", LWTUI_LANGUAGE="xq").stdout


def test_a_language_that_there_is_not_is_refused_in_one_line(tmp_path: Path) -> None:
    write_catalogue(tmp_path / "config" / "locale", "xq", {})
    for unknown in ("yy", "../../zh"):
        done = run(tmp_path, "config", "set", "language", unknown)
        assert done.returncode == 2
        assert done.stderr.count("\n") == 1 and "en, xq" in done.stderr
    assert not (tmp_path / "config" / "settings.toml").exists()
    assert run(tmp_path, "config", "set", "language", "xq").returncode == 0
    assert run(tmp_path, "config", "get", "language").stdout == "xq\n"


def test_a_plan_is_read_as_it_is_printed_in_any_language(tmp_path: Path) -> None:
    entries: Entries = {
        "words": "词",
        ("{words:,} {unit} in {count} section", "{words:,} {unit} in {count} sections"): [
            "{count} 节，{words:,} {unit}"
        ],
    }
    write_catalogue(tmp_path / "config" / "locale", "xq", entries)
    code = """if True:
        from lwtui.cli.plan_text import read_plan, show_plan
        from lwtui.documents.model import Plan, PlannedSection
        sections = (
            PlannedSection("Tea (1,000 BC)", "", 0), PlannedSection("Leaves", "What they are", 1200, level=2),
            PlannedSection("Cups", "Of 2 kinds", 300, level=2), PlannedSection("End", "What is left", 200))
        shown = show_plan(Plan("On Tea", sections), "en")
        assert "3 节，1,700 词" in shown and "2 节，1,500 词" in shown, shown
        print(*[(each.title, each.words, each.level) for each in read_plan(shown, "Tea", None).sections])
    """
    environment = os.environ | {"LWTUI_LANGUAGE": "xq", "LWTUI_CONFIG_DIR": str(tmp_path / "config")}
    environment |= {"LWTUI_CACHE_DIR": str(tmp_path / "cache"), "PYTHONIOENCODING": "utf-8"}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, encoding="utf-8")
    assert done.stderr == ""
    assert done.stdout == "('Tea (1,000 BC)', 0, 1) ('Leaves', 1200, 2) ('Cups', 300, 2) ('End', 200, 1)\n"
