"""The instruction tables: what a WebAssembly instruction and an internal operation is, and the generator that reads them."""
