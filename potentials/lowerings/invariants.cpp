#include "potentials/lowerings/invariants.hpp"

#include <algorithm>
#include <cmath>
#include <map>
#include <numbers>
#include <vector>

#include "core/error.hpp"
#include "potentials/program/kernel.hpp"

namespace haven {
namespace {

double factorial(int n) { return n < 2 ? 1.0 : n * factorial(n - 1); }

/// Points and weights of a rule on the unit sphere that is exact for polynomials of degree 31: Gauss-Legendre in z
/// times uniform angles.
struct SphereRule {
  std::vector<Vec3> points;
  std::vector<double> weights;
};

SphereRule sphere_rule() {
  constexpr int n = 16, angles = 32;
  SphereRule rule;
  for (int k = 0; k < n; ++k) {
    double z = std::cos(std::numbers::pi * (k + 0.75) / (n + 0.5)), slope = 0;
    for (int iteration = 0; iteration < 100; ++iteration) {
      double before = 1, current = z;
      for (int l = 1; l < n; ++l) {
        const double next = ((2 * l + 1) * z * current - l * before) / (l + 1);
        before = current;
        current = next;
      }
      slope = n * (z * current - before) / (z * z - 1);
      const double step = current / slope;
      z -= step;
      if (std::abs(step) < 1e-16) break;
    }
    const double weight = 2 / ((1 - z * z) * slope * slope), rho = std::sqrt(1 - z * z);
    for (int a = 0; a < angles; ++a) {
      const double phi = 2 * std::numbers::pi * (a + 0.5) / angles;
      rule.points.push_back({rho * std::cos(phi), rho * std::sin(phi), z});
      rule.weights.push_back(weight * 2 * std::numbers::pi / angles);
    }
  }
  return rule;
}

/// Integrals of products of three real harmonics over the sphere, for all m of the given l: [m1][m2][m3].
std::vector<double> gaunt(const std::array<int, 3>& l) {
  static const SphereRule rule = sphere_rule();
  const int l_max = std::max({l[0], l[1], l[2]});
  std::vector<double> y(static_cast<std::size_t>((l_max + 1) * (l_max + 1)));
  std::vector<double> sums(static_cast<std::size_t>((2 * l[0] + 1) * (2 * l[1] + 1) * (2 * l[2] + 1)), 0.0);
  for (std::size_t p = 0; p < rule.points.size(); ++p) {
    kernel::spherical_harmonics(l_max, rule.points[p].x, rule.points[p].y, rule.points[p].z, y.data());
    std::size_t at = 0;
    for (int i = l[0] * l[0]; i < (l[0] + 1) * (l[0] + 1); ++i)
      for (int j = l[1] * l[1]; j < (l[1] + 1) * (l[1] + 1); ++j)
        for (int k = l[2] * l[2]; k < (l[2] + 1) * (l[2] + 1); ++k)
          sums[at++] += rule.weights[p] * y[static_cast<std::size_t>(i)] * y[static_cast<std::size_t>(j)] *
                        y[static_cast<std::size_t>(k)];
  }
  return sums;
}

using Factor = std::array<int, 2>;  // channel, moment
/// Sum of products of moments: equal ones are one entry.
template <std::size_t degree>
using Monomials = std::map<std::array<Factor, degree>, double>;

template <std::size_t degree>
void add_monomial(Monomials<degree>& sum, std::array<Factor, degree> factors, double weight) {
  std::sort(factors.begin(), factors.end());
  sum[factors] += weight;
}

template <std::size_t degree>
ProductTerm collect(const Monomials<degree>& sum) {
  ProductTerm term;
  for (const auto& [factors, weight] : sum) {
    if (std::abs(weight) < 1e-12) continue;
    MomentProduct product{.weight = weight, .degree = static_cast<int>(degree)};
    for (std::size_t f = 0; f < degree; ++f) {
      product.channel[f] = factors[f][0];
      product.moment[f] = factors[f][1];
    }
    term.push_back(product);
  }
  return term;
}

}  // namespace

double wigner_3j_zero(int l1, int l2, int l3) {
  const int sum = l1 + l2 + l3, g = sum / 2;
  if (sum % 2 != 0 || l3 > l1 + l2 || l3 < std::abs(l1 - l2)) return 0;
  const double triangle =
      factorial(sum - 2 * l1) * factorial(sum - 2 * l2) * factorial(sum - 2 * l3) / factorial(sum + 1);
  const double value = std::sqrt(triangle) * factorial(g) / (factorial(g - l1) * factorial(g - l2) * factorial(g - l3));
  return g % 2 == 0 ? value : -value;
}

ProductTerm coupled_product(const std::array<int, 3>& channel, const std::array<int, 3>& l) {
  const double zero = wigner_3j_zero(l[0], l[1], l[2]);
  HAVEN_ASSERT(zero != 0 && std::max({l[0], l[1], l[2]}) <= 8);
  // Gaunt = sqrt((2 l1 + 1)(2 l2 + 1)(2 l3 + 1)/(4 pi)) 3j(0) 3j(m) in the complex basis.
  const double scale =
      1 / (std::sqrt((2 * l[0] + 1) * (2 * l[1] + 1) * (2 * l[2] + 1) / (4 * std::numbers::pi)) * zero);
  const std::vector<double> integrals = gaunt(l);
  Monomials<3> products;
  std::size_t at = 0;
  for (int i = l[0] * l[0]; i < (l[0] + 1) * (l[0] + 1); ++i)
    for (int j = l[1] * l[1]; j < (l[1] + 1) * (l[1] + 1); ++j)
      for (int k = l[2] * l[2]; k < (l[2] + 1) * (l[2] + 1); ++k)
        add_monomial<3>(products, {{{channel[0], i}, {channel[1], j}, {channel[2], k}}}, scale * integrals[at++]);
  return collect(products);
}

ProductTerm coupled_product(const std::array<int, 4>& channel, const std::array<int, 4>& l, int through) {
  HAVEN_ASSERT(wigner_3j_zero(l[0], l[1], through) != 0 && wigner_3j_zero(l[2], l[3], through) != 0);
  const std::vector<double> first = gaunt({l[0], l[1], through}), second = gaunt({l[2], l[3], through});
  const auto width = [](int degree) { return static_cast<std::size_t>(2 * degree + 1); };
  Monomials<4> products;
  for (std::size_t i = 0; i < width(l[0]); ++i)
    for (std::size_t j = 0; j < width(l[1]); ++j)
      for (std::size_t k = 0; k < width(l[2]); ++k)
        for (std::size_t n = 0; n < width(l[3]); ++n) {
          double weight = 0;
          for (std::size_t m = 0; m < width(through); ++m)
            weight +=
                first[(i * width(l[1]) + j) * width(through) + m] * second[(k * width(l[3]) + n) * width(through) + m];
          const auto moment = [&](std::size_t f, std::size_t at) { return l[f] * l[f] + static_cast<int>(at); };
          add_monomial<4>(products,
                          {{{channel[0], moment(0, i)},
                            {channel[1], moment(1, j)},
                            {channel[2], moment(2, k)},
                            {channel[3], moment(3, n)}}},
                          4 * std::numbers::pi * weight);
        }
  return collect(products);
}

ProductTerm squared_dipole(int channel, double weight) {
  ProductTerm term;
  for (int a = 1; a <= 3; ++a)
    for (int b = a; b <= 3; ++b)
      term.push_back({.weight = a == b ? weight : 2 * weight,
                      .degree = 4,
                      .channel = {channel, channel, channel, channel},
                      .moment = {a, a, b, b}});
  return term;
}

}  // namespace haven
