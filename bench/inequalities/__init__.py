"""Inequalities: statements about reals, proved with certificates, or refuted at a rational point.

statements         what a statement is; its JSON, its text, its values
texts/             statements read: Lean-like, plain text, LaTeX
relations          whether a relation holds at a rational point, roots and all
counterexamples    where a statement is false, exactly; found by domains, descent and surfaces
z3_points          the same, asked of z3
proving/           from a claim to the steps of a certificate, no lemma remembered
lips/              the search of LIPS: lemmas, scaling, rewriting, ranking, a policy's advice
checker, checking/ whether a certificate is a proof; written from FORMAT.md, it knows nothing else
deciding           a statement's verdict, the certificate checked
explaining/        a certificate as a proof in sentences
attacks/           false statements for the prover, false proofs for the checker
"""
