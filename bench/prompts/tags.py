r"""The tag strings of rStar-Math's text format: the one module that knows them.

A solution reads `<code>` step `<end_of_step>` ... step `<end_of_code>`, then the executor's
`<output>...<end_of_output>`, then `<answer>... \boxed{...}<end_of_answer>`. A model writes
everything but the output block, which is inserted by whoever ran the code. The tags stay plain
text: the embedded model's vocabulary is not extended, and the published training sets use the same
strings.

A program may also be shown output on its way, which is ours and not the paper's: a step that ends
with `<output>` in place of `<end_of_step>` asks to see what has been printed so far, and goes on
below it. Whoever was not trained to ask never does.
"""

from __future__ import annotations

CODE = "<code>"
END_OF_STEP = "<end_of_step>"
END_OF_CODE = "<end_of_code>"
OUTPUT = "<output>"
END_OF_OUTPUT = "<end_of_output>"
ANSWER = "<answer>"
END_OF_ANSWER = "<end_of_answer>"
USER = "<|user|>:"
ASSISTANT = "<|assistant|>:"

STEP_STOPS = (END_OF_STEP, END_OF_CODE, OUTPUT, END_OF_ANSWER)
"""Where a step ends, in search and in sampling."""
SOLUTION_STOPS = (END_OF_CODE, OUTPUT, END_OF_ANSWER)
"""Where a whole program or answer ends, or waits for its output, when steps need not be told apart
(greedy, n samples)."""
