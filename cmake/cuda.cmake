# The GPU backend (HAVEN_WITH_CUDA). Only potentials/program/drivers/cuda_kernels.cu is compiled by nvcc; the rest is
# ordinary C++ on the CUDA runtime, linked statically, so that the program starts on machines without CUDA.
include(CheckLanguage)
find_program(HAVEN_NVCC nvcc HINTS ENV CUDACXX ENV CUDA_HOME ENV CUDA_PATH PATHS /usr/local/cuda PATH_SUFFIXES bin)
if(NOT HAVEN_NVCC AND NOT CMAKE_CUDA_COMPILER)
  message(FATAL_ERROR "HAVEN_WITH_CUDA is ON, but there is no nvcc in PATH, CUDA_HOME or /usr/local/cuda/bin. Load the CUDA "
                      "module of the machine (or set CUDACXX to nvcc), or configure with -DHAVEN_WITH_CUDA=OFF.")
endif()
if(NOT CMAKE_CUDA_COMPILER)
  set(CMAKE_CUDA_COMPILER ${HAVEN_NVCC} CACHE FILEPATH "CUDA compiler")
endif()
if(NOT DEFINED CMAKE_CUDA_ARCHITECTURES)
  set(CMAKE_CUDA_ARCHITECTURES "80;90" CACHE STRING "Compute capabilities to build for, without the point")
endif()
if(NOT CMAKE_CUDA_HOST_COMPILER)
  set(CMAKE_CUDA_HOST_COMPILER ${CMAKE_CXX_COMPILER})
endif()
enable_language(CUDA)
if(NOT CMAKE_CUDA20_STANDARD_COMPILE_OPTION)  # CMake 3.25.1 does not know that nvcc has C++20
  set(CMAKE_CUDA20_STANDARD_COMPILE_OPTION "-std=c++20")
endif()
if(CMAKE_CUDA_COMPILER_VERSION VERSION_LESS 12.2)
  message(FATAL_ERROR "nvcc ${CMAKE_CUDA_COMPILER_VERSION} is too old for C++20 with __int128 in kernels; Haven needs "
                      "CUDA 12.2 or newer.")
endif()
find_package(CUDAToolkit REQUIRED)

add_library(haven_cuda_kernels STATIC potentials/program/drivers/cuda_kernels.cu)
target_include_directories(haven_cuda_kernels PRIVATE ${CMAKE_SOURCE_DIR}/src ${CMAKE_SOURCE_DIR})
set_target_properties(haven_cuda_kernels PROPERTIES CUDA_STANDARD 20 CUDA_STANDARD_REQUIRED ON CUDA_EXTENSIONS OFF
                                                    POSITION_INDEPENDENT_CODE ON)
# Relaxed constexpr: kernels use the constexpr functions of core/types.hpp. -lineinfo costs nothing and lets profilers
# name source lines.
target_compile_options(
  haven_cuda_kernels
  PRIVATE --expt-relaxed-constexpr -lineinfo -Xcompiler=-Wall,-Wextra,-Wshadow,-Wno-unknown-pragmas
          $<$<BOOL:${HAVEN_WERROR}>:--Werror=all-warnings>)

target_compile_definitions(haven_potentials PRIVATE HAVEN_HAVE_CUDA)
target_link_libraries(haven_potentials PRIVATE haven_cuda_kernels CUDA::cudart_static)
