#include "training/trainer.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cmath>

#include "core/error.hpp"
#include "training/final_fit.hpp"
#include "training/learning_curve.hpp"
#include "training/polish.hpp"

namespace haven::training {
namespace {

double now_minutes() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count() / 60;
}

double root_mean(double squares, double count) { return count > 0 ? std::sqrt(squares / count) : -1; }

}  // namespace

std::string describe_errors(const PartErrors& errors) {
  std::string text;
  if (errors.energy >= 0) text += fmt::format("E {:.2f} meV/atom ", 1e3 * errors.energy);
  if (errors.force >= 0) text += fmt::format("F {:.1f} meV/A ", 1e3 * errors.force);
  if (errors.virial >= 0) text += fmt::format("V {:.2f} meV/atom", 1e3 * errors.virial);
  return text;
}

PartErrors part_errors(const LossSums& sums) {
  return {.energy = root_mean(sums.energy_squares, sums.energies),
          .force = root_mean(sums.force_squares, sums.force_components),
          .virial = root_mean(sums.stress_squares, sums.stress_components)};
}

double score(const LossSums& sums, const LossScale& scale) {
  const auto mean = [](double squares, double count) { return count > 0 ? squares / count : 0.0; };
  return scale.energy * mean(sums.energy_squares, sums.energies) +
         scale.force * mean(sums.force_squares, sums.force_components) +
         scale.stress * mean(sums.stress_squares, sums.stress_components);
}

double validation_score(const LossSums& sums, const LossScale& scale) {
  return scale.robust > 0 ? sums.loss : score(sums, scale);
}

template <class T>
Trainer<T>::Trainer(const TrainRequest& request, TrainingPlan plan, Team<T>& team, const TrainingData<T>& data,
                    TrainingState& state)
    : request_(request), plan_(std::move(plan)), team_(team), data_(data), state_(state) {
  for (const int f : plan_.train) atoms_.push_back(data_.atoms(f));
  schedule_ = request.options;
  gradient_.resize(state_.optimiser.parameters.size());
}

template <class T>
double Trainer<T>::minutes() const {
  return minutes_before_ + now_minutes() - started_;
}

namespace {

/// The stochastic part of a run with a time limit leaves a fifth of it to the polishing.
double stochastic_minutes(const TrainOptions& options) {
  return options.polish_iterations > 0 ? 0.8 * options.max_minutes : options.max_minutes;
}

}  // namespace

template <class T>
double Trainer<T>::progress() const {
  const TrainOptions& options = request_.options;
  const double epochs = static_cast<double>(state_.epoch) + static_cast<double>(state_.batch) / batches_of_epoch_;
  double done = epochs / static_cast<double>(options.max_epochs);
  if (options.max_minutes > 0) done = std::max(done, shared_minutes_ / stochastic_minutes(options));
  return std::min(1.0, done);
}

template <class T>
TrainingEnd Trainer<T>::run() {
  const TrainOptions& options = request_.options;
  const BatchRules rules{.batch_atoms = options.batch_atoms,
                         .batch_frames = options.batch_frames,
                         .shards = options.shards,
                         .seed = options.seed};
  started_ = now_minutes();
  minutes_before_ = shared_minutes_ = last_checkpoint_ = state_.minutes;
  const auto stale = [&] { return options.patience > 0 && state_.epoch - state_.best.epoch >= options.patience; };
  while (state_.epoch < options.max_epochs && !stale()) {
    const auto batches = plan_epoch(atoms_, rules, state_.epoch);
    batches_of_epoch_ = static_cast<double>(batches.size());
    // A small data set must not spend its whole training in the warm-up.
    const Index steps = options.max_epochs * static_cast<Index>(batches.size());
    schedule_.warm_up_steps = std::min(options.warm_up_steps, std::max<Index>(1, steps / 20));
    for (; state_.batch < static_cast<Index>(batches.size()); ++state_.batch) {
      if (should_stop()) {
        checkpoint();
        return TrainingEnd::stopped;
      }
      if (options.max_minutes > 0 && shared_minutes_ >= stochastic_minutes(options)) {
        if (state_.epoch == 0 || state_.batch > 0) finish_epoch();
        checkpoint();
        return TrainingEnd::time_used;
      }
      if (options.checkpoint_minutes > 0 && shared_minutes_ - last_checkpoint_ >= options.checkpoint_minutes)
        checkpoint();
      train_batch(batches[static_cast<std::size_t>(state_.batch)]);
    }
    finish_epoch();
    if (stale() || state_.epoch >= options.max_epochs) checkpoint();
  }
  return state_.epoch < options.max_epochs ? TrainingEnd::no_improvement : TrainingEnd::epochs_used;
}

template <class T>
TrainingEnd Trainer<T>::polish_best(TrainingEnd end) {
  const TrainOptions& options = request_.options;
  if (options.polish_iterations == 0 || end == TrainingEnd::stopped) return end;
  constexpr Index batch_atoms = 512, batch_frames = 4;  // all are summed up: large ones are cheaper, no other result
  PolishPlan plan{.batches = plan_epoch(atoms_,
                                        {.batch_atoms = std::max(options.batch_atoms, batch_atoms),
                                         .batch_frames = std::max(options.batch_frames, batch_frames),
                                         .shards = options.shards,
                                         .seed = options.seed},
                                        0),
                  .valid = plan_.valid,
                  .scale = plan_.end,
                  .initial = [&](std::span<const double> x) { return state_.optimiser.precondition(x); },
                  .iterations = options.polish_iterations,
                  .patience = options.patience};
  for (Batch& batch : plan.batches)
    for (auto& shard : batch)
      for (int& f : shard) f = plan_.train[static_cast<std::size_t>(f)];
  bool stopped = false;
  const auto stop = [&] {
    stopped = should_stop();
    return stopped || (options.max_minutes > 0 && shared_minutes_ >= options.max_minutes);
  };
  (void)polish(team_, plan, stop, *request_.log, state_.best);
  state_.minutes = minutes();
  return stopped ? TrainingEnd::stopped : end;
}

template <class T>
TrainingEnd Trainer<T>::fit_best(TrainingEnd end) {
  if (end == TrainingEnd::stopped) return end;
  if (should_stop()) return TrainingEnd::stopped;
  const FinalFitPlan plan{.train = plan_.train,
                          .valid = plan_.valid,
                          .scale = plan_.end,
                          .rows_per_unknown = request_.options.final_fit_rows,
                          .seed = request_.options.seed,
                          .unknowns = plan_.linear_parameters,
                          .exact = plan_.exact};
  (void)fit_linear_part(team_, plan, *request_.log, state_.best);
  state_.minutes = minutes();
  return end;
}

template <class T>
void Trainer<T>::train_batch(const Batch& batch) {
  const double done = progress();
  LossScale scale = plan_.end;
  scale.energy = energy_weight(plan_.start.energy, plan_.end.energy, done);
  scale.frames = 0;
  Batch frames = batch;
  for (auto& shard : frames)
    for (int& f : shard) {
      f = plan_.train[static_cast<std::size_t>(f)];
      scale.frames += 1;
    }
  Optimiser& optimiser = state_.optimiser;
  const double rate = learning_rate(schedule_, optimiser.step, done);
  const LossSums sums = team_.gradient(frames, optimiser.parameters, scale, gradient_);
  refuse_bad_loss(sums, rate);
  optimiser.update(gradient_, rate, plan_.decay,
                   {.weight_decay = request_.options.weight_decay,
                    .average_decay = request_.options.average_decay,
                    .gradient_clip = request_.options.gradient_clip});
  state_.sums.add(sums);
  if (request_.log->enabled() && request_.group->is_root())
    request_.log->progress(fmt::format("epoch {}/{} batch {}/{:.0f}  {}  lr {:.1e}  {:.1f} min", state_.epoch + 1,
                                       request_.options.max_epochs, state_.batch + 1, batches_of_epoch_,
                                       describe_errors(part_errors(sums)), rate, minutes()));
}

template <class T>
void Trainer<T>::refuse_bad_loss(const LossSums& sums, double rate) const {
  if (sums.bad_frame >= 0)
    throw NumericalError(
        fmt::format("the loss is not finite in epoch {}, batch {}", state_.epoch + 1, state_.batch + 1),
        frame_name(data_.frames(), static_cast<Index>(sums.bad_frame)),
        fmt::format("Look at this frame (overlapping atoms?); if it is sound, lower train.learning_rate "
                    "(now {:.1e}). The last checkpoint is intact.",
                    rate));
  for (const double g : gradient_)
    if (!std::isfinite(g))
      throw NumericalError(fmt::format("the gradient of the loss is not finite in epoch {}, batch {}", state_.epoch + 1,
                                       state_.batch + 1),
                           "training", "Lower train.learning_rate, or use precision = \"float64\".");
}

template <class T>
void Trainer<T>::finish_epoch() {
  const double rate = learning_rate(schedule_, state_.optimiser.step, progress());
  LossScale scale = plan_.end;
  scale.frames = static_cast<double>(std::max<std::size_t>(1, plan_.valid.size()));
  const LossSums valid = team_.errors(plan_.valid, state_.optimiser.average, scale);
  const PartErrors train_errors = part_errors(state_.sums), valid_errors = part_errors(valid);
  const double value = plan_.valid.empty() ? score(state_.sums, plan_.end) : validation_score(valid, plan_.end);
  ++state_.epoch;
  state_.batch = 0;
  const bool better = state_.best.epoch == 0 || value < state_.best.score;
  if (better)
    state_.best = {.score = value,
                   .epoch = state_.epoch,
                   .parameters = state_.optimiser.average,
                   .train = train_errors,
                   .valid = valid_errors};
  state_.sums = {};
  if (request_.group->is_root()) {
    append_curve(plan_.curve, {.epoch = state_.epoch,
                               .step = state_.optimiser.step,
                               .rate = rate,
                               .train = train_errors,
                               .valid = valid_errors,
                               .score = value,
                               .minutes = minutes()});
    request_.log->info(fmt::format("epoch {:4d}  train {}  valid {}  lr {:.1e}  {:.1f} min{}", state_.epoch,
                                   describe_errors(train_errors), describe_errors(valid_errors), rate, minutes(),
                                   better ? "  *" : ""));
  }
}

template <class T>
bool Trainer<T>::should_stop() {
  // One message: root's clock, and whether any rank was asked to stop.
  const std::string reason = request_.stop_reason ? request_.stop_reason() : "";
  double agreed[2] = {request_.group->is_root() ? minutes() : 0.0, reason.empty() ? 0.0 : 1.0};
  request_.group->all_reduce_max(std::span<double>(agreed));
  shared_minutes_ = agreed[0];
  if (agreed[1] > 0) stop_reason_ = reason.empty() ? "the request of another rank" : reason;
  return agreed[1] > 0;
}

template <class T>
void Trainer<T>::checkpoint() {
  state_.minutes = minutes();
  last_checkpoint_ = shared_minutes_;
  if (plan_.checkpoint.empty() || !request_.group->is_root()) return;
  PosixFileSystem files;
  write_training_state(files, plan_.checkpoint, state_, plan_.identity);
}

template class Trainer<float>;
template class Trainer<double>;

}  // namespace haven::training
