"""tk-train with the toy among its models, for tests of the whole command: `python -m tests.train.toy_main toy ...`."""

from tk_tools import models
from tk_tools.cli.train import main

models._BUILT_IN["toy"] = "tests.train.toy:MODEL"

if __name__ == "__main__":
    main()
