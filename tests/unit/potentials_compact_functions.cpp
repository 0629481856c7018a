// n2p2's symmetry functions of compact support (types 20 to 25): against the sums of the paper, against numbers of n2p2
// itself, and what is refused.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cmath>
#include <fstream>
#include <numbers>

#include "core/error.hpp"
#include "core/rng.hpp"
#include "io/n2p2_potential.hpp"
#include "potentials/lowerings/radial_functions.hpp"
#include "potentials/program/drivers/cpu_scalar.hpp"
#include "potentials/program/drivers/cpu_simd.hpp"
#include "potentials/registry.hpp"
#include "potentials/structure_evaluation.hpp"
#include "support/finite_difference.hpp"
#include "support/potential_examples.hpp"
#include "support/shared_data.hpp"
#include "support/structures.hpp"

namespace haven::testing {
namespace {

constexpr double cutoff = 5.6;

struct CompactRow {
  double type, first, second, low, high, left, right, core;
};

/// Every type with every core, and angles that begin, end and are centred at 0 and 180 degrees. No two cores share
/// their distances: n2p2 takes the third side of one core for the next one when they do (its groups, calculateComp).
std::vector<CompactRow> compact_rows() {
  constexpr double distances[][2] = {{-5.6, 5.6}, {0, 5.25}, {1.5, 5.0}, {2.1, 5.6}, {-2.5, 5.3}, {0.5, 4.5}};
  constexpr double angles[][2] = {{0, 180}, {-180, 180}, {0, 360}, {49.1, 169.1}, {90, 270}, {0, 110}, {-60, 60}};
  constexpr double pairs[][2] = {{0, 0}, {0, 1}, {1, 1}};
  std::vector<CompactRow> rows;
  std::size_t k = 0;
  double shorter = 0;
  for (const double core : {1, 2, 3, 4, 5, 11, 12, 13, 14}) {
    for (int type = 20; type <= 25; ++type, ++k) {
      const bool weighted = type >= 23, radial = type == 20 || type == 23;
      const auto& range = distances[k % std::size(distances)];
      const auto& angle = angles[k % std::size(angles)];
      const auto& pair = pairs[k % std::size(pairs)];
      rows.push_back({double(type), weighted ? 0 : pair[0], weighted || radial ? 0 : pair[1], range[0],
                      range[1] - shorter, radial ? 0 : angle[0], radial ? 0 : angle[1], core});
    }
    shorter += 0.05;
  }
  return rows;
}

Model compact_model(const std::vector<CompactRow>& rows) {
  Model model{
      .kind = "n2p2", .cutoff = cutoff, .repulsion = "none", .elements = {}, .parameters = {}, .provenance = {}};
  Array table{.shape = {0, 9}, .values = {}};
  for (const int number : {3, 16}) {
    ModelElement element;
    element.number = number;
    element.mass = 2 * number;
    element.feature_shift.assign(rows.size(), 0.0);
    element.feature_scale.assign(rows.size(), 1.0);
    element.network.layers = {{.inputs = static_cast<Index>(rows.size()),
                               .outputs = 1,
                               .activation = Activation::identity,
                               .weights = std::vector<double>(rows.size(), 1.0),
                               .bias = {0.0}}};
    for (const CompactRow& r : rows) {
      table.values.insert(table.values.end(), {double(model.elements.size()), r.type, r.first, r.second, r.low, r.high,
                                               r.left, r.right, r.core});
      ++table.shape[0];
    }
    model.elements.push_back(element);
  }
  model.parameters = {{"cutoff_type", {.shape = {1}, .values = {1}}},
                      {"cutoff_alpha", {.shape = {1}, .values = {0}}},
                      {"compact_functions", table}};
  return model;
}

/// C(x; low, high) as the paper writes it: a core of the distance from the middle of its support.
double literal_compact(double core, double x, double low, double high) {
  if (x <= low || x >= high) return 0;
  double y = std::abs(2 * x - low - high) / (high - low);
  if (core > 10) {
    y = (2 - y) * y;
    core -= 10;
  }
  if (core == 1) return (2 * y - 3) * y * y + 1;
  if (core == 2) return ((15 - 6 * y) * y - 10) * std::pow(y, 3) + 1;
  if (core == 3) return (y * (y * (20 * y - 70) + 84) - 35) * std::pow(y, 4) + 1;
  if (core == 4) return (y * (y * ((315 - 70 * y) * y - 540) + 420) - 126) * std::pow(y, 5) + 1;
  return std::exp(1 - 1 / (1 - y * y));
}

double literal_symmetry_function(const std::vector<reference::Neighbour<double>>& near, const CompactRow& row) {
  const auto charge = [](int species) { return species == 0 ? 3.0 : 16.0; };
  const auto vector = [](const reference::Neighbour<double>& n) { return Vec3{n.d[0], n.d[1], n.d[2]}; };
  const auto radial = [&](double r) { return literal_compact(row.core, r, row.low, row.high); };
  const int type = static_cast<int>(row.type);
  double sum = 0;
  for (std::size_t j = 0; j < near.size(); ++j) {
    const double rj = norm(vector(near[j]));
    if (type == 20 && near[j].species == static_cast<int>(row.first)) sum += radial(rj);
    if (type == 23) sum += charge(near[j].species) * radial(rj);
    if (type == 20 || type == 23) continue;
    for (std::size_t k = j + 1; k < near.size(); ++k) {
      const int low = std::min(near[j].species, near[k].species), high = std::max(near[j].species, near[k].species);
      if (type < 23 && (low != static_cast<int>(row.first) || high != static_cast<int>(row.second))) continue;
      const Vec3 a = vector(near[j]), b = vector(near[k]);
      const double degrees = std::acos(dot(a, b) / (norm(a) * norm(b))) * 180 / std::numbers::pi;
      // The angle never has the form of the cores above 10.
      double term = radial(rj) * radial(norm(b)) *
                    literal_compact(row.core > 10 ? row.core - 10 : row.core, degrees, row.left, row.right);
      if (type == 21 || type == 24) term *= radial(norm(b - a));
      if (type >= 23) term *= charge(near[j].species) * charge(near[k].species);
      sum += term;
    }
  }
  return sum;
}

// The polynomials as the paper writes them are differences near the ends of their support, hence 1e-11.
TEST(CompactFunctions, EqualTheSumsOfThePaper) {
  const std::vector<CompactRow> rows = compact_rows();
  const Model model = compact_model(rows);
  const Descriptor descriptor = describe(model);
  int counted = 0;
  for (int a = 0; a < 2; ++a) {
    RandomSequence random(static_cast<std::uint64_t>(4 + a), Stream::test, 91);
    std::vector<reference::Neighbour<double>> near;
    for (int k = 0; k < 16; ++k) {
      const Vec3 u{random.normal(), random.normal(), random.normal()};
      const double r = (1.4 + 4.4 * random.uniform()) / norm(u);
      near.push_back({.species = k % 2, .d = {r * u.x, r * u.y, r * u.z}});
    }
    const auto features =
        reference::evaluate_centre<double>(descriptor, model, reference::ClosedFormRadial{&descriptor}, a,
                                           std::span<const reference::Neighbour<double>>(near))
            .features;
    ASSERT_EQ(features.size(), rows.size());
    for (std::size_t f = 0; f < rows.size(); ++f) {
      const double expected = literal_symmetry_function(near, rows[f]);
      EXPECT_NEAR(features[f], expected, 1e-11 * (1 + std::abs(expected))) << "function " << f;
      counted += expected != 0 ? 1 : 0;
    }
  }
  EXPECT_GT(counted, static_cast<int>(1.8 * static_cast<double>(rows.size()))) << "most functions see a neighbour";
}

// Slope and curvature of the closed forms against central differences, on both sides of the middle and near the ends.
TEST(CompactFunctions, HaveTheDerivativesOfTheirValues) {
  for (const WindowShape shape : {WindowShape::bump, WindowShape::flat_bump})
    for (const WindowType type :
         {WindowType::poly1, WindowType::poly2, WindowType::poly3, WindowType::poly4, WindowType::exponential})
      for (const double r : {1.02, 1.3, 2.4, 3.6, 4.9}) {
        const Window window{.type = type, .cutoff = 5, .inner = 3, .shape = shape};
        const RadialValue f = window_of(window, r);
        const double slope = central_difference([&](double h) { return window_of(window, r + h).value; }, 1e-4);
        const double curvature = central_difference([&](double h) { return window_of(window, r + h).slope; }, 1e-4);
        EXPECT_NEAR(f.slope, slope, 1e-8);
        EXPECT_NEAR(f.curvature, curvature, 1e-7);
      }
  const Window window{.type = WindowType::poly2, .cutoff = 5, .inner = 3, .shape = WindowShape::bump};
  for (const double r : {0.5, 1.0, 5.0, 6.0}) EXPECT_EQ(window_of(window, r).value, 0);
  EXPECT_EQ(window_of(window, 3.0).value, 1);
}

TEST(CompactFunctions, OfUnknownKindOrRangeAreRefused) {
  const auto refuses = [](std::size_t column, double value) {
    Model model = compact_model({{22, 0, 1, -5, 5, 0, 120, 2}});
    ASSERT_NO_THROW(static_cast<void>(describe(model)));
    model.parameters.at("compact_functions").values[column] = value;
    EXPECT_THROW(static_cast<void>(describe(model)), ModelError) << column << " = " << value;
  };
  refuses(0, 2);   // centre
  refuses(1, 19);  // type
  refuses(1, 26);
  refuses(2, -1);  // neighbour
  refuses(4, 5);   // r_l not below r_c
  refuses(4, -1e9);
  refuses(5, 5.7);  // beyond the model's cut-off
  refuses(6, -10);  // an angle cut by 0 degrees, not centred there
  refuses(7, 200);  // nor by 180
  refuses(7, 0);    // empty
  refuses(8, 6);    // core
  refuses(8, 0);
  refuses(8, 10);
  refuses(6, std::nan(""));
  Model model = compact_model({{22, 0, 1, -5, 5, 0, 120, 2}});
  model.parameters.erase("compact_functions");
  EXPECT_THROW(static_cast<void>(describe(model)), ModelError) << "no functions at all";
}

// --- numbers of n2p2 ---

/// A potential made up by rules, with all types and cores, in a shuffled order.
void write_potential(const TemporaryFolder& folder) {
  const std::vector<CompactRow> rows = compact_rows();
  constexpr const char* symbols[] = {"Li", "S"};
  std::vector<std::string> lines;
  for (const char* centre : symbols)
    for (std::size_t k = 0; k < rows.size(); ++k) {
      const CompactRow& r = rows[k * 25 % rows.size()];
      const int type = static_cast<int>(r.type), core = static_cast<int>(r.core);
      std::string line = fmt::format("symfunction_short {} {}", centre, type);
      if (type < 23) line += fmt::format(" {}", symbols[static_cast<int>(r.first)]);
      if (type == 21 || type == 22) line += fmt::format(" {}", symbols[static_cast<int>(r.second)]);
      line += fmt::format(" {} {:.2f}", r.low, r.high);
      if (type != 20 && type != 23) line += fmt::format(" {} {}", r.left, r.right);
      line += core == 5 ? " e" : fmt::format(" p{}{}", core % 10, core > 10 ? "a" : "");
      lines.push_back(line);
    }
  std::ofstream input(folder.file("input.nn"));
  input << "number_of_elements 2\nelements Li S\ncutoff_type 1\nscale_symmetry_functions\ncenter_symmetry_functions\n"
           "scale_min_short 0\nscale_max_short 1\nglobal_hidden_layers_short 1\nglobal_nodes_short 6\n"
           "global_activation_short t l\n";
  for (const std::string& line : lines) input << line << '\n';
  std::ofstream scaling(folder.file("scaling.data"));
  for (int element = 1; element <= 2; ++element)
    for (std::size_t k = 1; k <= rows.size(); ++k)
      scaling << fmt::format("{} {} 0 {} {} 1\n", element, k, k <= 27 ? 8 : 400, k <= 27 ? 2 : 100);
  for (const int number : {3, 16}) {
    std::ofstream weights(folder.file(fmt::format("weights.{:03}.data", number)));
    const std::size_t count = (rows.size() + 1) * 6 + 7;
    for (std::size_t k = 0; k < count; ++k)
      weights << fmt::format("{:.6f}\n", 0.8 * std::sin(1.7 * static_cast<double>(k + 1) + number));
  }
}

Structure made_up_structure() {
  Structure s;
  s.cell = Cell(Mat3{{{{6.4, 0, 0}, {0.9, 6.1, 0}, {-0.7, 0.8, 6.3}}}});
  for (const Vec3& f : {Vec3{0.03, 0.06, 0.02}, Vec3{0.46, 0.52, 0.05}, Vec3{0.55, 0.04, 0.49}, Vec3{0.02, 0.49, 0.54},
                        Vec3{0.48, 0.01, 0.02}, Vec3{0.01, 0.53, 0.04}, Vec3{0.04, 0.02, 0.51}, Vec3{0.53, 0.47, 0.55}})
    s.positions.push_back(s.cell.to_cartesian(f));
  s.numbers = {3, 3, 3, 3, 16, 16, 16, 16};
  return s;
}

// Energy and forces that n2p2 61daa0d gave for these files and this structure, which has no atom that sees its own
// image.
TEST(CompactFunctions, GiveTheEnergyAndForcesOfN2p2OnEveryInstructionSet) {
  const double energy = -2.8260838693338539;
  const std::vector<Vec3> forces{{-0.28045296489576338, -0.2230353887730579, -0.23661960841745155},
                                 {0.18651437886766023, 0.077951621288343265, 0.029279003499593531},
                                 {-0.15436074184902604, -0.30566560430501127, 0.096579717298226037},
                                 {-0.018743825718581492, 0.053918548302550683, 0.2596639659121957},
                                 {2.6493590237993612, -0.3301499433936988, -1.1686622864282303},
                                 {-2.0045318093810596, -0.92700073048864617, -0.82070175680316071},
                                 {-1.5772076817669056, 0.11218679943822607, 1.3132405343663407},
                                 {1.1994236209443137, 1.5417946979312926, 0.52722043057248635}};
  const TemporaryFolder folder;
  write_potential(folder);
  const Model model = read_n2p2(folder.path().string(), PotentialUnits::angstrom_ev);
  const Structure structure = made_up_structure();
  const auto reference = reference::make_reference_potential(model);
  for (const Isa isa : available_isas()) {
    const auto exact = make_vectorised_potential(model, Precision::float64, isa);
    const auto mixed = make_vectorised_potential(model, Precision::mixed, isa);
    const auto result = evaluate_all(*exact, structure);
    EXPECT_NEAR(result.energy, energy, 1e-8 * std::abs(energy)) << isa_name(isa);
    EXPECT_LT(largest_difference(result.forces, forces), 1e-7) << isa_name(isa);
    EXPECT_LT(largest_difference(evaluate_all(*mixed, structure).forces, forces), 1e-4) << isa_name(isa);
  }
  EXPECT_LT(largest_difference(evaluate_all(*reference, structure).forces, forces), 1e-7);
}

// A perfect simple cubic crystal is full of angles of 0 and 180 degrees, at which the slope of the angle itself has no
// bound: forces are finite and zero by symmetry, in both precisions.
TEST(CompactFunctions, AreFiniteForAtomsInLine) {
  const TemporaryFolder folder;
  write_potential(folder);
  const Model model = read_n2p2(folder.path().string(), PotentialUnits::angstrom_ev);
  Structure crystal;
  crystal.cell = Cell(4.8 * Mat3::identity());
  for (int k = 0; k < 8; ++k) {
    crystal.positions.push_back({2.4 * (k % 2), 2.4 * (k / 2 % 2), 2.4 * (k / 4)});
    crystal.numbers.push_back(3);
  }
  for (const Precision precision : {Precision::float64, Precision::mixed})
    for (const Isa isa : available_isas()) {
      const auto potential = make_vectorised_potential(model, precision, isa);
      const auto result = evaluate_all(*potential, crystal);
      EXPECT_TRUE(std::isfinite(result.energy)) << isa_name(isa);
      const double rounding = precision == Precision::mixed ? 1e-3 : 1e-9;
      EXPECT_LT(largest_difference(result.forces, std::vector<Vec3>(8)), rounding) << isa_name(isa);
    }
}

}  // namespace
}  // namespace haven::testing
