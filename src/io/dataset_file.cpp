#include "io/dataset_file.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>

#include "core/error.hpp"
#include "io/dataset_stream.hpp"
#include "io/h5.hpp"
#include "io/sha256.hpp"

namespace haven {
namespace {

constexpr const char *angstrom = "Angstrom", *electronvolt = "eV", *kelvin = "K", *stress_unit = "eV Angstrom-3",
                     *force_unit = "eV Angstrom-1", *velocity_unit = "Angstrom fs-1";

constexpr const char* format_name = "haven-dataset";
constexpr double missing = std::numeric_limits<double>::quiet_NaN();

/// Distinct texts in order of first appearance.
class TextTable {
 public:
  std::int32_t index(const std::string& text) {
    const auto [it, added] = indices_.try_emplace(text, static_cast<std::int32_t>(texts_.size()));
    if (added) texts_.push_back(text);
    return it->second;
  }
  [[nodiscard]] const std::vector<std::string>& texts() const { return texts_; }

 private:
  std::map<std::string, std::int32_t> indices_;
  std::vector<std::string> texts_;
};

/// The file's arrays; see docs/formats.md.
struct Columns {
  std::vector<std::int64_t> offset{0}, source_index;
  std::vector<double> cell, energy, stress, temperature, weight;
  std::vector<std::uint8_t> periodic;
  std::vector<std::int32_t> group, trajectory, source, code, sha256, settings, number;
  std::vector<double> position, force, velocity;
};

void append(std::vector<double>& out, const Vec3& v) { out.insert(out.end(), {v.x, v.y, v.z}); }
void append(std::vector<double>& out, const Mat3& m) {
  for (int k = 0; k < 3; ++k) append(out, m[k]);
}
bool finite(const Mat3& m) { return is_finite(m[0]) && is_finite(m[1]) && is_finite(m[2]); }
bool finite(const std::vector<Vec3>& values) { return std::all_of(values.begin(), values.end(), is_finite); }

void check_frame(const Frame& frame, Index index) {
  const Structure& s = frame.structure;
  const std::string where = fmt::format(
      "frame {} ({}, {})", index, frame.source.path.empty() ? "in memory" : frame.source.path, frame.source.index);
  const auto fits = [&](const std::vector<Vec3>& list) { return list.empty() || list.size() == s.numbers.size(); };
  if (s.positions.size() != s.numbers.size() || !fits(s.velocities) || !fits(frame.forces))
    throw InputError("positions, velocities or forces do not fit the number of atoms", where,
                     "Leave the frame out or remake it.");
  const bool values_finite = finite(s.positions) && finite(s.velocities) && finite(frame.forces) &&
                             std::isfinite(frame.weight) && (!frame.energy || std::isfinite(*frame.energy)) &&
                             (!frame.stress || finite(*frame.stress)) &&
                             (!frame.temperature || std::isfinite(*frame.temperature));
  if (!values_finite) throw InputError("a value is not a finite number", where, "Leave the frame out of the dataset.");
}

/// One row per atom; rows of NaN where the frame has none.
void append_vectors(std::vector<double>& out, const std::vector<Vec3>& values, std::size_t atoms) {
  for (const Vec3& v : values) append(out, v);
  if (values.empty()) out.insert(out.end(), 3 * atoms, missing);
}

struct Tables {
  TextTable groups, trajectories, sources, codes, hashes, settings;
};

/// The part of a frame that is one row of /frames.
void append_frame(Columns& c, const Frame& frame, Tables& tables) {
  const Structure& s = frame.structure;
  c.offset.push_back(c.offset.back() + s.size());
  append(c.cell, s.cell.vectors());
  for (const bool periodic : s.cell.periodic()) c.periodic.push_back(periodic ? 1 : 0);
  c.energy.push_back(frame.energy.value_or(missing));
  append(c.stress, frame.stress.value_or(Mat3{
                       {{{missing, missing, missing}, {missing, missing, missing}, {missing, missing, missing}}}}));
  c.temperature.push_back(frame.temperature.value_or(missing));
  c.weight.push_back(frame.weight);
  c.group.push_back(tables.groups.index(frame.group));
  c.trajectory.push_back(tables.trajectories.index(frame.trajectory));
  c.source.push_back(tables.sources.index(frame.source.path));
  c.source_index.push_back(frame.source.index);
  c.code.push_back(tables.codes.index(frame.source.code));
  c.sha256.push_back(tables.hashes.index(frame.source.sha256));
  c.settings.push_back(tables.settings.index(frame.source.settings ? *frame.source.settings : ""));
}

void write_frames(h5::Group& root, const Columns& c) {
  const Index n = static_cast<Index>(c.energy.size());
  h5::Group frames = root.create_group("frames");
  frames.write("offset", c.offset);
  const std::span<const double> cell(c.cell), stress(c.stress);
  frames.write("cell", cell, {n, 3, 3}).set("unit", angstrom);
  frames.write("periodic", std::span<const std::uint8_t>(c.periodic), {n, 3});
  frames.write("energy", c.energy).set("unit", electronvolt);
  frames.write("stress", stress, {n, 3, 3}).set("unit", stress_unit);
  frames.write("temperature", c.temperature).set("unit", kelvin);
  frames.write("weight", c.weight);
  frames.write("group", c.group);
  frames.write("trajectory", c.trajectory);
  frames.write("source", c.source);
  frames.write("source_index", c.source_index);
  frames.write("code", c.code);
  frames.write("source_sha256", c.sha256);
  frames.write("settings", c.settings);
}

void write_names(h5::Group& root, const Tables& tables) {
  h5::Group names = root.create_group("names");
  names.write_texts("group", tables.groups.texts());
  names.write_texts("trajectory", tables.trajectories.texts());
  names.write_texts("source", tables.sources.texts());
  names.write_texts("code", tables.codes.texts());
  names.write_texts("source_sha256", tables.hashes.texts());
  names.write_texts("settings", tables.settings.texts());
}

/// The arrays of /atoms, filled in blocks.
class AtomArrays {
 public:
  AtomArrays(h5::Group group, Index atoms)
      : number_(group.create_fixed("number", h5::Type::i32, {atoms})),
        position_(group.create_fixed("position", h5::Type::f64, {atoms, 3})),
        force_(group.create_fixed("force", h5::Type::f64, {atoms, 3})),
        velocity_(group.create_fixed("velocity", h5::Type::f64, {atoms, 3})) {
    position_.set("unit", angstrom);
    force_.set("unit", force_unit);
    velocity_.set("unit", velocity_unit);
  }
  void add(const Frame& frame) {
    const Structure& s = frame.structure;
    numbers_.insert(numbers_.end(), s.numbers.begin(), s.numbers.end());
    append_vectors(positions_, s.positions, s.numbers.size());
    append_vectors(forces_, frame.forces, s.numbers.size());
    append_vectors(velocities_, s.velocities, s.numbers.size());
    if (numbers_.size() >= block) write_out();
  }
  void write_out() {
    const Index count = static_cast<Index>(numbers_.size());
    if (count == 0) return;
    number_.write_rows(first_, count, h5::Type::i32, numbers_.data());
    position_.write_rows(first_, count, h5::Type::f64, positions_.data());
    force_.write_rows(first_, count, h5::Type::f64, forces_.data());
    velocity_.write_rows(first_, count, h5::Type::f64, velocities_.data());
    first_ += count;
    numbers_.clear();
    for (auto* values : {&positions_, &forces_, &velocities_}) values->clear();
  }

 private:
  static constexpr std::size_t block = std::size_t{1} << 15U;  // atoms
  h5::Dataset number_, position_, force_, velocity_;
  std::vector<std::int32_t> numbers_;
  std::vector<double> positions_, forces_, velocities_;
  Index first_ = 0;
};

/// Frames in memory.
class SpanOfFrames final : public FrameSequence {
 public:
  explicit SpanOfFrames(std::span<const Frame> frames) : frames_(frames) {}
  [[nodiscard]] Index size() const override { return static_cast<Index>(frames_.size()); }
  void each(const std::function<void(const Frame&)>& visit) override {
    for (const Frame& frame : frames_) visit(frame);
  }
  [[nodiscard]] bool has_provenance() const override {
    return std::any_of(frames_.begin(), frames_.end(), [](const Frame& frame) {
      return !frame.source.sha256.empty() || frame.source.settings != nullptr;
    });
  }

 private:
  std::span<const Frame> frames_;
};

[[noreturn]] void damaged(const std::string& path, const std::string& what) {
  throw InputError(what, path, "The dataset is damaged; import it again.");
}

/// Numbers in another unit, or in none, are not ours to guess.
void expect_unit(const std::string& path, const h5::Dataset& data, std::string_view unit) {
  const std::string found = data.has_attribute("unit") ? data.text("unit") : "";
  if (found == unit) return;
  throw InputError(fmt::format("the unit of {} is '{}', not '{}'", data.location(), found, unit), path,
                   "Convert the numbers and state the unit, or import the data again.");
}

/// Reads and checks arrays of one dataset file.
class Reader {
 public:
  Reader(const std::string& path, const h5::Group& root, std::int64_t minor_version)
      : path_(path), frames_(root.group("frames")), atoms_(root.group("atoms")), names_(root.group("names")) {
    c_.offset = frames_.dataset("offset").read<std::int64_t>();
    if (c_.offset.empty() || c_.offset.front() != 0 || !std::is_sorted(c_.offset.begin(), c_.offset.end()))
      damaged(path, "frame offsets do not increase from 0");
    const Index n = static_cast<Index>(c_.offset.size()) - 1, atoms = c_.offset.back();
    const auto take = [&path]<class T>(const h5::Group& group, const char* name, const h5::Shape& shape,
                                       std::vector<T>& out, std::string_view unit = {}) {
      const h5::Dataset data = group.dataset(name);
      if (data.shape() != shape) damaged(path, fmt::format("{} has an unexpected shape", data.location()));
      if (!unit.empty()) expect_unit(path, data, unit);
      out = data.read<T>();
    };
    take(frames_, "cell", {n, 3, 3}, c_.cell, angstrom);
    take(frames_, "periodic", {n, 3}, c_.periodic);
    take(frames_, "energy", {n}, c_.energy, electronvolt);
    take(frames_, "stress", {n, 3, 3}, c_.stress, stress_unit);
    take(frames_, "temperature", {n}, c_.temperature, kelvin);
    take(frames_, "weight", {n}, c_.weight);
    take(frames_, "group", {n}, c_.group);
    take(frames_, "trajectory", {n}, c_.trajectory);
    take(frames_, "source", {n}, c_.source);
    take(frames_, "source_index", {n}, c_.source_index);
    take(frames_, "code", {n}, c_.code);
    if (minor_version >= 1) {
      take(frames_, "source_sha256", {n}, c_.sha256);
      take(frames_, "settings", {n}, c_.settings);
      hashes_ = names_.dataset("source_sha256").read_texts();
      for (const std::string& text : names_.dataset("settings").read_texts())
        settings_.push_back(text.empty() ? nullptr : std::make_shared<const std::string>(text));
    }
    take(atoms_, "number", {atoms}, c_.number);
    take(atoms_, "position", {atoms, 3}, c_.position, angstrom);
    take(atoms_, "force", {atoms, 3}, c_.force, force_unit);
    take(atoms_, "velocity", {atoms, 3}, c_.velocity, velocity_unit);
    groups_ = names_.dataset("group").read_texts();
    trajectories_ = names_.dataset("trajectory").read_texts();
    sources_ = names_.dataset("source").read_texts();
    codes_ = names_.dataset("code").read_texts();
  }

  [[nodiscard]] std::size_t size() const { return c_.energy.size(); }

  [[nodiscard]] Frame frame(std::size_t k) const {
    const auto first = static_cast<std::size_t>(c_.offset[k]), last = static_cast<std::size_t>(c_.offset[k + 1]);
    Frame frame;
    const std::uint8_t* periodic = &c_.periodic[3 * k];
    frame.structure.cell = Cell(matrix(&c_.cell[9 * k]), {periodic[0] != 0, periodic[1] != 0, periodic[2] != 0});
    frame.structure.numbers.assign(c_.number.begin() + static_cast<std::ptrdiff_t>(first),
                                   c_.number.begin() + static_cast<std::ptrdiff_t>(last));
    frame.structure.positions = vectors(c_.position, first, last);
    frame.structure.velocities = labels(c_.velocity, first, last);
    frame.forces = labels(c_.force, first, last);
    if (!std::isnan(c_.energy[k])) frame.energy = c_.energy[k];
    if (!std::isnan(c_.stress[9 * k])) frame.stress = matrix(&c_.stress[9 * k]);
    if (!std::isnan(c_.temperature[k])) frame.temperature = c_.temperature[k];
    frame.weight = c_.weight[k];
    frame.group = name(groups_, c_.group[k]);
    frame.trajectory = name(trajectories_, c_.trajectory[k]);
    frame.source = {name(sources_, c_.source[k]), c_.source_index[k], name(codes_, c_.code[k])};
    if (!c_.sha256.empty()) frame.source.sha256 = name(hashes_, c_.sha256[k]);
    if (!c_.settings.empty()) frame.source.settings = name(settings_, c_.settings[k]);
    return frame;
  }

 private:
  static Mat3 matrix(const double* v) { return {{{{v[0], v[1], v[2]}, {v[3], v[4], v[5]}, {v[6], v[7], v[8]}}}}; }
  static std::vector<Vec3> vectors(const std::vector<double>& values, std::size_t first, std::size_t last) {
    std::vector<Vec3> result;
    for (std::size_t i = first; i < last; ++i) result.push_back({values[3 * i], values[3 * i + 1], values[3 * i + 2]});
    return result;
  }
  /// Rows of NaN mean that the frame has no such label.
  static std::vector<Vec3> labels(const std::vector<double>& values, std::size_t first, std::size_t last) {
    if (first == last || std::isnan(values[3 * first])) return {};
    return vectors(values, first, last);
  }
  template <class T>
  const T& name(const std::vector<T>& names, std::int32_t index) const {
    if (index < 0 || static_cast<std::size_t>(index) >= names.size()) damaged(path_, "a name index is out of range");
    return names[static_cast<std::size_t>(index)];
  }

  std::string path_;
  h5::Group frames_, atoms_, names_;
  Columns c_;
  std::vector<std::string> groups_, trajectories_, sources_, codes_, hashes_;
  std::vector<std::shared_ptr<const std::string>> settings_;
};

void write_info(h5::Group group, const DatasetInfo& info) {
  group.write_text("created_by", info.created_by);
  group.write_text("import_report", info.import_report);
  h5::Group provenance = group.create_group("provenance");
  for (const auto& [name, text] : info.provenance) {
    if (!h5::is_plain_name(name))
      throw InternalError(fmt::format("provenance name \"{}\" is not of letters, digits, _ . -", name),
                          "write_dataset");
    provenance.write_text(name, text);
  }
}

DatasetInfo read_info(const h5::Group& group) {
  DatasetInfo info{group.dataset("created_by").read_text(), group.dataset("import_report").read_text()};
  const h5::Group provenance = group.group("provenance");
  for (const h5::Entry& entry : provenance.entries())
    info.provenance[entry.name] = provenance.dataset(entry.name).read_text();
  return info;
}

Dataset read_checked(const std::string& path) {
  const h5::File file = h5::File::open(path);
  const h5::Group root = file.root();
  if (!root.has_attribute("format") || root.text("format") != format_name)
    throw InputError("the file is not a Haven dataset", path, "Make one with `haven data import`.");
  const auto version = root.integers("version");
  if (version.size() != 2 || version[0] != 1)
    throw InputError(fmt::format("dataset version {} is not known to this program", version.empty() ? 0 : version[0]),
                     path, "Use the Haven version that wrote it, or import the data again.");
  Dataset result{.frames = {}, .info = read_info(root.group("info")), .hash = root.text("content_sha256")};
  const Reader reader(path, root, version[1]);
  result.frames.reserve(reader.size());
  for (std::size_t k = 0; k < reader.size(); ++k) result.frames.push_back(reader.frame(k));
  if (dataset_hash(result.frames) != result.hash) damaged(path, "the content does not fit its checksum");
  return result;
}

}  // namespace

std::string dataset_hash(FrameSequence& frames) {
  // Datasets of version 1.0 know neither hash nor settings of a source: their frames keep the hash that they had.
  const bool with_provenance = frames.has_provenance();
  Sha256 hash;
  hash.add(with_provenance ? "haven-dataset-2" : "haven-dataset-1").add(frames.size());
  const auto add_optional = [&](const auto& label) {
    hash.add(std::int64_t{label.has_value()});
    if (label) hash.add(*label);
  };
  frames.each([&](const Frame& frame) {
    const Structure& s = frame.structure;
    hash.add(s.cell.vectors());
    for (const bool periodic : s.cell.periodic()) hash.add(std::int64_t{periodic});
    hash.add(std::span<const int>(s.numbers))
        .add(std::span<const Vec3>(s.positions))
        .add(std::span<const Vec3>(s.velocities));
    add_optional(frame.energy);
    hash.add(std::span<const Vec3>(frame.forces));
    add_optional(frame.stress);
    add_optional(frame.temperature);
    hash.add(frame.group).add(frame.trajectory).add(frame.weight);
    hash.add(frame.source.path).add(frame.source.index).add(frame.source.code);
    if (!with_provenance) return;
    hash.add(frame.source.sha256).add(frame.source.settings ? std::string_view(*frame.source.settings) : "");
  });
  return hash.hex();
}

std::string dataset_hash(std::span<const Frame> frames) {
  SpanOfFrames sequence(frames);
  return dataset_hash(sequence);
}

void write_dataset(FileSystem& files, const std::string& path, FrameSequence& frames, const DatasetInfo& info) {
  Tables tables;
  Columns columns;
  frames.each([&](const Frame& frame) {
    check_frame(frame, static_cast<Index>(columns.energy.size()));
    append_frame(columns, frame, tables);
  });
  const std::string temporary = path + ".tmp";
  try {
    h5::File file = h5::File::create(files, temporary);
    {
      h5::Group root = file.root();
      root.set("format", format_name);
      root.set("version", std::vector<std::int64_t>{1, 1});
      root.set("content_sha256", dataset_hash(frames));
      write_info(root.create_group("info"), info);
      write_frames(root, columns);
      AtomArrays atoms(root.create_group("atoms"), columns.offset.back());
      frames.each([&](const Frame& frame) { atoms.add(frame); });
      atoms.write_out();
      write_names(root, tables);
    }
    file.sync();
    file.close();
    rename_durably(files, temporary, path);
  } catch (const IoError&) {
    files.remove(temporary);
    throw;
  }
}

void write_dataset(FileSystem& files, const std::string& path, std::span<const Frame> frames, const DatasetInfo& info) {
  SpanOfFrames sequence(frames);
  write_dataset(files, path, sequence, info);
}

void write_dataset(const std::string& path, std::span<const Frame> frames, const DatasetInfo& info) {
  PosixFileSystem files;
  write_dataset(files, path, frames, info);
}

Dataset read_dataset(const std::string& path) {
  {
    PosixFileSystem files;
    OutputFile probe(files, path, OpenMode::read);  // what the operating system refuses stays an IoError
  }
  try {
    return read_checked(path);
  } catch (const IoError& error) {
    damaged(path, error.summary());
  }
}

}  // namespace haven
