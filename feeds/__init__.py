"""How reports come in: formats (pure parsers), transports, sources, intake."""
