"""Texts as vectors, and the search over them.

One policy for OpenMP, of which torch and FAISS each bring a runtime: torch computes on all cores, FAISS on one while it
searches (a question is one vector) and on all while it builds, NumPy's BLAS on one (`load_encoder`). On macOS the second
runtime to be loaded ends the process unless it is told to bear the first
(https://github.com/facebookresearch/faiss/wiki/Troubleshooting); that could not be tried here.
"""

import os
import sys

if sys.platform == "darwin":
    os.environ.setdefault("KMP_DUPLICATE_LIB_OK", "TRUE")
