"""The ground floor: values, errors, time, text, tables, store and the door to the network.

Imports nothing of the other floors.
"""
