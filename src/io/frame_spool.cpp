#include "io/frame_spool.hpp"

#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <span>
#include <type_traits>

namespace haven {
namespace {

constexpr std::size_t block_size = std::size_t{1} << 20U;

template <class T>
void put(std::vector<std::byte>& out, const T& value) {
  static_assert(std::is_trivially_copyable_v<T>);
  const auto bytes = std::as_bytes(std::span(&value, 1));
  out.insert(out.end(), bytes.begin(), bytes.end());
}

template <class T>
void put(std::vector<std::byte>& out, const std::vector<T>& values) {
  put(out, static_cast<std::int64_t>(values.size()));
  const auto bytes = std::as_bytes(std::span(values));
  out.insert(out.end(), bytes.begin(), bytes.end());
}

template <class T>
void put(std::vector<std::byte>& out, const std::optional<T>& value) {
  put(out, std::int64_t{value.has_value()});
  put(out, value.value_or(T{}));
}

/// Reads back what put() wrote, in blocks.
class Source {
 public:
  explicit Source(OutputFile& file) : file_(file) {}

  template <class T>
  void take(T& value) {
    read(std::as_writable_bytes(std::span(&value, 1)));
  }
  template <class T>
  void take(std::vector<T>& values) {
    std::int64_t count = 0;
    take(count);
    values.resize(static_cast<std::size_t>(count));
    read(std::as_writable_bytes(std::span(values)));
  }
  template <class T>
  void take(std::optional<T>& value) {
    std::int64_t present = 0;
    T content{};
    take(present);
    take(content);
    value = present != 0 ? std::optional(content) : std::nullopt;
  }

 private:
  void read(std::span<std::byte> out) {
    while (!out.empty()) {
      if (at_ == block_.size()) refill();
      const std::size_t part = std::min(out.size(), block_.size() - at_);
      std::memcpy(out.data(), block_.data() + at_, part);
      at_ += part;
      out = out.subspan(part);
    }
  }
  void refill() {
    block_.resize(static_cast<std::size_t>(
        std::min<std::int64_t>(static_cast<std::int64_t>(block_size), file_.size() - offset_)));
    file_.read_at(block_, offset_);
    offset_ += static_cast<std::int64_t>(block_.size());
    at_ = 0;
  }
  OutputFile& file_;
  std::vector<std::byte> block_;
  std::size_t at_ = 0;
  std::int64_t offset_ = 0;
};

std::string temporary_name(const std::string& folder) {
  return (std::filesystem::path(folder) / (".haven-frames-" + std::to_string(::getpid()) + ".tmp")).string();
}

}  // namespace

FrameSpool::FrameSpool(FileSystem& files, const std::string& folder)
    : file_(files, temporary_name(folder), OpenMode::create) {
  files.remove(file_.path());
}

std::int64_t FrameSpool::text(const std::string& value) {
  const auto [at, added] = index_of_text_.try_emplace(value, static_cast<std::int64_t>(texts_.size()));
  if (added) texts_.push_back(value);
  return at->second;
}

std::int64_t FrameSpool::settings(const std::shared_ptr<const std::string>& value) {
  // Frames of a run share them: looking at the last few is enough, and a text kept twice does no harm.
  const std::size_t last = settings_.size();
  for (std::size_t k = last; k > 0 && last - k < 8; --k)
    if (settings_[k - 1] == value) return static_cast<std::int64_t>(k - 1);
  if (!value) return 0;
  settings_.push_back(value);
  return static_cast<std::int64_t>(last);
}

void FrameSpool::append(const Frame& frame) {
  const Structure& s = frame.structure;
  put(pending_, s.cell.vectors());
  put(pending_, s.cell.periodic());
  put(pending_, s.numbers);
  put(pending_, s.positions);
  put(pending_, s.velocities);
  put(pending_, frame.forces);
  put(pending_, frame.energy);
  put(pending_, frame.stress);
  put(pending_, frame.temperature);
  put(pending_, frame.weight);
  put(pending_, frame.source.index);
  for (const std::string* value :
       {&frame.group, &frame.trajectory, &frame.source.path, &frame.source.code, &frame.source.sha256})
    put(pending_, text(*value));
  put(pending_, settings(frame.source.settings));
  has_provenance_ = has_provenance_ || !frame.source.sha256.empty() || frame.source.settings != nullptr;
  ++count_;
  if (pending_.size() >= block_size) write_out();
}

void FrameSpool::write_out() {
  file_.append(pending_);
  pending_.clear();
}

void FrameSpool::each(const std::function<void(const Frame&)>& visit) {
  if (!pending_.empty()) write_out();
  Source source(file_);
  for (Index k = 0; k < count_; ++k) {
    Frame frame;
    Mat3 vectors;
    std::array<bool, 3> periodic{};
    source.take(vectors);
    source.take(periodic);
    frame.structure.cell = Cell(vectors, periodic);
    source.take(frame.structure.numbers);
    source.take(frame.structure.positions);
    source.take(frame.structure.velocities);
    source.take(frame.forces);
    source.take(frame.energy);
    source.take(frame.stress);
    source.take(frame.temperature);
    source.take(frame.weight);
    source.take(frame.source.index);
    std::int64_t index = 0;
    for (std::string* value :
         {&frame.group, &frame.trajectory, &frame.source.path, &frame.source.code, &frame.source.sha256}) {
      source.take(index);
      *value = texts_[static_cast<std::size_t>(index)];
    }
    source.take(index);
    frame.source.settings = settings_[static_cast<std::size_t>(index)];
    visit(frame);
  }
}

}  // namespace haven
