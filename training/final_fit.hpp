#pragma once
#include <functional>
#include <span>
#include <vector>

#include "core/log.hpp"
#include "training/team.hpp"
#include "training/training_state.hpp"

namespace haven::training {

/// What fit_linear_part() works on.
struct FinalFitPlan {
  std::span<const int> train, valid;  ///< frames
  LossScale scale;                    ///< weights of the terms
  Index rows_per_unknown = 0;         ///< combinations of forces in all, per unknown
  std::uint64_t seed = 1;
  std::vector<Index> unknowns{};  ///< where the parameters are, see linear_parameters()
  /// Whether the engine would reproduce parameters: large weights that nearly cancel magnify the errors of its tables.
  std::function<bool(std::span<const double>)> exact{};
};

/// Offsets of the parameters that the energy is linear in, in the order of linear_columns().
[[nodiscard]] std::vector<Index> linear_parameters(const ParameterLayout& layout);

/// Minimises the loss exactly in the parameters that the energy is linear in, the linear paths and the last layers,
/// with everything else as in `best`: ridge regression of the change, from the normal equations of the training frames.
/// Gradient steps do not get there, since features of one radial channel hardly differ from atom to atom. The ridge
/// decides how far from `best` the result may be; among ridges the validation frames choose, the smaller one of two
/// only when it is better by 2 %: smaller ridges mean larger weights that nearly cancel, and what the engine cannot
/// reproduce is left out. `best` becomes the result when that is better on the validation frames; without them nothing
/// is done.
/// @return whether `best` was replaced
template <class T>
bool fit_linear_part(Team<T>& team, const FinalFitPlan& plan, Log& log, BestModel& best);

}  // namespace haven::training
