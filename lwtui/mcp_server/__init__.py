"""Documents, plans, sections, notes, facts and writing as tools for other agents, over the Model Context Protocol.

``access`` decides which files a client may reach, ``reading`` and ``writing`` are the tools, and ``server`` offers
them.
"""
