"""python -m reference: the parts of the documentation that are made of the program, in the language of LUTHIER_LANG."""

import json
import sys

from reference import codes, commands, settings

json.dump({part.__name__.rpartition(".")[2]: part.page() for part in (codes, commands, settings)}, sys.stdout)
