"""What a user gets from each chat model pointed at StepFun: small probes, run alike for everybody.

`python -m benchmarks.compare_features` runs them all and makes the README's table of the answers.
"""
