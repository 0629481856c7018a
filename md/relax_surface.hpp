#pragma once
#include <vector>

#include "md/relax.hpp"

namespace haven {

/// Steps and forces of a minimisation: one vector per atom (A, eV/A) and the strain, a coordinate that is scaled by
/// sqrt(N) times the mean atomic spacing, which gives it about the stiffness of the atoms' own.
struct RelaxVector {
  std::vector<Vec3> atoms;
  Mat3 cell{};

  /// this += factor * other
  void add(double factor, const RelaxVector& other);
  RelaxVector& operator*=(double factor);
};
[[nodiscard]] double inner(const RelaxVector& a, const RelaxVector& b);

/// A point on the way: a structure, its enthalpy and what drives it on.
struct RelaxPoint {
  Structure structure;
  RelaxVector force;  ///< minus the gradient of the enthalpy
  RelaxStep values{.step = -1};
};

/// The enthalpy of a structure as a function of positions and strain; positions follow the cell.
class RelaxSurface {
 public:
  RelaxSurface(const Potential& potential, const Structure& structure, const RelaxOptions& options);
  [[nodiscard]] const RelaxPoint& present() const { return present_; }
  [[nodiscard]] bool converged() const {
    return present_.values.max_force <= options_.force_tolerance &&
           present_.values.max_stress <= options_.stress_tolerance;
  }
  /// The largest factor up to `wanted` with which `step` moves no atom by more than 0.1 A and strains by at most 2 %.
  [[nodiscard]] double allowed_factor(const RelaxVector& step, double wanted) const;
  /// Goes to the point that is factor * step from `from` and evaluates it.
  /// @throws NumericalError when the cell collapses
  void go(const RelaxPoint& from, double factor, const RelaxVector& step);

 private:
  void evaluate();
  [[nodiscard]] Mat3 allowed(const Mat3& stress) const;

  const Potential& potential_;
  const RelaxOptions& options_;
  double scale_ = 1;  // A: length of the coordinate that is a unit of strain
  RelaxPoint present_;
};

/// Something that walks downhill.
class Minimiser {
 public:
  virtual ~Minimiser() = default;
  Minimiser() = default;
  Minimiser(const Minimiser&) = delete;
  Minimiser& operator=(const Minimiser&) = delete;
  /// One or more evaluations further. Returns false when it can get no lower.
  virtual bool step() = 0;
};

/// FIRE (Bitzek, Koskinen, Gaehler, Moseler, Gumbsch, Phys. Rev. Lett. 97, 170201 (2006)).
class Fire final : public Minimiser {
 public:
  explicit Fire(RelaxSurface& surface);
  bool step() override;

 private:
  static constexpr double first_timestep = 0.1, first_mixing = 0.1;  // as published, unit masses
  void mix();
  RelaxSurface& surface_;
  RelaxVector velocity_;
  double timestep_ = first_timestep, mixing_ = first_mixing;
  int downhill_ = 0;
};

/// Limited-memory BFGS (Nocedal, Math. Comput. 35, 773 (1980)) with a line search that accepts sufficient decrease or,
/// where the enthalpy no longer resolves it, the approximate Wolfe condition of Hager and Zhang, SIAM J. Optim. 16, 170
/// (2005).
class Lbfgs final : public Minimiser {
 public:
  explicit Lbfgs(RelaxSurface& surface) : surface_(surface) {}
  bool step() override;

 private:
  struct Pair {
    RelaxVector step, change;  // of the coordinates, and of the gradient
    double curvature = 0;      // their product
  };
  [[nodiscard]] RelaxVector direction() const;
  [[nodiscard]] bool search(const RelaxPoint& from, const RelaxVector& direction, double& factor);
  void remember(const RelaxPoint& from, const RelaxVector& direction, double factor);

  static constexpr std::size_t memory = 20;
  RelaxSurface& surface_;
  std::vector<Pair> history_;  // oldest first
};

}  // namespace haven
