#include "analysis/live_displacements.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <filesystem>
#include <set>
#include <string_view>

#include "analysis/displacements.hpp"
#include "core/error.hpp"
#include "core/species.hpp"
#include "core/units.hpp"
#include "io/cursor.hpp"
#include "io/text_file.hpp"

namespace haven {
namespace {

std::vector<std::string> cells_of(std::string_view line) {
  std::vector<std::string> cells(1);
  for (const char c : line)
    if (c == ',')
      cells.emplace_back();
    else
      cells.back() += c;
  return cells;
}

/// "Li" of "tracer_Li_A2"; 0 for other columns.
int element_of(const std::string& column) {
  constexpr std::string_view head = "tracer_", tail = "_A2";
  if (!column.starts_with(head) || !column.ends_with(tail)) return 0;
  return atomic_number(column.substr(head.size(), column.size() - head.size() - tail.size()));
}

/// Of one run; empty when it measured other elements than these.
LiveCurve weighted(const LiveTransport& live, std::span<const int> numbers,
                   const std::map<std::string, double>& charges) {
  const auto charge_of = [&](int number) { return charges.at(std::string(element_symbol(number))); };
  const std::set<int> measured(live.elements.begin(), live.elements.end());
  if (measured != std::set<int>(numbers.begin(), numbers.end())) return {};
  double squares = 0;
  for (const int number : numbers) squares += charge_of(number) * charge_of(number);
  LiveCurve curve;
  for (std::size_t k = 0; k < live.lags_fs.size(); ++k) {
    double tracer = 0, collective = 0;
    for (std::size_t b = 0, pair = 0; b < live.elements.size(); ++b) {
      const double q = charge_of(live.elements[b]);
      tracer +=
          static_cast<double>(std::count(numbers.begin(), numbers.end(), live.elements[b])) * q * q * live.tracer[b][k];
      for (std::size_t a = 0; a <= b; ++a, ++pair)
        collective += (a == b ? 1.0 : 2.0) * q * charge_of(live.elements[a]) * live.collective[pair][k];
    }
    curve.lag_ps.push_back(live.lags_fs[k] / units::fs_per_ps);
    curve.tracer.push_back(tracer / squares), curve.collective.push_back(collective / squares);
  }
  return curve;
}

}  // namespace

std::optional<LiveTransport> read_live_displacements(const std::string& folder, const std::string& stage) {
  const std::string path = (std::filesystem::path(folder) / fmt::format("displacements_{}.csv", stage)).string();
  if (!std::filesystem::is_regular_file(path)) return std::nullopt;
  TextFile file(path);
  const auto fail = [&](const char* what) {
    throw InputError(what, file.where(), "Haven writes this file whole; remove it, or restore it.");
  };
  LiveTransport live;
  live.stage = stage;
  std::string_view line;
  if (!file.next_line(line)) fail("the table is empty");
  const std::vector<std::string> names = cells_of(line);
  for (const std::string& name : names)
    if (const int number = element_of(name); number > 0) live.elements.push_back(number);
  const std::size_t n = live.elements.size(), pairs = n * (n + 1) / 2;
  if (n == 0 || names.size() != 2 + n + pairs || names[0] != "lag_ps" || names[1] != "origins")
    fail("this is no table of displacements");
  live.tracer.resize(n), live.collective.resize(pairs);
  while (file.next_line(line)) {
    const std::vector<std::string> cells = cells_of(line);
    if (cells.size() != names.size()) fail("a row with another number of columns");
    std::vector<double> values;
    for (const std::string& cell : cells) {
      const auto value = parse_real(cell);
      if (!value) fail("a cell that is no number");
      values.push_back(*value);
    }
    live.lags_fs.push_back(values[0] * units::fs_per_ps);
    live.origins.push_back(static_cast<Index>(values[1]));
    for (std::size_t e = 0; e < n; ++e) live.tracer[e].push_back(values[2 + e]);
    for (std::size_t p = 0; p < pairs; ++p) live.collective[p].push_back(values[2 + n + p]);
  }
  if (!live.lags_fs.empty()) live.interval_fs = live.lags_fs[0];
  return live;
}

LiveCurve mean_live_curve(std::span<const IonTracks> replicas, const std::map<std::string, double>& charges) {
  LiveCurve mean;
  double frames = 0;
  for (const IonTracks& tracks : replicas) frames += static_cast<double>(tracks.n_frames);
  for (const IonTracks& tracks : replicas) {
    if (!tracks.live) return {};
    const LiveCurve one = weighted(*tracks.live, tracks.numbers, charges);
    if (&tracks == replicas.data()) {
      mean.lag_ps = one.lag_ps;
      mean.tracer.resize(one.lag_ps.size()), mean.collective.resize(one.lag_ps.size());
    }
    std::size_t common = 0;
    while (common < std::min(mean.lag_ps.size(), one.lag_ps.size()) && mean.lag_ps[common] == one.lag_ps[common])
      ++common;
    for (std::vector<double>* values : {&mean.lag_ps, &mean.tracer, &mean.collective}) values->resize(common);
    const double weight = static_cast<double>(tracks.n_frames) / frames;
    for (std::size_t k = 0; k < common; ++k)
      mean.tracer[k] += weight * one.tracer[k], mean.collective[k] += weight * one.collective[k];
  }
  return mean;
}

LiveCurve below(LiveCurve curve, double lag_ps) {
  const auto end = std::lower_bound(curve.lag_ps.begin(), curve.lag_ps.end(), (1.0 - 1e-9) * lag_ps);
  const auto count = static_cast<std::size_t>(end - curve.lag_ps.begin());
  for (std::vector<double>* values : {&curve.lag_ps, &curve.tracer, &curve.collective}) values->resize(count);
  return curve;
}

}  // namespace haven
