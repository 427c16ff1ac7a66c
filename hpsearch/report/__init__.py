"""What is read of a study: pictures, evaluations, comparisons, pages. Each is computed first and drawn after."""
