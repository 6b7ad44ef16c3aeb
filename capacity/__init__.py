"""What the service knows: model, rules, catalogue, board (Redis/Valkey) and history (SQL)."""
