"""Notices: what reaches a unit's people outside its page, by push, e-mail and webhook."""
