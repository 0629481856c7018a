#include "io/vaspout.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <span>
#include <utility>

#include "core/error.hpp"
#include "core/species.hpp"
#include "io/byte_stream.hpp"
#include "io/cursor.hpp"
#include "io/h5.hpp"
#include "io/scratch_file.hpp"

namespace haven {
namespace {

constexpr Index most_atoms = 1'000'000;
constexpr Index most_types = 1000;
constexpr std::string_view hdf5_mark = "\x89HDF\r\n\x1a\n";
constexpr const char* remedy = "Import the vasprun.xml or OUTCAR of this run instead.";

/// HDF5 needs to reach any byte of a file at any time: a compressed one is decompressed into a temporary file, which
/// has lost its name when this returns.
h5::File open_decompressed(ByteStream& stream, std::span<const char> first, const std::string& path) {
  PosixFileSystem files;
  ScratchFile scratch(files, "");
  try {
    scratch.file().append(std::as_bytes(first));
    std::vector<char> block(std::size_t{1} << 20U);
    while (const std::size_t got = stream.read(block.data(), block.size()))
      scratch.file().append(std::as_bytes(std::span(block.data(), got)));
  } catch (const IoError& error) {
    throw IoError(error.summary() + " (decompressing " + path + ")", scratch.folder(),
                  "Set TMPDIR to a folder with more room, or decompress the file yourself.");
  }
  if (stream.ending() != ByteStream::Ending::complete)
    throw InputError("the compressed file is damaged or cut off", path, "Copy it again from its source.");
  return h5::File::open_as(path, scratch.file().path());
}

/// A plain file is left to the library.
h5::File open_file(const std::string& path) {
  const auto stream = open_byte_stream(path);
  std::vector<char> first(hdf5_mark.size());
  std::size_t had = 0;
  for (std::size_t got = 1; got > 0 && had < first.size(); had += got)
    got = stream->read(first.data() + had, first.size() - had);
  if (std::string_view(first.data(), had) != hdf5_mark)
    throw InputError("this is no HDF5 file", path, "Name the vaspout.h5 of a run.");
  return stream->is_plain() ? h5::File::open(path) : open_decompressed(*stream, first, path);
}

std::vector<Index> integers(const h5::Dataset& dataset) {
  if (dataset.type() == h5::Type::i64) return dataset.read<std::int64_t>();
  const auto narrow = dataset.read<std::int32_t>();
  return {narrow.begin(), narrow.end()};
}

std::vector<std::string> words(const h5::Dataset& dataset) {
  std::vector<std::string> texts = dataset.read_texts();
  for (std::string& text : texts) text = std::string(trimmed(text));
  return texts;
}

class VaspoutReader final : public VaspReader {
 public:
  explicit VaspoutReader(const std::string& path) : path_(path), file_(guarded([&] { return open_file(path); })) {
    guarded([&] {
      read_head();
      open_steps();
      return 0;
    });
  }

  std::optional<VaspStep> next() override {
    if (index_ >= steps_) return std::nullopt;
    return guarded([&] { return read_step(); });
  }
  const VaspSettings& settings() const override { return settings_; }
  VaspEnding ending() const override {
    VaspEnding ending;
    ending.finished = begun_ == steps_;
    ending.dropped_step = !ending.finished;
    if (!ending.finished) ending.text = fmt::format("ionic step {} is incomplete and left out", steps_ + 1);
    return ending;
  }

 private:
  /// The HDF5 layer reports content that is not allowed as I/O errors; for a file that a user gave it is bad input.
  template <class Action>
  auto guarded(Action action) -> decltype(action()) {
    try {
      return action();
    } catch (const h5::Error& error) {
      throw InputError("this vaspout.h5 cannot be read: " + error.summary(), path_, remedy);
    }
  }
  void read_head();
  void read_incar(const h5::Group& input);
  void read_hubbard(const h5::Group& incar);
  void read_kpoints(const h5::Group& input);
  void read_atoms(const h5::Group& positions);
  void read_potentials(const h5::Group& input);
  void open_steps();
  std::optional<h5::Dataset> steps_of(const std::string& name, const h5::Shape& row);
  std::vector<double> row(VaspStep& step, const h5::Dataset& dataset, Index size, std::string_view what);
  VaspStep read_step();
  void read_energies(VaspStep& step);
  void read_stress(VaspStep& step);
  std::optional<double> number(const h5::Group& group, const std::string& name) const;

  std::string path_;
  h5::File file_;
  VaspSettings settings_;
  std::vector<int> types_;  // element of each atom type
  double scale_ = 1;
  std::optional<h5::Dataset> energies_, forces_, stress_, lattice_, positions_;
  std::vector<std::string> tags_;
  std::vector<Index> unconverged_;  // 0: converged; empty: not stated
  Index steps_ = 0, begun_ = 0, index_ = 0;
};

std::optional<double> VaspoutReader::number(const h5::Group& group, const std::string& name) const {
  if (!group.has(name)) return std::nullopt;
  const h5::Dataset dataset = group.dataset(name);
  if (!dataset.shape().empty()) return std::nullopt;
  if (dataset.type() == h5::Type::f64) return dataset.read<double>().front();
  return static_cast<double>(integers(dataset).front());
}

void VaspoutReader::read_head() {
  const h5::Group root = file_.root();
  if (!root.has("intermediate") || !root.has("results") || !root.has("version"))
    throw InputError("this HDF5 file is no vaspout.h5", path_, "Name the vaspout.h5 of a run.");
  const h5::Group version = root.group("version");
  const auto part = [&](const char* name) { return static_cast<Index>(number(version, name).value_or(0)); };
  settings_.version = fmt::format("{}.{}.{}", part("major"), part("minor"), part("patch"));
  settings_.calculation.set("program", "VASP");
  read_atoms(root.group("results").group("positions"));
  if (!root.has("input")) return;
  read_incar(root.group("input"));
  read_kpoints(root.group("input"));
  read_potentials(root.group("input"));
}

void VaspoutReader::read_atoms(const h5::Group& positions) {
  const std::vector<std::string> names = words(positions.dataset("ion_types"));
  const std::vector<Index> counts = integers(positions.dataset("number_ion_types"));
  if (names.size() != counts.size() || static_cast<Index>(names.size()) > most_types)
    throw InputError("the numbers of atom types and of counts differ", path_, remedy);
  for (std::size_t type = 0; type < names.size(); ++type) {
    const int element = element_of_potential(names[type]);
    if (element == 0) throw InputError(fmt::format("'{}' is no element", names[type]), path_, "Check the POTCAR.");
    if (counts[type] < 1 || counts[type] > most_atoms - static_cast<Index>(settings_.numbers.size()))
      throw InputError(fmt::format("{} is no number of atoms", counts[type]), path_, remedy);
    settings_.numbers.insert(settings_.numbers.end(), static_cast<std::size_t>(counts[type]), element);
    types_.push_back(element);
  }
  scale_ = number(positions, "scale").value_or(1.0);
  if (!(scale_ > 0) || !std::isfinite(scale_))
    throw InputError(fmt::format("the scale of the lattice is {}", scale_), path_, remedy);
}

void VaspoutReader::read_incar(const h5::Group& input) {
  if (!input.has("incar")) return;
  const h5::Group incar = input.group("incar");
  const auto real = [&](const char* name, double absent) { return number(incar, name).value_or(absent); };
  const auto whole = [&](const char* name, Index absent) {
    const double value = real(name, static_cast<double>(absent));
    return std::abs(value) < 1e9 ? static_cast<Index>(value) : absent;
  };
  if (whole("ML_LMLFF", 0) != 0)
    throw InputError(
        "a run with a machine-learned force field (ML_LMLFF): predicted steps cannot be told from "
        "calculated ones here",
        path_, "Import the ML_AB of the run, or its OUTCAR.");
  settings_.nelm = whole("NELM", settings_.nelm);
  settings_.ediff = real("EDIFF", settings_.ediff);
  settings_.nsw = whole("NSW", 0);
  settings_.ibrion = static_cast<int>(whole("IBRION", settings_.nsw > 0 ? 0 : -1));
  settings_.isif = static_cast<int>(whole("ISIF", settings_.isif));
  settings_.potim = real("POTIM", 0);
  settings_.tebeg = real("TEBEG", 0);
  settings_.teend = real("TEEND", settings_.tebeg);
  settings_.pstress_kbar = real("PSTRESS", 0);
  auto& calculation = settings_.calculation;
  for (const char* name : {"ENCUT", "AEXX", "HFSCREEN", "SIGMA", "IVDW", "ISPIN", "ISMEAR", "LDAUTYPE"})
    if (const auto value = number(incar, name)) calculation.set_number(name, *value);
  for (const char* name : {"LHFCALC", "LUSE_VDW", "LSORBIT", "LASPH", "LDAU", "ADDGRID"})
    if (const auto value = number(incar, name)) calculation.set_flag(name, *value != 0);
  for (const char* name : {"GGA", "METAGGA", "PREC"}) {
    if (!incar.has(name)) continue;
    std::string text = words(incar.dataset(name)).front();
    std::transform(text.begin(), text.end(), text.begin(),
                   [](char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - ('a' - 'A')) : c; });
    if (text != "--") calculation.set(name, text);
  }
  // The group holds the whole INCAR: what it lacks is off.
  calculation.set_flag("DISPERSION", real("IVDW", 0) > 0 || real("LVDW", 0) != 0);
  if (real("LDAU", 0) != 0) read_hubbard(incar);
}

/// U, J and l of each atom type, by element as the other files of a run give them.
void VaspoutReader::read_hubbard(const h5::Group& incar) {
  for (const char* tag : {"LDAUL", "LDAUU", "LDAUJ"}) {
    if (!incar.has(tag)) continue;
    const h5::Dataset dataset = incar.dataset(tag);
    std::vector<double> values;
    if (dataset.type() == h5::Type::f64) {
      values = dataset.read<double>();
    } else {
      for (const Index value : integers(dataset)) values.push_back(static_cast<double>(value));
    }
    for (std::size_t type = 0; type < std::min(values.size(), types_.size()); ++type) {
      const std::string name = fmt::format("{} {}", tag, element_symbol(types_[type]));
      const std::string text = fmt::format("{}", values[type] + 0.0);
      const auto earlier = settings_.calculation.find(name);  // an element may have several types
      settings_.calculation.set(name, earlier && *earlier != text ? *earlier + " | " + text : text);
    }
  }
}

/// Divisions of a regular mesh; a list of points has none.
void VaspoutReader::read_kpoints(const h5::Group& input) {
  if (!input.has("kpoints")) return;
  const h5::Group kpoints = input.group("kpoints");
  std::string divisions;
  for (const char* name : {"nkpx", "nkpy", "nkpz"}) {
    const double value = number(kpoints, name).value_or(0);
    if (!(value >= 1 && value < 10'000)) return;
    divisions += fmt::format("{}{}", divisions.empty() ? "" : " ", static_cast<Index>(value));
  }
  settings_.calculation.set("KPOINTS", divisions);
}

/// "TITEL  = PAW_PBE Li_sv 10Sep2004" of each potential, in the order of the atom types.
void VaspoutReader::read_potentials(const h5::Group& input) {
  if (!input.has("potcar") || !input.group("potcar").has("content")) return;
  const std::string content = input.group("potcar").dataset("content").read_text();
  std::size_t at = 0;
  while ((at = content.find("TITEL", at)) != content.npos) {
    const std::string_view line = std::string_view(content).substr(at, content.find('\n', at) - at);
    ++at;
    Cursor cursor(line);
    if (!cursor.skip_past("=")) continue;
    const std::string_view title = trimmed(cursor.rest());
    cursor.word();
    const int element = element_of_potential(cursor.word());
    if (element != 0) settings_.calculation.set(fmt::format("POTCAR {}", element_symbol(element)), title);
  }
}

/// A dataset of one row for each ionic step, checked; nothing when the file has none.
std::optional<h5::Dataset> VaspoutReader::steps_of(const std::string& name, const h5::Shape& row) {
  const h5::Group dynamics = file_.root().group("intermediate").group("ion_dynamics");
  if (!dynamics.has(name)) return std::nullopt;
  h5::Dataset dataset = dynamics.dataset(name);
  h5::Shape shape = dataset.shape();
  if (dataset.type() != h5::Type::f64 || shape.empty() || h5::Shape(shape.begin() + 1, shape.end()) != row)
    throw InputError(fmt::format("{} has an unexpected shape or type", dataset.location()), path_, remedy);
  begun_ = std::max(begun_, shape.front());
  steps_ = std::min(steps_, shape.front());
  return dataset;
}

void VaspoutReader::open_steps() {
  const h5::Group intermediate = file_.root().group("intermediate");
  if (!intermediate.has("ion_dynamics")) return;
  const h5::Group dynamics = intermediate.group("ion_dynamics");
  if (!dynamics.has("energies_tags")) return;
  tags_ = words(dynamics.dataset("energies_tags"));
  const auto atoms = static_cast<Index>(settings_.numbers.size());
  steps_ = std::numeric_limits<Index>::max();
  energies_ = steps_of("energies", {static_cast<Index>(tags_.size())});
  forces_ = steps_of("forces", {atoms, 3});
  stress_ = steps_of("stress", {3, 3});
  lattice_ = steps_of("lattice_vectors", {3, 3});
  positions_ = steps_of("position_ions", {atoms, 3});
  if (!energies_ || !lattice_ || !positions_)
    throw InputError("the file has no energies, lattice vectors or positions of its ionic steps", path_, remedy);
  if (!dynamics.has("electronic_step_converged")) return;
  unconverged_ = integers(dynamics.dataset("electronic_step_converged"));
}

/// The present step's row of a dataset.
std::vector<double> VaspoutReader::row(VaspStep& step, const h5::Dataset& dataset, Index size, std::string_view what) {
  std::vector<double> values(static_cast<std::size_t>(size));
  dataset.read_rows(index_, 1, h5::Type::f64, std::as_writable_bytes(std::span(values)));
  const bool finite = std::all_of(values.begin(), values.end(), [](double value) { return std::isfinite(value); });
  if (!finite && step.problem.empty()) step.problem = fmt::format("{} is not finite", what);
  return values;
}

void VaspoutReader::read_energies(VaspStep& step) {
  const std::vector<double> values = row(step, *energies_, static_cast<Index>(tags_.size()), "an energy");
  for (std::size_t k = 0; k < tags_.size(); ++k) {
    if (tags_[k].starts_with("free energy")) step.free_energy = values[k];
    if (tags_[k].starts_with("energy without entropy")) step.energy_without_entropy = values[k];
    if (tags_[k].starts_with("energy(sigma->0)")) step.energy_sigma0 = values[k];
  }
  if (settings_.pstress_kbar != 0)
    step.problem = fmt::format("PSTRESS = {} kB, and the file does not say whether its energy contains P V",
                               settings_.pstress_kbar);
}

void VaspoutReader::read_stress(VaspStep& step) {
  if (!stress_) return;
  const std::vector<double> s = row(step, *stress_, 9, "a stress component");
  if (std::all_of(s.begin(), s.end(), [](double value) { return value == 0; })) {
    step.stress_note = "the stress is written as zeros (not calculated)";
    return;
  }
  step.stress_kbar = {s[0], s[4], s[8], 0.5 * (s[1] + s[3]), 0.5 * (s[5] + s[7]), 0.5 * (s[6] + s[2])};
}

VaspStep VaspoutReader::read_step() {
  const std::size_t atoms = settings_.numbers.size();
  const auto count = static_cast<Index>(3 * atoms);
  VaspStep step;
  step.index = index_;
  const std::vector<double> lattice = row(step, *lattice_, 9, "a lattice vector");
  for (int k = 0; k < 3; ++k) {
    const double* v = lattice.data() + 3 * k;
    step.lattice[k] = scale_ * Vec3{v[0], v[1], v[2]};
  }
  const std::vector<double> positions = row(step, *positions_, count, "a position");
  for (std::size_t atom = 0; atom < atoms; ++atom)
    step.positions.push_back(Vec3{positions[3 * atom], positions[3 * atom + 1], positions[3 * atom + 2]} *
                             step.lattice);
  if (forces_) {
    const std::vector<double> forces = row(step, *forces_, count, "a force");
    for (std::size_t atom = 0; atom < atoms; ++atom)
      step.forces.push_back({forces[3 * atom], forces[3 * atom + 1], forces[3 * atom + 2]});
  }
  read_energies(step);
  read_stress(step);
  step.scf = Scf::unknown;
  if (static_cast<std::size_t>(index_) < unconverged_.size())
    step.scf = unconverged_[static_cast<std::size_t>(index_)] == 0 ? Scf::converged : Scf::stated;
  ++index_;
  return step;
}

}  // namespace

std::unique_ptr<VaspReader> open_vaspout(const std::string& path) { return std::make_unique<VaspoutReader>(path); }

}  // namespace haven
