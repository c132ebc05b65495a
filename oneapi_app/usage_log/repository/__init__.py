"""The usage log's SQL: ``rows`` (the log itself), ``sums`` (figures), ``upkeep`` (summing up, cleaning).

Everything goes to the log database, which may be a separate one. Statements only, no rules.
"""
