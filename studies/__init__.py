"""Runnable studies, each a search space and a few lines."""

import sys

if sys.argv[:1] == ["-m"]:  # one of them is the command: it ends well even while modules load
    from cifar_sk.backend import interrupts

    interrupts.begin()
