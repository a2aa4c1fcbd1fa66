"""The engine in this process: tokens, KV cache, sampling, grammars, saved states."""

from __future__ import annotations

import io
import struct
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lwtui.agentwrite.plan_format import plan_grammar
from lwtui.models.base import ModelError
from lwtui.models.llama_cpp.bindings import Gguf, LoadError, NativeLog
from lwtui.models.llama_cpp.engine import Engine, PromptTooLong, StepAborted
from lwtui.models.llama_cpp.fit import LoadOptions, Machine, fit
from lwtui.models.llama_cpp.generation import Generation
from lwtui.models.llama_cpp.gguf_header import read_header
from lwtui.models.llama_cpp.output import OutputDecoder
from lwtui.models.llama_cpp.prompt import tokenize_chat, tokenize_text
from lwtui.models.llama_cpp.protocol import MAX_SEQUENCES, TO_APP, Generate, GenerationDone, TextChunk, decode
from lwtui.models.llama_cpp.sampler import GrammarError, Sampler
from lwtui.models.llama_cpp.saved_states import SavedStates
from lwtui.models.llama_cpp.template import ChatTemplate, TemplatePart
from lwtui.models.llama_cpp.worker import Worker
from lwtui.text import count_words
from tests.support import gguf_file

GREEDY = {"temperature": 0.0}
LONG = "The garden lies behind the house, and nobody has been there for years. " * 30  # about 450 tokens

Write = Callable[..., tuple[str, Generation]]


@pytest.fixture(scope="module")
def log() -> NativeLog:
    return NativeLog()


def open_engine(path: Path, context_length: int, log: NativeLog, **options: Any) -> Engine:
    load_options = LoadOptions(context_length=context_length, sequences=MAX_SEQUENCES, **options)
    return Engine(str(path), fit(read_header(path), Machine.detect(), load_options), log)


@pytest.fixture(scope="module")
def engine(demo_gguf: Path, log: NativeLog) -> Iterator[Engine]:
    engine = open_engine(demo_gguf, 1024, log)
    yield engine
    engine.close()


@pytest.fixture(scope="module")
def gguf(engine: Engine) -> Gguf:
    return engine.gguf


def clear_cache(engine: Engine) -> None:
    for sequence in engine.kv_cache.sequences:
        engine.kv_cache.truncate(sequence, 0)


def run_all(engine: Engine, *answers: Generation) -> list[str]:
    """Run generations concurrently to their ends and return their texts."""
    for answer in answers:
        engine.submit(answer)
    texts = {id(answer): "" for answer in answers}
    while any(answer.reason is None for answer in answers):
        engine.admit()
        for answer, piece in engine.step():
            texts[id(answer)] += piece
            if answer.reason is not None:
                engine.release(answer)
    return list(texts.values())


@pytest.fixture
def write(engine: Engine, log: NativeLog) -> Write:
    """Run a generation to its end; by default with an empty KV cache."""

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
        tokens = tokenize_text(engine.gguf, prompt) if isinstance(prompt, str) else prompt
        if fresh:
            clear_cache(engine)
        answer = Generation(tokens, Sampler(engine.gguf, log, sampling, seed, grammar), OutputDecoder(stop), max_tokens)
        return run_all(engine, answer)[0], answer

    return run


# ---- text and tokens --------------------------------------------------------------------------------------------


def test_a_text_begins_with_one_bos_token(gguf: Gguf) -> None:
    tokens = tokenize_text(gguf, "Hello")
    assert tokens[0] == gguf.bos
    assert gguf.special_text(tokens[0]) == "<bos>"
    assert tokens.count(gguf.bos) == 1


def test_tokens_decode_to_the_same_text(gguf: Gguf) -> None:
    text = "Straße, 你好, 🍅🌱 and\n\n  two  spaces\t" + "\u200d"
    assert b"".join(map(gguf.piece, gguf.tokenize(text))).decode() == text


def test_text_that_looks_like_a_special_token_stays_text(gguf: Gguf) -> None:
    assert not any(map(gguf.is_special, tokenize_text(gguf, "<end_of_turn><eos><bos>")[1:]))


def test_special_tokens_count_only_in_the_template_of_a_chat(gguf: Gguf) -> None:
    parts = [
        TemplatePart("<bos><start_of_turn>user\n", True),
        TemplatePart("Hi <end_of_turn>\n<start_of_turn>model", False),
        TemplatePart("<end_of_turn>\n<start_of_turn>model\n", True),
    ]
    tokens = tokenize_chat(gguf, parts)
    marks = [gguf.special_text(token) for token in tokens if gguf.is_special(token)]
    assert marks == ["<bos>", "<start_of_turn>", "<end_of_turn>", "<start_of_turn>"]
    plain = b"".join(gguf.piece(token) for token in tokens).decode()
    assert "Hi <end_of_turn>\n<start_of_turn>model" in plain


def test_a_chat_without_special_tokens_in_its_messages_is_tokenized_as_a_whole(gguf: Gguf) -> None:
    template = ChatTemplate("{% for m in messages %}<start_of_turn>user\n[{{ m.content }}]<end_of_turn>\n{% endfor %}")
    parts = template.render([("user", "One word."), ("user", "And another")])
    whole = "".join(part.text for part in parts)
    assert tokenize_chat(gguf, parts) == [gguf.bos, *gguf.tokenize(whole, special=True)]


# ---- KV cache ---------------------------------------------------------------------------------------------------


def test_a_generation_that_found_no_room_waits_until_another_has_ended(engine: Engine, log: NativeLog) -> None:
    clear_cache(engine)
    answers = []
    for number in range(3):
        prompt = tokenize_text(engine.gguf, f"Chapter {number}. " + LONG)[:400]
        answers.append(Generation(prompt, Sampler(engine.gguf, log, GREEDY, 1, ""), OutputDecoder(()), 100))
        engine.submit(answers[-1])
    first, _, last = answers
    assert engine.admit() == answers
    while last.sequence is not None:  # it was started, and then postponed
        engine.step()
    assert engine.admit() == []
    engine.release(first)
    assert engine.admit() == [last]
    for answer in answers[1:]:
        engine.release(answer)


def test_a_shared_prefix_is_not_computed_again_and_the_text_is_the_same(write: Write) -> None:
    fresh_text, first = write(LONG + "One day a child", 16)
    write(LONG + "In winter the", 4)
    again, second = write(LONG + "One day a child", 16, fresh=False)
    assert first.cached == 0
    assert 300 < second.cached < len(second.prompt)
    assert again == fresh_text


def test_continuing_a_completion_reuses_the_completion_too(write: Write, gguf: Gguf) -> None:
    prompt = tokenize_text(gguf, LONG)
    text, _ = write(prompt, 80)
    longer = [*prompt, *gguf.tokenize(text), *gguf.tokenize(" And so it went on. " * 20)]
    _, answer = write(longer, 4, fresh=False)
    assert answer.cached > len(prompt) + 70


def test_a_short_prompt_is_computed_whole_to_give_the_same_numbers(write: Write) -> None:
    sampling = {"temperature": 1.0}
    once, _ = write("Once upon a time", 20, sampling=sampling)
    write("Once upon another", 4, sampling=sampling)
    again, answer = write("Once upon a time", 20, sampling=sampling, fresh=False)
    assert (again, answer.cached) == (once, 0)


def test_an_aborted_step_leaves_its_sequence_unchanged(engine: Engine, log: NativeLog, write: Write) -> None:
    expected, _ = write(LONG, 4)
    clear_cache(engine)
    answer = Generation(tokenize_text(engine.gguf, LONG), Sampler(engine.gguf, log, GREEDY, 1), OutputDecoder(), 4)
    engine.submit(answer)
    engine.admit()
    engine.step()
    assert answer.sequence is not None
    done = len(answer.sequence.tokens)
    calls = iter(range(10))
    engine.should_abort = lambda: next(calls) >= 5
    try:
        with pytest.raises(StepAborted):
            engine.step()
    finally:
        engine.should_abort = lambda: False
        engine.release(answer)
    assert len(answer.sequence.tokens) == done > 0
    assert write(LONG, 4, fresh=False)[0] == expected


def test_a_prompt_longer_than_the_context_is_refused(engine: Engine, log: NativeLog) -> None:
    with pytest.raises(PromptTooLong) as caught:
        engine.submit(Generation([5] * 1024, Sampler(engine.gguf, log, GREEDY, 1), OutputDecoder(), 4))
    assert (caught.value.tokens, caught.value.limit) == (1024, 1024)


def test_a_completion_ends_where_the_context_is_full(engine: Engine, write: Write) -> None:
    prompt = tokenize_text(engine.gguf, LONG * 3)[:1014]
    _, answer = write(prompt, 500)
    assert (answer.reason, answer.completion) == ("length", 11)
    assert answer.sequence is not None
    assert len(answer.sequence.tokens) == engine.context_length


# ---- sampling ---------------------------------------------------------------------------------------------------


def test_the_seed_determines_the_text(write: Write) -> None:
    sampling = {"temperature": 1.2}
    texts = [write("My favorite place is", 16, sampling=sampling, seed=seed)[0] for seed in (1, 1, 2)]
    assert texts[0] == texts[1] != texts[2]


def test_every_seed_is_repeatable(write: Write) -> None:
    sampling = {"temperature": 1.2}
    for seed in (-1, 0, 2**32 - 1, 2**40):
        texts = [write("My favorite place is", 8, sampling=sampling, seed=seed)[0] for _ in range(2)]
        assert texts[0] == texts[1]


def test_penalties_see_the_end_of_the_prompt(write: Write) -> None:
    prompt = "one two three four one two three four one two three"
    assert write(prompt, 2)[0] == " four one"
    assert " four" not in write(prompt, 2, sampling=GREEDY | {"repeat_penalty": 5.0})[0]
    assert " four" not in write(prompt, 2, sampling=GREEDY | {"frequency_penalty": 10.0})[0]


@pytest.mark.parametrize(("penalized", "copies"), [(None, False), ("two three four", False), ("", True), ("x y", True)])
def test_penalties_can_be_told_what_they_count(
    engine: Engine, log: NativeLog, penalized: str | None, copies: bool
) -> None:
    clear_cache(engine)
    counted = None if penalized is None else engine.gguf.tokenize(penalized)
    sampling = GREEDY | {"frequency_penalty": 10.0}
    prompt = "one two three four one two three four one two three"
    answer = generation(engine, log, prompt, 2, sampling=sampling, penalized=counted)
    assert (" four" in run_all(engine, answer)[0]) is copies


def test_top_k_of_one_is_greedy(write: Write) -> None:
    greedy, _ = write("The capital of France is", 6)
    assert write("The capital of France is", 6, sampling={"temperature": 1.5, "top_k": 1}, seed=5)[0] == greedy


# ---- finish reasons ---------------------------------------------------------------------------------------------


def test_media_tokens_are_never_sampled(write: Write, gguf: Gguf) -> None:
    marks = {gguf.piece_with_special(token) for token in gguf.media_tokens}
    assert {b"<start_of_image>", b"<end_of_image>"} <= marks
    assert b"<b>" not in marks
    picture = next(token for token in gguf.media_tokens if gguf.piece_with_special(token) == b"<start_of_image>")
    text, _ = write([gguf.bos] + [picture] * 80, 16)  # any model would continue with one more
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
def test_a_grammar_can_force_any_text(write: Write, literal: str) -> None:
    text, answer = write("Say it:", 80, sampling={"temperature": 1.0}, grammar=f'root ::= "{literal}"')
    assert (text, answer.reason) == (literal, "stop")


def test_a_permissive_grammar_changes_nothing(write: Write) -> None:
    sampling = {"temperature": 1.0, "repeat_penalty": 1.1}
    free, _ = write("Once upon a time", 24, sampling=sampling, seed=4)
    held, _ = write("Once upon a time", 24, sampling=sampling, seed=4, grammar=r"root ::= [^\x00]+")
    assert held == free


def test_the_likeliest_allowed_token_is_sampled(write: Write) -> None:
    grammar = 'root ::= " " ("Rome" | "Paris" | "Oslo")'
    assert write("The capital of France is", grammar=grammar)[0] == " Paris"
    assert write("The capital of Norway is", grammar=grammar)[0] == " Oslo"


def test_an_unlikely_token_is_found_if_the_grammar_allows_nothing_else(write: Write) -> None:
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
def test_the_prefix_index_finds_every_allowed_token(
    gguf: Gguf, log: NativeLog, grammar: str, written: list[str]
) -> None:
    everything = np.arange(gguf.n_vocab, dtype=np.int32)
    for text in written:
        sampler = Sampler(gguf, log, {}, 1, grammar)
        for token in gguf.tokenize(text):
            sampler.accept(token)
        possible = gguf.prefix_index.narrow(sampler.allowed)
        assert set(sampler.allowed(possible)) == set(sampler.allowed(everything)) != set()
        sampler.close()


def accepts(gguf: Gguf, log: NativeLog, grammar: str, text: str) -> bool:
    """Tell whether a grammar allows each token of ``text``."""
    sampler = Sampler(gguf, log, {}, 1, grammar)
    try:
        for token in gguf.tokenize(text):
            if not len(sampler.allowed(np.array([token], dtype=np.int32))):
                return False
            sampler.accept(token)
    finally:
        sampler.close()
    return True


STEP = "Title: Bees\nParagraph 1 - Main Point: Why: Bees help, and so do wasps"


@pytest.mark.parametrize(
    "end",
    [
        " - Word Count: 40 words\n",
        ". Word Count: 40 words.\n",
        ".\nWord Count: 400 words\n\n",
        ".\n\nWord Count: 40 words\n",
        "。Word Count: 40 words\n",
    ],
)
@pytest.mark.parametrize("more", ["", ": words, Wordsworth, Word on the street, Wool, World"])
def test_a_plan_may_write_the_word_count_as_chat_models_do(gguf: Gguf, log: NativeLog, end: str, more: str) -> None:
    grammar = plan_grammar(range(2, 3), "Title: ")
    assert accepts(gguf, log, grammar, f"{STEP}{more}{end}Paragraph 2 - Main Point: How: By honey - Word Count: 90")


def test_a_chinese_plan_has_no_space_before_its_texts(gguf: Gguf, log: NativeLog) -> None:
    grammar = plan_grammar(range(1, 2), "Title:", gap="")
    rest = "Paragraph 1 - Main Point:蜂蜜的由来：蜜蜂怎样采蜜 - Word Count: 400 words\n"
    assert accepts(gguf, log, grammar, f"Title:蜂蜜的故事\n{rest}")
    assert not accepts(gguf, log, grammar, f"Title: 蜂蜜的故事\n{rest}")
    assert not accepts(gguf, log, grammar, f"Title:蜂蜜的故事\n{rest.replace('Point:', 'Point: ')}")


@pytest.mark.parametrize(
    "rest",
    [". Word Count: 40 words (why, how", ". Word Count: 40 words - Word Count: 50", "\nand so on", " - and so on"],
)
def test_a_plan_does_not_go_on_behind_the_word_count(gguf: Gguf, log: NativeLog, rest: str) -> None:
    assert not accepts(gguf, log, plan_grammar(range(2, 3), "Title: "), STEP + rest)


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
def test_an_invalid_grammar_is_reported_in_one_line(gguf: Gguf, log: NativeLog, grammar: str, why: str) -> None:
    with pytest.raises(GrammarError, match=why) as caught:
        Sampler(gguf, log, {}, 1, grammar)
    assert "\n" not in str(caught.value)


# ---- faults -----------------------------------------------------------------------------------------------------


def damaged_copy(source: Path, target: Path, name: str, change: bytes) -> Path:
    """Copy a model and overwrite the beginning of a tensor."""
    target.write_bytes(source.read_bytes())
    with target.open("r+b") as file:
        file.seek(gguf_file.read_offsets(source).offsets[name])
        file.write(change)
    return target


def test_a_failed_computation_fails_every_call_and_the_engine_goes_on(
    engine: Engine, log: NativeLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    clear_cache(engine)
    sink = io.BytesIO()
    worker = Worker(io.BytesIO(), sink)
    worker._engine, worker._log = engine, log

    def begin(*call_ids: int) -> None:
        for call_id in call_ids:
            worker._begin(Generate(call_id, 4, text="one two three four one two", sampling=GREEDY))
        engine.admit()

    begin(1, 2)
    worker._compute(engine)
    monkeypatch.setattr(engine._batch, "decode", lambda _: -3)  # as llama_decode returns it after a fault
    sink.truncate(0)
    sink.seek(0)
    worker._compute(engine)
    monkeypatch.undo()
    failed = [decode(line, TO_APP) for line in sink.getvalue().splitlines()]
    assert [(message.id, message.kind, message.retryable) for message in failed] == [
        (1, "worker", True),
        (2, "worker", True),
    ]
    assert all(message.message and "\n" not in message.message for message in failed)
    assert not engine.is_running
    begin(3)
    while worker._calls:
        worker._compute(engine)
    *texts, done = [decode(line, TO_APP) for line in sink.getvalue().splitlines()[2:]]
    assert "".join(message.text for message in texts if isinstance(message, TextChunk)).startswith(" three four")
    assert done == GenerationDone(3, "length", 4)


def test_nan_logits_are_an_error(demo_gguf: Path, tmp_path: Path, log: NativeLog) -> None:
    nan = struct.pack("<f", float("nan")) * 640
    path = damaged_copy(demo_gguf, tmp_path / "nan.gguf", "output_norm.weight", nan)
    engine = open_engine(path, 512, log)
    for sampling, grammar in (({}, ""), (GREEDY, ""), ({}, 'root ::= "a"')):
        sampler = Sampler(engine.gguf, log, sampling, 1, grammar)
        answer = Generation(tokenize_text(engine.gguf, "Hello"), sampler, OutputDecoder(), 4)
        engine.submit(answer)
        engine.admit()
        assert engine.step() == [(answer, "")]
        assert "not numbers" in answer.fault
        engine.release(answer)
        assert all(sequence.tokens == [] for sequence in engine.kv_cache.sequences)
    engine.close()


def test_a_truncated_file_is_not_loaded(demo_gguf: Path, tmp_path: Path, log: NativeLog) -> None:
    data = demo_gguf.read_bytes()
    for size in (100_000_000, 1000, 24):
        path = tmp_path / "short.gguf"
        path.write_bytes(data[:size])
        with pytest.raises((LoadError, ModelError)) as caught:
            open_engine(path, 512, log)
        assert "cut short" in str(caught.value)


def test_native_output_never_reaches_the_terminal(demo_gguf: Path, capfd: Any, log: NativeLog) -> None:
    engine = open_engine(demo_gguf, 512, log)
    engine.close()
    assert capfd.readouterr() == ("", "")


# ---- concurrent generations -------------------------------------------------------------------------------------


def generation(engine: Engine, log: NativeLog, text: str, max_tokens: int = 8, **options: Any) -> Generation:
    sampling = options.pop("sampling", GREEDY)
    sampler = Sampler(engine.gguf, log, sampling, options.pop("seed", 1))
    output = OutputDecoder(options.pop("stop", ()))
    return Generation(tokenize_text(engine.gguf, text), sampler, output, max_tokens, **options)


def test_concurrent_completions_equal_sequential_ones(engine: Engine, log: NativeLog, write: Write) -> None:
    questions = ["The capital of France is", "The capital of Norway is", "one two three four one two three four one"]
    alone = [write(question, 3)[0] for question in questions]
    clear_cache(engine)
    together = [generation(engine, log, question, 3) for question in questions]
    assert run_all(engine, *together) == alone
    assert len({answer.sequence.number for answer in together if answer.sequence}) == 3


def test_a_prompt_shared_by_several_generations_is_computed_once(engine: Engine, log: NativeLog) -> None:
    clear_cache(engine)
    answers = [generation(engine, log, LONG, 6, sampling={"temperature": 1.5}, seed=seed) for seed in range(4)]
    texts = run_all(engine, *answers)
    read = [len(answer.prompt) - answer.cached for answer in answers]
    assert read == [len(answers[0].prompt), 1, 1, 1]
    assert len(set(texts)) > 1


def test_texts_share_their_common_prefix(engine: Engine, log: NativeLog, write: Write) -> None:
    expected = write(LONG + "One two three four one two", 4)[0]
    clear_cache(engine)
    first, second = generation(engine, log, LONG), generation(engine, log, LONG + "One two three four one two", 4)
    assert run_all(engine, first, second)[1] == expected
    assert len(second.prompt) - second.cached < 20


def test_generations_that_do_not_fit_together_wait_for_each_other(demo_gguf: Path, log: NativeLog) -> None:
    """Two of the texts fit, and part of a third."""
    engine = open_engine(demo_gguf, 768, log)
    texts = [f"{number} {LONG}"[:1280] for number in ("One", "Two", "Three", "Four")]
    answers = [generation(engine, log, text, 8, min_words=10_000) for text in texts]
    assert sum(len(answer.prompt) for answer in answers) > engine.context_length
    written = run_all(engine, *answers)
    engine.close()
    assert all(answer.reason == "length" and answer.completion == 8 for answer in answers)
    assert all(written)


def test_more_generations_than_sequences_all_finish(engine: Engine, log: NativeLog) -> None:
    clear_cache(engine)
    answers = [generation(engine, log, f"{number}, {number + 1},", 4) for number in range(20)]
    assert all(text.strip() for text in run_all(engine, *answers))


# ---- minimum length ---------------------------------------------------------------------------------------------


def test_no_completion_ends_before_its_minimum_length(engine: Engine, log: NativeLog) -> None:
    prompt = "one two three four one two three four one two"
    free = generation(engine, log, prompt, 40, stop=("four",))
    held = generation(engine, log, prompt, 40, stop=("four",), min_words=12)
    ended, went_on = run_all(engine, free)[0], run_all(engine, held)[0]
    assert ended == " three "
    assert "four" not in went_on
    assert count_words(went_on) >= 12


def test_a_rejected_token_leaves_no_trace_in_the_output() -> None:
    output = OutputDecoder(("\n#",))
    assert output.add(b"so.\n") == "so."
    before = output.state()
    assert output.add(b"# Next") == ""
    assert output.stopped
    output.restore(before)
    assert not output.stopped
    assert output.add("Then ü"[:-1].encode() + b"\xc3") == "\nThen "
    assert output.add(b"\xbc") == "ü"


# ---- DRY, XTC and logit bias ------------------------------------------------------------------------------------


def test_dry_breaks_a_repetition_and_xtc_excludes_the_likeliest(write: Write) -> None:
    prompt = "The cat sat on the mat and the dog lay on the rug. " * 6 + "The cat sat on the"
    assert write(prompt, 2)[0] == " mat and"
    assert write(prompt, 2, sampling=GREEDY | {"dry_multiplier": 5.0})[0] != " mat and"
    likely = {"temperature": 0.1, "min_p": 0.0, "top_p": 1.0}
    assert write(prompt, 1, sampling=likely)[0] == " mat"
    assert write(prompt, 1, sampling=likely | {"xtc_probability": 1.0, "xtc_threshold": 1e-9})[0] != " mat"


def test_a_logit_bias_applies_by_token_id_or_text(write: Write, gguf: Gguf) -> None:
    prompt = "The capital of France is"
    (paris,) = gguf.tokenize(" Paris")
    for bias in ({str(paris): -100.0}, {"Paris": -100.0}):
        assert write(prompt, 1, sampling=GREEDY | {"logit_bias": bias})[0] != " Paris"
    assert write(prompt, 1, sampling=GREEDY | {"logit_bias": {"tomato": 100.0}})[0].strip() == "tomato"


# ---- saved states -----------------------------------------------------------------------------------------------


@pytest.fixture
def clean_engine(engine: Engine) -> Iterator[Engine]:
    clear_cache(engine)
    yield engine
    engine.saved_states = None
    clear_cache(engine)


def test_a_saved_text_is_not_computed_again(clean_engine: Engine, log: NativeLog, tmp_path: Path) -> None:
    text = (LONG * 2)[:4200]
    clean_engine.keep_states(tmp_path, "model", 10**9)
    expected = run_all(clean_engine, generation(clean_engine, log, text))
    clean_engine.save()
    clear_cache(clean_engine)
    clean_engine.keep_states(tmp_path, "model", 10**9)  # as another process would find it
    again = generation(clean_engine, log, text)
    assert run_all(clean_engine, again) == expected
    assert len(again.prompt) - again.cached < 160


def test_an_evicted_text_is_restored_when_it_comes_back(clean_engine: Engine, log: NativeLog, tmp_path: Path) -> None:
    text, other = (LONG * 2)[:4200], "Something else. " * 200
    clean_engine.keep_states(tmp_path, "model", 10**9)
    expected = run_all(clean_engine, generation(clean_engine, log, text))
    run_all(clean_engine, generation(clean_engine, log, other))
    back = generation(clean_engine, log, text)
    assert run_all(clean_engine, back) == expected
    assert back.cached > 650


def test_tokens_that_a_state_does_not_hold_are_computed_again(
    clean_engine: Engine, log: NativeLog, tmp_path: Path
) -> None:
    """The demo model has sliding windows of 512 tokens, and a state holds only the last one."""
    text = (LONG * 2)[:4200]
    clean_engine.keep_states(tmp_path, "model", 10**9)
    run_all(clean_engine, generation(clean_engine, log, text))
    clean_engine.save()
    clear_cache(clean_engine)
    shorter = text[:3000] + " And then"
    expected = run_all(clean_engine, generation(clean_engine, log, shorter))
    clear_cache(clean_engine)
    run_all(clean_engine, generation(clean_engine, log, text))  # from the state
    assert run_all(clean_engine, generation(clean_engine, log, shorter)) == expected


def test_damaged_states_are_removed_and_foreign_ones_ignored(
    clean_engine: Engine, log: NativeLog, tmp_path: Path
) -> None:
    text = (LONG * 2)[:3300]
    clean_engine.keep_states(tmp_path, "model", 10**9)
    expected = run_all(clean_engine, generation(clean_engine, log, text))
    clean_engine.save()
    (file,) = tmp_path.iterdir()
    whole = file.read_bytes()
    assert cached_tokens(clean_engine, log, text, tmp_path) > 500  # what an intact state saves
    for place in (0, 20, 70, 90, 4000, len(whole) // 2, len(whole) - 1):
        file.write_bytes(whole[:place] + bytes([whole[place] ^ 0xFF]) + whole[place + 1 :])
        assert cached_tokens(clean_engine, log, text, tmp_path) == 0
        assert list(tmp_path.iterdir()) == []
    for damaged_copy in (b"", whole[:50], whole[:-1], whole + b"x"):
        file.write_bytes(damaged_copy)
        assert cached_tokens(clean_engine, log, text, tmp_path) == 0
        assert list(tmp_path.iterdir()) == []
    # None of them has left anything in the KV cache.
    answer = generation(clean_engine, log, text)
    assert run_all(clean_engine, answer) == expected
    assert answer.cached == 0
    file.write_bytes(whole)
    assert SavedStates(tmp_path, "another model", 10**9, has_windows=True).closest([1]) == (None, 0)
    assert file.exists()  # it belongs to another model


def cached_tokens(engine: Engine, log: NativeLog, text: str, folder: Path) -> int:
    """Count the tokens of a text that come from the states in ``folder`` when the KV cache is empty."""
    clear_cache(engine)
    engine.keep_states(folder, "model", 10**9)
    answer = generation(engine, log, text)
    engine.submit(answer)
    assert engine.admit() == [answer]
    engine.release(answer)
    assert answer.sequence is not None
    assert len(answer.sequence.tokens) == answer.cached  # only restored tokens are there
    return answer.cached


def test_saved_states_stay_within_their_size_limit(clean_engine: Engine, log: NativeLog, tmp_path: Path) -> None:
    max_bytes = 20 * 2**20  # room for two states
    clean_engine.keep_states(tmp_path, "model", max_bytes)
    files_after: list[list[Path]] = []
    for number in range(3):
        run_all(clean_engine, generation(clean_engine, log, f"{LONG[:1000]} {number} {LONG}"[:3100], 1))
        clean_engine.save()
        files_after.append(sorted(tmp_path.iterdir(), key=lambda path: path.stat().st_mtime))
    assert [len(files) for files in files_after] == [1, 2, 2]
    assert (
        files_after[0][0] not in files_after[2] and files_after[1][1] in files_after[2]
    )  # the least recently used state is gone
    assert sum(path.stat().st_size for path in files_after[2]) <= max_bytes
    clean_engine.keep_states(tmp_path / "none", "model", 1000)
    clean_engine.save()
    assert list((tmp_path / "none").iterdir()) == []


def test_a_q8_0_cache_writes_the_same_text(demo_gguf: Path, log: NativeLog, tmp_path: Path) -> None:
    engine = open_engine(demo_gguf, 512, log, kv_type="q8_0")
    assert run_all(engine, generation(engine, log, "one two three four one two three four one", 2)) == [" two three"]
    full = open_engine(demo_gguf, 512, log)
    assert engine.state_format != full.state_format
    full.close()
    engine.close()
