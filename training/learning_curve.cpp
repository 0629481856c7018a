#include "training/learning_curve.hpp"

#include <fmt/format.h>

#include <filesystem>
#include <fstream>
#include <vector>

#include "core/error.hpp"
#include "io/file_system.hpp"

namespace haven::training {
namespace {

constexpr const char* header =
    "epoch,step,learning_rate,train_energy_rmse_meV_per_atom,train_force_rmse_meV_per_A,train_virial_rmse_meV_per_atom,"
    "valid_energy_rmse_meV_per_atom,valid_force_rmse_meV_per_A,valid_virial_rmse_meV_per_atom,valid_loss,minutes\n";

std::string milli(double value) { return value < 0 ? "" : fmt::format("{:.6g}", 1e3 * value); }

}  // namespace

void start_curve(const std::string& path, Index epochs) {
  if (path.empty()) return;
  std::string text = header;
  std::ifstream old(path);
  std::string line;
  std::getline(old, line);
  while (std::getline(old, line)) {
    const Index epoch = std::atoll(line.c_str());
    if (epoch >= 1 && epoch <= epochs && !old.eof()) text += line + "\n";
  }
  PosixFileSystem files;
  write_file_atomically(files, path, text);
}

void append_curve(const std::string& path, const CurveRow& row) {
  if (path.empty()) return;
  PosixFileSystem files;
  OutputFile file(files, path, OpenMode::update);
  file.append(fmt::format("{},{},{:.6g},{},{},{},{},{},{},{:.8g},{:.3f}\n", row.epoch, row.step, row.rate,
                          milli(row.train.energy), milli(row.train.force), milli(row.train.virial),
                          milli(row.valid.energy), milli(row.valid.force), milli(row.valid.virial), row.score,
                          row.minutes));
  file.close();
}

}  // namespace haven::training
