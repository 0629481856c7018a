#pragma once
#include <array>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace haven::svg {

enum class Scale { linear, log };
enum class Marker { none, circle, square, triangle, diamond, cross };
enum class Corner { top_left, top_right, bottom_left, bottom_right };

/// One axis: label (plain text; `^{..}` and `_{..}` give super- and subscripts) and scale; range from the data when
/// absent.
struct Axis {
  std::string label;
  Scale scale = Scale::linear;
  std::optional<std::array<double, 2>> range{};
};

/// Appearance of one series. An empty colour takes the next one of a palette that colour-blind readers can tell apart.
struct Style {
  std::string label{};   ///< entry in the legend; none when empty
  std::string colour{};  ///< "#rrggbb"
  double width = 1.8;    ///< line width, px
  std::string dash{};    ///< SVG dash pattern, e.g. "6 4"
  Marker marker = Marker::circle;
  double size = 3.2;  ///< marker radius, px
  double opacity = 1.0;
};

struct PlotOptions {
  std::string title{};
  Axis x{}, y{};
  int width = 640, height = 440;  ///< px
  Corner legend = Corner::top_left;
  bool equal_ranges = false;  ///< parity plots: x and y get the same range and a diagonal
};

class Renderer;

/// A figure as one plain SVG element; the same input gives the same bytes. Values that are not finite, or not positive
/// on a log axis, are left out.
class Plot {
 public:
  explicit Plot(PlotOptions options);
  void line(std::span<const double> x, std::span<const double> y, Style style = {});
  void points(std::span<const double> x, std::span<const double> y, Style style = {});
  /// Vertical bars from low to high at x, with caps.
  void error_bars(std::span<const double> x, std::span<const double> low, std::span<const double> high,
                  Style style = {});
  /// Shaded region between low(x) and high(x).
  void band(std::span<const double> x, std::span<const double> low, std::span<const double> high, Style style = {});
  /// Shaded region over the full height.
  void vertical_band(double x0, double x1, Style style = {});
  void vertical_line(double x, Style style = {});
  void horizontal_line(double y, Style style = {});
  /// Arrows that point down from y: upper bounds.
  void upper_bounds(std::span<const double> x, std::span<const double> y, Style style = {});
  /// Text at a data position.
  void annotate(double x, double y, std::string text);
  /// Lines of text in a corner of the frame.
  void note(Corner corner, std::string text);
  /// A second scale on the top edge: positions on the x axis and their labels, e.g. temperatures over 1000/T.
  void top_axis(std::string label, std::vector<std::pair<double, std::string>> ticks);
  /// The figure carries its numbers in an attribute, data-plot (JSON: frame and ranges of the axes, and the series of
  /// up to a thousand points), for pages that read them out under the pointer; marks and legend entries carry their
  /// colour, data-mark and data-key.
  [[nodiscard]] std::string to_svg() const;
  /// @throws IoError
  void save(const std::string& path) const;

 private:
  enum class Kind { line, points, error_bars, band, vertical_band, vertical_line, horizontal_line, upper_bounds, text };
  struct Item {
    Kind kind;
    std::vector<double> x, low, high;
    Style style;
    std::string text{};
  };
  void add(Item item);
  /// The labelled curves and points, and all intervals: [{"name","kind","colour","x","y","high"}].
  [[nodiscard]] std::string series_json() const;
  friend class Renderer;
  PlotOptions options_;
  std::vector<Item> items_;
  std::vector<std::pair<Corner, std::string>> notes_;
  std::string top_label_;
  std::vector<std::pair<double, std::string>> top_ticks_;
  std::size_t next_colour_ = 0;
};

/// Ticks at 1, 2, 5 x 10^k that cover [low, high] with about `wanted` intervals.
[[nodiscard]] std::vector<double> nice_ticks(double low, double high, int wanted = 6);

}  // namespace haven::svg
