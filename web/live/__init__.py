"""The live channel: one stream reader per process, many boards."""
