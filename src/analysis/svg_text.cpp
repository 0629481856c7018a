#include "analysis/svg_text.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>

namespace haven::svg {

std::string escaped(const std::string& text) {
  std::string out;
  for (const char c : text) {
    if (c == '<')
      out += "&lt;";
    else if (c == '>')
      out += "&gt;";
    else if (c == '&')
      out += "&amp;";
    else if (c == '"')
      out += "&quot;";
    else
      out += c;
  }
  return out;
}

std::string marked_up(const std::string& text) {
  std::string out;
  std::size_t k = 0;
  while (k < text.size()) {
    const bool shift = (text[k] == '^' || text[k] == '_') && k + 1 < text.size() && text[k + 1] == '{';
    const std::size_t end = shift ? text.find('}', k) : std::string::npos;
    if (end == std::string::npos) {
      out += escaped(text.substr(k, 1));
      ++k;
      continue;
    }
    const char* down = text[k] == '^' ? "-0.45em" : "0.3em";
    const char* back = text[k] == '^' ? "0.33em" : "-0.22em";
    out += fmt::format("<tspan dy=\"{}\" font-size=\"75%\">{}</tspan><tspan dy=\"{}\">&#8203;</tspan>", down,
                       escaped(text.substr(k + 2, end - k - 2)), back);
    k = end + 1;
  }
  return out;
}

std::string number_text(double value, double step) {
  if (std::abs(value) < 1e-9 * step) return "0";
  if (std::abs(value) >= 1e5 || std::abs(value) < 1e-3) {
    const int exponent = static_cast<int>(std::floor(std::log10(std::abs(value)) + 1e-9));
    const double mantissa = value / std::pow(10.0, exponent);
    return fmt::format("{:g}\u00b710^{{{}}}", std::round(mantissa * 1e4) / 1e4, exponent);
  }
  const int decimals = std::max(0, static_cast<int>(-std::floor(std::log10(step) + 1e-9)));
  return fmt::format("{:.{}f}", value, std::min(decimals, 8));
}

std::string decade_text(double value) {
  const int exponent = static_cast<int>(std::lround(std::log10(value)));
  if (exponent >= -2 && exponent <= 3) return fmt::format("{:g}", std::pow(10.0, exponent));
  return fmt::format("10^{{{}}}", exponent);
}

std::string json_text(const std::string& text) {
  std::string out;
  for (const char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    if (static_cast<unsigned char>(c) >= 0x20) out += c;
  }
  return out;
}

}  // namespace haven::svg
