"""Products of matrices and vectors."""

from .row import Row

ROWS = [
    Row("mm", lambda r: (r(2, 3), r(3, 4))),
    Row("mm", lambda r: (r(2, 3), r(3, 4)), {"fortran": True}),
    Row("mm", lambda r: (r(2, 0), r(0, 4)), note="empty sum"),
    Row("mm_nt", lambda r: (r(2, 3), r(4, 3))),
    Row("mm_tn", lambda r: (r(3, 2), r(3, 4))),
    Row("vm", lambda r: (r(3), r(3, 4))),
    Row("bmm", lambda r: (r(5, 2, 3), r(5, 3, 4))),
    Row("mv", lambda r: (r(2, 3), r(3))),
    Row("dot", lambda r: (r(4), r(4))),
    Row("vdot", lambda r: (r(4), r(4))),
    Row("vecdot", lambda r: (r(2, 3, 4), r(2, 3, 4))),
    Row("matmul", lambda r: (r(5, 1, 2, 3), r(4, 3, 2))),
    Row("addmm", lambda r: (r(4), r(2, 3), r(3, 4))),
    Row("addmm", lambda r: (r(2, 1), r(2, 3), r(3, 4)), {"beta": 0.5, "alpha": -2, "fortran": True}),
    Row("addmm_nt", lambda r: (r(4), r(2, 3), r(4, 3))),
    Row("addmm_nt", lambda r: (r(2, 1), r(2, 3), r(4, 3)), note="bias of another shape"),
    Row("addmv", lambda r: (r(1), r(2, 3), r(3)), {"beta": 3, "alpha": 0.5}),
    Row("addmv", lambda r: (r(2), r(2, 3), r(3)), {"beta": 1, "alpha": 1}),
    Row("addr", lambda r: (r(2, 3), r(2), r(3)), {"beta": 0.5, "alpha": 2}),
    Row("addbmm", lambda r: (r(2, 4), r(5, 2, 3), r(5, 3, 4)), {"beta": 0.5, "alpha": 2}),
    Row("baddbmm", lambda r: (r(1, 4), r(5, 2, 3), r(5, 3, 4)), {"beta": 0.5, "alpha": 2}),
    Row("cross", lambda r: (r(2, 3), r(1, 3)), {"dim": 1}),
]
