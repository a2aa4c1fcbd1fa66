import pytest

from lwtui.text.asked_length import words_in


@pytest.mark.parametrize(
    ("instruction", "words"),
    [
        ("Write a 2,000-word essay on rain", 2000),
        ("Write 5000 words about rain", 5000),
        ("an essay of 1.500 Wörtern über Regen", 1500),
        ("un texte de 3 000 mots", 3000),
        ("2k words on rain", 2000),
        ("1.5k words on rain", 1500),
        ("A report of 10000 words with 500 words a chapter", 10000),
        ("写一篇2000字的文章", 2000),
        ("写一篇 3 千字的文章", 3000),
        ("写一篇2万字的报告", 20000),
        ("写一篇关于长城的文章，两千字", 2000),
        ("一万五千字以上", 15000),
        ("三千五百个字", 3500),
        ("2000文字で書いて", 2000),
        ("Напиши 800 слов о дожде", 800),
    ],
)
def test_the_length_in_an_instruction_is_found(instruction: str, words: int) -> None:
    assert words_in(instruction) == words


@pytest.mark.parametrize(
    "instruction",
    [
        "Write about the year 2024",
        "Write about rain",
        "Explain the 3 rules of rain",
        "A slogan of 5 words",
        "9000000000 words",
        "9" * 400 + " words",
        "A poem about the word rain",
        "写一个字",
    ],
)
def test_an_instruction_may_have_no_usable_length(instruction: str) -> None:
    assert words_in(instruction) is None
