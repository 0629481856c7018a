#include <fmt/core.h>

#include <cmath>

#include "analysis/svg_plot.hpp"
#include "analysis/svg_text.hpp"

namespace haven::svg {
namespace {

constexpr std::size_t most_points = 1000;

std::string numbers(const std::vector<double>& values) {
  std::string out;
  for (const double value : values) {
    if (!out.empty()) out += ',';
    out += std::isfinite(value) ? fmt::format("{:.5g}", value) : "null";
  }
  return "[" + out + "]";
}

}  // namespace

std::string Plot::series_json() const {
  std::string out;
  const auto kind_of = [](Kind kind) -> const char* {
    switch (kind) {
      case Kind::line:
        return "line";
      case Kind::points:
        return "points";
      case Kind::upper_bounds:
        return "bounds";
      case Kind::band:
      case Kind::error_bars:
        return "interval";
      default:
        return nullptr;
    }
  };
  for (const Item& item : items_) {
    const char* kind = kind_of(item.kind);
    const bool interval = item.kind == Kind::band || item.kind == Kind::error_bars;
    if (kind == nullptr || item.x.size() > most_points || (!interval && item.style.label.empty())) continue;
    if (!out.empty()) out += ',';
    out += fmt::format(R"({{"name":"{}","kind":"{}","colour":"{}","x":{},"y":{})", json_text(item.style.label), kind,
                       json_text(item.style.colour), numbers(item.x), numbers(item.low));
    if (interval) out += ",\"high\":" + numbers(item.high);
    out += '}';
  }
  return "[" + out + "]";
}

}  // namespace haven::svg
