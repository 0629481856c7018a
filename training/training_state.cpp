#include "training/training_state.hpp"

#include <concepts>
#include <cstring>
#include <filesystem>

#include "core/error.hpp"
#include "io/sha256.hpp"

namespace haven::training {
namespace {

constexpr char magic[8] = {'H', 'A', 'V', 'E', 'N', 'T', 'R', '2'};
constexpr std::size_t digest_size = 32;

class Writer {
 public:
  template <class V>
  void put(const V& value) {
    static_assert(std::is_trivially_copyable_v<V>);
    const auto* bytes = reinterpret_cast<const std::byte*>(&value);
    bytes_.insert(bytes_.end(), bytes, bytes + sizeof(V));
  }
  template <std::floating_point V>
  void put(const std::vector<V>& values) {
    put(static_cast<std::int64_t>(values.size()));
    const auto* bytes = reinterpret_cast<const std::byte*>(values.data());
    bytes_.insert(bytes_.end(), bytes, bytes + values.size() * sizeof(V));
  }
  void put(const std::string& text) {
    put(static_cast<std::int64_t>(text.size()));
    for (const char c : text) bytes_.push_back(static_cast<std::byte>(c));
  }
  void put(const std::vector<KroneckerBasis>& bases) {
    put(static_cast<std::int64_t>(bases.size()));
    for (const KroneckerBasis& basis : bases) {
      put(basis.block);
      for (const auto* side : {&basis.left, &basis.right}) {
        put(side->mean);
        put(side->vectors);
      }
    }
  }
  [[nodiscard]] std::vector<std::byte>& bytes() { return bytes_; }

 private:
  std::vector<std::byte> bytes_;
};

/// Reads what Writer wrote; throws std::length_error where the bytes end too early.
class Reader {
 public:
  explicit Reader(std::span<const std::byte> bytes) : bytes_(bytes) {}
  template <class V>
  void get(V& value) {
    static_assert(std::is_trivially_copyable_v<V>);
    std::memcpy(&value, take(sizeof(V)), sizeof(V));
  }
  template <std::floating_point V>
  void get(std::vector<V>& values) {
    const std::size_t n = count(sizeof(V));
    values.resize(n);
    if (n > 0) std::memcpy(values.data(), take(n * sizeof(V)), n * sizeof(V));
  }
  void get(std::string& text) {
    const std::size_t n = count(1);
    text.assign(reinterpret_cast<const char*>(take(n)), n);
  }
  void get(std::vector<KroneckerBasis>& bases) {
    bases.resize(count(sizeof(MatrixBlock)));
    for (KroneckerBasis& basis : bases) {
      get(basis.block);
      for (auto* side : {&basis.left, &basis.right}) {
        get(side->mean);
        get(side->vectors);
      }
    }
  }

 private:
  std::size_t count(std::size_t item) {
    std::int64_t n = 0;
    get(n);
    if (n < 0 || static_cast<std::size_t>(n) > bytes_.size() / item) throw std::length_error("count");
    return static_cast<std::size_t>(n);
  }
  const std::byte* take(std::size_t n) {
    if (n > bytes_.size()) throw std::length_error("end");
    const std::byte* at = bytes_.data();
    bytes_ = bytes_.subspan(n);
    return at;
  }
  std::span<const std::byte> bytes_;
};

/// One list of members for both directions.
template <class Archive, class State>
void transfer(Archive&& item, State& state) {
  item(state.optimiser.parameters);
  item(state.optimiser.first);
  item(state.optimiser.second);
  item(state.optimiser.average);
  item(state.optimiser.bases);
  item(state.optimiser.step);
  item(state.optimiser.gradient_norm);
  item(state.epoch);
  item(state.batch);
  item(state.sums);
  item(state.best.score);
  item(state.best.epoch);
  item(state.best.parameters);
  item(state.best.train);
  item(state.best.valid);
  item(state.minutes);
  item(state.smallest_distance);
}

/// Nothing when the file is missing or damaged.
std::optional<std::pair<std::string, TrainingState>> read_one(FileSystem& files, const std::string& path) {
  if (!std::filesystem::exists(path)) return std::nullopt;
  const std::vector<std::byte> bytes = read_file(files, path);
  if (bytes.size() < sizeof magic + digest_size || std::memcmp(bytes.data(), magic, sizeof magic) != 0)
    return std::nullopt;
  const auto payload = std::span(bytes).subspan(sizeof magic, bytes.size() - sizeof magic - digest_size);
  const auto digest = Sha256().add_bytes(payload).digest();
  if (std::memcmp(digest.data(), bytes.data() + bytes.size() - digest_size, digest_size) != 0) return std::nullopt;
  try {
    std::pair<std::string, TrainingState> found;
    Reader reader(payload);
    reader.get(found.first);
    transfer([&](auto& value) { reader.get(value); }, found.second);
    return found;
  } catch (const std::length_error&) {
    return std::nullopt;
  }
}

}  // namespace

void write_training_state(FileSystem& files, const std::string& path, const TrainingState& state,
                          const std::string& identity) {
  Writer payload;
  payload.put(identity);
  transfer([&](const auto& value) { payload.put(value); }, state);
  const auto digest = Sha256().add_bytes(payload.bytes()).digest();
  std::vector<std::byte> bytes(sizeof magic);
  std::memcpy(bytes.data(), magic, sizeof magic);
  bytes.insert(bytes.end(), payload.bytes().begin(), payload.bytes().end());
  bytes.insert(bytes.end(), digest.begin(), digest.end());
  if (std::filesystem::exists(path)) rename_durably(files, path, path + ".prev");
  write_file_atomically(files, path, bytes);
}

std::optional<TrainingState> read_training_state(FileSystem& files, const std::string& path,
                                                 const std::string& identity) {
  const std::string previous = path + ".prev";
  if (!std::filesystem::exists(path) && !std::filesystem::exists(previous)) return std::nullopt;
  auto found = read_one(files, path);
  if (!found) found = read_one(files, previous);
  if (!found)
    throw InputError("the training checkpoint is damaged", path,
                     "Remove it to start the training again from the beginning.");
  if (found->first != identity)
    throw InputError("the training checkpoint belongs to other data or other options", path,
                     "Restore the options and data it was made with, or ask for a fresh start.");
  return std::move(found->second);
}

}  // namespace haven::training
