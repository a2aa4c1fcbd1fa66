"""Models on this machine, by llama.cpp.

The app's end: ``client`` (the model), ``process`` (its process), ``hashing``, ``demo``. The process's end: ``worker``
(calls and answers), ``engine`` (what is computed), ``sampler`` and ``openings`` (what is drawn), ``template`` and
``prompt`` (from messages to tokens), ``output`` (from tokens to text), ``bindings`` (llama.cpp itself), ``machine``.
Between them: ``protocol``. Nothing at the app's end imports llama.cpp.
"""
