"""How an answer is assessed: observe what it does, then judge what was observed.

`observation.observe` runs an answer on the cases of its exercise, in the process where the answer
lives, and returns plain data. `verdict.judge` takes that data, wherever it came from, and never
the answer or anything that it made. A lesson's check, `mnist-course progress` and grading differ
only in where the first step runs.
"""
