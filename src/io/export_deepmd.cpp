#include "io/export_deepmd.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <set>

#include "core/error.hpp"
#include "core/species.hpp"

namespace haven {
namespace {

namespace fs = std::filesystem;

using System = std::vector<const Frame*>;

/// Frames with the same atoms in the same order and the same labels, in order of first appearance.
std::vector<System> systems_of(std::span<const Frame> frames) {
  std::vector<System> systems;
  for (const Frame& frame : frames) {
    const auto fits = [&](const System& system) {
      return system.front()->structure.numbers == frame.structure.numbers &&
             system.front()->stress.has_value() == frame.stress.has_value();
    };
    const auto at = std::find_if(systems.begin(), systems.end(), fits);
    if (at == systems.end())
      systems.push_back({&frame});
    else
      at->push_back(&frame);
  }
  return systems;
}

/// "Li4S1"; a second system of the same formula gets "_2".
std::string system_name(const System& system, std::set<std::string>& taken) {
  std::map<int, int> counts;
  for (const int number : system.front()->structure.numbers) ++counts[number];
  std::string formula;
  for (const auto& [number, count] : counts) formula += fmt::format("{}{}", element_symbol(number), count);
  std::string name = formula;
  for (int k = 2; !taken.insert(name).second; ++k) name = fmt::format("{}_{}", formula, k);
  return name;
}

/// A .npy file (format 1.0) of little-endian doubles.
std::vector<std::byte> npy(const std::vector<double>& values, std::size_t rows) {
  const std::string shape =
      values.size() == rows ? fmt::format("({},)", rows) : fmt::format("({}, {})", rows, values.size() / rows);
  std::string header = fmt::format("{{'descr': '<f8', 'fortran_order': False, 'shape': {}, }}", shape);
  header.append((64 - (10 + header.size() + 1) % 64) % 64, ' ');  // the data begin at a multiple of 64 bytes
  header += '\n';
  std::string start("\x93NUMPY\x01\x00", 8);
  start += static_cast<char>(header.size() & 0xffU);
  start += static_cast<char>(header.size() >> 8U);
  start += header;
  std::vector<std::byte> bytes(start.size() + values.size() * sizeof(double));
  std::memcpy(bytes.data(), start.data(), start.size());
  std::memcpy(bytes.data() + start.size(), values.data(), values.size() * sizeof(double));
  return bytes;
}

void append(std::vector<double>& out, const Vec3& v) { out.insert(out.end(), {v.x, v.y, v.z}); }
void append(std::vector<double>& out, const Mat3& m) {
  for (int k = 0; k < 3; ++k) append(out, m[k]);
}

std::string csv_text(const std::string& text) {
  std::string result = "\"";
  for (const char c : text) result += c == '"' ? "\"\"" : std::string(1, c == '\n' || c == '\r' ? ' ' : c);
  return result + "\"";
}

/// What DeePMD-kit has no place for.
std::string metadata(const System& system) {
  std::string text = std::string(deepmd_frames_header) + "\n";
  for (std::size_t k = 0; k < system.size(); ++k) {
    const Frame& frame = *system[k];
    std::string settings = frame.source.settings ? *frame.source.settings : "";
    std::replace(settings.begin(), settings.end(), '\n', ';');
    text += fmt::format("{},{},{},{},{},{},{},{},{},{}\n", k, csv_text(frame.group), csv_text(frame.trajectory),
                        frame.weight, frame.temperature ? fmt::format("{}", *frame.temperature) : "",
                        csv_text(frame.source.path), frame.source.index, csv_text(frame.source.code),
                        csv_text(frame.source.sha256), csv_text(settings));
  }
  return text;
}

/// type.raw comes last: with it the folder becomes a system.
void write_system(FileSystem& files, const std::string& folder, const System& system, ExportReport& report) {
  const Structure& first = system.front()->structure;
  const std::set<int> elements(first.numbers.begin(), first.numbers.end());
  std::vector<double> coord, box, energy, force, virial;
  for (const Frame* frame : system) {
    append(box, frame->structure.cell.vectors());
    for (const Vec3& position : frame->structure.positions) append(coord, position);
    for (const Vec3& f : frame->forces) append(force, f);
    energy.push_back(*frame->energy);
    if (frame->stress) append(virial, -frame->structure.cell.volume() * *frame->stress);
  }
  std::string types, names;
  for (const int number : first.numbers)
    types += fmt::format("{}\n", std::distance(elements.begin(), elements.find(number)));
  for (const int number : elements) names += fmt::format("{}\n", element_symbol(number));
  const std::string set = folder + "/set.000";
  std::error_code error;
  fs::create_directories(set, error);
  if (error) throw IoError("cannot create the folder", set, error.value());
  const auto put = [&](const std::string& path, const auto& content) {
    write_file_atomically(files, path, content);
    report.files.push_back(path);
  };
  put(set + "/coord.npy", npy(coord, system.size()));
  put(set + "/box.npy", npy(box, system.size()));
  put(set + "/energy.npy", npy(energy, system.size()));
  put(set + "/force.npy", npy(force, system.size()));
  if (!virial.empty()) put(set + "/virial.npy", npy(virial, system.size()));
  put(folder + "/" + deepmd_frames_name, metadata(system));
  put(folder + "/type_map.raw", names);
  put(folder + "/type.raw", types);
}

}  // namespace

ExportReport export_deepmd(FileSystem& files, const std::string& folder, std::span<const Frame> frames) {
  require_labels_and_periodicity(frames, "DeePMD-kit");
  std::error_code error;
  if (fs::exists(folder, error) && !(fs::is_directory(folder, error) && fs::is_empty(folder, error)))
    throw ConfigError("the folder for the systems exists and is not empty", folder,
                      "Choose another name, or remove it: systems of two exports must not mix.");
  ExportReport report;
  std::set<std::string> taken;
  for (const System& system : systems_of(frames))
    write_system(files, folder + "/" + system_name(system, taken), system, report);
  const auto moving =
      std::count_if(frames.begin(), frames.end(), [](const Frame& f) { return !f.structure.velocities.empty(); });
  if (moving > 0) report.lost.push_back(fmt::format("the velocities of {} frames", moving));
  return report;
}

}  // namespace haven
