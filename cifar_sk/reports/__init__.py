"""The files under results/, and the page that shows them."""

from cifar_sk.reports.run.files import summary_table, write_report

__all__ = ["summary_table", "write_report"]
