"""The commands, one file each: options, help, and one call into the library. No work is done here."""

import os
import signal
import sys

# Until the entry point takes over nothing is begun: Ctrl-C during the imports ends a tool without a traceback.
_IS_TOOL = bool(sys.argv) and os.path.basename(sys.argv[0]).startswith("tk-")
if _IS_TOOL and signal.getsignal(signal.SIGINT) is signal.default_int_handler:
    signal.signal(signal.SIGINT, signal.SIG_DFL)
