"""What `wirq test` does: the same Robot and pytest suites over targets, in one report.

`targets` tells what there is and what it offers, `robot` and `python` run the suites on one target, `junit` joins their
reports, `checklist` lists what no program can see of a real board.
"""
