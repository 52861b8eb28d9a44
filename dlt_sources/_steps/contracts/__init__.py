"""What a row is: a contract's fields as columns, the types and rules they have, what is taken for a time, an amount or a text."""
