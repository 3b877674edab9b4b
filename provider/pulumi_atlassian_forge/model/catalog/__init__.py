"""The known module types and events, as data, and the words in which the types are described."""
