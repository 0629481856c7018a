#pragma once
#include <string>

/// Texts of figures.
namespace haven::svg {

/// < > & " as entities.
[[nodiscard]] std::string escaped(const std::string& text);
/// The inside of a JSON string.
[[nodiscard]] std::string json_text(const std::string& text);
/// `^{..}` and `_{..}` become shifted, smaller text.
[[nodiscard]] std::string marked_up(const std::string& text);
/// A value on an axis with ticks `step` apart.
[[nodiscard]] std::string number_text(double value, double step);
/// A power of ten.
[[nodiscard]] std::string decade_text(double value);

}  // namespace haven::svg
