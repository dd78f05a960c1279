"""Robot Framework suites that run unchanged on every target. `python -m robot_tests` runs them."""
