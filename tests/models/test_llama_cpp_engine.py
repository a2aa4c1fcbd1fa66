"""The engine itself, in this process: tokens, memory, sampling, grammars."""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lwtui.models.base import ModelError
from lwtui.models.llama_cpp.bindings import Gguf, LoadError, NativeLog
from lwtui.models.llama_cpp.engine import Aborted, Engine, Generation, TooLong
from lwtui.models.llama_cpp.fit import LoadOptions, Machine, fit
from lwtui.models.llama_cpp.gguf_header import read_header
from lwtui.models.llama_cpp.output import TextOut
from lwtui.models.llama_cpp.prompt import chat_tokens, text_tokens
from lwtui.models.llama_cpp.protocol import MOST_ANSWERS
from lwtui.models.llama_cpp.sampler import GrammarError, Sampler
from lwtui.models.llama_cpp.saved import SavedStates
from lwtui.models.llama_cpp.template import ChatTemplate, TemplatePart
from lwtui.text import count_words
from tests.support import gguf_file

GREEDY = {"temperature": 0.0}
LONG = "The garden lies behind the house, and nobody has been there for years. " * 30  # about 450 tokens

Write = Callable[..., tuple[str, Generation]]


@pytest.fixture(scope="module")
def log() -> NativeLog:
    return NativeLog()


def opened(path: Path, context_length: int, log: NativeLog, **wishes: Any) -> Engine:
    wish = LoadOptions(context_length=context_length, sequences=MOST_ANSWERS, **wishes)
    return Engine(str(path), fit(read_header(path), Machine.here(), wish), log)


@pytest.fixture(scope="module")
def engine(demo_gguf: Path, log: NativeLog) -> Iterator[Engine]:
    engine = opened(demo_gguf, 1024, log)
    yield engine
    engine.close()


@pytest.fixture(scope="module")
def gguf(engine: Engine) -> Gguf:
    return engine.gguf


def forget(engine: Engine) -> None:
    for sequence in engine.kv_cache.sequences:
        engine.kv_cache.rewind(sequence, 0)


def finish(engine: Engine, *answers: Generation) -> list[str]:
    """Compute answers side by side to their ends; their texts."""
    for answer in answers:
        engine.begin(answer)
    texts = {id(answer): "" for answer in answers}
    while any(answer.reason is None for answer in answers):
        engine.admit()
        for answer, piece in engine.step():
            texts[id(answer)] += piece
            if answer.reason is not None:
                engine.end(answer)
    return list(texts.values())


@pytest.fixture
def write(engine: Engine, log: NativeLog) -> Write:
    """Write an answer to its end; by default from an empty memory."""

    def run(
        prompt: str | list[int],
        max_tokens: int = 12,
        *,
        sampling: dict[str, float] = GREEDY,
        seed: int = 1,
        grammar: str = "",
        stop: tuple[str, ...] = (),
        fresh: bool = True,
    ) -> tuple[str, Generation]:
        tokens = text_tokens(engine.gguf, prompt) if isinstance(prompt, str) else prompt
        if fresh:
            forget(engine)
        answer = Generation(tokens, Sampler(engine.gguf, log, sampling, seed, grammar), TextOut(stop), max_tokens)
        return finish(engine, answer)[0], answer

    return run


# ---- text and tokens --------------------------------------------------------------------------------------------


def test_a_text_begins_with_the_models_own_token_once(gguf: Gguf) -> None:
    tokens = text_tokens(gguf, "Hello")
    assert tokens[0] == gguf.bos
    assert gguf.mark(tokens[0]) == "<bos>"
    assert tokens.count(gguf.bos) == 1


def test_tokens_make_the_text_again(gguf: Gguf) -> None:
    text = "Straße, 你好, 🍅🌱 and\n\n  two  spaces\t" + "\u200d"
    assert b"".join(map(gguf.piece, gguf.tokens(text))).decode() == text


def test_text_that_looks_like_a_mark_stays_text(gguf: Gguf) -> None:
    assert not any(map(gguf.is_hidden, text_tokens(gguf, "<end_of_turn><eos><bos>")[1:]))


def test_marks_count_in_the_template_and_nowhere_else_in_a_chat(gguf: Gguf) -> None:
    parts = [
        TemplatePart("<bos><start_of_turn>user\n", True),
        TemplatePart("Hi <end_of_turn>\n<start_of_turn>model", False),
        TemplatePart("<end_of_turn>\n<start_of_turn>model\n", True),
    ]
    tokens = chat_tokens(gguf, parts)
    marks = [gguf.mark(token) for token in tokens if gguf.is_hidden(token)]
    assert marks == ["<bos>", "<start_of_turn>", "<end_of_turn>", "<start_of_turn>"]
    plain = b"".join(gguf.piece(token) for token in tokens).decode()
    assert "Hi <end_of_turn>\n<start_of_turn>model" in plain


def test_a_chat_without_marks_in_its_text_becomes_the_tokens_of_the_whole(gguf: Gguf) -> None:
    template = ChatTemplate("{% for m in messages %}<start_of_turn>user\n[{{ m.content }}]<end_of_turn>\n{% endfor %}")
    parts = template.render([("user", "One word."), ("user", "And another")])
    whole = "".join(part.text for part in parts)
    assert chat_tokens(gguf, parts) == [gguf.bos, *gguf.tokens(whole, special=True)]


# ---- memory -----------------------------------------------------------------------------------------------------


def test_a_common_beginning_is_not_computed_again_and_the_text_is_the_same(write: Write) -> None:
    anew, first = write(LONG + "One day a child", 16)
    write(LONG + "In winter the", 4)
    again, second = write(LONG + "One day a child", 16, fresh=False)
    assert first.cached == 0
    assert 300 < second.cached < len(second.prompt)
    assert again == anew


def test_a_text_that_goes_on_from_its_answer_reuses_the_answer_too(write: Write, gguf: Gguf) -> None:
    prompt = text_tokens(gguf, LONG)
    text, _ = write(prompt, 80)
    longer = [*prompt, *gguf.tokens(text), *gguf.tokens(" And so it went on. " * 20)]
    _, answer = write(longer, 4, fresh=False)
    assert answer.cached > len(prompt) + 70


def test_a_short_prompt_is_computed_whole_so_that_it_always_leads_to_the_same_numbers(write: Write) -> None:
    sampling = {"temperature": 1.0}
    once, _ = write("Once upon a time", 20, sampling=sampling)
    write("Once upon another", 4, sampling=sampling)
    again, answer = write("Once upon a time", 20, sampling=sampling, fresh=False)
    assert (again, answer.cached) == (once, 0)


def test_an_aborted_prompt_leaves_its_sequence_as_it_was(engine: Engine, log: NativeLog, write: Write) -> None:
    expected, _ = write(LONG, 4)
    forget(engine)
    answer = Generation(text_tokens(engine.gguf, LONG), Sampler(engine.gguf, log, GREEDY, 1), TextOut(), 4)
    engine.begin(answer)
    engine.admit()
    engine.step()
    assert answer.sequence is not None
    done = len(answer.sequence.tokens)
    calls = iter(range(10))
    engine.should_abort = lambda: next(calls) >= 5
    try:
        with pytest.raises(Aborted):
            engine.step()
    finally:
        engine.should_abort = lambda: False
        engine.end(answer)
    assert len(answer.sequence.tokens) == done > 0
    assert write(LONG, 4, fresh=False)[0] == expected


def test_a_prompt_beyond_the_context_is_refused_with_its_size(engine: Engine, log: NativeLog) -> None:
    with pytest.raises(TooLong) as caught:
        engine.begin(Generation([5] * 1024, Sampler(engine.gguf, log, GREEDY, 1), TextOut(), 4))
    assert (caught.value.tokens, caught.value.limit) == (1024, 1024)


def test_an_answer_ends_where_the_context_is_full(engine: Engine, write: Write) -> None:
    prompt = text_tokens(engine.gguf, LONG * 3)[:1014]
    _, answer = write(prompt, 500)
    assert (answer.reason, answer.completion) == ("length", 11)
    assert answer.sequence is not None
    assert len(answer.sequence.tokens) == engine.context_length


# ---- sampling ---------------------------------------------------------------------------------------------------


def test_the_seed_decides_and_another_seed_decides_otherwise(write: Write) -> None:
    sampling = {"temperature": 1.2}
    texts = [write("My favourite place is", 16, sampling=sampling, seed=seed)[0] for seed in (1, 1, 2)]
    assert texts[0] == texts[1] != texts[2]


def test_no_seed_means_anything_else_than_a_seed(write: Write) -> None:
    sampling = {"temperature": 1.2}
    for seed in (-1, 0, 2**32 - 1, 2**40):
        texts = [write("My favourite place is", 8, sampling=sampling, seed=seed)[0] for _ in range(2)]
        assert texts[0] == texts[1]


def test_penalties_see_the_end_of_the_prompt(write: Write) -> None:
    prompt = "one two three four one two three four one two three"
    assert write(prompt, 2)[0] == " four one"
    assert " four" not in write(prompt, 2, sampling=GREEDY | {"repeat_penalty": 5.0})[0]
    assert " four" not in write(prompt, 2, sampling=GREEDY | {"frequency_penalty": 10.0})[0]


def test_top_k_of_one_is_greedy(write: Write) -> None:
    greedy, _ = write("The capital of France is", 6)
    assert write("The capital of France is", 6, sampling={"temperature": 1.5, "top_k": 1}, seed=5)[0] == greedy


# ---- ends -------------------------------------------------------------------------------------------------------


def test_marks_of_pictures_are_never_written(write: Write, gguf: Gguf) -> None:
    marks = {gguf.text(token) for token in gguf.media_marks}
    assert {b"<start_of_image>", b"<end_of_image>"} <= marks
    assert b"<b>" not in marks
    picture = next(token for token in gguf.media_marks if gguf.text(token) == b"<start_of_image>")
    text, _ = write([gguf.bos] + [picture] * 80, 16)  # what any model goes on with
    assert text
    assert not any(mark.decode() in text for mark in marks)


def test_max_tokens_ends_with_length_and_counts_exactly(write: Write) -> None:
    _, answer = write("Once upon a time", 7)
    assert (answer.reason, answer.completion) == ("length", 7)


def test_a_stop_string_ends_with_stop(write: Write) -> None:
    whole, _ = write("one two three four one two three four one two", 6)
    assert whole == " three four one two three four"
    text, answer = write("one two three four one two three four one two", 6, stop=("r one t",))
    assert (text, answer.reason) == (" three fou", "stop")


def test_the_models_own_end_is_a_stop(write: Write) -> None:
    text, answer = write("Once upon", grammar='root ::= " a time"')
    assert (text, answer.reason) == (" a time", "stop")


# ---- grammars ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("literal", ["你好，世界。这是一个测试", "🍅🌱👩‍🌾 done", "Ünïcödé ≠ ASCII", "مرحبا"])
def test_any_text_can_be_forced_through_a_grammar(write: Write, literal: str) -> None:
    text, answer = write("Say it:", 80, sampling={"temperature": 1.0}, grammar=f'root ::= "{literal}"')
    assert (text, answer.reason) == (literal, "stop")


def test_a_grammar_that_allows_what_the_model_wants_anyway_changes_nothing(write: Write) -> None:
    sampling = {"temperature": 1.0, "repeat_penalty": 1.1}
    free, _ = write("Once upon a time", 24, sampling=sampling, seed=4)
    held, _ = write("Once upon a time", 24, sampling=sampling, seed=4, grammar=r"root ::= [^\x00]+")
    assert held == free


def test_the_grammar_chooses_the_likeliest_of_what_it_allows(write: Write) -> None:
    grammar = 'root ::= " " ("Rome" | "Paris" | "Oslo")'
    assert write("The capital of France is", grammar=grammar)[0] == " Paris"
    assert write("The capital of Norway is", grammar=grammar)[0] == " Oslo"


def test_an_unlikely_token_is_found_where_the_grammar_allows_nothing_else(write: Write) -> None:
    assert write("1 + 1 =", grammar='root ::= "ZQ" [a-z] "쿵"')[0].startswith("ZQ")


@pytest.mark.parametrize(
    ("grammar", "written"),
    [
        ('root ::= "Paragraph 1 - " [^0-9]+', ["", "Par", "Paragraph 1 -", "Paragraph 1 - A"]),
        ('root ::= "你好" [一-龥]{2} "🍅"?', ["", "你", "你好世界"]),
        ("root ::= [^你a]+", ["", "世"]),
        ('root ::= "a" | "ab" "c"? [0-9]*', ["", "a", "ab"]),
    ],
)
def test_asking_about_beginnings_finds_every_token_that_a_grammar_allows(
    gguf: Gguf, log: NativeLog, grammar: str, written: list[str]
) -> None:
    everything = np.arange(gguf.n_vocab, dtype=np.int32)
    for text in written:
        sampler = Sampler(gguf, log, {}, 1, grammar)
        for token in gguf.tokens(text):
            sampler.accept(token)
        possible = gguf.prefix_index.narrowed(sampler.allowed)
        assert set(sampler.allowed(possible)) == set(sampler.allowed(everything)) != set()
        sampler.close()


@pytest.mark.parametrize(
    ("grammar", "why"),
    [
        ("root ::= missing", "Undefined rule identifier 'missing'"),
        ('root ::= "open', "unexpected end of input"),
        ('other ::= "a"', "root"),
        ('root ::= root "a" | "b"', "left recursion"),
        ("nonsense", "::="),
    ],
)
def test_a_malformed_grammar_is_told_in_one_line(gguf: Gguf, log: NativeLog, grammar: str, why: str) -> None:
    with pytest.raises(GrammarError, match=why) as caught:
        Sampler(gguf, log, {}, 1, grammar)
    assert "\n" not in str(caught.value)


# ---- faults -----------------------------------------------------------------------------------------------------


def damaged(source: Path, target: Path, name: str, change: bytes) -> Path:
    """A copy of a model in which a tensor begins with other bytes."""
    target.write_bytes(source.read_bytes())
    with target.open("r+b") as file:
        file.seek(gguf_file.read_header(source).offsets[name])
        file.write(change)
    return target


def test_values_that_are_no_numbers_are_an_error(demo_gguf: Path, tmp_path: Path, log: NativeLog) -> None:
    nan = struct.pack("<f", float("nan")) * 640
    path = damaged(demo_gguf, tmp_path / "nan.gguf", "output_norm.weight", nan)
    engine = opened(path, 512, log)
    for sampling, grammar in (({}, ""), (GREEDY, ""), ({}, 'root ::= "a"')):
        sampler = Sampler(engine.gguf, log, sampling, 1, grammar)
        answer = Generation(text_tokens(engine.gguf, "Hello"), sampler, TextOut(), 4)
        engine.begin(answer)
        engine.admit()
        assert engine.step() == [(answer, "")]
        assert "no numbers" in answer.fault
        engine.end(answer)
        assert all(sequence.tokens == [] for sequence in engine.kv_cache.sequences)
    engine.close()


def test_a_file_that_ends_too_early_is_not_loaded(demo_gguf: Path, tmp_path: Path, log: NativeLog) -> None:
    data = demo_gguf.read_bytes()
    for size in (100_000_000, 1000, 24):
        path = tmp_path / "short.gguf"
        path.write_bytes(data[:size])
        with pytest.raises((LoadError, ModelError)) as caught:
            opened(path, 512, log)
        assert "cut short" in str(caught.value)


def test_nothing_native_reaches_the_terminal(demo_gguf: Path, capfd: Any, log: NativeLog) -> None:
    engine = opened(demo_gguf, 512, log)
    engine.close()
    assert capfd.readouterr() == ("", "")


# ---- several at a time ------------------------------------------------------------------------------------------


def answer_to(engine: Engine, log: NativeLog, text: str, max_tokens: int = 8, **options: Any) -> Generation:
    sampling = options.pop("sampling", GREEDY)
    sampler = Sampler(engine.gguf, log, sampling, options.pop("seed", 1))
    output = TextOut(options.pop("stop", ()))
    return Generation(text_tokens(engine.gguf, text), sampler, output, max_tokens, **options)


def test_answers_side_by_side_are_those_that_come_one_by_one(engine: Engine, log: NativeLog, write: Write) -> None:
    questions = ["The capital of France is", "The capital of Norway is", "one two three four one two three four one"]
    alone = [write(question, 3)[0] for question in questions]
    forget(engine)
    together = [answer_to(engine, log, question, 3) for question in questions]
    assert finish(engine, *together) == alone
    assert len({answer.sequence.number for answer in together if answer.sequence}) == 3


def test_answers_to_one_prompt_read_it_once(engine: Engine, log: NativeLog) -> None:
    forget(engine)
    answers = [answer_to(engine, log, LONG, 6, sampling={"temperature": 1.5}, seed=seed) for seed in range(4)]
    texts = finish(engine, *answers)
    read = [len(answer.prompt) - answer.cached for answer in answers]
    assert read == [len(answers[0].prompt), 1, 1, 1]
    assert len(set(texts)) > 1


def test_texts_that_only_begin_alike_share_their_beginning(engine: Engine, log: NativeLog, write: Write) -> None:
    expected = write(LONG + "One two three four one two", 4)[0]
    forget(engine)
    one, other = answer_to(engine, log, LONG), answer_to(engine, log, LONG + "One two three four one two", 4)
    assert finish(engine, one, other)[1] == expected
    assert len(other.prompt) - other.cached < 20


def test_more_answers_than_the_memory_holds_wait_for_each_other(demo_gguf: Path, log: NativeLog) -> None:
    """Two of the texts fit, and a part of a third."""
    engine = opened(demo_gguf, 768, log)
    texts = [f"{number} {LONG}"[:1280] for number in ("One", "Two", "Three", "Four")]
    answers = [answer_to(engine, log, text, 8, least=10_000) for text in texts]
    assert sum(len(answer.prompt) for answer in answers) > engine.context_length
    written = finish(engine, *answers)
    engine.close()
    assert all(answer.reason == "length" and answer.completion == 8 for answer in answers)
    assert all(written)


def test_more_answers_than_there_are_sequences_all_come(engine: Engine, log: NativeLog) -> None:
    forget(engine)
    answers = [answer_to(engine, log, f"{number}, {number + 1},", 4) for number in range(20)]
    assert all(text.strip() for text in finish(engine, *answers))


# ---- length -----------------------------------------------------------------------------------------------------


def test_neither_a_stop_string_nor_an_end_comes_before_the_least_length(engine: Engine, log: NativeLog) -> None:
    prompt = "one two three four one two three four one two"
    free = answer_to(engine, log, prompt, 40, stop=("four",))
    held = answer_to(engine, log, prompt, 40, stop=("four",), least=12)
    ended, went_on = finish(engine, free)[0], finish(engine, held)[0]
    assert ended == " three "
    assert "four" not in went_on
    assert count_words(went_on) >= 12


def test_what_ends_an_answer_too_early_is_replaced_and_nothing_of_it_is_seen() -> None:
    output = TextOut(("\n#",))
    assert output.add(b"so.\n") == "so."
    before = output.state()
    assert output.add(b"# Next") == ""
    assert output.stopped
    output.restore(before)
    assert not output.stopped
    assert output.add("Then ü"[:-1].encode() + b"\xc3") == "\nThen "
    assert output.add(b"\xbc") == "ü"


# ---- sampling, further ------------------------------------------------------------------------------------------


def test_dry_breaks_a_repetition_and_xtc_leaves_out_the_likeliest(write: Write) -> None:
    prompt = "The cat sat on the mat and the dog lay on the rug. " * 6 + "The cat sat on the"
    assert write(prompt, 2)[0] == " mat and"
    assert write(prompt, 2, sampling=GREEDY | {"dry_multiplier": 5.0})[0] != " mat and"
    likely = {"temperature": 0.1, "min_p": 0.0, "top_p": 1.0}
    assert write(prompt, 1, sampling=likely)[0] == " mat"
    assert write(prompt, 1, sampling=likely | {"xtc_probability": 1.0, "xtc_threshold": 1e-9})[0] != " mat"


def test_a_logit_bias_is_by_number_or_by_text(write: Write, gguf: Gguf) -> None:
    prompt = "The capital of France is"
    (paris,) = gguf.tokens(" Paris")
    for bias in ({str(paris): -100.0}, {"Paris": -100.0}):
        assert write(prompt, 1, sampling=GREEDY | {"logit_bias": bias})[0] != " Paris"
    assert write(prompt, 1, sampling=GREEDY | {"logit_bias": {"tomato": 100.0}})[0].strip() == "tomato"


# ---- states on disk ---------------------------------------------------------------------------------------------


@pytest.fixture
def keeping(engine: Engine) -> Iterator[Engine]:
    forget(engine)
    yield engine
    engine.saved = None
    forget(engine)


def test_a_saved_text_need_not_be_read_again(keeping: Engine, log: NativeLog, tmp_path: Path) -> None:
    text = (LONG * 2)[:4200]
    keeping.keep_states(tmp_path, "model", 10**9)
    expected = finish(keeping, answer_to(keeping, log, text))
    keeping.save()
    forget(keeping)
    keeping.keep_states(tmp_path, "model", 10**9)  # as another process finds it
    again = answer_to(keeping, log, text)
    assert finish(keeping, again) == expected
    assert len(again.prompt) - again.cached < 160


def test_a_text_that_makes_room_for_another_is_there_when_it_comes_back(
    keeping: Engine, log: NativeLog, tmp_path: Path
) -> None:
    text, other = (LONG * 2)[:4200], "Something else. " * 200
    keeping.keep_states(tmp_path, "model", 10**9)
    expected = finish(keeping, answer_to(keeping, log, text))
    finish(keeping, answer_to(keeping, log, other))
    back = answer_to(keeping, log, text)
    assert finish(keeping, back) == expected
    assert back.cached > 650


def test_what_a_state_does_not_hold_is_read_again(keeping: Engine, log: NativeLog, tmp_path: Path) -> None:
    """The demo model has sliding windows of 512 tokens, and a state holds the last one."""
    text = (LONG * 2)[:4200]
    keeping.keep_states(tmp_path, "model", 10**9)
    finish(keeping, answer_to(keeping, log, text))
    keeping.save()
    forget(keeping)
    shorter = text[:3000] + " And then"
    expected = finish(keeping, answer_to(keeping, log, shorter))
    forget(keeping)
    finish(keeping, answer_to(keeping, log, text))  # from the state
    assert finish(keeping, answer_to(keeping, log, shorter)) == expected


def test_damaged_and_foreign_states_are_removed_and_do_no_harm(keeping: Engine, log: NativeLog, tmp_path: Path) -> None:
    text = (LONG * 2)[:3300]
    keeping.keep_states(tmp_path, "model", 10**9)
    expected = finish(keeping, answer_to(keeping, log, text))
    keeping.save()
    (file,) = tmp_path.iterdir()
    whole = file.read_bytes()
    assert begun(keeping, log, text, tmp_path) > 500  # tokens that an intact state spares
    for place in (0, 20, 70, 90, 4000, len(whole) // 2, len(whole) - 1):
        file.write_bytes(whole[:place] + bytes([whole[place] ^ 0xFF]) + whole[place + 1 :])
        assert begun(keeping, log, text, tmp_path) == 0
        assert list(tmp_path.iterdir()) == []
    for damaged in (b"", whole[:50], whole[:-1], whole + b"x"):
        file.write_bytes(damaged)
        assert begun(keeping, log, text, tmp_path) == 0
        assert list(tmp_path.iterdir()) == []
    # None of them has left anything in the memory.
    answer = answer_to(keeping, log, text)
    assert finish(keeping, answer) == expected
    assert answer.cached == 0
    file.write_bytes(whole)
    assert SavedStates(tmp_path, "another model", 10**9, windows=True).closest([1]) == (None, 0)
    assert file.exists()  # it is another model's, and none of ours


def begun(engine: Engine, log: NativeLog, text: str, folder: Path) -> int:
    """How many tokens of a text need not be read when it is begun with an empty memory and the states in ``folder``."""
    forget(engine)
    engine.keep_states(folder, "model", 10**9)
    answer = answer_to(engine, log, text)
    engine.begin(answer)
    assert engine.admit() == [answer]
    engine.end(answer)
    assert answer.sequence is not None
    assert len(answer.sequence.tokens) == answer.cached  # what was not restored is not there
    return answer.cached


def test_states_take_no_more_room_than_they_may(keeping: Engine, log: NativeLog, tmp_path: Path) -> None:
    most = 20 * 2**20  # room for two of them
    keeping.keep_states(tmp_path, "model", most)
    kept: list[list[Path]] = []
    for number in range(3):
        finish(keeping, answer_to(keeping, log, f"{LONG[:1000]} {number} {LONG}"[:3100], 1))
        keeping.save()
        kept.append(sorted(tmp_path.iterdir(), key=lambda path: path.stat().st_mtime))
    assert [len(files) for files in kept] == [1, 2, 2]
    assert kept[0][0] not in kept[2] and kept[1][1] in kept[2]  # the one used longest ago is gone
    assert sum(path.stat().st_size for path in kept[2]) <= most
    keeping.keep_states(tmp_path / "none", "model", 1000)
    keeping.save()
    assert list((tmp_path / "none").iterdir()) == []


def test_a_smaller_cache_of_keys_and_values_writes_the_same_kind_of_text(
    demo_gguf: Path, log: NativeLog, tmp_path: Path
) -> None:
    engine = opened(demo_gguf, 512, log, kv_type="q8_0")
    assert finish(engine, answer_to(engine, log, "one two three four one two three four one", 2)) == [" two three"]
    full = opened(demo_gguf, 512, log)
    assert engine.state_format != full.state_format
    full.close()
    engine.close()
