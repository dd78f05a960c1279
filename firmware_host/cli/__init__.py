"""The command `wirq`: one file per command, loaded when it is called. What they do is in the API, not here."""
