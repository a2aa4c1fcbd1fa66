"""The marks with which items of lists begin, and the rule between two parts, as patterns for regular expressions."""

BULLET = r"[-*+•·]"
NUMBER = r"\d{1,3}[.)、]"
MARK = rf"(?:{BULLET}|{NUMBER})"
RULE = r"(?:(?:-[ \t]*){3,}|(?:\*[ \t]*){3,}|(?:_[ \t]*){3,})"
