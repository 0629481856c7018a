#pragma once
#include <cuda_runtime_api.h>
#include <fmt/format.h>

#include <span>
#include <string>
#include <utility>
#include <vector>

#include "potentials/program/drivers/cuda_potential.hpp"

/// Errors and memory of the CUDA runtime. Included only in builds with CUDA.
namespace haven::gpu {

[[noreturn]] void throw_device_error(cudaError_t error, const std::string& doing);

/// Turns the result of a call into a DeviceError. `doing` is what was attempted.
inline void check(cudaError_t error, const char* doing) {
  if (error != cudaSuccess) throw_device_error(error, doing);
}

/// @throws DeviceError that says how much was asked for and how much is free.
[[nodiscard]] void* allocate_on_device(std::size_t bytes);
[[nodiscard]] void* allocate_page_locked(std::size_t bytes);

/// Array that only grows; growing drops the contents, and leaves room so that a run soon stops allocating.
template <class T, void* (*Allocate)(std::size_t), cudaError_t (*Free)(void*)>
class CudaArray {
 public:
  CudaArray() = default;
  CudaArray(const CudaArray&) = delete;
  CudaArray& operator=(const CudaArray&) = delete;
  ~CudaArray() { static_cast<void>(Free(data_)); }

  void reserve(std::size_t size) {
    if (size <= capacity_) return;
    check(Free(std::exchange(data_, nullptr)), "freeing memory");
    capacity_ = 0;
    const std::size_t room = size + size / 8;
    data_ = static_cast<T*>(Allocate(room * sizeof(T)));
    capacity_ = room;
  }
  [[nodiscard]] T* data() const { return data_; }

 private:
  T* data_ = nullptr;
  std::size_t capacity_ = 0;
};
template <class T>
using DeviceArray = CudaArray<T, allocate_on_device, cudaFree>;
template <class T>
using PinnedArray = CudaArray<T, allocate_page_locked, cudaFreeHost>;

/// Grows `target` as needed and copies the values to it, in the order of the stream.
template <class T>
void upload(std::span<const T> values, DeviceArray<T>& target, cudaStream_t stream) {
  target.reserve(values.size());
  if (values.empty()) return;
  check(cudaMemcpyAsync(target.data(), values.data(), values.size_bytes(), cudaMemcpyHostToDevice, stream),
        "copying to the GPU");
}
template <class T>
void download(const T* source, std::span<T> values, cudaStream_t stream) {
  if (values.empty()) return;
  check(cudaMemcpyAsync(values.data(), source, values.size_bytes(), cudaMemcpyDeviceToHost, stream),
        "copying from the GPU");
}

/// A stream of the current device.
class Stream {
 public:
  Stream() { check(cudaStreamCreateWithFlags(&stream_, cudaStreamNonBlocking), "creating a stream"); }
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;
  ~Stream() { static_cast<void>(cudaStreamDestroy(stream_)); }
  [[nodiscard]] cudaStream_t get() const { return stream_; }

 private:
  cudaStream_t stream_ = nullptr;
};

}  // namespace haven::gpu
