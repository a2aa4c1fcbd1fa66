"""The actions of ``lwtui bench``, one module each: ``add`` defines the options, ``run`` runs the action."""
