"""``python -m wye`` is the ``wye`` command."""

import sys

from wye.cli import main

sys.exit(main())
