"""Names that PyTorch's tensors have and those of Rushlight have not: asking for one says why."""

from ..missing import Missing

FUNCTIONS = METHODS = ()
INPLACE = {
    name: Missing(name)
    for name in (
        "ccol_indices", "chalf", "coalesce", "col_indices", "crow_indices", "dense_dim", "dequantize", "hash_tensor",
        "indices", "int_repr", "ipu", "is_coalesced", "is_sparse_csr", "module_load", "mtia", "pin_memory",
        "q_per_channel_axis", "q_per_channel_scales", "q_per_channel_zero_points", "q_scale", "q_zero_point", "qscheme",
        "record_stream", "reinforce", "resize_as_sparse_", "row_indices", "share_memory_", "smm", "sparse_dim",
        "sparse_mask", "sparse_resize_", "sparse_resize_and_clear_", "sspaddmm", "storage_type", "to_dense", "to_mkldnn",
        "to_padded_tensor", "to_sparse", "to_sparse_bsc", "to_sparse_bsr", "to_sparse_coo", "to_sparse_csc",
        "to_sparse_csr", "values", "volatile", "xpu",
    )
}  # fmt: skip
