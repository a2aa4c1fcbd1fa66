"""What models say before, after and around a text is removed as it streams; what a writer may want stays."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lwtui.agentwrite.chatter import ChatterStripper

TEXT = (
    "The ferry leaves at dawn while the gulls still sleep on the roofs of the town. Nobody waves.\n\n"
    "By noon it has passed both islands, and the captain writes a line in his book."
)
TITLE = "The Crossing"
ABOUT = "how the ferry goes to the islands"


def stripped(answer: str, step: int = 0, *, title: str = TITLE, about: str = ABOUT, existing: str = "") -> str:
    """Return what is left of an answer that comes in pieces of ``step`` characters, or as a whole."""
    stripper = ChatterStripper(title, about, existing)
    pieces = [answer[at : at + step] for at in range(0, len(answer), step)] if step else [answer]
    return "".join([*map(stripper.add, pieces), stripper.close()]).strip()


def all_ways(answer: str, **more: str) -> set[str]:
    """Return what is left, however the answer is divided."""
    return {stripped(answer, step, **more) for step in (0, 1, 7)}


@pytest.mark.parametrize("mark", ["【结束】", "(End)", "（全文完）"])
def test_a_mark_of_the_end_goes_even_if_more_follows(mark: str) -> None:
    first, _, second = TEXT.partition("\n\n")
    assert all_ways(f"{first}\n\n{mark}\n{second}") == {TEXT}
    assert all_ways(f"{TEXT}\n\n{mark}") == {TEXT}


@pytest.mark.parametrize(
    "line", ["(Continues to look out of the window.)", "(cont'd)", "[Continued on page 3]", "(stop)"]
)
def test_other_words_in_brackets_stay_if_more_follows(line: str) -> None:
    text = TEXT.replace("\n\n", f" {line}\n\n{line}\n\n")
    assert all_ways(text) == {text}


BEFORE = [
    "Sure! Please provide the text you want me to continue, and I will write the section.",
    "Certainly! I'd be happy to help you with a speech on soil. Please provide me with the outline for this section.",
    "当然，请根据您的实际情况填写以下内容：",
    "当然，请提供你对这部电影的文本，我会根据你的要求进行修改。",
    "Sure! Here is section 1 of the document:",
    "Sure, here's section 2 of 5:",
    "sure thing! here's the next section:",
    "Certainly, here's the continuation of the text:",
    "Certainly! Below is the first section of your guide:",
    "Absolutely! Here is the text for this section:",
    "Of course! I'd be happy to help. Here is the text:",
    "Okay, here's a draft of section 2, focusing on the ferry, aiming for around 300 words:",
    "Got it! Here’s the section titled “The Crossing”:",
    "Understood. Here is the revised section:",
    "Great! Now, here is section 3:",
    "Here is section 1:",
    "**Here is section 1:**",
    "Here is the first section of your essay:",
    "Here's a 300-word section about the ferry:",
    "Here is the section on the crossing:",
    "Below is the continuation:",
    "The following is the second chapter of the story:",
    "As requested, here is the next section of the guide:",
    "As you requested, this is the section:",
    "Continuing from where we left off:",
    "I've written section 2 for you:",
    "I'll continue with the next section:",
    "Let me continue with section 2:",
    "Now, here is section 2 of 3:",
    "Sure! Here is section 1.",
    "Sure.",
    "Certainly!",
    "Of course.",
    "Sure! Happy to help!",
    "Assistant:",
    "**Assistant:**",
    "**Assistant**:",
    "### Assistant:",
    "AI:",
    "Response:",
    "**Response:**",
    "Section text:",
    "助手：",
    "Ассистент:",
    "Section 1 of 3: The Crossing",
    "**Section 1 of 3: The Crossing**",
    "Section 1/3",
    "[Section 2 of 3]",
    "## Section 1 of 3: How It Goes",
    "Part 2 of 5: The Crossing",
    "Section 1: The Crossing",
    "Section One",
    "The Crossing (120 words)",
    "**The Crossing** (approximately 120 words)",
    "Draft of section 1:",
    "Here you go:",
    "Sure, here it is:",
    "Here is the requested text:",
    "Alright! Let's dive into section 1 of the document.",
    "Voici la section demandée :",
    "承知しました。第1章の本文は以下の通りです。",
    "네, 섹션 1을 작성하겠습니다.",
    "Chapter 1 – The Crossing",
    "Title: The Crossing",
    "**Title:** The Crossing",
    "Section Title: The Crossing",
    "标题：The Crossing",
    "Word count: 120",
    "[Continuation]",
    "(continued)",
    "[Start of section 1]",
    "<|im_start|>assistant",
    "<|start_header_id|>assistant<|end_header_id|>",
    "<start_of_turn>model",
    "<|assistant|>",
    "<s>",
    "Sure! Here is section 1 of the document:\n\n---",
    "Sure!\n\nHere is section 1:",
    "好的，以下是第一节的内容：",
    "当然可以！以下是文档的第一部分：",
    "以下是续写的内容：",
    "好的，我将继续撰写第二节。",
    "以下是根据您的要求撰写的正文：",
    "第1节（共3节）：渡口",
    "もちろんです。以下が第1章です：",
    "はい、以下は第1節の本文です。",
    "물론입니다! 다음은 첫 번째 섹션입니다:",
    "Natürlich! Hier ist der erste Abschnitt:",
    "Gerne! Hier ist Abschnitt 2 des Dokuments:",
    "Hier ist die Fortsetzung:",
    "Bien sûr ! Voici la première section :",
    "Voici la suite du texte :",
    "¡Claro! Aquí está la sección 1:",
    "Por supuesto. A continuación, la primera sección del documento:",
    "Claro! Aqui está a primeira seção:",
    "Certo! Ecco la prima sezione:",
    "Конечно! Вот первый раздел:",
    "Вот продолжение текста:",
    "Oczywiście! Oto pierwsza sekcja:",
    "Natuurlijk! Hier is de eerste sectie:",
    "Elbette! İşte ilk bölüm:",
    "بالتأكيد! إليك القسم الأول من المستند:",
    "Tentu! Berikut adalah bagian pertama:",
]


@pytest.mark.parametrize("talk", BEFORE)
def test_talk_before_the_text_is_removed(talk: str) -> None:
    assert all_ways(f"{talk}\n\n{TEXT}") == {TEXT}
    assert all_ways(f"\n{talk} \n{TEXT}") == {TEXT}


@pytest.mark.parametrize(
    "lead",
    [
        "Sure! Here is section 1 of the document: ",
        "好的，以下是第一节的内容：",
        "Assistant: ",
        "**AI:** ",
        "<|assistant|>",
    ],
)
def test_talk_before_the_text_in_its_first_line_is_removed(lead: str) -> None:
    assert all_ways(lead + TEXT) == {TEXT}


AFTER = [
    "Thank you for reading my text. If you have any further questions, don't hesitate to ask!",
    "Once you have completed all of the sections, feel free to add any additional information.",
    "This text has been written section by section so far, covering the sections you've already outlined.",
    "This concludes the text.",
    "This completes the section on the harbor and its boats.",
    "(Word count: 120)",
    "**Word Count:** 120 words",
    "*Word count: 120*",
    "[Word count: ~120 words]",
    "Word count: approximately 120",
    "Total word count: 1,204 words",
    "Words: 120",
    "(120 words)",
    "(approx. 120 words)",
    "*(120 words)*",
    "— 120 words",
    "字数：300",
    "（字数：300字）",
    "（约300字）",
    "(全文约300字)",
    "文字数：300",
    "글자 수: 300",
    "Wortanzahl: 120",
    "(120 Wörter)",
    "Nombre de mots : 120",
    "(environ 120 mots)",
    "Número de palabras: 120",
    "Contagem de palavras: 120",
    "Numero di parole: 120",
    "Количество слов: 120",
    "Liczba słów: 120",
    "I hope this helps!",
    "I hope this section meets your needs. Let me know if you'd like any changes.",
    "Let me know if you would like me to continue with the next section!",
    "Please let me know if you need anything else.",
    "Would you like me to continue with section 2?",
    "Feel free to ask for adjustments.",
    "If you'd like, I can continue with the next section.",
    "Shall I continue?",
    "I'm ready to continue with section 2 whenever you are.",
    "Note: This section is approximately 120 words.",
    "This section is about 120 words long, as requested.",
    "---\n\nI hope this helps! Let me know what you think.",
    "Word count: 120\n\nLet me know if you need anything else!",
    "Hope this helps!",
    "Want me to continue?",
    "Is there anything else you'd like me to add?",
    "The section above is approximately 120 words.",
    "[To be continued in the next section]",
    "¡Espero que te sea útil!",
    "请问需要我继续吗？",
    "[End of section]",
    "[End of Section 1]",
    "**[End of section]**",
    "--- End of section ---",
    "(End of chapter 2)",
    "[END]",
    "(To be continued)",
    "*To be continued...*",
    "[Continued in section 2]",
    "（未完待续）",
    "（本节完）",
    "Fortsetzung folgt …",
    "</section>",
    "希望这对您有所帮助！",
    "如果您需要任何修改，请告诉我。",
    "需要我继续写下一节吗？",
    "以上就是第一节的全部内容。",
    "以上です。",
    "ご不明な点があればお知らせください。",
    "도움이 되셨길 바랍니다!",
    "Ich hoffe, das hilft!",
    "Lassen Sie mich wissen, wenn Sie Änderungen wünschen.",
    "J'espère que cela vous aide !",
    "N'hésitez pas à me demander des modifications.",
    "Espero que esto te ayude.",
    "¿Te gustaría que continúe con la siguiente sección?",
    "Espero que isso ajude!",
    "Spero che questo ti sia utile!",
    "Надеюсь, это поможет!",
    "Дайте мне знать, если нужны правки.",
    "<|im_end|>\n<|im_start|>user\nThanks!",
    "<|eot_id|><|start_header_id|>user<|end_header_id|>\n\nMore",
    "<end_of_turn>\n<start_of_turn>user\nok",
    "</s>",
    "[/INST] More text. [INST]",
    "<|user|>\nAnd now?",
    "<|assistant|>\nYes.",
    "<|endoftext|>Another document",
    "<|end_of_text|>",
    "<｜end▁of▁sentence｜><｜User｜>hi",
    "<|END_OF_TURN_TOKEN|>",
    "<|return|>",
    "### Human: thanks\n### Assistant: you are welcome",
    "### Instruction:\nWrite more.",
]


@pytest.mark.parametrize("talk", AFTER)
def test_talk_after_the_text_is_removed(talk: str) -> None:
    assert all_ways(f"{TEXT}\n\n{talk}") == {TEXT}
    assert all_ways(f"{TEXT}\n{talk}\n") == {TEXT}


@pytest.mark.parametrize(
    "talk",
    [
        " (Word count: 120)",
        " (120 words)",
        " *(120 words)*",
        " I hope this helps!",
        " [End of section]",
        "<|im_end|>",
        "</s>",
        "</section>",
        "<|eot_id|> And more",
        "[INST] Thanks",
    ],
)
def test_talk_after_the_text_in_its_last_line_is_removed(talk: str) -> None:
    assert all_ways(TEXT + talk) == {TEXT}


CODE = "```python\nprint('ferry')\n```"


@pytest.mark.parametrize(
    "around",
    [
        "```markdown\n{}\n```",
        "```md\n{}\n```",
        "```\n{}\n```",
        "```text\n{}\n```",
        "~~~markdown\n{}\n~~~",
        "````markdown\n{}\n````",
        "```markdown\n{}",
        "Here is section 1:\n\n```markdown\n{}\n```",
        "Sure!\n\n```markdown\n{}\n```\n\nI hope this helps!",
        "```markdown\n{}\n```\n\n(Word count: 120)",
        "<section>\n{}\n</section>",
        "<section number='1' title=\"x\">\n{}\n</section>",
        "<text>{}</text>",
        "<answer>\n{}\n</answer>\n\nLet me know if you want changes.",
        "<output>\n{}",
        "<response>{}</response>",
        "Sure!\n\n<section>\n{}\n</section>",
        "<document>\n\n{}\n\n</document>\n",
    ],
)
def test_what_is_around_the_whole_text_is_removed(around: str) -> None:
    for text in (TEXT, f"{TEXT}\n\n{CODE}\n\nThat was it.", f"{TEXT}\n\n- one\n- two"):
        assert all_ways(around.format(text)) == {text}


def test_a_heading_within_the_fence_is_left_for_the_cleaner() -> None:
    assert all_ways(f"```\n## The Crossing\n\n{TEXT}\n```") == {f"## The Crossing\n\n{TEXT}"}
    assert all_ways(f"## The Crossing\n\nSure! Here is section 1:\n\n{TEXT}") == {f"## The Crossing\n\n{TEXT}"}


KEPT = [
    "This concludes the chapter that she had dreaded all her life.",
    "This completes the circle.",
    "“Sure!” he said, and went home.",
    "Sure! I'll come, he said, and went home with the dog.",
    "Sure enough, the dog came back.",
    "Certainly the harbor was quiet.",
    "Of course it rained.",
    "“Of course!” she said.\n\nThen it rained.",
    "Sure.\n\n“Are you?” she asked.",
    "— Bien sûr, dit-il.\n\nEt il partit.",
    "Great. That was all he said.",
    "Gern geschehen, sagte er.",
    "Claro que lo sabía, pero calló.",
    "Certo, il mare era calmo.",
    "Конечно, море было спокойно.",
    "好的开始是成功的一半。",
    "You need these things:\n\n- a pot\n- a pan",
    "Here are the steps:\n\n1. Boil water.\n2. Drink it.",
    "Here is what you need for the soup:\n\nA pot.",
    "Here is the story of my town:\n\nIt began in 1804.",
    "Here is the answer:\n\nNobody knows.",
    "Here are three examples of good titles:\n\n1. Rain",
    "Here's the thing: nobody knew.",
    "Here is a list of the islands in this section:\n\n- Ro\n- Ma",
    "The following rules hold:\n\n- Be kind.",
    "以下是本节的主要内容：\n\n一、土壤。",
    "Ingredients (serves four people):\n\n- salt",
    "In this chapter you will learn:\n\n- to row",
    "This is the chapter of my life in which I learned to swim.",
    "This is the section of the river where salmon spawn.",
    "Section 3 of the law says:\n\nNobody shall pass.",
    "Part 1 was easy. Part 2 was hard.",
    "Chapter 2 begins with rain.",
    "Let's begin with the soil, since all else follows from it.",
    "Now for the bad news: it rained.",
    "Title: Dune\nAuthor: Frank Herbert\nYear: 1965\n\nA book.",
    "AI: friend or foe\n\nThat is the question.",
    "Answer: The sky is blue since light scatters.",
    "Response: 12 people answered, and 3 did not.",
    "Output:\n```\n42\n```\n\nThe program prints 42.",
    "Text:\n\n| a | b |\n|---|---|\n| 1 | 2 |",
    "```python\nprint(1)\n```\n\nThis prints 1.",
    "```\n+---+\n| a |\n+---+\n```\n\nThe box has one cell.",
    "```\n$ ls\na b c\n```",
    "```markdown\n# Heading\n**bold**\n```\n\nThis is how a heading looks.",
    "```text\nHost example\n  User me\n```\n\nThat is the file.",
    "```html\n<section>\n<p>Hi</p>\n</section>\n```",
    "The `<section>` element groups content.",
    "<details>\n<summary>More</summary>\nText\n</details>",
    "<section>\n<h2>One</h2>\n</section>",
    "Write `<|im_end|>` at the end of a turn, and `</s>` at the end of a text.",
    "```\n<|im_start|>user\nHi<|im_end|>\n```\n\nThat is the template.",
    "The token <|im_end|> closes each message, and the next begins.",
    "He said <s>no</s> yes.",
    "[1] See the appendix.\n\nMore.",
    "x <- c(1, 2)\ny[1] < x[2] and more.",
    "Let me know if you hear from her, he wrote.\n\nYours,\nTom",
    "“Would you like me to come?” she asked.",
    "Would you like another cup? he asked, and she nodded.\n\nThey drank.",
    "I hope he comes.",
    "Dear reader,\n\nI hope this letter helps you.\n\nYours, Ann",
    "He wrote 120 words (a long letter for him). Then he slept.",
    "The letter had (120 words) of love in it.\n\nIt was short.",
    "The editor asked for a summary. Word count: 500.\n\nSo he sat down.",
    "- Word count: 1,500 words\n- Genre: crime",
    "If you want to visit, go in spring.",
    "Note: the water must be cold.",
    "It ends here.\n\n* * *",
    "- one\n- two\n\n---\n\nMore text.",
    "The End",
    "He read the last line: “To be continued.”",
    "This section of the path is 12 km long.",
    "Si vous souhaitez visiter l'île, prenez le bac.",
    "Espero que venga mañana.",
    "Надеюсь, он придёт.",
    "如果天气好，我们就去海边。",
    "Wenn Sie Zeit haben, nehmen Sie die Fähre.",
    "Thanks for reading this far.",
    "Absolutely nothing moved.",
    "Okay, so the ferry was late again, and nobody had told the cook.",
    "User: What is a ferry?\nAssistant: A ship that carries people.",
]


@pytest.mark.parametrize("text", KEPT)
def test_what_a_writer_may_want_stays(text: str) -> None:
    assert all_ways(text) == {text}
    assert all_ways(f"{TEXT}\n\n{text}") == {f"{TEXT}\n\n{text}"} or text in KEPT_AT_THE_BEGINNING


# Said at the end of a text, these are talk.
KEPT_AT_THE_BEGINNING = {
    "Here is the answer:\n\nNobody knows.",
}


def test_a_label_that_names_the_subject_stays() -> None:
    text = "AI: It has come to stay, whatever one thinks of its promises, and nobody will undo it now."
    assert all_ways(text, title="AI: Friend or Foe") == {text}
    assert all_ways(text, title="Cooking", about="soups") == {text.removeprefix("AI: ")}
    speech = "Assistant: The doctor will see you now, though he is late as always today."
    assert all_ways(speech, about="a play about an assistant") == {speech}


def test_a_continuation_within_code_stays_as_it_is() -> None:
    for answer in ("```\n\nThat was it.", "Sure!\nprint(2)\n```", "</section>\n```"):
        assert all_ways(answer, existing="Text.\n\n```python\nprint(1)\n") == {answer}


def test_talk_that_text_follows_stays() -> None:
    text = "He closed the book.\n\nI hope this helps! he thought.\n\n(To be continued)\n\nThen he slept."
    assert all_ways(text) == {text}


def test_nothing_but_tokens_is_removed_from_the_text_of_a_base_model() -> None:
    stripper = ChatterStripper(TITLE, ABOUT, tokens_only=True)
    answer = "Sure! Here is section 1:\n\nText. (Word count: 120)\n<|endoftext|>More"
    assert stripper.add(answer).rstrip() == "Sure! Here is section 1:\n\nText. (Word count: 120)"
    assert stripper.ended and stripper.add("More") == stripper.close() == ""


_PARTS = (
    *("Sure! ", "Here is section 1:", "\n", "\n\n", "```", "```markdown\n", "Word. ", "(120 words)", "<section>"),
    *("</section>", "<|im_end|>", "I hope this helps!", "---", "好的，", "AI: ", "[End", "<", "**"),
)


@given(st.lists(st.sampled_from(_PARTS), max_size=14), st.integers(1, 9))
def test_the_result_does_not_depend_on_the_pieces(parts: list[str], step: int) -> None:
    answer = "".join(parts)
    assert stripped(answer, step) == stripped(answer)
