#include "app/cli_values.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "core/error.hpp"

namespace haven {

double parse_time(const std::string& text) {
  std::size_t used = 0;
  double number = 0;
  try {
    number = std::stod(text, &used);
  } catch (const std::exception&) {
    used = 0;
  }
  std::string unit = text.substr(std::min(used, text.size()));
  unit.erase(0, unit.find_first_not_of(' ') == std::string::npos ? unit.size() : unit.find_first_not_of(' '));
  const std::map<std::string, double> units{{"", 1}, {"s", 1}, {"min", 60}, {"h", 3600}, {"d", 86400}};
  const auto found = units.find(unit);
  if (used == 0 || found == units.end() || !std::isfinite(number) || number <= 0)
    throw ConfigError(fmt::format("\"{}\" is not a time", text), "--time-limit",
                      "Write it as \"90 s\", \"10 min\", \"23 h\" or \"2 d\".");
  return number * found->second;
}

std::map<std::string, double> parse_charges(const std::vector<std::string>& texts) {
  std::map<std::string, double> charges;
  for (const std::string& text : texts) {
    const std::size_t equals = text.find('=');
    std::size_t used = 0;
    try {
      if (equals != std::string::npos) charges[text.substr(0, equals)] = std::stod(text.substr(equals + 1), &used);
    } catch (const std::exception&) {
      used = 0;
    }
    if (used == 0) throw ConfigError(fmt::format("\"{}\" is not a charge", text), "--charges", "Write it as Li=1.");
  }
  return charges;
}

}  // namespace haven
