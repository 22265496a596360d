"""How good the minds are, measured on cases whose answer is known: what a case is, running it, scoring, the table.

A case is a folder (`cases`), its world is read as a live one is (`worlds`), both minds answer it as they answer an
alert (`running`), and pure code compares the answer with what was expected (`scoring`, `claims`, `tally`).
"""
