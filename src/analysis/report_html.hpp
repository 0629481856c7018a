#pragma once
#include <string>
#include <utility>
#include <vector>

#include "analysis/estimate.hpp"

/// Small pieces of HTML. Everything that comes from files is escaped here.
namespace haven::report {

/// & < > " as entities.
[[nodiscard]] std::string escaped(const std::string& text);
/// "2.31(8)e-5" as 2.31(8) x 10 superscript -5.
[[nodiscard]] std::string scientific(const std::string& text);
/// A sentence of the analysis: escaped, with A^2 and the like as people write them.
[[nodiscard]] std::string prose(const std::string& text);
/// Value in value(uncertainty) notation with its 95 % interval on a second line, or the bound, or a dash; the refusal
/// is a tooltip.
[[nodiscard]] std::string estimate_cell(const Estimate& estimate);
/// "0.32 ... 0.53"
[[nodiscard]] std::string interval_text(const Estimate& estimate);
/// A number with three significant digits, or a dash for negative ones (absent).
[[nodiscard]] std::string number_or_dash(double value);

/// Rows of cells that are HTML already.
class Table {
 public:
  /// What the last column holds: numbers are aligned on the right, texts on the left.
  enum class Last { number, text };
  explicit Table(std::vector<std::string> heads, Last last = Last::number) : heads_(std::move(heads)), last_(last) {}
  void row(std::vector<std::string> cells) { rows_.push_back(std::move(cells)); }
  [[nodiscard]] bool empty() const { return rows_.empty(); }
  [[nodiscard]] std::string html() const;

 private:
  std::vector<std::string> heads_;
  Last last_;
  std::vector<std::vector<std::string>> rows_;
};

/// <section> with a heading; empty when `body` is empty.
[[nodiscard]] std::string section(const std::string& id, const std::string& title, const std::string& body);
/// A figure with its caption, under the id "fig-NAME"; `svg` goes in as it is.
[[nodiscard]] std::string figure(const std::string& name, const std::string& svg, const std::string& caption);
/// Figures side by side.
[[nodiscard]] std::string figures(const std::vector<std::string>& items);
/// A folded part.
[[nodiscard]] std::string details(const std::string& summary, const std::string& body);
/// The whole page.
[[nodiscard]] std::string page(const std::string& title,
                               const std::vector<std::pair<std::string, std::string>>& contents,
                               const std::string& body);

}  // namespace haven::report
