#pragma once
#include <hwy/aligned_allocator.h>

#include <algorithm>
#include <cstddef>

namespace haven {

/// Aligned array of plain values that only grows; growing drops the contents. One vector of slack lies behind the end,
/// so that full-vector loads and stores at any element stay inside.
template <class T>
class AlignedArray {
 public:
  AlignedArray() = default;
  explicit AlignedArray(std::size_t size) { reserve(size), fill(T{}); }

  void reserve(std::size_t size) {
    if (size <= size_) return;
    const std::size_t slack = 64 / sizeof(T) + 1;
    data_ = hwy::AllocateAligned<T>(size + slack);
    size_ = size;
    std::fill(data_.get(), data_.get() + size + slack, T{});
  }
  void fill(T value) { std::fill(data_.get(), data_.get() + size_, value); }
  [[nodiscard]] std::size_t size() const { return size_; }
  [[nodiscard]] T* data() { return data_.get(); }
  [[nodiscard]] const T* data() const { return data_.get(); }
  T& operator[](std::size_t k) { return data_[k]; }
  const T& operator[](std::size_t k) const { return data_[k]; }

 private:
  hwy::AlignedFreeUniquePtr<T[]> data_;
  std::size_t size_ = 0;
};

}  // namespace haven
