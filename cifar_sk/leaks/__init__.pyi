from .auditing import audit as audit
from .auditing import warn_of_leaks as warn_of_leaks
from .findings import RULES as RULES
from .findings import Finding as Finding
from .findings import LeakWarning as LeakWarning
from .findings import leak_rule as leak_rule
