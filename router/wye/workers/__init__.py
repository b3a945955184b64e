"""Several processes on one config: the parent starts them, adds up what they count, and starts again who dies.

Each is a whole daemon with files of its own: ``files`` says which are whose, ``adopt`` takes over what is left of a worker that
there is no more. ``supervisor`` is the parent, ``channel`` the line between it and a worker: where that ends, the worker does
(``lifeline``), however the parent has died.
"""
