"""How documents travel: watched folders and polls live here; HTTP push is a route of the web."""
