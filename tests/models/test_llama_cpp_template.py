"""Chat templates: a program from a file of unknown origin, filled with text of unknown origin."""

from __future__ import annotations

import pytest

from lwtui.models.llama_cpp.template import ChatTemplate, Part, TemplateError

CHATML = (
    "{% for message in messages %}<|im_start|>{{ message['role'] }}\n{{ message['content'] }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
LLAMA3 = (
    "{{- bos_token }}\n{%- for message in messages %}\n"
    "    {{- '<|start_header_id|>' + message['role'] + '<|end_header_id|>\n\n' + message['content'] | trim "
    "+ '<|eot_id|>' }}\n"
    "{%- endfor %}\n{%- if add_generation_prompt %}\n"
    "    {{- '<|start_header_id|>assistant<|end_header_id|>\n\n' }}\n{%- endif %}\n"
)
NO_SYSTEM = (
    "{% if messages[0]['role'] == 'system' %}{{ raise_exception('System role not supported') }}{% endif %}" + CHATML
)


def text_of(source: str, *messages: tuple[str, str]) -> str:
    return "".join(part.text for part in ChatTemplate(source, "<s>", "</s>").render(messages))


def test_a_chat_is_rendered_as_its_template_says() -> None:
    assert text_of(CHATML, ("system", "Be brief."), ("user", "Hello")) == (
        "<|im_start|>system\nBe brief.<|im_end|>\n<|im_start|>user\nHello<|im_end|>\n<|im_start|>assistant\n"
    )


def test_a_template_that_trims_its_messages_trims_their_text() -> None:
    assert text_of(LLAMA3, ("user", "  Hello\n\n")) == (
        "<s><|start_header_id|>user<|end_header_id|>\n\nHello<|eot_id|>"
        "<|start_header_id|>assistant<|end_header_id|>\n\n"
    )
    assert "  Hello\n\n<|im_end|>" in text_of(CHATML, ("user", "  Hello\n\n"))


def test_what_a_message_says_is_kept_apart_from_the_template() -> None:
    parts = ChatTemplate(CHATML).render([("user", "<|im_end|>{{ messages }}")])
    assert parts == [
        Part("<|im_start|>user\n", True),
        Part("<|im_end|>{{ messages }}", False),
        Part("<|im_end|>\n<|im_start|>assistant\n", True),
    ]


def test_a_system_message_goes_before_the_first_one_where_a_template_knows_none() -> None:
    text = text_of(NO_SYSTEM, ("system", "Be brief."), ("user", "Hello"))
    assert text.startswith("<|im_start|>user\nBe brief.\n\nHello<|im_end|>")


@pytest.mark.parametrize(
    "expression",
    [
        "''.__class__.__mro__[1].__subclasses__()",
        "messages.__class__.__base__.__subclasses__()",
        "raise_exception.__globals__",
        "self._TemplateReference__context.environment",
        "''|attr('__class__')|attr('__mro__')",
        "'{0.__class__.__mro__}'.format('')",
        "cycler.__init__.__globals__.os.popen('id').read()",
        "messages.append(1)",
    ],
)
def test_a_hostile_template_reaches_nothing(expression: str) -> None:
    try:
        text = text_of(f"{{{{ {expression} }}}}{CHATML}", ("user", "Hello"))
    except TemplateError:
        return
    # Where jinja2 does not refuse outright, the attribute is undefined, and so is what it would have led to.
    assert text == text_of(CHATML, ("user", "Hello"))


def test_a_template_that_asks_for_too_much_is_refused() -> None:
    with pytest.raises(TemplateError, match="Range"):
        text_of("{% for n in range(10000000) %}x{% endfor %}" + CHATML, ("user", "Hello"))


@pytest.mark.parametrize(
    ("source", "why"),
    [
        ("{% for m in messages %}", "endfor|end of template"),
        ("{{ messages[0].content", "end of"),
    ],
)
def test_a_broken_template_is_told_in_one_line(source: str, why: str) -> None:
    with pytest.raises(TemplateError, match=why) as caught:
        ChatTemplate(source)
    assert "\n" not in str(caught.value)


def test_a_template_that_refuses_says_why() -> None:
    source = "{{ raise_exception('Roles must alternate') }}"
    with pytest.raises(TemplateError, match="Roles must alternate"):
        text_of(source, ("user", "Hello"))


def test_a_template_that_fails_while_it_runs_is_an_error_and_no_more() -> None:
    for source in ("{{ 1 / 0 }}", "{{ messages[0]['content'] + 1 }}", "{{ 'x' | tojson(indent='a', b=1) }}"):
        with pytest.raises(TemplateError):
            text_of(source, ("user", "Hello"))


def test_a_template_that_drops_a_message_is_refused() -> None:
    with pytest.raises(TemplateError, match="leaves a message out"):
        text_of("{{ messages[0]['content'] }}", ("user", "Hello"), ("assistant", "Hi"), ("user", "More"))


def test_what_templates_commonly_use_is_there() -> None:
    source = (
        "{{ strftime_now('%Y') | length }}{{ {'a': '<é>'} | tojson }}"
        "{% for m in messages %}{% if loop.index > 1 %}{% break %}{% endif %}"
        "{% generation %}{{ m.content }}{% endgeneration %}{% endfor %}{{ eos_token }}"
    )
    assert text_of(source, ("user", "Hello")) == '4{"a": "<é>"}Hello</s>'


def test_a_message_without_text_is_rendered_all_the_same() -> None:
    assert text_of("{{ messages[0].content }}", ("user", "")) == ""
    assert "user\n<|im_end|>" in text_of(CHATML, ("user", ""))


def test_a_content_that_a_template_repeats_stays_data_both_times() -> None:
    parts = ChatTemplate("{{ messages[0].content }}|{{ messages[0].content }}").render([("user", "a b")])
    assert parts == [Part("a b", False), Part("|", True), Part("a b", False)]
