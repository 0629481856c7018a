#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <span>
#include <utility>

#include "core/error.hpp"
#include "core/units.hpp"
#include "io/binary_stream.hpp"
#include "io/position_reader.hpp"

/// XTC of GROMACS: XDR numbers (big endian), coordinates as integers in units of 1/precision nm, packed bit by bit.
/// Groups of atoms close to each other are stored as differences in a small range that adapts.
namespace haven {
namespace {

constexpr double nm = 10.0;                                       ///< A
constexpr std::int32_t magic_classic = 1995, magic_large = 2023;  ///< 2023: the count of bytes has 64 bits
constexpr Index most_atoms = 100'000'000;
constexpr std::size_t smallest_packed = 10;  ///< fewer atoms are stored as plain floats

/// Sizes of the ranges of small differences: powers of the cube root of two, so that three numbers below entry k take k
/// bits. The first nine are not used.
constexpr int first_range = 9;
constexpr std::array<std::uint32_t, 73> ranges{
    0,       0,       0,       0,       0,        0,        0,       0,       0,       8,       10,
    12,      16,      20,      25,      32,       40,       50,      64,      80,      101,     128,
    161,     203,     256,     322,     406,      512,      645,     812,     1024,    1290,    1625,
    2048,    2580,    3250,    4096,    5060,     6501,     8192,    10321,   13003,   16384,   20642,
    26007,   32768,   41285,   52015,   65536,    82570,    104031,  131072,  165140,  208063,  262144,
    330280,  416127,  524287,  660561,  832255,   1048576,  1321122, 1664510, 2097152, 2642245, 3329021,
    4194304, 5284491, 6658042, 8388607, 10568983, 13316085, 16777216};

using Ints = std::array<std::int64_t, 3>;

/// A stream of bits, most significant first.
class Bits {
 public:
  explicit Bits(std::span<const char> bytes) : bytes_(bytes) {}
  /// The next `count` <= 32 bits; zeros after the end, which `exhausted()` then reports.
  std::uint32_t take(int count) {
    std::uint64_t value = 0;
    for (int left = count; left > 0;) {
      const std::size_t byte = position_ / 8;
      const int offset = static_cast<int>(position_ % 8), part = std::min(left, 8 - offset);
      const unsigned raw = byte < bytes_.size() ? static_cast<unsigned char>(bytes_[byte]) : 0U;
      value = (value << part) | ((raw >> (8 - offset - part)) & ((1U << part) - 1U));
      position_ += static_cast<std::size_t>(part), left -= part;
    }
    return static_cast<std::uint32_t>(value);
  }
  /// Three numbers below `sizes` that were packed into one of `count` bits, little end first.
  Ints three(int count, const std::array<std::uint32_t, 3>& sizes) {
    unsigned __int128 packed = 0;
    int shift = 0;
    for (; count > 8; count -= 8, shift += 8) packed |= static_cast<unsigned __int128>(take(8)) << shift;
    if (count > 0) packed |= static_cast<unsigned __int128>(take(count)) << shift;
    Ints values{};
    values[2] = static_cast<std::int64_t>(packed % sizes[2]);
    packed /= sizes[2];
    values[1] = static_cast<std::int64_t>(packed % sizes[1]);
    values[0] = static_cast<std::int64_t>(packed / sizes[1]);
    return values;
  }
  [[nodiscard]] bool exhausted() const { return position_ > 8 * bytes_.size(); }

 private:
  std::span<const char> bytes_;
  std::size_t position_ = 0;
};

/// Bits that a number below `size` takes.
int bits_below(std::uint32_t size) {
  int count = 0;
  for (std::uint64_t power = 1; size >= power && count < 32; power <<= 1U) ++count;
  return count;
}

/// Bits of the product of three sizes.
int bits_below(const std::array<std::uint32_t, 3>& sizes) {
  unsigned __int128 product = 1;
  for (const std::uint32_t size : sizes) product *= size;
  int count = 0;
  while (product > 0) product >>= 1U, ++count;
  return count;
}

/// What stands before the packed bits.
struct PackedHead {
  float precision = 0;
  std::array<std::int32_t, 3> low{}, high{};
  std::int32_t small = 0;
};

/// Unpacks the coordinates of one frame; false when the bits are no valid packing.
class Unpacker {
 public:
  Unpacker(const PackedHead& head, std::span<const char> bytes) : head_(head), bits_(bytes), small_(head.small) {
    for (std::size_t k = 0; k < 3; ++k)
      sizes_[k] = static_cast<std::uint32_t>(std::int64_t{head.high[k]} - head.low[k] + 1);
    // Beyond 24 bits the three numbers are stored one by one.
    apart_ = std::any_of(sizes_.begin(), sizes_.end(), [](std::uint32_t size) { return size > 0xffffffU; });
    if (!apart_) together_ = bits_below(sizes_);
  }

  bool unpack(std::size_t atoms, std::vector<Vec3>& out) {
    int run = 0;
    while (out.size() < atoms) {
      if (small_ < first_range || small_ >= static_cast<int>(ranges.size()) || bits_.exhausted()) return false;
      Ints atom = absolute();
      int change = 0;
      if (bits_.take(1) == 1) {
        const int code = static_cast<int>(bits_.take(5));
        change = code % 3 - 1;
        run = code - code % 3;
      }
      if (!follow(atom, run / 3, atoms, out)) return false;
      small_ += change;
    }
    return !bits_.exhausted();
  }

 private:
  Ints absolute() {
    Ints atom{};
    if (apart_)
      for (std::size_t k = 0; k < 3; ++k) atom[k] = bits_.take(bits_below(sizes_[k]));
    else
      atom = bits_.three(together_, sizes_);
    for (std::size_t k = 0; k < 3; ++k) atom[k] += head_.low[k];
    return atom;
  }

  /// The atom and `count` neighbours stored as differences. The first of them comes before the atom itself, which
  /// packs the O of a water molecule well.
  bool follow(const Ints& atom, int count, std::size_t atoms, std::vector<Vec3>& out) {
    if (out.size() + 1 + static_cast<std::size_t>(count) > atoms) return false;
    if (count == 0) return keep(atom, out), true;
    const std::uint32_t range = ranges[static_cast<std::size_t>(small_)];
    Ints previous = atom;
    for (int n = 0; n < count; ++n) {
      Ints next = bits_.three(small_, {range, range, range});
      for (std::size_t k = 0; k < 3; ++k) next[k] += previous[k] - static_cast<std::int64_t>(range / 2);
      keep(next, out);
      if (n == 0) keep(atom, out);
      previous = next;
    }
    return true;
  }

  void keep(const Ints& atom, std::vector<Vec3>& out) const {
    const double scale = nm / static_cast<double>(head_.precision);
    out.push_back({scale * static_cast<double>(atom[0]), scale * static_cast<double>(atom[1]),
                   scale * static_cast<double>(atom[2])});
  }

  const PackedHead& head_;
  Bits bits_;
  int small_;
  std::array<std::uint32_t, 3> sizes_{};
  bool apart_ = false;
  int together_ = 0;
};

class Xtc final : public PositionReader {
 public:
  explicit Xtc(const std::string& path) : stream_(path) { stream_.set_order(std::endian::big); }
  bool next(PositionFrame& frame) override;
  const std::vector<int>& numbers() const override { return none_; }
  std::string ending() const override {
    if (!cut_off_) return {};
    return fmt::format("{} ends inside frame {}; that frame was left out", stream_.path(), frames_);
  }
  std::vector<std::string> notes() const override {
    if (precision_ <= 0) return {};
    return {fmt::format("{}: XTC stores positions to {:.2g} A; the MSD has an offset of that order squared",
                        stream_.path(), nm / static_cast<double>(precision_))};
  }

 private:
  [[noreturn]] void fail(const std::string& what) const {
    throw InputError(what, stream_.where(), "Check that this is an XTC trajectory of GROMACS, complete.");
  }
  bool read_box(Cell& cell);
  bool read_plain(std::size_t count, std::vector<Vec3>& positions);
  bool read_packed(std::size_t count, std::vector<Vec3>& positions);
  bool read_frame(PositionFrame& frame);

  BinaryStream stream_;
  std::vector<int> none_;
  std::vector<char> buffer_;
  std::int32_t magic_ = 0, atoms_ = 0;
  float precision_ = 0;
  Index frames_ = 0;
  bool cut_off_ = false;
};

bool Xtc::read_box(Cell& cell) {
  Mat3 vectors;
  for (int row = 0; row < 3; ++row)
    for (int k = 0; k < 3; ++k) {
      float value = 0;
      if (!stream_.number(value)) return false;
      vectors[row][k] = nm * static_cast<double>(value);
    }
  try {
    cell = Cell(vectors);
  } catch (const InputError& error) {
    fail(error.summary());
  }
  return true;
}

bool Xtc::read_plain(std::size_t count, std::vector<Vec3>& positions) {
  for (std::size_t atom = 0; atom < count; ++atom) {
    positions.emplace_back();
    for (int k = 0; k < 3; ++k) {
      float value = 0;
      if (!stream_.number(value)) return false;
      positions.back()[k] = nm * static_cast<double>(value);
    }
  }
  return true;
}

bool Xtc::read_packed(std::size_t count, std::vector<Vec3>& positions) {
  PackedHead head;
  if (!stream_.number(head.precision)) return false;
  for (auto* values : {&head.low, &head.high})
    for (std::int32_t& value : *values)
      if (!stream_.number(value)) return false;
  if (!stream_.number(head.small)) return false;
  std::uint64_t size = 0;
  std::uint32_t short_size = 0;
  if (magic_ == magic_large ? !stream_.number(size) : !stream_.number(short_size)) return false;
  if (magic_ == magic_classic) size = short_size;
  bool valid = head.precision > 0 && std::isfinite(head.precision) && size > 0;
  for (std::size_t k = 0; k < 3; ++k) valid = valid && head.low[k] <= head.high[k];
  // An atom takes at least one bit for its flag, and never more than 3 * 32 + 6.
  valid = valid && size >= count / 8 && size <= 16 * (count + 16);
  if (!valid) fail("the head of the packed coordinates is damaged");
  precision_ = head.precision;
  if (!stream_.bytes(buffer_, (size + 3) / 4 * 4)) return false;
  if (!Unpacker(head, std::span(buffer_).first(size)).unpack(count, positions))
    fail(fmt::format("the packed coordinates of frame {} are damaged", frames_));
  return true;
}

bool Xtc::read_frame(PositionFrame& frame) {
  std::int32_t atoms = 0, step = 0, size = 0;
  float time = 0;
  if (!stream_.number(atoms) || !stream_.number(step) || !stream_.number(time)) return false;
  if (atoms < 1 || atoms > most_atoms || (frames_ > 0 && atoms != atoms_))
    fail(fmt::format("a frame of {} atoms{}", atoms, frames_ > 0 ? fmt::format(" after {}", atoms_) : ""));
  atoms_ = atoms;
  frame.step = step;
  frame.time_fs = units::fs_per_ps * static_cast<double>(time);
  if (!read_box(frame.cell) || !stream_.number(size)) return false;
  if (size != atoms) fail(fmt::format("{} coordinates for {} atoms", size, atoms));
  const auto count = static_cast<std::size_t>(atoms);
  const bool read = count < smallest_packed ? read_plain(count, frame.positions) : read_packed(count, frame.positions);
  if (!read) return false;
  for (const Vec3& r : frame.positions)
    if (!is_finite(r)) fail(fmt::format("a coordinate of frame {} is not finite", frames_));
  return true;
}

bool Xtc::next(PositionFrame& frame) {
  if (cut_off_) return false;
  frame = {};
  const std::int64_t begin = stream_.position();
  if (!stream_.number(magic_)) {
    cut_off_ = stream_.position() > begin;
    return false;
  }
  if (magic_ != magic_classic && magic_ != magic_large) fail("a frame does not begin with the mark of XTC");
  if (!read_frame(frame)) return cut_off_ = true, false;
  ++frames_;
  return true;
}

}  // namespace

std::unique_ptr<PositionReader> open_xtc(const std::string& path) { return std::make_unique<Xtc>(path); }

}  // namespace haven
