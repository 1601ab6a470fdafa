"""The answerer: a small set of deterministic rules that stands where the service has a model.

It does not understand anything and never pretends to. It compares words, picks tools by them, fills arguments from what
stands in the question, measures pictures, does arithmetic and quotes. The same conversation always gets the same
answer.
"""
