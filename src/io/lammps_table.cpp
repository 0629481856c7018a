#include "io/lammps_table.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <optional>

#include "core/species.hpp"
#include "io/potential_text.hpp"
#include "potentials/lowerings/pair_table.hpp"

namespace haven {
namespace {

struct Section {
  int first = 0, second = 0;  // atomic numbers
  std::vector<double> distance, energy, force;
};

constexpr int most_points = 1000000;

class TableFile {
 public:
  explicit TableFile(const std::string& path) : text_(path, "#") {}
  std::optional<Section> next() {
    if (!text_.next_line()) return std::nullopt;
    Section section;
    read_name(section);
    const int points = read_size();
    for (int k = 0; k < points; ++k) {
      text_.need_line("a line of the table");
      static_cast<void>(text_.integer("the number of the line", 0, most_points + 1));
      section.distance.push_back(text_.real("a distance", 1000));
      section.energy.push_back(text_.real("an energy", 1e12));
      section.force.push_back(text_.real("a force", 1e12));
    }
    check_distances(section);
    return section;
  }
  [[noreturn]] void refuse(const std::string& what) const { text_.refuse(what); }

 private:
  void read_name(Section& section) {
    const std::string name(text_.need_word("the name of a section"));
    const std::size_t between = name.find_first_of("_-");
    if (between != std::string::npos) {
      section.first = atomic_number(name.substr(0, between));
      section.second = atomic_number(name.substr(between + 1));
    }
    if (section.first == 0 || section.second == 0)
      text_.refuse(fmt::format("the section \"{}\" does not name two elements, such as Li_Cl", name));
  }
  int read_size() {
    text_.need_line("the size of the section");
    if (text_.need_word("N") != "N") text_.refuse("the size of the section does not begin with N");
    const int points = text_.integer("the number of points", 2, most_points);
    for (std::string_view word = text_.word(); !word.empty(); word = text_.word())
      if (word == "RSQ" || word == "BITMAP") text_.refuse("distances that are not equally spaced");
    return points;
  }
  void check_distances(const Section& section) const {
    const auto& r = section.distance;
    const double spacing = (r.back() - r.front()) / static_cast<double>(r.size() - 1);
    constexpr double printed = 1e-3;  // of a spacing: tables are often rounded to a few digits
    if (!(r.front() > 0 && spacing > 0)) text_.refuse("distances that do not grow from above zero");
    for (std::size_t k = 0; k < r.size(); ++k)
      if (std::abs(r[k] - r.front() - static_cast<double>(k) * spacing) > printed * spacing)
        text_.refuse("distances that are not equally spaced");
  }
  PotentialText text_;
};

}  // namespace

Model read_lammps_table(const std::string& path) {
  TableFile file(path);
  std::vector<Section> sections;
  std::vector<int> numbers;
  while (auto section = file.next()) {
    for (const int number : {section->first, section->second})
      if (std::find(numbers.begin(), numbers.end(), number) == numbers.end()) numbers.push_back(number);
    sections.push_back(std::move(*section));
  }
  if (sections.empty()) file.refuse("no section");
  std::sort(numbers.begin(), numbers.end());
  const std::vector<double>& distance = sections.front().distance;
  Model model;
  model.kind = "pair-table";
  model.cutoff = distance.back();
  model.minimum_distance = distance.front();
  model.repulsion = "none";
  for (const int number : numbers) {
    ModelElement element;
    element.number = number;
    element.mass = standard_mass(number);
    element.feature_shift = {0.0};
    element.feature_scale = {1.0};
    element.network = pair_table_network();
    model.elements.push_back(std::move(element));
  }
  Array energy{.shape = {0, static_cast<Index>(distance.size())}, .values = {}}, force = energy;
  for (std::size_t b = 0; b < numbers.size(); ++b)
    for (std::size_t a = 0; a <= b; ++a) {
      const auto is_pair = [&](const Section& s) {
        return std::minmax(s.first, s.second) == std::minmax(numbers[a], numbers[b]);
      };
      const auto found = std::find_if(sections.begin(), sections.end(), is_pair);
      if (found == sections.end() || std::count_if(sections.begin(), sections.end(), is_pair) > 1)
        file.refuse(fmt::format("{} section for {} and {}", found == sections.end() ? "no" : "more than one",
                                element_symbol(numbers[a]), element_symbol(numbers[b])));
      if (found->distance != distance) file.refuse("sections with different distances");
      for (const double e : found->energy) energy.values.push_back(e - found->energy.back());
      force.values.insert(force.values.end(), found->force.begin(), found->force.end());
      ++energy.shape[0], ++force.shape[0];
    }
  model.parameters = {
      {"range", {.shape = {2}, .values = {distance.front(), distance.back()}}}, {"energy", energy}, {"force", force}};
  return model;
}

}  // namespace haven
