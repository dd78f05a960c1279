"""python -m tests.injection: see full.py. (Apart from it, for worker processes cannot import a __main__.)"""

import sys

from tests.injection.full import main

if __name__ == "__main__":
    sys.exit(main())
