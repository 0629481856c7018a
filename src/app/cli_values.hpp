#pragma once
#include <map>
#include <string>
#include <vector>

/// Values of options that are more than a number or a word.
namespace haven {

/// Seconds of "90 s", "10 min", "23 h", "2 d" or plain seconds. @throws ConfigError for anything else
[[nodiscard]] double parse_time(const std::string& text);

/// Charges of "Li=1", "O=-2", ... @throws ConfigError for anything else
[[nodiscard]] std::map<std::string, double> parse_charges(const std::vector<std::string>& texts);

}  // namespace haven
