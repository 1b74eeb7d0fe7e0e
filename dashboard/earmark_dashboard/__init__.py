"""Shows and acts: pages over the services it is handed."""
