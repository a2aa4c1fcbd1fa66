"""Models on this machine, run by llama.cpp in a worker process.

In the app's process: ``client`` (the model), ``process`` (its worker process), ``hashing`` and ``demo``.

In the worker process: ``worker`` (calls and replies), ``engine`` (what to compute next), ``generation`` (one
completion), ``kv_cache`` and ``saved_states`` (what need not be computed again), ``sampler`` and ``token_prefix_index``
(the next token), ``prompt_lookup`` (guesses of several tokens), ``thread_tuner`` (how many threads), ``turns`` (with
other processes), ``template`` and ``prompt`` (from messages to tokens), ``output`` (from tokens to text) and
``bindings`` (llama.cpp itself). ``template_child`` runs a GGUF's chat template in a process of its own.

In both: ``protocol``, and ``gguf_header``, ``machine`` and ``fit``, which decide how to load a GGUF. Nothing in the
app's process imports llama.cpp.
"""
