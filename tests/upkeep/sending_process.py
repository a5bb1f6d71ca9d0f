"""A process that does nothing but upkeep, to be killed. Run: python sending_process.py, with settings as usual."""

import threading

from inferq.settings import Settings
from inferq.upkeep.loop import Upkeep
from inferq.upkeep.parts import Parts

Upkeep(Parts.create(Settings())).start()
threading.Event().wait()
