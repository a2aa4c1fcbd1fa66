"""Reading of sources: files, folders, web addresses and records of a bibliography."""
