"""Where training runs: in this process, or in processes of their own."""
