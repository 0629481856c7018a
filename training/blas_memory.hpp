#pragma once

namespace haven::training {

/// OpenBLAS takes a buffer of 128 MiB of address space for each thread that multiplies matrices, when it does so for
/// the first time, and tries for ever where the system refuses. This has the buffers of `threads` threads taken now,
/// after asking the system for as much. Without effect for other BLAS libraries.
/// @throws ResourceError when that much cannot be had
void take_blas_buffers(int threads);

}  // namespace haven::training
