"""The marks with which items of lists begin, as patterns for regular expressions."""

BULLET = r"[-*+•·]"
NUMBER = r"\d{1,3}[.)、]"
MARK = rf"(?:{BULLET}|{NUMBER})"
