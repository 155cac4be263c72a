def report_page(report, task, examples, predictions):
    return "<html></html>"
