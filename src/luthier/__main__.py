"""python -m luthier"""

from luthier.cli.main import entry

if __name__ == "__main__":
    entry()
