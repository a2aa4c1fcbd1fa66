"""Models on this machine, by llama.cpp.

The app's end: ``client`` (the model), ``process`` (its process), ``hashing``, ``demo``. The process's end: ``worker``
(calls and answers), ``engine`` (what is computed), ``sampler`` and ``openings`` (what is drawn), ``template`` and
``prompt`` (from messages to tokens), ``output`` (from tokens to text), ``bindings`` (llama.cpp itself);
``template_child`` runs a GGUF's chat template in a process of its own. Between them: ``protocol``, and how a GGUF is
loaded: ``gguf_header``, ``machine``, ``fit``. Nothing at the app's end imports llama.cpp.
"""
