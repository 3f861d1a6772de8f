//! Statements to plans, plans to storage calls, rows to results, errors to wire codes.
