#pragma once
/// HAVEN_HD marks functions that exist on the CPU and, when nvcc compiles them, on the GPU too. HAVEN_UNROLL_ON_DEVICE
/// before a loop keeps arrays that it indexes in registers there; the CPU's code does not change.
#ifdef __CUDACC__
#define HAVEN_HD __host__ __device__
#else
#define HAVEN_HD
#endif
#ifdef __CUDA_ARCH__
#define HAVEN_UNROLL_ON_DEVICE _Pragma("unroll")
#else
#define HAVEN_UNROLL_ON_DEVICE
#endif
