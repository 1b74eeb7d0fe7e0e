"""Reading RSS, Atom, RDF and JSON Feed, well-formed or not, from bytes that nobody vouches for."""
