"""Responds: what becomes a case, who answers it, and how the answer goes out."""
