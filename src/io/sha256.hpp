#pragma once
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "core/types.hpp"

namespace haven {

/// SHA-256 (FIPS 180-4). The typed `add` functions write values in a canonical form (length first, little-endian, bit
/// patterns of doubles), so that the hash of a record means its content and no two different records share a byte
/// stream.
class Sha256 {
 public:
  Sha256& add_bytes(std::span<const std::byte> bytes);
  Sha256& add(std::int64_t value);
  Sha256& add(double value);
  Sha256& add(const Vec3& value);
  Sha256& add(const Mat3& value);
  Sha256& add(std::string_view text);
  Sha256& add(std::span<const double> values);
  Sha256& add(std::span<const int> values);
  Sha256& add(std::span<const std::int64_t> values);
  Sha256& add(std::span<const Vec3> values);

  [[nodiscard]] std::array<std::byte, 32> digest() const;  ///< of what was added so far
  [[nodiscard]] std::string hex() const;                   ///< 64 lower-case digits

 private:
  void compress(const std::byte* block);
  std::array<std::uint32_t, 8> state_{0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                                      0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};
  std::array<std::byte, 64> pending_{};
  std::uint64_t length_ = 0;
};

[[nodiscard]] std::string sha256_hex(std::span<const std::byte> bytes);
[[nodiscard]] std::string sha256_hex(std::string_view text);
/// Of a file's bytes, read in constant memory. @throws IoError
[[nodiscard]] std::string file_sha256(const std::string& path);

}  // namespace haven
