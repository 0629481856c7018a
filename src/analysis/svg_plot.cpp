#include "analysis/svg_plot.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <utility>

#include "analysis/svg_text.hpp"
#include "core/error.hpp"

namespace haven::svg {
namespace {

/// Okabe & Ito's palette (distinguishable with any colour vision), yellow left out: too faint for lines on white.
constexpr std::array<const char*, 7> palette{"#0072b2", "#d55e00", "#009e73", "#cc79a7",
                                             "#56b4e9", "#e69f00", "#404040"};
constexpr const char* ink = "#333333";
constexpr const char* grid_colour = "#e6e6e6";

bool usable(double value, Scale scale) { return std::isfinite(value) && (scale == Scale::linear || value > 0); }

/// FNV-1a: figures that share one HTML page need names of their own, the same in every build.
std::uint32_t fingerprint(const std::string& text) {
  std::uint32_t hash = 2166136261U;
  for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 16777619U;
  return hash;
}

struct Tick {
  double value;
  std::string label;  ///< empty for minor ticks
};

std::vector<Tick> ticks_of(double low, double high, Scale scale, int wanted) {
  std::vector<Tick> ticks;
  if (scale == Scale::linear || high / low < 8.0) {
    const std::vector<double> values = nice_ticks(low, high, wanted);
    const double step = values.size() > 1 ? values[1] - values[0] : 1.0;
    for (const double value : values)
      if (value >= low - 1e-9 * step && value <= high + 1e-9 * step) ticks.push_back({value, number_text(value, step)});
    return ticks;
  }
  const int first = static_cast<int>(std::floor(std::log10(low) + 1e-9)),
            last = static_cast<int>(std::ceil(std::log10(high) - 1e-9));
  const int stride = std::max(1, (last - first + wanted - 1) / std::max(1, wanted));
  for (int e = first; e <= last; ++e)
    for (int m = 1; m <= 9; ++m) {
      const double value = m * std::pow(10.0, e);
      if (value < low * (1 - 1e-9) || value > high * (1 + 1e-9)) continue;
      const bool sparse = last - first <= 1 && (m == 2 || m == 5);
      if (m == 1 && (e - first) % stride == 0)
        ticks.push_back({value, decade_text(value)});
      else
        ticks.push_back({value, sparse ? number_text(value, value) : std::string{}});
    }
  return ticks;
}

std::string stroke(const Style& style) {
  std::string out = fmt::format("stroke=\"{}\" stroke-width=\"{:.2f}\"", style.colour, style.width);
  if (!style.dash.empty()) out += fmt::format(" stroke-dasharray=\"{}\"", escaped(style.dash));
  if (style.opacity < 1.0) out += fmt::format(" stroke-opacity=\"{:.3f}\"", style.opacity);
  return out;
}

std::string marker_shape(const Style& style, double x, double y) {
  const double r = style.size;
  const std::string paint = fmt::format("fill=\"{}\" fill-opacity=\"{:.3f}\"", style.colour, style.opacity);
  switch (style.marker) {
    case Marker::none:
      return {};
    case Marker::circle:
      return fmt::format("<circle cx=\"{:.2f}\" cy=\"{:.2f}\" r=\"{:.2f}\" {}/>\n", x, y, r, paint);
    case Marker::square:
      return fmt::format("<rect x=\"{:.2f}\" y=\"{:.2f}\" width=\"{:.2f}\" height=\"{:.2f}\" {}/>\n", x - 0.9 * r,
                         y - 0.9 * r, 1.8 * r, 1.8 * r, paint);
    case Marker::triangle:
      return fmt::format("<path d=\"M{:.2f} {:.2f}L{:.2f} {:.2f}L{:.2f} {:.2f}Z\" {}/>\n", x, y - 1.2 * r, x + 1.1 * r,
                         y + 0.8 * r, x - 1.1 * r, y + 0.8 * r, paint);
    case Marker::diamond:
      return fmt::format("<path d=\"M{:.2f} {:.2f}L{:.2f} {:.2f}L{:.2f} {:.2f}L{:.2f} {:.2f}Z\" {}/>\n", x, y - 1.3 * r,
                         x + 1.3 * r, y, x, y + 1.3 * r, x - 1.3 * r, y, paint);
    case Marker::cross:
      return fmt::format(
          "<path d=\"M{:.2f} {:.2f}L{:.2f} {:.2f}M{:.2f} {:.2f}L{:.2f} {:.2f}\" stroke=\"{}\" stroke-width=\"1.6\"/>\n",
          x - r, y - r, x + r, y + r, x - r, y + r, x + r, y - r, style.colour);
  }
  return {};
}

}  // namespace

/// Turns one plot into text.
class Renderer {
 public:
  explicit Renderer(const Plot& plot) : plot_(plot), options_(plot.options_) {
    left_ = 74, right_ = options_.width - 18.0;
    top_ = (options_.title.empty() ? 16.0 : 40.0) + (plot.top_ticks_.empty() ? 0.0 : 34.0);
    bottom_ = options_.height - 54.0;
    x_range_ = range_of(options_.x, Direction::x), y_range_ = range_of(options_.y, Direction::y);
    if (options_.equal_ranges) {
      x_range_ = {std::min(x_range_[0], y_range_[0]), std::max(x_range_[1], y_range_[1])};
      y_range_ = x_range_;
    }
  }

  std::string render() {
    out_ += fmt::format(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{0}\" height=\"{1}\" viewBox=\"0 0 {0} {1}\" "
        "font-family=\"Helvetica, Arial, sans-serif\" font-size=\"13\" fill=\"{2}\" data-plot=\"{3}\">\n"
        "<rect width=\"{0}\" height=\"{1}\" fill=\"#ffffff\"/>\n",
        options_.width, options_.height, ink, escaped(data()));
    const std::string clip =
        fmt::format("frame{:x}", fingerprint(options_.title + options_.x.label + options_.y.label));
    out_ += fmt::format(
        "<clipPath id=\"{}\"><rect x=\"{:.1f}\" y=\"{:.1f}\" width=\"{:.1f}\" height=\"{:.1f}\"/></clipPath>\n", clip,
        left_, top_, right_ - left_, bottom_ - top_);
    axis_ticks(Direction::x), axis_ticks(Direction::y);
    out_ += fmt::format("<g clip-path=\"url(#{})\">\n", clip);
    if (options_.equal_ranges)
      segment(px(x_range_[0]), py(y_range_[0]), px(x_range_[1]), py(y_range_[1]),
              "stroke=\"#999999\" stroke-dasharray=\"5 4\"");
    for (const Plot::Item& item : plot_.items_) {
      out_ += fmt::format("<g data-mark=\"{}\">\n", item.style.colour);
      draw(item);
      out_ += "</g>\n";
    }
    out_ += "</g>\n";
    out_ += fmt::format(
        "<rect x=\"{:.1f}\" y=\"{:.1f}\" width=\"{:.1f}\" height=\"{:.1f}\" fill=\"none\" stroke=\"{}\"/>\n", left_,
        top_, right_ - left_, bottom_ - top_, ink);
    labels();
    legend();
    notes();
    return out_ + "</svg>\n";
  }

 private:
  enum class Direction { x, y };

  /// What a page needs to turn a place on the figure into numbers.
  std::string data() const {
    const auto axis = [](const Axis& of, const std::array<double, 2>& range) {
      return fmt::format("[{:.9g},{:.9g},{}]", range[0], range[1], of.scale == Scale::log ? 1 : 0);
    };
    return fmt::format(R"({{"frame":[{:.1f},{:.1f},{:.1f},{:.1f}],"x":{},"y":{},"label":["{}","{}"],"series":{}}})",
                       left_, top_, right_, bottom_, axis(options_.x, x_range_), axis(options_.y, y_range_),
                       json_text(options_.x.label), json_text(options_.y.label), plot_.series_json());
  }

  std::array<double, 2> range_of(const Axis& axis, Direction direction) const {
    double low = 0, high = 0;
    bool any = false;
    const auto include = [&](double value) {
      if (!usable(value, axis.scale)) return;
      low = any ? std::min(low, value) : value, high = any ? std::max(high, value) : value, any = true;
    };
    for (const Plot::Item& item : plot_.items_) {
      const bool spans_height = item.kind == Plot::Kind::vertical_band || item.kind == Plot::Kind::vertical_line;
      if (direction == Direction::x && item.kind != Plot::Kind::horizontal_line)
        for (const double value : item.x) include(value);
      if (direction == Direction::y && !spans_height) {
        for (const double value : item.low) include(value);
        for (const double value : item.high) include(value);
      }
    }
    if (axis.range) return *axis.range;
    if (!any) return axis.scale == Scale::log ? std::array<double, 2>{1, 10} : std::array<double, 2>{0, 1};
    return padded(low, high, axis.scale);
  }

  static std::array<double, 2> padded(double low, double high, Scale scale) {
    if (scale == Scale::log) {
      const double pad = high > low ? std::pow(high / low, 0.05) : 2.0;
      return {low / pad, high * pad};
    }
    const double pad = high > low ? 0.05 * (high - low) : std::max(0.5 * std::abs(low), 0.5);
    // A curve that begins at zero keeps its origin.
    return {low >= 0 && low < 0.2 * (high - low) ? std::min(low, 0.0) : low - pad, high + pad};
  }

  static double share(double value, const std::array<double, 2>& range, Scale scale) {
    if (scale == Scale::log) return std::log(value / range[0]) / std::log(range[1] / range[0]);
    return (value - range[0]) / (range[1] - range[0]);
  }
  double px(double x) const { return left_ + share(x, x_range_, options_.x.scale) * (right_ - left_); }
  double py(double y) const { return bottom_ - share(y, y_range_, options_.y.scale) * (bottom_ - top_); }
  bool shown(double x, double y) const { return usable(x, options_.x.scale) && usable(y, options_.y.scale); }

  void segment(double x0, double y0, double x1, double y1, const std::string& style) {
    out_ += fmt::format("<path d=\"M{:.2f} {:.2f}L{:.2f} {:.2f}\" {}/>\n", x0, y0, x1, y1, style);
  }
  void text(double x, double y, const std::string& anchor, const std::string& content, const std::string& extra = {}) {
    out_ += fmt::format("<text x=\"{:.1f}\" y=\"{:.1f}\" text-anchor=\"{}\"{}>{}</text>\n", x, y, anchor, extra,
                        marked_up(content));
  }

  void axis_ticks(Direction direction) {
    const bool horizontal = direction == Direction::x;
    const auto& range = horizontal ? x_range_ : y_range_;
    const Scale scale = horizontal ? options_.x.scale : options_.y.scale;
    const int wanted = horizontal ? options_.width / 100 : options_.height / 70;
    for (const Tick& tick : ticks_of(range[0], range[1], scale, wanted)) {
      const double at = horizontal ? px(tick.value) : py(tick.value);
      const double length = tick.label.empty() ? 3.0 : 6.0;
      if (!tick.label.empty()) {
        if (horizontal)
          segment(at, top_, at, bottom_, fmt::format("stroke=\"{}\"", grid_colour));
        else
          segment(left_, at, right_, at, fmt::format("stroke=\"{}\"", grid_colour));
      }
      if (horizontal) {
        segment(at, bottom_, at, bottom_ - length, fmt::format("stroke=\"{}\"", ink));
        if (!tick.label.empty()) text(at, bottom_ + 18, "middle", tick.label);
      } else {
        segment(left_, at, left_ + length, at, fmt::format("stroke=\"{}\"", ink));
        if (!tick.label.empty()) text(left_ - 7, at + 4.5, "end", tick.label);
      }
    }
  }

  void labels() {
    text(0.5 * (left_ + right_), options_.height - 14.0, "middle", options_.x.label);
    const double y = 0.5 * (top_ + bottom_);
    text(17, y, "middle", options_.y.label, fmt::format(" transform=\"rotate(-90 17 {:.1f})\"", y));
    if (!options_.title.empty()) text(left_, 24, "start", options_.title, " font-weight=\"bold\" font-size=\"14\"");
    for (const auto& [value, label] : plot_.top_ticks_) {
      if (!usable(value, options_.x.scale) || value < x_range_[0] || value > x_range_[1]) continue;
      segment(px(value), top_, px(value), top_ + 6, fmt::format("stroke=\"{}\"", ink));
      text(px(value), top_ - 6, "middle", label);
    }
    if (!plot_.top_label_.empty()) text(right_, top_ - 22, "end", plot_.top_label_);
  }

  void draw(const Plot::Item& item) {
    switch (item.kind) {
      case Plot::Kind::line:
        return polyline(item);
      case Plot::Kind::points:
        for (std::size_t k = 0; k < item.x.size(); ++k)
          if (shown(item.x[k], item.low[k])) out_ += marker_shape(item.style, px(item.x[k]), py(item.low[k]));
        return;
      case Plot::Kind::error_bars:
        return bars(item);
      case Plot::Kind::band:
        return area(item);
      case Plot::Kind::vertical_band:
        if (usable(item.x[0], options_.x.scale) && usable(item.x[1], options_.x.scale))
          out_ += fmt::format(
              "<rect x=\"{:.2f}\" y=\"{:.2f}\" width=\"{:.2f}\" height=\"{:.2f}\" fill=\"{}\" "
              "fill-opacity=\"{:.3f}\"/>\n",
              px(item.x[0]), top_, std::max(0.0, px(item.x[1]) - px(item.x[0])), bottom_ - top_, item.style.colour,
              0.12 * item.style.opacity);
        return;
      case Plot::Kind::vertical_line:
        if (usable(item.x[0], options_.x.scale))
          segment(px(item.x[0]), top_, px(item.x[0]), bottom_, stroke(item.style));
        return;
      case Plot::Kind::horizontal_line:
        if (usable(item.low[0], options_.y.scale))
          segment(left_, py(item.low[0]), right_, py(item.low[0]), stroke(item.style));
        return;
      case Plot::Kind::upper_bounds:
        return arrows(item);
      case Plot::Kind::text:
        if (shown(item.x[0], item.low[0])) text(px(item.x[0]) + 6, py(item.low[0]) - 6, "start", item.text);
        return;
    }
  }

  void polyline(const Plot::Item& item) {
    std::string path;
    bool pen_down = false;
    for (std::size_t k = 0; k < item.x.size(); ++k) {
      if (!shown(item.x[k], item.low[k])) {
        pen_down = false;
        continue;
      }
      path += fmt::format("{}{:.2f} {:.2f}", pen_down ? 'L' : 'M', px(item.x[k]), py(item.low[k]));
      pen_down = true;
    }
    if (!path.empty())
      out_ += fmt::format("<path d=\"{}\" fill=\"none\" stroke-linejoin=\"round\" {}/>\n", path, stroke(item.style));
  }

  void bars(const Plot::Item& item) {
    for (std::size_t k = 0; k < item.x.size(); ++k) {
      if (!usable(item.x[k], options_.x.scale) || !usable(item.high[k], options_.y.scale)) continue;
      // A lower end that a log axis cannot show runs out of the frame.
      const double x = px(item.x[k]), high = py(item.high[k]);
      const double low = usable(item.low[k], options_.y.scale) ? py(item.low[k]) : bottom_ + 10;
      out_ += fmt::format(
          "<path d=\"M{0:.2f} {1:.2f}V{2:.2f}M{3:.2f} {1:.2f}H{4:.2f}M{3:.2f} {2:.2f}H{4:.2f}\" fill=\"none\" {5}/>\n",
          x, low, high, x - 3.5, x + 3.5, stroke(item.style));
    }
  }

  void area(const Plot::Item& item) {
    std::string path, back;
    for (std::size_t k = 0; k < item.x.size(); ++k) {
      if (!shown(item.x[k], item.low[k]) || !usable(item.high[k], options_.y.scale)) continue;
      path += fmt::format("{}{:.2f} {:.2f}", path.empty() ? 'M' : 'L', px(item.x[k]), py(item.high[k]));
      back = fmt::format("L{:.2f} {:.2f}", px(item.x[k]), py(item.low[k])) + back;
    }
    if (!path.empty())
      out_ += fmt::format("<path d=\"{}{}Z\" fill=\"{}\" fill-opacity=\"{:.3f}\"/>\n", path, back, item.style.colour,
                          0.2 * item.style.opacity);
  }

  void arrows(const Plot::Item& item) {
    for (std::size_t k = 0; k < item.x.size(); ++k) {
      if (!shown(item.x[k], item.low[k])) continue;
      const double x = px(item.x[k]), y = py(item.low[k]);
      out_ += fmt::format(
          "<path d=\"M{0:.2f} {1:.2f}H{2:.2f}M{3:.2f} {1:.2f}V{4:.2f}M{5:.2f} {6:.2f}L{3:.2f} {4:.2f}L{7:.2f} "
          "{6:.2f}\" "
          "fill=\"none\" {8}/>\n",
          x - 5, y, x + 5, x, y + 20, x - 4, y + 14, x + 4, stroke(item.style));
    }
  }

  void legend() {
    std::vector<const Plot::Item*> entries;
    std::size_t longest = 0;
    for (const Plot::Item& item : plot_.items_)
      if (!item.style.label.empty()) entries.push_back(&item), longest = std::max(longest, item.style.label.size());
    if (entries.empty()) return;
    const double width = 46.0 + 6.6 * static_cast<double>(longest),
                 height = 8.0 + 18.0 * static_cast<double>(entries.size());
    const bool at_right = options_.legend == Corner::top_right || options_.legend == Corner::bottom_right;
    const bool at_bottom = options_.legend == Corner::bottom_left || options_.legend == Corner::bottom_right;
    const double x = at_right ? right_ - width - 8 : left_ + 10, y = at_bottom ? bottom_ - height - 8 : top_ + 8;
    out_ += fmt::format(
        "<rect x=\"{:.1f}\" y=\"{:.1f}\" width=\"{:.1f}\" height=\"{:.1f}\" fill=\"#ffffff\" fill-opacity=\"0.85\"/>\n",
        x, y, width, height);
    for (std::size_t k = 0; k < entries.size(); ++k) {
      const double row = y + 16.0 + 18.0 * static_cast<double>(k);
      out_ += fmt::format("<g data-key=\"{}\">\n", entries[k]->style.colour);
      sample(*entries[k], x + 5, row - 4.5);
      text(x + 38, row, "start", entries[k]->style.label);
      out_ += "</g>\n";
    }
  }

  /// The symbol of a legend entry.
  void sample(const Plot::Item& item, double x, double y) {
    const bool filled = item.kind == Plot::Kind::band || item.kind == Plot::Kind::vertical_band;
    if (filled)
      out_ +=
          fmt::format("<rect x=\"{:.1f}\" y=\"{:.1f}\" width=\"26\" height=\"10\" fill=\"{}\" fill-opacity=\"0.2\"/>\n",
                      x, y - 5, item.style.colour);
    else if (item.kind == Plot::Kind::points)
      out_ += marker_shape(item.style, x + 13, y);
    else
      segment(x, y, x + 26, y, stroke(item.style));
  }

  void notes() {
    std::array<int, 4> used{};
    for (const auto& [corner, content] : plot_.notes_) {
      const bool at_right = corner == Corner::top_right || corner == Corner::bottom_right;
      const bool at_bottom = corner == Corner::bottom_left || corner == Corner::bottom_right;
      const int row = used[static_cast<std::size_t>(corner)]++;
      const double y = at_bottom ? bottom_ - 10.0 - 17.0 * row : top_ + 20.0 + 17.0 * row;
      text(at_right ? right_ - 10 : left_ + 10, y, at_right ? "end" : "start", content);
    }
  }

  const Plot& plot_;
  const PlotOptions& options_;
  double left_ = 0, right_ = 0, top_ = 0, bottom_ = 0;
  std::array<double, 2> x_range_{}, y_range_{};
  std::string out_;
};

Plot::Plot(PlotOptions options) : options_(std::move(options)) {}

void Plot::add(Item item) {
  if (item.style.colour.empty() && item.kind != Kind::text)
    item.style.colour = palette[next_colour_++ % palette.size()];
  items_.push_back(std::move(item));
}

namespace {
std::vector<double> copied(std::span<const double> values) { return {values.begin(), values.end()}; }
}  // namespace

void Plot::line(std::span<const double> x, std::span<const double> y, Style style) {
  HAVEN_ASSERT(x.size() == y.size());
  add({Kind::line, copied(x), copied(y), {}, std::move(style)});
}
void Plot::points(std::span<const double> x, std::span<const double> y, Style style) {
  HAVEN_ASSERT(x.size() == y.size());
  add({Kind::points, copied(x), copied(y), {}, std::move(style)});
}
void Plot::error_bars(std::span<const double> x, std::span<const double> low, std::span<const double> high,
                      Style style) {
  HAVEN_ASSERT(x.size() == low.size() && x.size() == high.size());
  add({Kind::error_bars, copied(x), copied(low), copied(high), std::move(style)});
}
void Plot::band(std::span<const double> x, std::span<const double> low, std::span<const double> high, Style style) {
  HAVEN_ASSERT(x.size() == low.size() && x.size() == high.size());
  add({Kind::band, copied(x), copied(low), copied(high), std::move(style)});
}
void Plot::vertical_band(double x0, double x1, Style style) {
  add({Kind::vertical_band, {x0, x1}, {}, {}, std::move(style)});
}
void Plot::vertical_line(double x, Style style) { add({Kind::vertical_line, {x}, {}, {}, std::move(style)}); }
void Plot::horizontal_line(double y, Style style) { add({Kind::horizontal_line, {}, {y}, {}, std::move(style)}); }
void Plot::upper_bounds(std::span<const double> x, std::span<const double> y, Style style) {
  HAVEN_ASSERT(x.size() == y.size());
  add({Kind::upper_bounds, copied(x), copied(y), {}, std::move(style)});
}
void Plot::annotate(double x, double y, std::string text) { add({Kind::text, {x}, {y}, {}, {}, std::move(text)}); }
void Plot::note(Corner corner, std::string text) { notes_.emplace_back(corner, std::move(text)); }
void Plot::top_axis(std::string label, std::vector<std::pair<double, std::string>> ticks) {
  top_label_ = std::move(label), top_ticks_ = std::move(ticks);
}

std::string Plot::to_svg() const { return Renderer(*this).render(); }

void Plot::save(const std::string& path) const {
  const std::string text = to_svg();
  std::FILE* file = std::fopen(path.c_str(), "w");
  if (file == nullptr) throw IoError("cannot write the figure", path, errno);
  const bool written = std::fwrite(text.data(), 1, text.size(), file) == text.size();
  if (std::fclose(file) != 0 || !written) throw IoError("cannot write the figure", path, errno);
}

std::vector<double> nice_ticks(double low, double high, int wanted) {
  HAVEN_ASSERT(wanted > 0);
  if (!(high > low)) return {low};
  const double rough = (high - low) / wanted, power = std::pow(10.0, std::floor(std::log10(rough)));
  double step = 10.0 * power;
  for (const double factor : {1.0, 2.0, 5.0})
    if (factor * power >= rough * (1 - 1e-9)) {
      step = factor * power;
      break;
    }
  std::vector<double> ticks;
  for (double k = std::floor(low / step + 1e-9); k * step <= high + (1 - 1e-9) * step; ++k) ticks.push_back(k * step);
  return ticks;
}

}  // namespace haven::svg
