"""Linear algebra on matrices and batches of matrices, as `torch.linalg`.

Matrices are the last two dimensions of a tensor; those before are batch dimensions. Inputs are floating or complex;
RuntimeError for other dtypes and for shapes that do not fit, LinAlgError where the numbers do not allow what was asked.
"""

from ..functions.contraction import multi_dot
from ..functions.matrix import matmul
from ..missing import of_module as _of_module
from ..ops.linalg import LinAlgError
from .decompositions import (
    cholesky,
    cholesky_ex,
    eig,
    eigh,
    eigvals,
    eigvalsh,
    qr,
    svd,
    svdvals,
)
from .functions import cross, diagonal, matrix_exp, matrix_power, vander, vecdot
from .householder import householder_product
from .ldl import ldl_factor, ldl_factor_ex, ldl_solve
from .lu import lu, lu_factor, lu_factor_ex, lu_solve
from .norms import cond, matrix_norm, matrix_rank, norm, vector_norm
from .solvers import (
    det,
    inv,
    inv_ex,
    lstsq,
    pinv,
    slogdet,
    solve,
    solve_ex,
    solve_triangular,
    tensorinv,
    tensorsolve,
)

LinAlgError.__module__ = __name__

__all__ = [
    "LinAlgError",
    "cholesky",
    "cholesky_ex",
    "cond",
    "cross",
    "det",
    "diagonal",
    "eig",
    "eigh",
    "eigvals",
    "eigvalsh",
    "householder_product",
    "inv",
    "inv_ex",
    "ldl_factor",
    "ldl_factor_ex",
    "ldl_solve",
    "lstsq",
    "lu",
    "lu_factor",
    "lu_factor_ex",
    "lu_solve",
    "matmul",
    "matrix_exp",
    "matrix_norm",
    "matrix_power",
    "matrix_rank",
    "multi_dot",
    "norm",
    "pinv",
    "qr",
    "slogdet",
    "solve",
    "solve_ex",
    "solve_triangular",
    "svd",
    "svdvals",
    "tensorinv",
    "tensorsolve",
    "vander",
    "vecdot",
    "vector_norm",
]

__getattr__ = _of_module(__name__)
