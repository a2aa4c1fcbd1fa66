"""Optional research: a search tool of the user's choosing finds pages, some of which become sources."""
