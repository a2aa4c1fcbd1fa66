"""Blocks of code are followed as CommonMark has them."""

from __future__ import annotations

import pytest

from lwtui.text.code_blocks import in_code, without_code


@pytest.mark.parametrize(
    ("text", "inside"),
    [
        ("", False),
        ("Text.\n```", True),
        ("Text.\n```python\nprint(1)", True),
        ("Text.\n```python\nprint(1)\n```", False),
        ("~~~\n```\n", True),
        ("~~~\n```\n~~~\n", False),
        ("````\n```\n", True),
        ("````\n```\n````\n", False),
        ("```\ncode\n```text\n", True),
        ("   ```\n", True),
        ("    ```\n", False),
        ("Use ``` for code.\n", False),
        ("```not code``` but inline\n", False),
    ],
)
def test_a_text_ends_within_a_block_or_not(text: str, inside: bool) -> None:
    assert in_code(text) is inside


def test_code_is_left_out() -> None:
    assert without_code("One.\n```sh\n# no\n```\nTwo.\n~~~\nno\n") == "One.\nTwo.\n"
    assert without_code("One `two`.") == "One `two`."
