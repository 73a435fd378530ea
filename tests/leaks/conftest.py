"""The scripts are audited, and are no tests themselves."""

collect_ignore_glob = ["planted/*", "clean/*"]
