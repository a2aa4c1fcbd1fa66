"""A GGUF as a model, in its worker process, with the real demo model."""

from __future__ import annotations

import asyncio
import hashlib
from contextlib import aclosing
from pathlib import Path

import pytest

from lwtui.agentwrite.plan_format import plan_grammar
from lwtui.agentwrite.plan_repair import parse_plan
from lwtui.config import ModelSettings
from lwtui.documents.model import Brief
from lwtui.models.base import (
    Finished,
    Message,
    ModelError,
    Prompt,
    PromptProgress,
    ReasoningPiece,
    Request,
    Sampling,
    StreamPart,
    TextPiece,
)
from lwtui.models.llama_cpp.client import LlamaModel
from lwtui.models.llama_cpp.gguf_header import read_header
from tests.errors import has_code
from tests.models.conftest import CHAT_TEMPLATE
from tests.support.gguf_file import with_texts

pytestmark = pytest.mark.asyncio(loop_scope="session")

GREEDY = Sampling(temperature=0.0)
LONG = "The garden lies behind the house, and nobody has been there for years. " * 30


def request(text: str, max_tokens: int = 12, sampling: Sampling = GREEDY, **changes: object) -> Request:
    return Request(Prompt(text=text), max_tokens, sampling=sampling, **changes)  # type: ignore[arg-type]


async def collect(model: LlamaModel, call: Request) -> tuple[str, Finished]:
    """Return the whole completion and how it ended."""
    parts = [part async for part in model.stream(call)]
    *pieces, finished = parts
    assert isinstance(finished, Finished)
    return text_of(pieces), finished


def text_of(parts: list[StreamPart]) -> str:
    assert all(isinstance(part, TextPiece | PromptProgress) for part in parts)
    return "".join(part.text for part in parts if isinstance(part, TextPiece))


async def test_the_progress_of_a_long_prompt_is_reported(demo: LlamaModel) -> None:
    parts = [part async for part in demo.stream(request("Of reading. " + LONG * 2, 4))]
    progress = [part for part in parts if isinstance(part, PromptProgress)]
    finished = parts[-1]
    assert isinstance(finished, Finished)
    tokens = [part.tokens for part in progress]
    assert len(tokens) >= 2
    assert tokens == sorted(tokens)
    assert all(part.tokens < part.total == finished.usage.prompt for part in progress)


# ---- completions ------------------------------------------------------------------------------------------------


async def test_a_stream_yields_pieces_and_ends_with_the_usage(demo: LlamaModel) -> None:
    parts = [part async for part in demo.stream(request("Once upon a time", 40))]
    assert len(parts) > 2
    assert text_of(parts[:-1]).startswith(", ")
    finished = parts[-1]
    assert isinstance(finished, Finished)
    assert finished.reason == "length"
    assert finished.usage.completion == 40
    assert finished.usage.prompt == await demo.count_tokens("Once upon a time") + 1


async def test_the_same_seed_gives_the_same_text(demo: LlamaModel) -> None:
    sampling = Sampling(temperature=1.1)
    texts = [(await collect(demo, request("My garden is", 20, sampling, seed=seed)))[0] for seed in (5, 5, 6)]
    assert texts[0] == texts[1] != texts[2]


async def test_without_a_seed_texts_differ(demo: LlamaModel) -> None:
    sampling = Sampling(temperature=1.5, top_k=0, top_p=1.0, min_p=0.0)
    assert len({(await collect(demo, request("My garden is", 12, sampling)))[0] for _ in range(3)}) == 3


async def test_a_cached_prompt_is_not_computed_again_and_gives_the_same_text(demo: LlamaModel) -> None:
    await collect(demo, request("Something else.", 1))
    text, first = await collect(demo, request(LONG, 16))
    again, second = await collect(demo, request(LONG, 16))
    assert first.usage.cached == 0
    assert 300 < second.usage.cached < second.usage.prompt
    assert again == text


async def test_a_stop_string_ends_the_text_and_is_not_part_of_it(demo: LlamaModel) -> None:
    text, finished = await collect(demo, request("one two three four one two three four one two", stop=("r one",)))
    assert (text, finished.reason) == (" three fou", "stop")


async def test_characters_are_never_split(demo: LlamaModel) -> None:
    literal = "番茄 🍅👩‍🌾 é"
    pieces = [part async for part in demo.stream(request("Say it:", 60, grammar=f'root ::= "{literal}"'))]
    assert text_of(pieces[:-1]) == literal
    assert all("\ufffd" not in part.text for part in pieces if isinstance(part, TextPiece))


async def test_a_grammar_forces_a_plan_into_its_format(demo: LlamaModel) -> None:
    lead = "A plan for an article about tomatoes:\nTitle:"
    grammar = plan_grammar(range(2, 3), " ")
    text, finished = await collect(demo, request(lead, 400, Sampling(temperature=0.8), seed=1, grammar=grammar))
    assert finished.reason == "stop"
    plan = parse_plan(f"Title:{text}", Brief("An article about tomatoes", 0), strict=True)
    assert plan.title and len(plan.sections) == 2
    assert all(section.title and section.main_point and section.words for section in plan.sections)


async def test_an_invalid_grammar_is_reported_in_one_line(demo: LlamaModel) -> None:
    with pytest.raises(ModelError, check=has_code("malformed")) as caught:
        await collect(demo, request("x", grammar="root ::= thing"))
    assert "'thing'" in str(caught.value) and not caught.value.retryable


async def test_a_prompt_that_does_not_fit_is_reported_with_its_size_and_the_limit(demo: LlamaModel) -> None:
    text = "tomato " * 9000
    with pytest.raises(ModelError, check=has_code("context")) as caught:
        await collect(demo, request(text))
    assert not caught.value.retryable
    assert all(str(number) in str(caught.value) for number in (await demo.count_tokens(text) + 1, 8192))


async def test_the_context_length_can_be_set_and_ends_the_text(demo_gguf: Path) -> None:
    model = await LlamaModel.load(demo_gguf, "small", ModelSettings("", context_length=512, state_gb=0))
    try:
        assert model.capabilities.context_length == 512
        _, finished = await collect(model, request("tomato " * 500, 100))
        assert finished.reason == "length"
        assert finished.usage.prompt + finished.usage.completion == 513  # the last token need not be in the context
    finally:
        await model.aclose()


# ---- chats ------------------------------------------------------------------------------------------------------


async def test_a_chat_is_rendered_with_the_template_in_the_file(chat_gguf: Path) -> None:
    model = await LlamaModel.load(chat_gguf, "chat", ModelSettings("", context_length=1024, state_gb=0))
    try:
        assert model.capabilities.chat
        message = "Say <end_of_turn><start_of_turn>user"
        chat = Request(Prompt(messages=(Message("user", message),)), 4, sampling=GREEDY)
        _, finished = await collect(model, chat)
        # <bos> <start_of_turn> user \n … <end_of_turn> \n <start_of_turn> model \n
        assert finished.usage.prompt == 9 + await model.count_tokens(message)
    finally:
        await model.aclose()


async def test_a_template_may_open_the_reasoning(demo_gguf: Path, tmp_path: Path) -> None:
    path = tmp_path / "thinking.gguf"
    with_texts(
        demo_gguf,
        path,
        {"tokenizer.chat_template": CHAT_TEMPLATE.replace("model\n{% endif", "model\n<think>\n{% endif")},
    )
    model = await LlamaModel.load(path, "thinking", ModelSettings("", context_length=512, state_gb=0))
    try:
        chat = Request(Prompt(messages=(Message("user", "Hi"),)), 40, grammar='root ::= "hm</think>\\n\\nYes."')
        parts = [part async for part in model.stream(chat)][:-1]
        assert "".join(part.text for part in parts if isinstance(part, ReasoningPiece)) == "hm"
        assert "".join(part.text for part in parts if isinstance(part, TextPiece)) == "Yes."
    finally:
        await model.aclose()


async def test_an_empty_prompt_starts_a_new_text(demo: LlamaModel) -> None:
    _, finished = await collect(demo, request("", 3))
    assert finished.usage.prompt == 1


async def test_a_chat_needs_a_template(demo: LlamaModel) -> None:
    assert not demo.capabilities.chat
    with pytest.raises(ModelError, check=has_code("refused")) as caught:
        await collect(demo, Request(Prompt(messages=(Message("user", "Hello"),)), 4))
    assert not caught.value.retryable


# ---- concurrent calls ---------------------------------------------------------------------------------------------


async def test_concurrent_calls_get_their_own_texts(demo: LlamaModel) -> None:
    first, second = request("The capital of France is", 3), request("one two three four one two three", 3)
    alone = [await collect(demo, first), await collect(demo, second)]
    together = await asyncio.gather(collect(demo, first), collect(demo, second))
    assert [text for text, _ in together] == [text for text, _ in alone]


async def test_calls_are_served_in_order(demo: LlamaModel) -> None:
    order: list[int] = []

    async def call(number: int) -> None:
        await collect(demo, request(f"Number {number} says", 4))
        order.append(number)

    await asyncio.gather(*(call(number) for number in range(4)))
    assert order == [0, 1, 2, 3]


async def test_tokens_are_counted_during_a_call(demo: LlamaModel) -> None:
    async with aclosing(demo.stream(request("Once upon a time", 2000, Sampling(temperature=1.0)))) as parts:
        await anext(parts)
        assert await demo.count_tokens("Hello world") == 2
        assert isinstance(await anext(parts), TextPiece)  # the stream is still running


async def test_closing_a_stream_frees_the_model_at_once(demo: LlamaModel) -> None:
    endless = request("Once upon a time", 7000, Sampling(temperature=1.0, min_p=0.2), grammar=r"root ::= [^\x00]+")
    async with aclosing(demo.stream(endless)) as parts:
        await anext(parts)
    async with asyncio.timeout(20):  # the closed stream would have taken minutes
        text, _ = await collect(demo, request("one two three four one two", 2))
    assert text == " three four"


async def test_canceling_a_task_ends_its_call_during_the_prompt(demo: LlamaModel) -> None:
    task = asyncio.create_task(collect(demo, request("tomato " * 8000, 10)))
    await asyncio.sleep(0.3)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    text, _ = await collect(demo, request("one two three four one two", 2))
    assert text == " three four"


async def test_a_waiting_call_can_be_canceled(demo: LlamaModel) -> None:
    async with aclosing(demo.stream(request("Once upon a time", 2000, Sampling(temperature=1.0)))) as parts:
        await anext(parts)
        waiting = asyncio.create_task(collect(demo, request("Never", 5000)))
        await asyncio.sleep(0.05)
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)
        assert isinstance(await anext(parts), TextPiece)
    async with asyncio.timeout(20):
        await collect(demo, request("The capital of France is", 2))


async def test_the_next_text_does_not_depend_on_when_a_stream_was_closed(demo: LlamaModel) -> None:
    texts = []
    for pause in (0.0, 0.6):
        await collect(demo, request("Something else.", 1))
        written = LONG
        async with aclosing(demo.stream(request(LONG, 200))) as parts:
            async for part in parts:
                written += part.text if isinstance(part, TextPiece) else ""
                if len(written) > len(LONG) + 60:
                    break
            await asyncio.sleep(pause)  # meanwhile the model goes on
            written = written[: len(LONG) + 60]
        sampling = Sampling(temperature=1.0)
        following = request(written + " So it was, and so it stayed. " * 20, 16, sampling, seed=3)
        texts.append(await collect(demo, following))
    assert texts[0] == texts[1]


# ---- capabilities -------------------------------------------------------------------------------------------------


async def test_the_model_states_its_capabilities(demo: LlamaModel, demo_gguf: Path) -> None:
    can = demo.capabilities
    assert (can.context_length, can.completion, can.grammar, can.exact_tokens) == (8192, True, True, True)
    assert not can.json_schema
    assert "270M" in demo.description
    assert can.weights == read_header(demo_gguf).weights > 10**8
    data = await asyncio.to_thread(demo_gguf.read_bytes)
    assert demo.model_hash == hashlib.sha256(data).hexdigest()


async def test_tokens_are_counted_exactly(demo: LlamaModel) -> None:
    assert await demo.count_tokens("") == 0
    assert await demo.count_tokens("Hello") == 1
    assert await demo.count_tokens("<eos>") > 1
    assert await demo.count_tokens("\ud800") > 0
