"""The top floor: wiring, the engine, the terminal and the demo."""
