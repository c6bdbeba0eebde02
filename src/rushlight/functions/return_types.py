"""The named tuples that functions with several results return, as `rushlight.return_types`.

Each is made from its fields, `max(values, indices)`, or as in PyTorch from one sequence of them.
"""

from operator import itemgetter

from .. import spelling


class Result(tuple):
    """A tuple whose entries have names too."""

    __slots__ = ()
    _fields = ()

    def __new__(cls, *values):
        values = values[0] if len(values) == 1 else values
        if not isinstance(values, (tuple, list)):
            raise TypeError("constructor requires a sequence")
        if len(values) != len(cls._fields):
            raise TypeError(
                f"{spelling.spell('return_types.' + cls.__name__)}() takes a {len(cls._fields)}-sequence "
                f"({len(values)}-sequence given)"
            )
        return tuple.__new__(cls, values)

    def __repr__(self):
        entries = ",\n".join([f"{name}={value!r}" for name, value in zip(self._fields, self)])
        return f"{spelling.spell('return_types.' + type(self).__name__)}(\n{entries})"


def _named(name, *fields):
    entries = {field: property(itemgetter(i)) for i, field in enumerate(fields)}
    entries |= {"__slots__": (), "_fields": fields, "__match_args__": fields, "__module__": __name__}
    entries |= {"n_fields": len(fields), "n_sequence_fields": len(fields), "n_unnamed_fields": 0}
    return type(name, (Result,), entries)


_lu_with_info = _named("_lu_with_info", "LU", "pivots", "info")
aminmax = _named("aminmax", "min", "max")
cummax = _named("cummax", "values", "indices")
cummin = _named("cummin", "values", "indices")
frexp = _named("frexp", "mantissa", "exponent")
geqrf = _named("geqrf", "a", "tau")
histogram = _named("histogram", "hist", "bin_edges")
histogramdd = _named("histogramdd", "hist", "bin_edges")
kthvalue = _named("kthvalue", "values", "indices")
linalg_cholesky_ex = _named("linalg_cholesky_ex", "L", "info")
linalg_eig = _named("linalg_eig", "eigenvalues", "eigenvectors")
linalg_eigh = _named("linalg_eigh", "eigenvalues", "eigenvectors")
linalg_inv_ex = _named("linalg_inv_ex", "inverse", "info")
linalg_ldl_factor = _named("linalg_ldl_factor", "LD", "pivots")
linalg_ldl_factor_ex = _named("linalg_ldl_factor_ex", "LD", "pivots", "info")
linalg_lstsq = _named("linalg_lstsq", "solution", "residuals", "rank", "singular_values")
linalg_lu = _named("linalg_lu", "P", "L", "U")
linalg_lu_factor = _named("linalg_lu_factor", "LU", "pivots")
linalg_lu_factor_ex = _named("linalg_lu_factor_ex", "LU", "pivots", "info")
linalg_qr = _named("linalg_qr", "Q", "R")
linalg_slogdet = _named("linalg_slogdet", "sign", "logabsdet")
linalg_solve_ex = _named("linalg_solve_ex", "result", "info")
linalg_svd = _named("linalg_svd", "U", "S", "Vh")
lu_unpack = _named("lu_unpack", "P", "L", "U")
max = _named("max", "values", "indices")
median = _named("median", "values", "indices")
min = _named("min", "values", "indices")
mode = _named("mode", "values", "indices")
nanmedian = _named("nanmedian", "values", "indices")
qr = _named("qr", "Q", "R")
slogdet = _named("slogdet", "sign", "logabsdet")
sort = _named("sort", "values", "indices")
svd = _named("svd", "U", "S", "V")
topk = _named("topk", "values", "indices")
triangular_solve = _named("triangular_solve", "solution", "cloned_coefficient")
