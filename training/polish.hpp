#pragma once
#include <functional>
#include <string>

#include "core/log.hpp"
#include "training/lbfgs.hpp"
#include "training/split.hpp"
#include "training/team.hpp"
#include "training/training_state.hpp"

namespace haven::training {

/// What polish() works on.
struct PolishPlan {
  std::vector<Batch> batches;  ///< all training frames, cut so that a batch fits into memory
  std::vector<int> valid;      ///< frames
  LossScale scale;             ///< weights of the terms; `frames` is set
  LimitedMemoryBfgs::InitialMatrix initial;
  Index iterations = 0, patience = 0;
};

enum class PolishEnd { finished, stopped };

/// Minimises the loss over all training frames together by limited-memory BFGS, from the best parameters so far, and
/// puts the parameters of the best validation into `best` (without validation frames: the last ones). Stochastic steps
/// end where the noise of small batches balances the curvature; here the narrow directions of the loss, which carry
/// much of the force error, are followed to their end.
/// @param stop  asked after every step, alike on all ranks: true ends the work
template <class T>
PolishEnd polish(Team<T>& team, const PolishPlan& plan, const std::function<bool()>& stop, Log& log, BestModel& best);

}  // namespace haven::training
