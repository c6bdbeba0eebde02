"""Parametrizations of weights: a norm apart from its direction, a largest singular value of 1, orthonormal columns."""

from ...autograd import no_grad
from ...dtypes import finfo
from ...functions.creation import eye, zeros, zeros_like
from ...functions.joining import cat
from ...functions.matrix import mv, vdot
from ...functions.norms import norm_except_dim
from ...functions.random import randn
from ...linalg.functions import matrix_exp
from ...linalg.householder import geqrf, householder_product
from ...linalg.solvers import solve
from .. import functional as F
from ..modules.conv import _ConvTransposeNd
from ..modules.module import Module
from .parametrize import register_parametrization

__all__ = ["orthogonal", "spectral_norm", "weight_norm"]

_MAPS = ("matrix_exp", "cayley", "householder")


def _tensor_of(module, name):
    tensor = getattr(module, name, None)
    if not hasattr(tensor, "_array"):
        raise ValueError(f"Module '{module}' has no parameter or buffer with name '{name}'")
    return tensor


class _WeightNorm(Module):
    """g * v / |v| of a norm g and a direction v, where |v| is taken of each slice along `dim`, or of all for -1."""

    def __init__(self, dim=0):
        super().__init__()
        self.dim = -1 if dim is None else dim

    def forward(self, weight_g, weight_v):
        return weight_v * (weight_g / norm_except_dim(weight_v, 2, self.dim))

    def right_inverse(self, weight):
        return norm_except_dim(weight, 2, self.dim), weight


def weight_norm(module, name="weight", dim=0):
    """Parametrize a weight by its norm (`original0`) and its direction (`original1`); returns the module.

    The norm is that of each slice along `dim`, or with None of the whole weight. Salimans and Kingma, Weight
    Normalization, 2016. State dicts of `nn.utils.weight_norm` (`weight_g`, `weight_v`) are taken too.

    >>> import rushlight
    >>> from rushlight.nn.utils import parametrizations
    >>> layer = parametrizations.weight_norm(rushlight.nn.Linear(2, 3))
    >>> layer.parametrizations.weight.original0.shape == (3, 1)
    True
    """
    register_parametrization(module, name, _WeightNorm(dim), unsafe=True)
    module._register_load_state_dict_pre_hook(_OlderNames(name))
    return module


class _OlderNames:
    """A hook before loading: the names that the older weight_norm gave become those of the parametrization."""

    def __init__(self, name):
        self.name = name

    def __call__(self, state_dict, prefix, *_):
        old = [f"{prefix}{self.name}_g", f"{prefix}{self.name}_v"]
        if all([key in state_dict for key in old]):
            for i, key in enumerate(old):
                state_dict[f"{prefix}parametrizations.{self.name}.original{i}"] = state_dict.pop(key)


class _SpectralNorm(Module):
    """The weight over its largest singular value, by a power iteration that goes on with each call in training."""

    def __init__(self, weight, n_power_iterations=1, dim=0, eps=1e-12):
        super().__init__()
        ndim = weight.ndim
        if not -ndim <= dim < ndim:
            raise IndexError(f"Dimension out of range (expected to be in range of [-{ndim}, {ndim - 1}] but got {dim})")
        if n_power_iterations <= 0:
            raise ValueError(
                f"Expected n_power_iterations to be positive, but got n_power_iterations={n_power_iterations}"
            )
        self.dim = dim % ndim
        self.eps = eps
        if ndim == 1:
            return
        self.n_power_iterations = n_power_iterations
        with no_grad():
            matrix = self._matrix(weight)
            rows, columns = matrix.shape
            u, v = matrix.new_empty(rows).normal_(0, 1), matrix.new_empty(columns).normal_(0, 1)
            self.register_buffer("_u", F.normalize(u, dim=0, eps=eps))
            self.register_buffer("_v", F.normalize(v, dim=0, eps=eps))
            self._iterate(matrix, 15)

    def _matrix(self, weight):
        """The weight as a matrix whose rows are the slices along `dim`."""
        return weight.movedim(self.dim, 0).flatten(1) if self.dim else weight.flatten(1)

    def _iterate(self, matrix, times):
        """u = Wv / |Wv|, v = W'u / |W'u|."""
        u, v = self._u, self._v
        for _ in range(times):
            u = F.normalize(mv(matrix, v), dim=0, eps=self.eps)
            v = F.normalize(mv(matrix.mH, u), dim=0, eps=self.eps)
        self._u.copy_(u)
        self._v.copy_(v)

    def forward(self, weight):
        if weight.ndim == 1:
            return F.normalize(weight, dim=0, eps=self.eps)
        matrix = self._matrix(weight)
        if self.training:
            with no_grad():
                self._iterate(matrix, self.n_power_iterations)
        # Copies: the next call writes to the buffers.
        u, v = self._u.clone(), self._v.clone()
        return weight / vdot(u, mv(matrix, v))

    def right_inverse(self, value):
        # It may have any norm: what is computed is the nearest one of norm 1 in its direction.
        return value


def spectral_norm(module, name="weight", n_power_iterations=1, eps=1e-12, dim=None):
    """Divide a weight by its largest singular value, an estimate that each call in training refines; returns the module.

    The weight is seen as a matrix of rows along `dim`: 0, or by default 1 for transposed convolutions. Miyato et al.,
    Spectral Normalization for Generative Adversarial Networks, 2018.

    >>> import rushlight
    >>> from rushlight.nn.utils import parametrizations
    >>> layer = parametrizations.spectral_norm(rushlight.nn.Linear(3, 3))
    >>> bool((rushlight.linalg.matrix_norm(layer.weight, 2) - 1).abs() < 0.1)
    True
    """
    weight = _tensor_of(module, name)
    if dim is None:
        dim = 1 if isinstance(module, _ConvTransposeNd) else 0
    return register_parametrization(module, name, _SpectralNorm(weight, n_power_iterations, dim, eps))


class _Orthogonal(Module):
    """A matrix with orthonormal columns (rows, where those are fewer) out of any matrix of its shape.

    matrix_exp: exp(A), cayley: (I - A/2)^-1 (I + A/2), with A = L - L^H of the lower triangle L; householder: the
    product of the reflections whose vectors are the columns of L. With a `base`, that times the base: Lezcano-Casado,
    Trivializations for Gradient-Based Optimization on Manifolds, 2019.
    """

    def __init__(self, weight, orthogonal_map, *, use_trivialization=True):
        super().__init__()
        if weight.is_complex() and orthogonal_map == "householder":
            raise ValueError("The householder parametrization does not support complex tensors.")
        self.shape = weight.shape
        self.orthogonal_map = orthogonal_map
        if use_trivialization:
            self.register_buffer("base", None)

    def forward(self, weight):
        n, k = weight.shape[-2:]
        tall = weight if n >= k else weight.mT
        n, k = tall.shape[-2:]
        if self.orthogonal_map == "householder":
            lower = tall.tril(-1)
            tau = 2.0 / (1.0 + (lower * lower).sum(-2))
            columns = householder_product(lower, tau) * tall.diagonal(dim1=-2, dim2=-1).int().unsqueeze(-2)
        else:
            columns = self._of_skew(tall.tril(), n, k)
        if hasattr(self, "base"):
            columns = self.base @ columns
        return columns if weight.shape[-2] >= weight.shape[-1] else columns.mT

    def _of_skew(self, lower, n, k):
        if n != k:
            lower = cat([lower, zeros(*lower.shape[:-1], n - k, dtype=lower.dtype)], -1)
        skew = lower - lower.mH
        if self.orthogonal_map == "matrix_exp":
            whole = matrix_exp(skew)
        else:
            one = eye(n, dtype=skew.dtype)
            whole = solve(one - skew / 2, one + skew / 2)
        return whole if n == k else whole[..., :k]

    def right_inverse(self, value):
        if value.shape != self.shape:
            raise ValueError(
                f"Expected a matrix or batch of matrices of shape {self.shape}. Got a tensor of shape {value.shape}."
            )
        transposed = value.shape[-2] < value.shape[-1]
        tall = value.mT if transposed else value
        if not hasattr(self, "base"):
            return self._reflections(tall, transposed)
        n, k = tall.shape[-2:]
        if n == k:
            self.base = tall.clone() if _is_orthogonal(tall) else _orthonormalized(tall)
        else:
            rest = randn(*tall.shape[:-1], n - k, dtype=tall.dtype)
            self.base = _orthonormalized(cat([tall, rest], -1))
        # All maps take minus the identity to the identity.
        start = zeros_like(value)
        start.diagonal(dim1=-2, dim2=-1).fill_(-1.0)
        return start

    def _reflections(self, tall, transposed):
        if self.orthogonal_map != "householder":
            raise NotImplementedError(
                "It is not possible to assign to the matrix exponential or the Cayley parametrizations when "
                "use_trivialization=False."
            )
        vectors, tau = geqrf(tall)
        ends = vectors.diagonal(dim1=-2, dim2=-1)
        ends.sign_()
        # No reflection, where geqrf needs none: its sign is that of the identity, which the forward takes for minus one.
        ends[tau == 0.0] *= -1
        return vectors.mT if transposed else vectors


def _is_orthogonal(q):
    n, k = q.shape[-2:]
    one = eye(k, dtype=q.dtype)
    return (q.mH @ q).allclose(one, atol=10 * n * finfo(q.dtype).eps)


def _orthonormalized(matrix):
    """The Q of a QR decomposition whose R has a positive diagonal."""
    vectors, tau = geqrf(matrix)
    return householder_product(vectors, tau) * vectors.diagonal(dim1=-2, dim2=-1).sgn().unsqueeze(-2)


def orthogonal(module, name="weight", orthogonal_map=None, *, use_trivialization=True):
    """Parametrize a matrix, or a batch of them, to have orthonormal columns, or rows where these are fewer.

    `orthogonal_map` is "matrix_exp" (for square and complex matrices by default), "cayley" or "householder" (else).
    Returns the module. Raises ValueError for fewer than two dimensions, and for other maps.

    >>> import rushlight
    >>> from rushlight.nn.utils import parametrizations
    >>> layer = parametrizations.orthogonal(rushlight.nn.Linear(4, 2))
    >>> (layer.weight @ layer.weight.mT).allclose(rushlight.eye(2), atol=1e-6)
    True
    """
    weight = _tensor_of(module, name)
    if weight.ndim < 2:
        raise ValueError(f"Expected a matrix or batch of matrices. Got a tensor of {weight.ndim} dimensions.")
    if orthogonal_map is None:
        square = weight.shape[-2] == weight.shape[-1]
        orthogonal_map = "matrix_exp" if square or weight.is_complex() else "householder"
    if orthogonal_map not in _MAPS:
        raise ValueError(
            f'orthogonal_map has to be one of "matrix_exp", "cayley", "householder". Got: {orthogonal_map}'
        )
    made = _Orthogonal(weight, orthogonal_map, use_trivialization=use_trivialization)
    return register_parametrization(module, name, made, unsafe=True)
