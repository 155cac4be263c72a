"""The page in the browser, and what it asks: runs are read off their folders, work is done by `luthier` itself."""
