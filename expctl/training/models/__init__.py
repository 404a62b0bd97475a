"""What can be trained: families, features, parameters and the pipeline they make."""
