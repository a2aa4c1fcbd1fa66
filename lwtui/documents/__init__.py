"""Documents: the .lw file format, plans and their edits, notes, search, import and export."""
