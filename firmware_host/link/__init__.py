"""The serial link: frames, payloads and the session, all without I/O."""
