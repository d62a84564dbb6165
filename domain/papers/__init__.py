"""Invoices and credit notes as people and machines read them: PDF, and EN 16931 as CII and UBL."""
