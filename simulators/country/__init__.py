"""A whole country at once: its catalogue, systems, boards and people, against one service."""
