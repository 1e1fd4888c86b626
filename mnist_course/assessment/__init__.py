"""How an answer is assessed: observe what it does, then judge what was observed.

`observation.observe` runs an answer on the cases of its exercise, in the process where the answer
lives, and returns plain data. `judgement.judge` takes that data, wherever it comes from, but never
the answer or anything that it made. So a lesson's check and grading differ only in where the first
step runs.
"""
