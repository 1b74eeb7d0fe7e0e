"""The script Streamlit runs, in a folder of its own.

Beside a folder named `pages` Streamlit would take each file there for a page by itself, and run
it as one for whoever opens its address first.
"""
