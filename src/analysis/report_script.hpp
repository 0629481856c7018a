#pragma once

namespace haven::report {

/// The script of the page. It needs nothing from elsewhere, and the page says everything without it. It
/// - reads the curves out under the pointer, with their intervals, from the numbers that every figure carries,
/// - hides and shows the marks of a legend entry on a click,
/// - gives the conductivity at any temperature of the fitted band (the dial),
/// - saves a figure as an SVG file.
/// When it has set everything up, <html> carries data-ready.
[[nodiscard]] const char* page_script();

}  // namespace haven::report
