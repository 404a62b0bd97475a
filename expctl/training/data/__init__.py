"""Tables, rows and splits: from a file to training and test rows, with what is wrong with them."""
