"""What throughput.py and quality.py share: the problem, the contenders' processes, the machine."""
