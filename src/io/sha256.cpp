#include "io/sha256.hpp"

#include <algorithm>
#include <bit>
#include <cerrno>
#include <fstream>
#include <vector>

#include "core/error.hpp"

#if defined(__x86_64__)
#include <cpuid.h>
#include <immintrin.h>
#endif

namespace haven {

static_assert(std::endian::native == std::endian::little, "files and hashes are little-endian");

// Fractional parts of the cube roots of the first 64 primes (FIPS 180-4, 4.2.2).
static constexpr std::uint32_t round_constants[64] = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2};

#if defined(__x86_64__)
namespace {

bool has_sha_instructions() {
  unsigned a = 0, b = 0, c = 0, d = 0;
  const bool ssse3_and_sse41 = __get_cpuid(1, &a, &b, &c, &d) != 0 && (c & (1U << 9U)) != 0 && (c & (1U << 19U)) != 0;
  return ssse3_and_sse41 && __get_cpuid_count(7, 0, &a, &b, &c, &d) != 0 && (b & (1U << 29U)) != 0;
}

/// The same function in the processor's instructions for it, about eight times faster. They keep the state as (a, b, e,
/// f) and (c, d, g, h), high word first.
__attribute__((target("sha,ssse3,sse4.1"))) void compress_with_instructions(std::uint32_t* state,
                                                                            const std::byte* block) {
  const __m128i big_endian = _mm_set_epi64x(0x0c0d0e0f08090a0b, 0x0405060700010203);
  const __m128i cdab = _mm_shuffle_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i*>(state)), 0xB1);
  const __m128i efgh = _mm_shuffle_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i*>(state + 4)), 0x1B);
  __m128i abef = _mm_alignr_epi8(cdab, efgh, 8), cdgh = _mm_blend_epi16(efgh, cdab, 0xF0);
  const __m128i abef_before = abef, cdgh_before = cdgh;
  __m128i w[16];
  for (int t = 0; t < 16; ++t) {
    w[t] = t < 4 ? _mm_shuffle_epi8(_mm_loadu_si128(reinterpret_cast<const __m128i*>(block + 16 * t)), big_endian)
                 : _mm_sha256msg2_epu32(
                       _mm_add_epi32(_mm_sha256msg1_epu32(w[t - 4], w[t - 3]), _mm_alignr_epi8(w[t - 1], w[t - 2], 4)),
                       w[t - 1]);
    const __m128i sum = _mm_add_epi32(w[t], _mm_loadu_si128(reinterpret_cast<const __m128i*>(round_constants + 4 * t)));
    cdgh = _mm_sha256rnds2_epu32(cdgh, abef, sum);
    abef = _mm_sha256rnds2_epu32(abef, cdgh, _mm_shuffle_epi32(sum, 0x0E));
  }
  const __m128i feba = _mm_shuffle_epi32(_mm_add_epi32(abef, abef_before), 0x1B);
  const __m128i dchg = _mm_shuffle_epi32(_mm_add_epi32(cdgh, cdgh_before), 0xB1);
  _mm_storeu_si128(reinterpret_cast<__m128i*>(state), _mm_blend_epi16(feba, dchg, 0xF0));
  _mm_storeu_si128(reinterpret_cast<__m128i*>(state + 4), _mm_alignr_epi8(dchg, feba, 8));
}

}  // namespace
#endif

void Sha256::compress(const std::byte* block) {
#if defined(__x86_64__)
  static const bool instructions = has_sha_instructions();
  if (instructions) {
    compress_with_instructions(state_.data(), block);
    return;
  }
#endif
  std::uint32_t w[64];
  for (int t = 0; t < 16; ++t) {
    w[t] = 0;
    for (int k = 0; k < 4; ++k) w[t] = (w[t] << 8) | std::to_integer<std::uint32_t>(block[4 * t + k]);
  }
  for (int t = 16; t < 64; ++t) {
    const std::uint32_t s0 = std::rotr(w[t - 15], 7) ^ std::rotr(w[t - 15], 18) ^ (w[t - 15] >> 3);
    const std::uint32_t s1 = std::rotr(w[t - 2], 17) ^ std::rotr(w[t - 2], 19) ^ (w[t - 2] >> 10);
    w[t] = w[t - 16] + s0 + w[t - 7] + s1;
  }
  auto [a, b, c, d, e, f, g, h] = state_;
  for (int t = 0; t < 64; ++t) {
    const std::uint32_t s1 = std::rotr(e, 6) ^ std::rotr(e, 11) ^ std::rotr(e, 25);
    const std::uint32_t t1 = h + s1 + ((e & f) ^ (~e & g)) + round_constants[t] + w[t];
    const std::uint32_t s0 = std::rotr(a, 2) ^ std::rotr(a, 13) ^ std::rotr(a, 22);
    const std::uint32_t t2 = s0 + ((a & b) ^ (a & c) ^ (b & c));
    h = g, g = f, f = e, e = d + t1;
    d = c, c = b, b = a, a = t1 + t2;
  }
  const std::uint32_t sum[8] = {a, b, c, d, e, f, g, h};
  for (std::size_t k = 0; k < 8; ++k) state_[k] += sum[k];
}

Sha256& Sha256::add_bytes(std::span<const std::byte> bytes) {
  std::size_t filled = static_cast<std::size_t>(length_ % 64);
  length_ += bytes.size();
  if (filled > 0) {
    const std::size_t count = std::min(bytes.size(), 64 - filled);
    std::copy_n(bytes.begin(), count, pending_.begin() + static_cast<std::ptrdiff_t>(filled));
    bytes = bytes.subspan(count);
    filled += count;
    if (filled < 64) return *this;
    compress(pending_.data());
  }
  for (; bytes.size() >= 64; bytes = bytes.subspan(64)) compress(bytes.data());
  std::copy(bytes.begin(), bytes.end(), pending_.begin());
  return *this;
}

std::array<std::byte, 32> Sha256::digest() const {
  Sha256 end = *this;
  const std::uint64_t bits = length_ * 8;
  std::array<std::byte, 128> padding{};
  padding[0] = std::byte{0x80};
  const std::size_t zeros_end = (length_ % 64 < 56 ? 56 : 120) - static_cast<std::size_t>(length_ % 64);
  for (std::size_t k = 0; k < 8; ++k) padding[zeros_end + k] = static_cast<std::byte>(bits >> (56 - 8 * k));
  end.add_bytes(std::span(padding).first(zeros_end + 8));
  std::array<std::byte, 32> result{};
  for (std::size_t k = 0; k < 32; ++k) result[k] = static_cast<std::byte>(end.state_[k / 4] >> (24 - 8 * (k % 4)));
  return result;
}

std::string Sha256::hex() const {
  static constexpr char digits[] = "0123456789abcdef";
  std::string text;
  for (const std::byte byte : digest()) {
    text += digits[std::to_integer<unsigned>(byte) >> 4];
    text += digits[std::to_integer<unsigned>(byte) & 15];
  }
  return text;
}

Sha256& Sha256::add(std::int64_t value) { return add_bytes(std::as_bytes(std::span(&value, 1))); }
Sha256& Sha256::add(double value) { return add_bytes(std::as_bytes(std::span(&value, 1))); }
Sha256& Sha256::add(const Vec3& value) { return add(value.x).add(value.y).add(value.z); }
Sha256& Sha256::add(const Mat3& value) { return add(value[0]).add(value[1]).add(value[2]); }
Sha256& Sha256::add(std::string_view text) {
  return add(static_cast<std::int64_t>(text.size())).add_bytes(std::as_bytes(std::span(text)));
}
Sha256& Sha256::add(std::span<const double> values) {
  return add(static_cast<std::int64_t>(values.size())).add_bytes(std::as_bytes(values));
}
Sha256& Sha256::add(std::span<const int> values) {
  add(static_cast<std::int64_t>(values.size()));
  for (const int value : values) add(static_cast<std::int64_t>(value));
  return *this;
}
Sha256& Sha256::add(std::span<const std::int64_t> values) {
  return add(static_cast<std::int64_t>(values.size())).add_bytes(std::as_bytes(values));
}
Sha256& Sha256::add(std::span<const Vec3> values) {
  static_assert(sizeof(Vec3) == 3 * sizeof(double));
  return add(static_cast<std::int64_t>(values.size())).add_bytes(std::as_bytes(values));
}

std::string sha256_hex(std::span<const std::byte> bytes) { return Sha256().add_bytes(bytes).hex(); }
std::string file_sha256(const std::string& path) {
  std::ifstream stream(path, std::ios::binary);
  if (!stream) throw IoError("cannot open the file", path, errno);
  Sha256 hash;
  std::vector<char> block(std::size_t{1} << 16U);
  while (stream.read(block.data(), static_cast<std::streamsize>(block.size())), stream.gcount() > 0)
    hash.add_bytes(std::as_bytes(std::span(block.data(), static_cast<std::size_t>(stream.gcount()))));
  if (stream.bad()) throw IoError("cannot read the file", path, EIO);
  return hash.hex();
}

std::string sha256_hex(std::string_view text) { return Sha256().add_bytes(std::as_bytes(std::span(text))).hex(); }

}  // namespace haven
