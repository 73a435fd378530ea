"""Where folds run: here one after another, in threads, in processes, or in an engine of yours."""

from cifar_sk.evaluation.engines.base import Engine, FoldWork, engines
from cifar_sk.evaluation.engines.processes import Processes
from cifar_sk.evaluation.engines.serial import Serial
from cifar_sk.evaluation.engines.threads import Threads

__all__ = ["Engine", "FoldWork", "Processes", "Serial", "Threads", "engines"]
