#include "io/checkpoint.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cerrno>
#include <filesystem>
#include <utility>

#include "core/error.hpp"
#include "io/h5.hpp"
#include "io/sha256.hpp"

namespace haven {
namespace {

constexpr const char* format_name = "haven-checkpoint";
/// HDF5 ignores bytes after its own end, so the file stays plain HDF5 with this line behind it: the hash of all before.
constexpr std::string_view seal_start = "\nhaven-sha256 ";
constexpr std::size_t seal_size = seal_start.size() + 64 + 1;

std::string seal_of(std::span<const std::byte> bytes) { return std::string(seal_start) + sha256_hex(bytes) + "\n"; }

[[noreturn]] void damaged(const std::string& path, const std::string& what) {
  throw InputError(what, path, "The checkpoint is damaged; the run can go on from an older one.");
}

std::span<const std::byte> without_seal(std::span<const std::byte> bytes, const std::string& path) {
  if (bytes.size() < seal_size) damaged(path, "the file is too short for a checkpoint");
  const auto content = bytes.first(bytes.size() - seal_size), seal = bytes.last(seal_size);
  const std::string expected = seal_of(content);
  if (!std::ranges::equal(std::as_bytes(std::span(expected)), seal))
    damaged(path, "the file does not fit its checksum");
  return content;
}

std::vector<double> flat(const std::vector<Vec3>& values) {
  std::vector<double> result;
  for (const Vec3& v : values) result.insert(result.end(), {v.x, v.y, v.z});
  return result;
}
std::vector<Vec3> unflat(const std::vector<double>& values) {
  std::vector<Vec3> result(values.size() / 3);
  for (std::size_t i = 0; i < result.size(); ++i) result[i] = {values[3 * i], values[3 * i + 1], values[3 * i + 2]};
  return result;
}

void check_state(const SimulationState& state, const std::string& path) {
  const std::size_t n = state.numbers.size();
  HAVEN_ASSERT(state.masses.size() == n && state.positions.size() == n && state.velocities.size() == n);
  for (std::size_t i = 0; i < n; ++i)
    if (!is_finite(state.positions[i]) || !is_finite(state.velocities[i]))
      throw NumericalError(fmt::format("position or velocity of atom {} is not finite at step {}", i, state.step), path,
                           "The last good checkpoint was kept. Use a smaller time step or a better model.");
}

void write_state(h5::Group root, const SimulationState& state) {
  root.set("format", format_name);
  root.set("version", std::vector<std::int64_t>{1, 0});
  root.set("step", state.step);
  root.set("seed", std::bit_cast<std::int64_t>(state.seed));
  root.set("stage", std::int64_t{state.stage});
  root.set("stage_first_step", state.stage_first_step);
  root.set("model_hash", state.model_hash);
  root.set("input_hash", state.input_hash);
  h5::Group cell = root.create_group("cell");
  const std::vector<double> vectors = flat({state.cell.vectors()[0], state.cell.vectors()[1], state.cell.vectors()[2]});
  cell.write("vectors", std::span<const double>(vectors), {3, 3}).set("unit", "Angstrom");
  const auto& periodic = state.cell.periodic();
  cell.write("periodic", std::vector<std::uint8_t>{periodic[0], periodic[1], periodic[2]});
  const Index n = static_cast<Index>(state.numbers.size());
  const std::vector<double> positions = flat(state.positions), velocities = flat(state.velocities);
  h5::Group atoms = root.create_group("atoms");
  atoms.write("number", std::vector<std::int32_t>(state.numbers.begin(), state.numbers.end()));
  atoms.write("mass", state.masses).set("unit", "u");
  atoms.write("position", std::span<const double>(positions), {n, 3}).set("unit", "Angstrom");
  atoms.write("velocity", std::span<const double>(velocities), {n, 3}).set("unit", "Angstrom fs-1");
  std::vector<std::string> names;
  std::vector<std::int64_t> offsets{0};
  std::vector<double> values;
  for (const auto& [name, list] : state.variables) {
    names.push_back(name);
    values.insert(values.end(), list.begin(), list.end());
    offsets.push_back(static_cast<std::int64_t>(values.size()));
  }
  h5::Group variables = root.create_group("variables");
  variables.write_texts("name", names);
  variables.write("offset", offsets);
  variables.write("value", values);
}

void read_variables(const h5::Group& group, SimulationState& state, const std::string& path) {
  const std::vector<std::string> names = group.dataset("name").read_texts();
  const auto offsets = group.dataset("offset").read<std::int64_t>();
  const auto values = group.dataset("value").read<double>();
  if (offsets.size() != names.size() + 1 || offsets.front() != 0 || !std::ranges::is_sorted(offsets) ||
      offsets.back() != static_cast<std::int64_t>(values.size()))
    damaged(path, "the variables do not fit together");
  for (std::size_t k = 0; k < names.size(); ++k)
    state.variables[names[k]].assign(values.begin() + offsets[k], values.begin() + offsets[k + 1]);
}

/// A whole file that this program cannot read: unlike damage no reason to go back to an older one.
class UnknownVersion : public InputError {
 public:
  using InputError::InputError;
};

SimulationState state_of(const h5::Group& root, const std::string& path) {
  if (!root.has_attribute("format") || root.text("format") != format_name)
    damaged(path, "the file is not a Haven checkpoint");
  const auto version = root.integers("version");
  if (version.size() != 2 || version[0] != 1)
    throw UnknownVersion(fmt::format("checkpoint version {} is not known to this program (it knows 1)",
                                     version.empty() ? 0 : version[0]),
                         path, "Continue with the Haven version that wrote it.");
  SimulationState state;
  state.step = root.integer("step");
  state.seed = std::bit_cast<std::uint64_t>(root.integer("seed"));
  state.stage = static_cast<int>(root.integer("stage"));
  state.stage_first_step = root.integer("stage_first_step");
  state.model_hash = root.text("model_hash");
  state.input_hash = root.text("input_hash");
  const h5::Group cell = root.group("cell"), atoms = root.group("atoms");
  const std::vector<Vec3> vectors = unflat(cell.dataset("vectors").read<double>());
  const auto periodic = cell.dataset("periodic").read<std::uint8_t>();
  if (vectors.size() != 3 || periodic.size() != 3) damaged(path, "the cell is incomplete");
  state.cell = Cell({{{vectors[0], vectors[1], vectors[2]}}}, {periodic[0] != 0, periodic[1] != 0, periodic[2] != 0});
  const auto numbers = atoms.dataset("number").read<std::int32_t>();
  state.numbers.assign(numbers.begin(), numbers.end());
  state.masses = atoms.dataset("mass").read<double>();
  state.positions = unflat(atoms.dataset("position").read<double>());
  state.velocities = unflat(atoms.dataset("velocity").read<double>());
  const std::size_t n = state.numbers.size();
  if (state.masses.size() != n || state.positions.size() != n || state.velocities.size() != n)
    damaged(path, "the atom arrays differ in length");
  read_variables(root.group("variables"), state, path);
  return state;
}

std::string previous_of(const std::string& path) {
  const std::filesystem::path p(path);
  return (p.parent_path() / (p.stem().string() + "_prev" + p.extension().string())).string();
}

bool exists(const std::string& path) {
  std::error_code error;
  const bool found = std::filesystem::exists(path, error);
  if (error) throw IoError("cannot look for the file", path, error.value());
  return found;
}

}  // namespace

void write_checkpoint(FileSystem& files, const std::string& path, const SimulationState& state) {
  check_state(state, path);
  h5::File image = h5::File::create_in_memory(path);
  write_state(image.root(), state);
  std::vector<std::byte> bytes = std::move(image).image();
  const std::string seal = seal_of(bytes), temporary = path + ".tmp";
  const auto seal_bytes = std::as_bytes(std::span(seal));
  bytes.insert(bytes.end(), seal_bytes.begin(), seal_bytes.end());
  try {
    OutputFile file(files, temporary, OpenMode::create);
    file.append(bytes);
    file.sync();
    file.close();
  } catch (const IoError&) {
    files.remove(temporary);
    throw;
  }
  // The new generation is on the disk before the old one moves. Whichever of the two renames survives a power cut, a
  // whole generation lies under one of the two names.
  int kept = files.rename(path, previous_of(path));
  while (kept == -EINTR) kept = files.rename(path, previous_of(path));
  if (kept < 0 && kept != -ENOENT)
    throw IoError("cannot keep the last checkpoint under this name", previous_of(path), -kept);
  rename_durably(files, temporary, path);
}

SimulationState read_checkpoint(const std::string& path) {
  PosixFileSystem files;
  const std::vector<std::byte> bytes = read_file(files, path);
  const std::span<const std::byte> content = without_seal(bytes, path);
  try {
    const h5::File file = h5::File::open_image(content, path);
    return state_of(file.root(), path);
  } catch (const IoError& error) {
    damaged(path, error.summary());
  }
}

std::optional<SimulationState> read_newest_checkpoint(const std::string& folder, Log& log) {
  const std::string newest = (std::filesystem::path(folder) / checkpoint_name).string();
  const std::string previous = (std::filesystem::path(folder) / previous_checkpoint_name).string();
  const bool has_newest = exists(newest), has_previous = exists(previous);
  if (!has_newest && !has_previous) return std::nullopt;
  std::string problem = fmt::format("{} is missing", newest);
  if (has_newest) {
    try {
      return read_checkpoint(newest);
    } catch (const UnknownVersion&) {
      throw;
    } catch (const InputError& error) {
      problem = fmt::format("{}: {}", newest, error.summary());
    }
  }
  if (!has_previous)
    throw InputError(problem + "; there is no older checkpoint", folder,
                     "Restore a checkpoint, or move the folder away to begin the run again.");
  try {
    SimulationState state = read_checkpoint(previous);
    log.warn("CK001", fmt::format("{}; going on from {} at step {}", problem, previous, state.step));
    return state;
  } catch (const InputError& error) {
    throw InputError(fmt::format("{}; {}: {}", problem, previous, error.summary()), folder,
                     "Restore a checkpoint, or move the folder away to begin the run again.");
  }
}

}  // namespace haven
