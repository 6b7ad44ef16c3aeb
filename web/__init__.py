"""How people and systems see it: app, live channel, pages, keys, command line."""
