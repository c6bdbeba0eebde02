"""The lines that random programs are made of: templates whose holes `programs.filled` fills."""

UNARY = """
    abs acos acosh angle asin asinh atan atanh ceil conj cos cosh deg2rad digamma erf erfc erfinv exp exp2 expm1 fix floor
    frac i0 isfinite isinf isnan lgamma log log10 log1p log2 logical_not neg positive rad2deg real reciprocal relu
    round rsqrt sgn sigmoid sign signbit sin sinc sinh sqrt square tan tanh trunc isreal bitwise_not nan_to_num sum mean
    prod amax amin max min all any std var argmax argmin nansum nanmean aminmax flatten ravel squeeze t
    fliplr flipud trace tril triu diag nonzero argwhere count_nonzero norm numel view_as_real view_as_complex imag
    var_mean atleast_2d atleast_3d clone is_complex is_floating_point isposinf isneginf adjoint linalg.det linalg.norm
    nn.functional.gelu nn.functional.silu nn.functional.softplus nn.functional.elu nn.functional.leaky_relu
    nn.functional.hardtanh nn.functional.hardswish nn.functional.softsign nn.functional.mish nn.functional.logsigmoid
    nn.functional.relu6 nn.functional.selu nn.functional.celu nn.functional.tanhshrink nn.functional.hardsigmoid
    nn.functional.softshrink nn.functional.hardshrink special.entr special.ndtr special.log_ndtr special.i0e special.i1
    special.erfcx special.expit
""".split()  # noqa: SIM905

BINARY = """
    add sub mul div floor_divide remainder fmod pow float_power maximum minimum fmax fmin atan2 hypot copysign nextafter
    logaddexp logaddexp2 xlogy eq ne lt le gt ge logical_and logical_or logical_xor bitwise_and bitwise_or bitwise_xor
    bitwise_left_shift bitwise_right_shift gcd lcm heaviside ldexp isclose equal matmul mm mv dot bmm inner outer kron dist
    cross special.xlog1py complex nn.functional.mse_loss nn.functional.l1_loss nn.functional.smooth_l1_loss
    nn.functional.linear result_type vdot rsub linalg.vecdot allclose broadcast_tensors
""".split()  # noqa: SIM905

OPERATORS = [
    *(
        f"{{a}} {s} {{b}}"
        for s in ("+", "-", "*", "/", "//", "%", "**", "==", "<", ">=", "&", "|", "^", "@", "<<", ">>")
    ),
    *(f"{{a}} {s} {{num}}" for s in ("+", "-", "*", "/", "//", "%", "**", "==", "<", ">=", "&", "|", "^")),
    *(f"{{num}} {s} {{a}}" for s in ("+", "-", "*", "/", "//", "%", "**", "!=", ">", "<=", "&", "|")),
    "-{a}",
    "+{a}",
    "~{a}",
    "abs({a})",
    "bool({a})",
    "len({a})",
]

MIXED = [
    "torch.where({a} != 0, {a}, {b})",
    "torch.where({b} != {a}, {a}, {num})",
    "{a}.clamp({num}, {num})",
    "{a}.clamp(min={num})",
    "{a}.clamp({b}, None)",
    "{a}.clamp(max={b})",
    "{a}.lerp({b}, {num})",
    "{a}.lerp({b}, {b})",
    "torch.addcmul({a}, {b}, {b}, value={num})",
    "torch.addcdiv({a}, {b}, {b} + 3, value={num})",
    "torch.add({a}, {b}, alpha={num})",
    "torch.div({a}, {b}, rounding_mode='floor')",
    "torch.div({a}, {num}, rounding_mode='trunc')",
    "torch.sub({a}, {num}, alpha={num})",
    "torch.addmm({a}, {b}, {b})",
    "torch.polar({a}.abs(), {b})",
    "torch.nn.functional.huber_loss({a}, {a} * 2)",
    "torch.addmv({a}, {b}, {b})",
    "{a}.masked_fill({mask}, {num})",
    "{a}.masked_select({mask})",
    "torch.tensordot({a}, {b}, dims={n})",
    "torch.einsum('...i,...i->...', {a}, {a} + 1)",
    "torch.einsum('ij,jk', {a}, {b})",
    "torch.cosine_similarity({a}, {b}, dim={dim})",
    "torch.cdist({a}, {b})",
    "torch.cross({a}, {b}, dim={dim})",
    "torch.pow({num}, {a})",
    "torch.logit({a}, 0.1)",
    "torch.polygamma(1, {a}.abs() + 1)",
    "torch.nn.functional.threshold({a}, {num}, {num})",
    "torch.isin({a}.contiguous(), {b}.contiguous())",
    "{a}.masked_fill({mask}, {b})",
    "torch.where({mask}, {num}, {a})",
    "torch.bucketize({a}, torch.tensor([-1.0, 0.5, 2.0]))",
    "torch.round({a}, decimals={n})",
]

REDUCTIONS = [
    *(
        f"{{a}}.{f}({{dim}}, keepdim={{bool}})"
        for f in (
            "sum",
            "mean",
            "prod",
            "amax",
            "amin",
            "max",
            "min",
            "all",
            "any",
            "std",
            "var",
            "argmax",
            "argmin",
            "nansum",
            "nanmean",
            "logsumexp",
        )
    ),
    *(f"{{a}}.{f}({{dims}}, keepdim={{bool}})" for f in ("sum", "mean", "amax", "all", "std", "nansum", "logsumexp")),
    *(
        f"{{a}}.{f}({{dim}})"
        for f in (
            "cumsum",
            "cumprod",
            "cummax",
            "cummin",
            "logcumsumexp",
            "softmax",
            "log_softmax",
            "count_nonzero",
            "diff",
        )
    ),
    "{a}.var({dims}, correction={k})",
    "{a}.sum({dim}, dtype={dtype})",
    "{a}.cumsum({dim}, dtype={dtype})",
    "{a}.mean(dtype={dtype})",
    "{a}.softmax({dim}, dtype={dtype})",
    "{a}.norm({num}, {dim})",
    "torch.linalg.vector_norm({a}, {num})",
    "{a}.prod({dim}, dtype={dtype})",
    "torch.linalg.vector_norm({a}, {num}, {dims}, {bool})",
    "torch.sort({a}, stable=True, dim={dim}, descending={bool})",
    "torch.argsort({a}, stable=True, dim={dim})",
    "{a}.detach().topk({k}, {dim}, largest={bool}).values",
    "{a}.detach().kthvalue({n}, {dim}).values",
    "{a}.detach().median({dim}).values",
    "({a}.detach() + 0).median()",
    "({a} + 0).nanmedian()",
    "torch.aminmax({a}, dim={dim}, keepdim={bool})",
    "torch.var_mean({a}, {dims}, correction={n})",
    "torch.std_mean({a}, {dim})",
    "torch.unique({a})",
    "torch.unique({a}, return_inverse=True, return_counts=True)",
    "torch.unique_consecutive({a})",
    "torch.quantile({a}, 0.3, dim={dim})",
    "torch.diff({a}, n={n}, dim={dim})",
    "torch.trapezoid({a}, dim={dim})",
    "torch.renorm({a}, 2, {dim}, 1.0)",
    "torch.nn.functional.normalize({a}, dim={dim})",
    "torch.cumulative_trapezoid({a}, dim={dim})",
    "torch.nn.functional.layer_norm({a}, {a}.shape[-1:])",
    "torch.nn.functional.glu({a}, {dim})",
    "torch.histc({a}, 3, -1, 2)",
    "torch.linalg.matrix_norm({a}, 'fro', {dims})",
    "torch.bincount({a}.detach())",
    "torch.nn.functional.softmin({a}, {dim})",
]

SHAPES = [
    "{a}.transpose({dim}, {dim})",
    "{a}.permute({dims})",
    "{a}.movedim({dim}, {dim})",
    "{a}.reshape(-1)",
    "{a}.reshape({shape})",
    "{a}.view({shape})",
    "{a}.flatten({dim}, {dim})",
    "{a}.unsqueeze({dim})",
    "{a}.squeeze({dim})",
    "{a}.squeeze({dims})",
    "{a}.expand({wider})",
    "{a}.unbind({dim})",
    "{a}.split({n}, {dim})",
    "{a}.chunk({n}, {dim})",
    "{a}.narrow({dim}, {k}, {n})",
    "{a}.select({dim}, {k})",
    "{a}.roll({k}, {dim})",
    "{a}.roll({k})",
    "{a}.flip({dims})",
    "{a}.rot90({k})",
    "{a}.repeat({wider})",
    "{a}.tile(({n}, 2))",
    "{a}[None].repeat_interleave({n}, {dim})",
    "torch.stack([{a}, {b}], {dim})",
    "torch.cat([{a}, {b}], {dim})",
    "torch.cat([{a}, {a} * 2], {dim})",
    "torch.stack([{a}, {a}], {dim})",
    "{a}.tril({k})",
    "{a}.triu({k})",
    "{a}.diagonal({k}, {dim}, {dim})",
    "torch.diag_embed({a}, {k})",
    "{a}.unfold({dim}, {n}, {n})",
    "{a}.tensor_split({n}, {dim})",
    "{a}.broadcast_to({wider})",
    "torch.hstack([{a}, {b}])",
    "torch.vstack([{a}, {b}])",
    "torch.dstack([{a}, {b}])",
    "torch.meshgrid({a}, {b}, indexing='ij')",
    "torch.nn.functional.pad({a}, ({k}, {n}))",
    "torch.nn.functional.pad({a}, ({n}, 0, {k}, 1), value={num})",
    "{a}.unflatten({dim}, (-1, {n}))",
    "torch.select_scatter({a}, {b}, {dim}, {k})",
    "torch.slice_scatter({a}, {b}, {dim}, 0, 1)",
    "torch.diagonal_scatter({a}, {b})",
    "{a}.mT",
    "{a}.T",
    "{a}.mH",
    "{a}.contiguous()",
    "{a}.detach()",
    "torch.block_diag({a}, {b})",
    "{a}.expand_as({b})",
    "{a}.view_as({b})",
    "torch.nn.functional.one_hot({a}.detach())",
    "torch.column_stack([{a}, {b}])",
    "torch.tensordot({a}, {a}, dims={n})",
    "{a}.as_strided((2, 2), (1, {n}))",
    "torch.nn.functional.pad({a}, ({n}, {n}), mode='reflect')",
    "torch.combinations({a})",
    "torch.cartesian_prod({a}, {a})",
]

PLACES = [
    "{a}[{index}]",
    "{a}[{index}]",
    "{a}[{index}]",
    "{a}.index_select({dim}, {ints})",
    "{a}.take({ints})",
    "{a}.gather({dim}, {like})",
    "torch.take_along_dim({a}, {like}, {dim})",
    "{a}.index_add({dim}, {ints}, {b})",
    "{a}.index_fill({dim}, {ints}, {num})",
    "{a}.index_add({dim}, {ints}, {a}.index_select({dim}, {ints}), alpha={num})",
    "{a}.scatter_add({dim}, {like}, {a})",
    "{a}.scatter({dim}, {like}, {num})",
    "{a}.detach().scatter_reduce({dim}, {like}, {a}.detach(), 'amax')",
    "{a}.scatter_reduce({dim}, {like}, {a}, 'mean')",
    "{a}.index_put(({ints},), {b}, accumulate=True)",
    "{a}.put({ints}, {b}, accumulate=True)",
    "torch.nn.functional.embedding({ints}, {a}.reshape(-1, 1))",
    "{a}.masked_scatter({mask}, {b})",
    "{a}.index_reduce({dim}, {ints}, {b}, 'amin')",
    "torch.searchsorted(torch.tensor([-1.0, 0.5, 2.0]), {a})",
]

DTYPE_LINES = [
    "{a}.to({dtype})",
    "{a}.to({dtype})",
    "{a}.float()",
    "{a}.double()",
    "{a}.long()",
    "{a}.type_as({b})",
    "torch.zeros_like({a})",
    "torch.ones_like({a}, dtype={dtype})",
    "torch.full_like({a}, {num})",
    "{a}.new_full((2,), {num})",
    "{a}.contiguous().view({dtype})",
    "torch.tensor({a}.tolist())",
    "torch.promote_types({a}.dtype, {b}.dtype) == torch.result_type({a}, {b})",
]

# Written over a copy; written into something of another dtype.
WRITES = [
    *(
        f"{{a}}.clone().{f}_({{b}})"
        for f in (
            "add",
            "sub",
            "mul",
            "div",
            "pow",
            "copy",
            "remainder",
            "floor_divide",
            "fmod",
            "eq",
            "clamp_min",
            "atan2",
            "xlogy",
            "bitwise_or",
            "hypot",
            "lt",
            "float_power",
        )
    ),
    *(
        f"{{a}}.clone().{f}_({{num}})"
        for f in ("add", "mul", "div", "pow", "fill", "sub", "eq", "fmod", "floor_divide", "clamp_max")
    ),
    *(
        f"{{a}}.clone().{f}_()"
        for f in ("sin", "exp", "zero", "relu", "neg", "sqrt", "abs", "round", "sigmoid", "square", "reciprocal")
    ),
    *(
        f"torch.{f}({{a}}.detach(), {{b}}.detach(), out=torch.zeros(0, dtype={{dtype}}))"
        for f in ("add", "mul", "div", "eq", "pow", "maximum", "matmul")
    ),
    *(f"torch.{f}({{a}}.detach(), out=torch.zeros(0, dtype={{dtype}}))" for f in ("sin", "floor", "amax", "exp")),
    "{a}.detach().clone().logical_not_()",
    "{a}.detach().clone().logical_and_({b})",
    "{a}.clone().add_({b}, alpha={num})",
    "{a}.clone().addcmul_({b}, {b})",
    "{a}.clone().lerp_({b}, 0.5)",
    "{a}.clone().clamp_({num}, {num})",
    "{a}.clone().masked_fill_({mask}, {num})",
    "{a}.clone().index_fill_({dim}, {ints}, {num})",
    "{a}.clone().cumsum_({dim})",
    "{a}.clone().tril_({k})",
    "{a}.clone().index_add_({dim}, {ints}, {b})",
    "{a}.clone().scatter_({dim}, {like}, {b})",
    "{a}.clone().index_copy_({dim}, {ints}, {b})",
    "{a}.clone().__setitem__(at[{index}], {num}) or {a}",
    "{a}.clone().fill_diagonal_({num})",
    "{a}.clone().nan_to_num_({num})",
]

UNARY = [f"torch.{name}({{a}})" for name in UNARY]
BINARY = [f"torch.{name}({{a}}, {{b}})" for name in BINARY]
FAMILIES = [UNARY, BINARY, OPERATORS, MIXED, REDUCTIONS, SHAPES, PLACES, DTYPE_LINES, WRITES]
EVERYTHING = [template for family in FAMILIES for template in family]
